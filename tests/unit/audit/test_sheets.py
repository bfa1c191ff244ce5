"""Rows in three formats; nothing in them is ever a formula."""

import csv
import io
import zipfile
from typing import Any
from xml.etree import ElementTree as ET

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit.exports import sheets
from services.audit.exports.sheets import COLUMNS, Format, TooLong

ROW = {name: f"{name} 值" for name in COLUMNS} | {
    "index": 7,
    "actor_roles": ["committee", "officer"],
    "data": {"amount": 775_000, "reason": "=HYPERLINK(1)"},
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def written(kind: Format, *rows: dict[str, Any]) -> bytes:
    target = io.BytesIO()
    sheets.write(kind, iter(rows), target)
    return target.getvalue()


def read_csv(raw: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def read_xlsx(raw: bytes) -> list[list[str]]:
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(io.BytesIO(raw)) as book:
        assert book.testzip() is None
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))
    assert not sheet.findall(".//m:f", space)
    assert {cell.get("t") for cell in sheet.iterfind(".//m:c", space)} == {"inlineStr"}
    return [
        ["".join(text.itertext()) for text in row.iterfind("m:c/m:is/m:t", space)]
        for row in sheet.iterfind(".//m:row", space)
    ]


def test_the_three_formats_say_the_same() -> None:
    expected = [f"{name} 值" for name in COLUMNS]
    expected[COLUMNS.index("index")] = "7"
    expected[COLUMNS.index("actor_roles")] = "committee officer"
    expected[COLUMNS.index("data")] = '{"amount":775000,"reason":"=HYPERLINK(1)"}'
    assert read_csv(written(Format.CSV, ROW)) == [list(COLUMNS), expected]
    assert read_xlsx(written(Format.XLSX, ROW)) == [list(COLUMNS), expected]
    assert orjson.loads(written(Format.JSONL, ROW)) == ROW


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_what_would_be_a_formula_is_text(start: str) -> None:
    row = {**ROW, "actor": f"{start}cmd|' /C calc'!A0"}
    shown = read_csv(written(Format.CSV, row))[1][COLUMNS.index("actor")]
    assert shown.startswith("'")


@settings(max_examples=60, deadline=None)
@given(TEXT, TEXT)
def test_any_text_goes_through_csv_and_opens_in_xlsx(one: str, other: str) -> None:
    row = {**ROW, "actor": one, "region": other}
    shown = read_csv(written(Format.CSV, row))[1]
    assert shown[COLUMNS.index("actor")] == sheets.safe(one)
    assert len(read_xlsx(written(Format.XLSX, row))[1]) == len(COLUMNS)


def test_the_same_rows_give_the_same_bytes() -> None:
    assert written(Format.XLSX, ROW, ROW) == written(Format.XLSX, ROW, ROW)


def test_a_sheet_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "_LONGEST_SHEET", 3)
    assert len(read_xlsx(written(Format.XLSX, ROW, ROW))) == 3
    with pytest.raises(TooLong):
        written(Format.XLSX, ROW, ROW, ROW)
