"""The demo's whole story, clicked through: a phone in the yard, desks elsewhere."""

import re
from datetime import date, timedelta

from docx import Document
from playwright.sync_api import Locator, expect

from dixian.demo.people import family
from dixian.people import VILLAGE
from shared.policy.legal_time import after
from tests.browser.people import PHOTO, Desk, Office

A4 = (595, 842)
"""Points."""
INCOMES = {
    "incomes.0.amount": "24,000",
    "incomes.1.amount": "10000",
    "incomes.2.amount": "6000",
    "incomes.3.amount": "3000",
}
BILL = {
    "expenses.0.type": "MEDICAL",
    "expenses.0.bill": "60000",
    "expenses.0.basic_insurance": "30000",
    "expenses.0.critical_illness": "8000",
    "expenses.0.medical_aid": "4000",
    "expenses.0.evidence": PHOTO,
}
FOUND = {
    **{
        f"gaps.{gap}": "no"
        for gap in ("COMPULSORY_EDUCATION", "BASIC_MEDICAL", "HOUSING", "SAFE_WATER")
    },
    **{f"watch.{item}": "no" for item in ("SCHOOLING", "EMPLOYMENT", "INDUSTRY")},
    "watch.MEDICAL_CARE": "yes",
    "risks": "ILLNESS",
    "hardship": "yes",
    "shock": "ILLNESS",
    "income_stable": "no",
    "coping.can_cope": "no",
    "coping.evidence": PHOTO,
}
MEETING = {
    "form": "REPRESENTATIVES",
    "due": "45",
    "present": "38",
    "in_favour": "36",
    "against": "2",
    "minutes": "到会38人,同意36人。",
}


def test_a_household_from_its_call_for_help_to_the_end_of_help(office: Office) -> None:
    system = office.system
    with system.client() as client:
        today = client.today()

        def day(number: int) -> date:
            to = today + timedelta(days=number)
            client.move_clock(to)
            return to

        case = _reported(office)
        _prepared(office, case)
        _decided_in_the_village(office, case)
        village = office.desk_of("village-officer")
        day(5)
        village.goes(f"/cases/{case}/do/publicity").submits().is_refused("R56")
        day(6)
        village.finds("公示期满", f"/cases/{case}").sends()
        _approved(office, case)
        plan = _planned(office, case)
        client.move_clock(after(today + timedelta(days=6), "6m") + timedelta(days=1))
        _eliminated(office, plan, lambda: client.move_clock(client.today() + timedelta(days=6)))
    _proven(office, case)


def _reported(office: Office) -> str:
    """The village registers the family and reports what it saw; a case opens by itself."""
    village = office.desk_of("village-officer")
    members: dict[str, str] = {}
    for number, person in enumerate(family("沈")):
        members |= {
            f"members.{number}.name": person.name,
            f"members.{number}.document_number": person.number,
            f"members.{number}.labour": person.labour,
        }
        if number:
            members[f"members.{number}.relation"] = person.relation
    village.goes("/households/new")
    for number in range(2, len(family())):
        village.page.get_by_role("button", name="再加一名成员").click()
        expect(village.page.locator(f'[name="members.{number}.name"]')).to_be_visible()
    village.fills(
        {
            "history": "FORMERLY_POOR",
            "address": "蒲秋村幸福街18号",
            "phone": "13805310019",
            **members,
        }
    ).sends()
    village.sees("沈**")
    expect(village.page.locator("main")).not_to_contain_text(family("沈")[0].name)
    household = village.last_id
    village.page.get_by_role("link", name="登记线索").click()
    lead = {"source": "SELF_DECLARATION", "channel": "PAPER", "risks": "ILLNESS"}
    village.fills({**lead, "text": "老人透析,自付一万八。"}).sends()
    village.reloads_until('a[href^="/cases/"]:has-text("查看个案")').click()
    case = village.last_id
    village.sees("待办理").sees("剩余3天")
    assert household
    return case


