"""The trail: a filter exported with its proofs, and kept for everybody of one's role."""

import io
import json
import zipfile
from pathlib import Path
from uuid import uuid4

import openpyxl
from playwright.sync_api import Locator, expect

from services.audit.domain.tlogproof import TlogProof
from services.audit.log.keys import KeyVerifier
from tests.browser.people import Desk, Office

PARTS = {"leaf.json": "下载原文", "entry.tlog-proof": "下载证明", "log.vkey": "下载公钥"}
"""What is taken along to somebody who trusts nobody here."""
NAME = f"公示记录{uuid4().hex[:6]}"
FILTER = "/trail?type=Approved&role=committee"


def test_exactly_what_the_filter_shows_is_exported_with_its_proofs(office: Office) -> None:
    inspector = office.desk_of("inspector").goes(FILTER)
    shown = inspector.page.locator("tbody > tr").count()
    assert shown > 0
    inspector.page.get_by_role("button", name="导出").click()
    expect(inspector.page.get_by_role("link", name="下载", exact=True)).to_be_visible()
    inspector.sees(f"导出已完成。 已导出{shown}行").is_readable()
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
    _a_taken_name_is_said_where_it_was_typed(city)
    county = office.desk_of("county-officer")
    _kept(county).click()
    expect(county.page.locator('select[name="type"]')).to_have_value("NoticePosted")
    expect(county.page.get_by_role("button", name="删除")).to_have_count(0)
    expect(_kept(office.desk_of("inspector"))).to_have_count(0)
    _kept(city)
    city.is_readable()
    city.page.get_by_role("button", name=f"删除 {NAME}", exact=True).click()
    city.sees("常用查询已删除")
    expect(_kept(county)).to_have_count(0)


def _a_taken_name_is_said_where_it_was_typed(city: Desk) -> None:
    """Nothing is lost: neither the filter nor what was typed."""
    city.goes("/trail?type=Approved&since=2023-08-01").page.locator("#name").fill(NAME)
    city.page.get_by_label("与辖区内同岗位共享").check()
    city.page.get_by_role("button", name="保存").click()
    expect(city.page.locator("#name-fault")).to_contain_text("同名")
    expect(city.page.locator("#name")).to_have_value(NAME)
    expect(city.page.get_by_label("与辖区内同岗位共享")).to_be_checked()
    expect(city.page.locator('select[name="type"]')).to_have_value("Approved")
    city.is_readable()
    city.page.locator("#name").fill(f"{NAME}批准")
    city.page.get_by_role("button", name="保存").click()
    city.sees("常用查询已保存")
    assert "since=2023-08-01" in city.page.url
    _kept(city, f"{NAME}批准")
    city.page.get_by_role("button", name=f"删除 {NAME}批准").click()
    city.sees("常用查询已删除")


def test_a_timeline_says_what_each_act_changed_and_its_proof_is_taken_along(
    office: Office, tmp_path: Path
) -> None:
    inspector = office.desk_of("inspector").goes(FILTER)
    inspector.page.get_by_role("link", name="同一编号").first.click()
    rows = inspector.page.locator("tbody > tr")
    expect(rows.first).to_contain_text("立案")
    approved = rows.filter(has_text="县级批准")
    approved.locator("summary").click()
    expect(approved.locator("dl")).to_contain_text("识别日期")
    expect(approved.locator("dl")).not_to_contain_text("identified_on")
    inspector.is_readable()
    approved.get_by_role("link", name="核验").click()
    inspector.sees("证明有效:这条记录在日志中,日志签名有效")
    for name, words in PARTS.items():
        with inspector.page.expect_download() as download:
            inspector.page.get_by_role("link", name=words).click()
        download.value.save_as(tmp_path / name)
    leaf, proof, vkey = ((tmp_path / name).read_bytes() for name in PARTS)
    key = KeyVerifier.parse(vkey.decode())
    TlogProof.parse(proof).verify(leaf, [key], key.name)
    assert json.loads(leaf)["type"] == "Approved"


def _kept(desk: Desk, name: str = NAME) -> Locator:
    desk.goes("/trail")
    folded = desk.page.get_by_text("常用查询", exact=True)
    if folded.count():
        folded.click()
    return desk.page.get_by_role("link", name=name, exact=True)
