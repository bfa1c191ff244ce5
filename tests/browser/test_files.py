"""A department's file: tried out, sent, followed, its rows answered, and who was not found."""

import io
import re
from pathlib import Path

import openpyxl
from playwright.sync_api import expect

from dixian.demo import reports
from dixian.demo.people import document_number, family
from dixian.people import VILLAGE
from shared.testing.decider import rule
from tests.browser.people import Desk, Office

SIZE = 200_000
"""Bytes of a file that take two seconds over a weak signal."""
TITLES = {
    "external_id": "流水号",
    "document_number": "身份证",
    "name": "患者",
    "type": "类别",
    "happened_on": "结算日",
    "amount": "自付",
    "division": "区划",
    "period": "月份",
}


@rule("R42")
def test_a_file_is_tried_out_sent_and_answered_row_by_row(office: Office, tmp_path: Path) -> None:
    known, unknown = document_number(1966), document_number(1967)
    _registered(office, known)
    sheet = _file(office, tmp_path / "六月.csv", known, unknown)
    county = office.desk_of("county-officer").goes("/files/new").is_readable()
    county.page.locator("main").get_by_role("link", name="医保").click()
    county.sees("文件应有的列").is_readable()
    county.page.locator("#file").set_input_files(sheet)
    county.page.get_by_role("button", name="预览").click()
    refusal = county.page.locator("#refusal")
    expect(refusal).to_be_visible()
    county.is_readable()
    _maps(county)
    county.page.locator("#file").set_input_files(sheet)
    county.page.get_by_role("button", name="预览").click()
    county.sees("魏**")
    expect(county.page.locator("main")).not_to_contain_text(known)
    county.is_readable()

    province = office.desk_of("province-officer").goes("/files/mapping?feed=medical-insurance")
    _maps(province)
    province.is_readable()
    province.page.get_by_role("button", name="保存").click()
    province.sees("对照表已保存")

    county.goes("/files/new?feed=medical-insurance")
    county.page.locator("#file").set_input_files(sheet)
    sent = _slowly_sent(county)
    assert sent == sorted(sent)
    assert len(set(sent)) > 2, "the bar moves"
    assert sent[-1] == 1
    expect(county.page.locator(".tag")).to_have_text("已完成")
    county.sees("已处理4行").is_readable()
    _every_row(county)
    _by_itself(office, county, unknown)


def _file(office: Office, target: Path, known: str, unknown: str) -> Path:
    """Somebody of the register, nobody of it, too little, and a number that cannot be."""
    with office.system.client() as client:
        day = client.today()
    wrong = f"{unknown[:-1]}{'0' if unknown[-1] != '0' else '1'}"
    rows = (
        (f"A{unknown[6:]}1", known, "魏守田", "26000"),
        (f"A{unknown[6:]}2", unknown, "魏无名", "26000"),
        (f"A{unknown[6:]}3", known, "魏守田", "100"),
        (f"A{unknown[6:]}4", wrong, "魏错号", "26000"),
    )
    lines = [
        f"{key},{number},{name},年度自付过高,{day},{amount},{VILLAGE},{day:%Y-%m}"
        for key, number, name, amount in rows
    ]
    # Blank lines are no rows, but they are on their way for a while.
    target.write_text(
        "\n".join((",".join(TITLES.values()), *lines)) + "\n" * SIZE, encoding="utf-8"
    )
    return target


def _slowly_sent(county: Desk) -> list[float]:
    """Sent over a weak signal: how full the bar was from time to time; nobody reloads a page."""
    page, sent = county.page, list[float]()
    page.expose_function("told", lambda share: sent.append(share))  # noqa: PLW0108 - it has to be a function
    page.evaluate(
        """new MutationObserver(([{ target }]) => told(target.value / target.max))
           .observe(document.querySelector("#sending"), { attributeFilter: ["value"] })"""
    )
    line = page.context.new_cdp_session(page)
    weak = {"offline": False, "latency": 20, "downloadThroughput": -1}
    line.send("Network.emulateNetworkConditions", {**weak, "uploadThroughput": 100_000})
    page.get_by_role("button", name="上传").click()
    expect(page.locator("form [data-sending]")).to_contain_text("正在上传")
    page.wait_for_url(re.compile(r"/files/[0-9a-f-]{36}$"))
    line.detach()
    return sent


def _maps(desk: Desk) -> None:
    """The file's own titles beside the fields."""
    folded = desk.page.locator("details:not([open]) > summary")
    if folded.count():
        folded.click()
    for name, title in TITLES.items():
        desk.page.locator(f'[name="column.{name}"]').fill(title)


def _every_row(county: Desk) -> None:
    """Each row has its one fate, on the page and as a sheet."""
    rows = county.page.locator("tbody tr")
    expect(rows).to_have_count(4)
    for number, fate in enumerate(("已生成线索", "未找到农户", "未达阈值", "有误")):
        expect(rows.nth(number)).to_contain_text(fate)
    expect(rows.last).to_contain_text("证件号码列")
    expect(rows.last).to_contain_text("证件号码校验位不正确")
    county.page.get_by_role("link", name="有误").click()
    expect(rows).to_have_count(1)
    with county.page.expect_download() as download:
        county.page.get_by_role("link", name="XLSX").click()
    sheet = openpyxl.load_workbook(io.BytesIO(download.value.path().read_bytes())).worksheets[0]
    assert [cell.value for cell in sheet[2]][1:4] == ["有误", "证件号码校验位不正确", "证件号码列"]
    assert sheet.max_row == 2


def _by_itself(office: Office, county: Desk, unknown: str) -> None:
    """Who was not found waits, visibly; once the village has registered them, a case opens."""
    county.page.get_by_role("link", name="未找到农户").click()
    county.page.locator("tbody").get_by_role("link", name="未找到农户").click()
    lead = county.page.url.removeprefix(office.url)
    county.sees("系统没有找到证件号码相符的农户").is_readable()
    expect(county.page.get_by_role("link", name="确认农户")).to_have_count(0)
    county.goes("/files").page.get_by_role("link", name="待确认农户的预警").click()
    expect(county.page.locator(f'main a[href="{lead}"]')).to_be_visible()
    _registered(office, unknown)
    county.goes(lead).reloads_until('a:has-text("查看个案")')


def _registered(office: Office, number: str) -> str:
    """A household of one person."""
    body = reports.household(family("魏")[:1])
    body["members"][0]["document_number"] = number
    with office.system.client() as client:
        made = client.act("village-officer", "identification", "/households", body)
    return str(made["id"])


@rule("R42")
def test_a_number_that_was_misheard_is_suggested_and_an_officer_decides(office: Office) -> None:
    number = document_number(1958)
    household = _registered(office, number)
    misheard = f"{number[:9]}{(int(number[9]) + 1) % 10}{number[10:]}"
    declared = {
        "source": "SELF_DECLARATION",
        "channel": "PAPER",
        "division": VILLAGE,
        "person": {"name": "魏守田", "document_number": misheard},
        "risks": ["ILLNESS"],
        "text": "住院花费较大",
    }
    with office.system.client() as client:
        lead = client.act("town-officer", "alerts", "/leads", declared)["id"]
    county = office.desk_of("county-officer").goes(f"/leads/{lead}")
    suggested = county.reloads_until(f'li:has(a[href="/households/{household}"])')
    expect(suggested).to_contain_text("证件号码仅有一处不同")
    county.is_readable()
    suggested.get_by_role("link", name="就是这一户").click()
    expect(county.page.locator('[name="household_id"]')).to_have_value(household)
    county.sends().reloads_until('a:has-text("查看个案")')
