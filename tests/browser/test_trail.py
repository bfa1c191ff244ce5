"""The trail: a filter exported with its proofs, and kept for everybody of one's role."""

import io
import json
import zipfile
from uuid import uuid4

import openpyxl
from playwright.sync_api import Locator, expect

from tests.browser.people import Desk, Office

NAME = f"公示记录{uuid4().hex[:6]}"
FILTER = "/trail?type=Approved&role=committee"


def test_exactly_what_the_filter_shows_is_exported_with_its_proofs(office: Office) -> None:
    inspector = office.desk_of("inspector").goes(FILTER)
    shown = inspector.page.locator("tbody > tr").count()
    assert shown > 0
    inspector.page.get_by_role("button", name="导出").click()
    inspector.reloads_until('a:has-text("下载")')
    inspector.sees(f"已导出{shown}行").is_readable()
    with inspector.page.expect_download() as download:
        inspector.page.get_by_role("link", name="下载").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        names = archive.namelist()
        manifest = json.loads(archive.read("manifest.json"))
        rows = next(name for name in names if name.endswith(".xlsx"))
        sheet = openpyxl.load_workbook(io.BytesIO(archive.read(rows))).worksheets[0]
        proofs = archive.read("proofs.jsonl").splitlines()
    assert manifest["rows"] == len(proofs) == shown
    header, *cells = sheet.iter_rows(values_only=True)
    assert [row[header.index("事项代码")] for row in cells] == ["Approved"] * shown


def test_a_search_is_kept_for_everybody_of_ones_role_and_nobody_else(office: Office) -> None:
    city = office.desk_of("city-officer").goes("/trail?type=NoticePosted")
    city.page.locator("#name").fill(NAME)
    city.page.get_by_label("与辖区内同岗位共享").check()
    city.page.get_by_role("button", name="保存").click()
    city.sees("常用查询已保存")
    county = office.desk_of("county-officer")
    _kept(county).click()
    expect(county.page.locator('select[name="type"]')).to_have_value("NoticePosted")
    expect(county.page.get_by_role("button", name="删除")).to_have_count(0)
    expect(_kept(office.desk_of("inspector"))).to_have_count(0)
    _kept(city)
    city.is_readable()
    city.page.get_by_role("button", name=f"删除 {NAME}").click()
    city.sees("常用查询已删除")
    expect(_kept(county)).to_have_count(0)


def _kept(desk: Desk) -> Locator:
    desk.goes("/trail")
    folded = desk.page.get_by_text("常用查询", exact=True)
    if folded.count():
        folded.click()
    return desk.page.get_by_role("link", name=NAME)
