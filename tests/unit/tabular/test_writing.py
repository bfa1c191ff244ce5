"""Rows in three formats; nothing in them is ever a formula."""

import csv
import io
import zipfile
from collections.abc import AsyncIterator, Iterable
from datetime import date
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import openpyxl
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.tabular import writing
from shared.tabular.writing import Book, Format, TooLong

COLUMNS = {"row": "行号", "actor": "办理人", "roles": "岗位", "day": "日期", "data": "内容"}
ROW: dict[str, Any] = {
    "row": 7,
    "actor": "甲 <值> & 乙",
    "roles": ["committee", "officer"],
    "data": {"amount": 775_000, "reason": "=HYPERLINK(1)"},
}
SHOWN = ["7", "甲 <值> & 乙", "committee officer", "", '{"amount":775000,"reason":"=HYPERLINK(1)"}']
TITLES = list(COLUMNS.values())
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def written(kind: Format, *rows: dict[str, Any]) -> bytes:
    target = io.BytesIO()
    writing.write(kind, COLUMNS, iter(rows), target)
    return target.getvalue()


def read_csv(raw: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def read_xlsx(raw: bytes) -> list[list[str]]:
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(io.BytesIO(raw)) as book:
        assert book.testzip() is None
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))
    assert not sheet.findall(".//m:f", space)
    assert {cell.get("t") for cell in sheet.iterfind(".//m:c", space)} <= {"inlineStr", None}
    return [
        ["".join(cell.itertext()) for cell in row.iterfind("m:c", space)]
        for row in sheet.iterfind(".//m:row", space)
    ]


def test_the_three_formats_say_the_same() -> None:
    assert read_csv(written(Format.CSV, ROW)) == [TITLES, SHOWN]
    assert read_xlsx(written(Format.XLSX, ROW)) == [TITLES, SHOWN]
    assert orjson.loads(written(Format.JSONL, ROW)) == ROW


def test_days_and_ids_stand_in_cells_without_quotes() -> None:
    (_, row) = read_csv(written(Format.CSV, {"day": date(2023, 8, 1), "row": None}))
    assert row == ["", "", "", "2023-08-01", ""]


def test_another_program_opens_the_workbook() -> None:
    (sheet,) = openpyxl.load_workbook(io.BytesIO(written(Format.XLSX, ROW))).worksheets
    header, row = sheet.iter_rows(values_only=True)
    assert list(header) == TITLES
    assert [value or "" for value in row] == [7, *SHOWN[1:]]


def test_numbers_are_numbers_and_money_has_two_places() -> None:
    raw = written(Format.XLSX, {"row": 12, "actor": Decimal("26000.50"), "data": True})
    (sheet,) = openpyxl.load_workbook(io.BytesIO(raw)).worksheets
    row = sheet[2]
    assert [cell.value for cell in row] == [12, 26000.5, "", "", "true"]
    assert (row[0].number_format, row[1].number_format) == ("General", "#,##0.00")
    assert read_csv(written(Format.CSV, {"actor": Decimal("26000.50")}))[1][1] == "26000.50"


def test_a_workbook_names_its_sheet_and_explains_itself() -> None:
    target = io.BytesIO()
    book = Book(sheet="审计<记录>", notes=(("查询", "=1+1"), ("时间", "Asia/Shanghai")))
    writing.write(Format.XLSX, COLUMNS, iter([ROW]), target, book)
    made = openpyxl.load_workbook(target)
    assert made.sheetnames == ["审计<记录>", "说明"]
    notes = made["说明"].iter_rows(values_only=True)
    assert list(notes) == [("查询", "=1+1"), ("时间", "Asia/Shanghai")]
    assert {cell.data_type for row in made["说明"].iter_rows() for cell in row} == {"s"}


def test_what_people_fill_in_keeps_every_digit_they_type() -> None:
    target = io.BytesIO()
    writing.write(Format.XLSX, COLUMNS, iter(()), target, Book(fillable=True))
    sheet = openpyxl.load_workbook(target).worksheets[0]
    assert sheet.column_dimensions["A"].number_format == "@"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_what_would_be_a_formula_is_text(start: str) -> None:
    row = {**ROW, "actor": f"{start}cmd|' /C calc'!A0"}
    assert read_csv(written(Format.CSV, row))[1][1].startswith("'")


@settings(max_examples=60, deadline=None)
@given(TEXT, TEXT)
def test_any_text_goes_through_csv_and_opens_in_xlsx(one: str, other: str) -> None:
    row = {**ROW, "actor": one, "row": other}
    assert read_csv(written(Format.CSV, row))[1][1] == writing.safe(one)
    assert len(read_xlsx(written(Format.XLSX, row))[1]) == len(COLUMNS)


def test_the_same_rows_give_the_same_bytes() -> None:
    assert written(Format.XLSX, ROW, ROW) == written(Format.XLSX, ROW, ROW)


@pytest.mark.parametrize("kind", list(Format))
async def test_an_answer_that_streams_is_the_same_file(kind: Format) -> None:
    async def batches() -> AsyncIterator[Iterable[dict[str, Any]]]:
        yield [ROW, ROW]
        yield [ROW]

    parts = [part async for part in writing.streamed(kind, COLUMNS, batches())]
    read = read_xlsx if kind is Format.XLSX else read_csv
    assert read(b"".join(parts)) == read(written(kind, ROW, ROW, ROW))


def test_a_sheet_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_LONGEST_SHEET", 3)
    assert len(read_xlsx(written(Format.XLSX, ROW, ROW))) == 3
    with pytest.raises(TooLong):
        written(Format.XLSX, ROW, ROW, ROW)