def _prepared(office: Office, case: str) -> None:
    """Officers named, the authorisation signed, the household visited, its data compared."""
    town, village = office.desk_of("town-officer"), office.desk_of("village-officer")
    town.finds("明确专人", f"/cases/{case}").fills(
        {"village_officer": "person:village-officer"}
    ).sends()
    village.finds("农户授权承诺", f"/cases/{case}")
    signer = village.page.locator('[name="signer_id"] option').nth(1).get_attribute("value") or ""
    village.fills({"signer_id": signer, "scope": ("BANK", "VEHICLE"), "evidence": PHOTO}).sends()
    village.finds("入户核实", f"/cases/{case}")
    village.fills({"signer_id": signer, **INCOMES, **BILL, **FOUND}).sends()
    village.sees("7,750.00").sees("18,000.00").sees("建议识别为脱贫不稳定户")
    county = office.desk_of("county-officer")
    county.finds("信息比对", f"/cases/{case}").fills(
        {"results.0.source": "MEDICAL_INSURANCE", "results.1.source": "CIVIL_AFFAIRS"}
    ).sends()


def _decided_in_the_village(office: Office, case: str) -> None:
    """Deliberated, reviewed by the town, and the notice seen, printed and posted."""
    village = office.desk_of("village-officer")
    village.finds("民主评议", f"/cases/{case}").sees("建议识别为脱贫不稳定户")
    expect(village.page.locator('[name="category"][value="UNSTABLE_EXIT"]')).to_be_checked()
    village.fills({**MEETING, "conclusion": "IDENTIFY"}).sends()
    office.desk_of("town-officer").finds("镇级审核反馈", f"/cases/{case}").fills(
        {"passed": "yes"}
    ).sends()
    notice = {"number": "蒲秋公示〔2024〕9号", "objection_phone": "0531-83712317"}
    village.finds("张贴公示", f"/cases/{case}").fills(notice)
    before = _paper(village, village.page.get_by_role("button", name="预览和打印"))
    with village.page.expect_download() as download:
        village.page.get_by_role("button", name="下载DOCX").click()
    said = [
        cell.text for row in Document(download.value.path()).tables[0].rows for cell in row.cells
    ]
    assert "沈守田" in said
    wrong = {"remark": "电话13805310019", "evidence": PHOTO}
    village.fills(wrong).submits().is_refused("R65", "remark")
    village.fills({"remark": ""}).sends()
    assert _paper(village, village.page.get_by_role("link", name=notice["number"])) == before
    for shown in ("沈守田", "刚性支出较大", "脱贫不稳定户", "异议受理电话"):
        assert shown in before


def _paper(desk: Desk, opener: Locator) -> str:
    """What stands on the sheet that opens beside the page; one A4 page wide, with its button."""
    with desk.page.expect_popup() as opened:
        opener.click()
    sheet = opened.value
    expect(sheet.get_by_role("button", name="打印")).to_be_visible()
    sheet.emulate_media(media="print")
    expect(sheet.get_by_role("button", name="打印")).to_be_hidden()
    text = sheet.locator("body").inner_text()
    pages = re.findall(
        rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", sheet.pdf(prefer_css_page_size=True)
    )
    assert [tuple(round(float(side)) for side in page) for page in pages] == [A4]
    sheet.close()
    return text


def _approved(office: Office, case: str) -> None:
    committee, county = office.desk_of("county-committee"), office.desk_of("county-officer")
    committee.finds("县级批准", f"/cases/{case}").fills(
        {"authority": "COMMITTEE", "document": "章农委纪〔2024〕18号"}
    ).sends()
    committee.sees("已识别")
    county.finds("县级公告", f"/cases/{case}").fills(
        {"number": "章农公告〔2024〕22号", "objection_phone": "0531-83212317"}
    ).sends()
    county.finds("录入系统", f"/cases/{case}").fills({"receipt": "SD20241012R"}).sends()


def _planned(office: Office, case: str) -> str:
    """The plan: refused without a development measure, then complete; a job begins."""
    village, town = office.desk_of("village-officer"), office.desk_of("town-officer")
    village.goes(f"/cases/{case}").reloads_until('a[href^="/plans/"]').click()
    plan = village.last_id
    village.goes(f"/plans/{plan}/do/draft").fills(
        {"willing": "yes", "willingness_evidence": PHOTO, "responses.0.kinds": "MEDICAL_AID"}
    ).sends()
    aid = {
        "terms.kind": "MEDICAL_AID",
        "terms.fund": "INDUSTRY_POLICY",
        "terms.department": "MEDICAL_INSURANCE",
        "terms.amount": "6000",
        "terms.to_household": "yes",
    }
    village.goes(f"/plans/{plan}/do/measure").fills(aid).sends()
    village.goes(f"/plans/{plan}/do/submission").submits().is_refused("R78")
    job = {
        "terms.kind": "WORKSHOP_JOB",
        "terms.fund": "LINKAGE_FUND",
        "terms.department": "HUMAN_RESOURCES",
        "terms.to_household": "yes",
    }
    village.goes(f"/plans/{plan}/do/measure").fills(job).sends()
    village.goes(f"/plans/{plan}/do/submission").sends()
    village.sees("实施中")
    row = town.goes(f"/plans/{plan}").page.locator("tr", has_text="帮扶车间就业")
    row.get_by_role("link", name="开始实施").click()
    town.sends()
    row.get_by_role("link", name="登记产出和补助").click()
    town.fills({"quantity": "5", "amount": "15000", "evidence": PHOTO}).sends()
    return plan


