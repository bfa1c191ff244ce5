"""Rows as CSV, JSON lines or XLSX, safe to open: no cell of ours ever becomes a formula."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import IO, Any
from xml.sax.saxutils import escape

import orjson

COLUMNS = (
    "log",
    "index",
    "recorded_at",
    "occurred_on",
    "service",
    "category",
    "type",
    "actor",
    "actor_division",
    "actor_roles",
    "region",
    "key",
    "stream_id",
    "version",
    "event_id",
    "correlation_id",
    "causation_id",
    "schema_version",
    "data",
)
"""What a row shows, in this order; ``data`` is the event's own fields as JSON."""

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_FORBIDDEN_IN_XML = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])
_LONGEST_CELL = 32_767
_LONGEST_SHEET = 1_048_576


class Format(StrEnum):
    """What people open it with."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"


class TooLong(ValueError):
    """An XLSX sheet has 1,048,576 rows at most."""


def write(kind: Format, rows: Iterable[dict[str, Any]], target: IO[bytes]) -> None:
    """Write rows (entries as they are answered) to an open file. Raises ``TooLong``."""
    match kind:
        case Format.CSV:
            _write_csv(rows, target)
        case Format.JSONL:
            for row in rows:
                target.write(orjson.dumps(row) + b"\n")
        case Format.XLSX:
            _write_xlsx(rows, target)


def cells(row: dict[str, Any]) -> list[str]:
    """A row's cells, all text."""
    return [_text(row.get(column, "")) for column in COLUMNS]


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: ``=1+1`` → ``'=1+1``."""
    return f"'{cell}" if cell.startswith(_STARTS_A_FORMULA) else cell


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return " ".join(value)
    return orjson.dumps(value).decode()


def _write_csv(rows: Iterable[dict[str, Any]], target: IO[bytes]) -> None:
    # The mark at the beginning tells spreadsheets that the rest is UTF-8.
    text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(map(safe, cells(row)))
    text.detach()


def _write_xlsx(rows: Iterable[dict[str, Any]], target: IO[bytes]) -> None:
    """The least that is a workbook: one sheet, every cell an inline string, typed as text."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in _BOOK.items():
            book.writestr(_entry(name), content)
        with book.open(_entry("xl/worksheets/sheet1.xml"), "w", force_zip64=True) as sheet:
            sheet.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            for line in _xlsx_rows(rows):
                sheet.write(line.encode())
            sheet.write(b"</sheetData></worksheet>")


def _xlsx_rows(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield _xlsx_row(COLUMNS)
    for number, row in enumerate(rows, start=2):
        if number > _LONGEST_SHEET:
            raise TooLong(f"an XLSX sheet has {_LONGEST_SHEET:,} rows at most")
        yield _xlsx_row(cells(row))


def _xlsx_row(values: Sequence[str]) -> str:
    shown = (escape(value[:_LONGEST_CELL].translate(_FORBIDDEN_IN_XML)) for value in values)
    inner = "".join(
        f'<c t="inlineStr"><is><t xml:space="preserve">{value}</t></is></c>' for value in shown
    )
    return f"<row>{inner}</row>"


def _entry(name: str) -> zipfile.ZipInfo:
    """A fixed date: the same rows give the same bytes."""
    made = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
    made.compress_type = zipfile.ZIP_DEFLATED
    return made


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_BOOK = {
    "[Content_Types].xml": (
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_SHEET_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_SHEET_TYPE}'
        '.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1"'
        f' Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="audit" sheetId="1" r:id="r1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1"'
        f' Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}
