"""Leaders' numbers down to the village, and the 2% ledger from its figures to its review."""

from io import BytesIO
from pathlib import Path

import openpyxl
from playwright.sync_api import expect

from dixian.people import PROVINCE, TOWN, VILLAGE
from shared.testing.decider import rule
from tests.browser.people import PHOTO, Desk, Office


@rule("R114")
def test_a_leader_goes_down_to_the_village_and_takes_the_numbers_along(office: Office) -> None:
    _every_month_is_a_rush(office)
    leader = office.desk_of("province-principal").goes("/board")
    expect(leader.reloads_until('li:has-text("突击识别")')).to_contain_text("户")
    for length in (4, 6, 9, 12):
        leader.page.locator(f'td a[href="/board?division={VILLAGE[:length]}"]').click()
        expect(leader.page.locator(".crumbs")).to_contain_text("›")
    expect(leader.page.locator("h1")).to_contain_text("蒲秋村")
    leader.is_readable()
    months = leader.page.locator("section", has=leader.page.get_by_role("heading", name="逐月识别"))
    shown = [row.split("\t") for row in months.locator("tr").all_inner_texts()]
    assert _sheet(leader, "trend") == shown
    assert _sheet(leader, "clocks")[0] == ["时限", "办结", "逾期", "目前超期未办"]
    assert _sheet(leader, "findings")[0] == ["日期", "问题", "地方", "答复"]


def _every_month_is_a_rush(office: Office) -> None:
    """By the province's own numbers: one identification more than usual stands out."""
    with office.system.client() as client:
        who, service = "province-officer", "identification"
        parameters = client.get(who, service, "/policy", division=PROVINCE)["parameters"]
        version = {
            "version": f"{PROVINCE}/2024-8",
            "document": "鲁农发〔2024〕8号",
            "division": PROVINCE,
            "effective_from": client.today().isoformat(),
            "parameters": {**parameters, "rush_month_times": 1, "rush_month_at_least": 1},
        }
        client.act(who, service, "/policy", {"policy": version})


def _sheet(desk: Desk, name: str) -> list[list[str]]:
    """A table of the board as a spreadsheet program opens it."""
    with desk.page.expect_download() as download:
        desk.page.locator(f'a[href^="/board/{name}.xlsx"]').click()
    sheet = openpyxl.load_workbook(BytesIO(download.value.path().read_bytes())).worksheets[0]
    return [[str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]


@rule("R110", "R111")
def test_a_town_over_the_share_is_listed_and_gone_through(office: Office, tmp_path: Path) -> None:
    county = office.desk_of("county-officer").goes("/ledger")
    county.page.get_by_role("link", name="上传农村户籍人口").click()
    with county.page.expect_download() as download:
        county.page.get_by_role("link", name="下载模板").click()
    file = _populated(Path(download.value.path()), tmp_path / "人口.xlsx")
    county.page.locator("#f-file").set_input_files(file)
    county.page.get_by_role("button", name="上传").click()
    county.sees("处理完毕").sees("有误 0").is_readable()
    county.goes("/ledger").page.get_by_role("link", name="更新镇级台账").click()
    county.fills({"town": TOWN}).sends()
    row = county.page.locator("tr", has_text="垛庄镇").first
    expect(row).to_contain_text("已列入")
    county.page.get_by_role("link", name="县级核查台账").click()
    review = {"town": TOWN, "mass_relapse_risk": "no", "evidence": PHOTO}
    county.fills(review).submits().is_refused("未落实帮扶措施", "town")
    _everybody_is_helped(office)
    county.fills(review).sends().sees("台账核查已登记")


def _everybody_is_helped(office: Office) -> None:
    """A job that has begun, for every household of the town that no measure reaches."""
    with office.system.client() as client:
        for row in client.get("town-officer", "assistance", "/plans", lacking="HELP")["items"]:
            plan = client.get("town-officer", "assistance", f"/plans/{row['plan_id']}")
            terms = {
                "kind": "WORKSHOP_JOB",
                "fund": "LINKAGE_FUND",
                "department": "HUMAN_RESOURCES",
                "risks": plan["risks"],
                "to_household": True,
            }
            at = f"/plans/{row['plan_id']}/measures"
            village = "village-officer" if plan["division"] == VILLAGE else "other-village-officer"
            filed = client.act(village, "assistance", at, {"terms": terms})["events"][0]["data"]
            client.act("town-officer", "assistance", f"{at}/{filed['measure_id']}/start", {})


def _populated(template: Path, target: Path) -> Path:
    """Forty people in every village."""
    book = openpyxl.load_workbook(BytesIO(template.read_bytes()))
    titles, *rows = book.worksheets[0].iter_rows()
    at = [cell.value for cell in titles].index("农村户籍人口")
    for row in rows:
        row[at].value = 40
    book.save(target)
    return target