def _eliminated(office: Office, plan: str, six_days: object) -> None:
    """After the half-year: proposed, visited, deliberated, reviewed, posted, approved, marked."""
    village, town = office.desk_of("village-officer"), office.desk_of("town-officer")
    village.goes(f"/plans/{plan}/do/proposal").fills(
        {
            "mode": "ASSISTED",
            "income.wage_income": "39000",
            "income.operating_income": "11000",
            "income.transfer_income": "3000",
            "income.operating_expense": "6000",
            "income.evidence": PHOTO,
            **{f"guarantees.{n}.secured": "1" for n in range(4)},
            **{f"guarantees.{n}.evidence": PHOTO for n in range(4)},
            "risks.0.gone": "1",
            "risks.0.evidence": PHOTO,
            "no_new_risk": "yes",
        }
    ).sends()
    village.page.locator('a[href^="/eliminations/"]').first.click()
    end = village.last_id
    path = f"/eliminations/{end}"
    town.finds("消除前入户核实", path).fills({"confirmed": "yes", "evidence": PHOTO}).sends()
    village.finds("消除民主评议", path).fills(MEETING).sends()
    town.finds("消除镇级审核", path).fills({"passed": "yes", "feedback": "情况属实。"}).sends()
    number = "蒲秋公示〔2025〕1号"
    village.finds("张贴消除公示", path).fills({"notice_no": number, "text": "拟标注风险消除。"})
    before = _paper(village, village.page.get_by_role("button", name="预览和打印"))
    village.fills({"photo": PHOTO}).sends()
    assert _paper(village, village.page.get_by_role("link", name=number)) == before
    assert "拟标注风险消除。" in before
    _objected_and_answered(office, path)
    assert callable(six_days)
    six_days()
    village.finds("消除公示期满", path).sends()
    office.desk_of("county-committee").finds("批准风险消除", path).fills(
        {"approved": "yes", "authority": "章农委纪〔2025〕2号"}
    ).sends()
    county = office.desk_of("county-officer")
    county.finds("消除公告", path).fills(
        {"notice_no": "章农公告〔2025〕5号", "text": "该户风险已稳定消除。"}
    ).sends()
    county.finds("系统标注", path).fills({"receipt": "SD20250423X"}).sends()
    county.sees("已消除")


def _objected_and_answered(office: Office, path: str) -> None:
    """Somebody objects to the elimination: read for a purpose by the town, then answered."""
    village, town = office.desk_of("village-officer"), office.desk_of("town-officer")
    village.goes(path).page.get_by_role("link", name="登记消除异议").click()
    village.fills({"statement": "他儿子又回来住了"}).sends()
    expect(village.page.locator("main")).not_to_contain_text("他儿子")
    town.finds("答复异议", path, "答复消除异议")
    with town.page.expect_popup() as opened:
        town.page.get_by_role("link", name="查看异议、会议记录和备注").click()
    Desk(office, opened.value).reads("第1件异议", "他儿子又回来住了").is_readable()
    opened.value.close()
    town.fills({"upheld": "no", "answer": "只是探亲,已核对。"}).sends()
    town.sees("答复消除异议").sees("person:town-officer")


def _proven(office: Office, case: str) -> None:
    """An inspector asks who approved, and the page checks the proof for itself."""
    inspector = office.desk_of("inspector")
    inspector.goes(f"/trail?stream={case}&type=Approved")
    inspector.reloads_until('a:has-text("核验")').click()
    inspector.sees("证明有效").sees("person:county-committee")
    assert VILLAGE
