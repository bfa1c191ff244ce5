"""Rows as CSV, JSON lines or XLSX, safe to open: no cell of ours ever becomes a formula."""

import csv
import io
import zipfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import IO, Any, Protocol, TypeAlias
from xml.sax.saxutils import escape

import orjson

Columns: TypeAlias = Mapping[str, str]
"""What a row shows, in this order: the name in the row, and the title above it."""
Record: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Book:
    """What a workbook has besides its rows; files of lines have nothing of it."""

    sheet: str = "数据"
    """The name of the sheet that holds the rows."""
    notes: Sequence[tuple[str, str]] = ()
    """What explains it: what, and its words; a sheet of its own (说明)."""
    fillable: bool = False
    """Whether people go on writing in it: its columns take everything as text, so that no
    document number becomes a number that has lost its last digits."""


_PLAIN = Book()
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_FORBIDDEN_IN_XML = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])
_LONGEST_CELL = 32_767
_LONGEST_SHEET = 1_048_576


class Format(StrEnum):
    """What people open it with."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"

    @property
    def media_type(self) -> str:
        """Its ``Content-Type``."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSONL: "application/x-ndjson",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class TooLong(ValueError):
    """An XLSX sheet has 1,048,576 rows at most."""


def write(
    kind: Format,
    columns: Columns,
    rows: Iterable[Record],
    target: IO[bytes],
    book: Book = _PLAIN,
) -> None:
    """Write rows to an open file, each as it comes. Raises ``TooLong``.

    In a workbook whole numbers are numbers, a ``Decimal`` is one with two places; all else is text.
    """
    writer = _WRITERS[kind](columns, target, book)
    for row in rows:
        writer.add(row)
    writer.end()


async def streamed(
    kind: Format,
    columns: Columns,
    batches: AsyncIterator[Iterable[Record]],
    book: Book = _PLAIN,
) -> AsyncIterator[bytes]:
    """The same file as it is made, for an answer that streams. Raises ``TooLong``."""
    target = _Drained()
    writer = _WRITERS[kind](columns, target, book)
    async for batch in batches:
        for row in batch:
            writer.add(row)
        if content := target.drain():
            yield content
    writer.end()
    yield target.drain()


def cells(columns: Iterable[str], row: Record) -> list[str]:
    """A row's cells, all text; empty where the row has nothing."""
    return [_text(row.get(column)) for column in columns]


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: ``=1+1`` → ``'=1+1``."""
    return f"'{cell}" if cell.startswith(_STARTS_A_FORMULA) else cell


def in_sheet(cell: str) -> str:
    """What a workbook holds of a text: as much as fits, and no character that XML forbids."""
    return cell[:_LONGEST_CELL].translate(_FORBIDDEN_IN_XML)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return " ".join(value)
    made = orjson.dumps(value, default=str).decode()
    # Dates and ids are JSON strings: in a cell they stand without the quotes.
    return made if isinstance(value, list | dict) else made.strip('"')


class _Writer(Protocol):
    def __init__(self, columns: Columns, target: Any, book: Book) -> None: ...

    def add(self, row: Record) -> None: ...

    def end(self) -> None: ...


class _Csv:
    def __init__(self, columns: Columns, target: Any, _book: Book) -> None:
        self._columns, self._target = columns, target
        self._line = io.StringIO(newline="")
        self._writer = csv.writer(self._line)
        # The mark at the beginning tells spreadsheets that the rest is UTF-8.
        target.write("\ufeff".encode())
        self._put(list(columns.values()))

    def add(self, row: Record) -> None:
        self._put(cells(self._columns, row))

    def end(self) -> None:
        """Nothing is left to write."""

    def _put(self, values: Sequence[str]) -> None:
        self._writer.writerow(map(safe, values))
        self._target.write(self._line.getvalue().encode())
        self._line.seek(0)
        self._line.truncate()


class _Jsonl:
    def __init__(self, _columns: Columns, target: Any, _book: Book) -> None:
        self._target = target

    def add(self, row: Record) -> None:
        self._target.write(orjson.dumps(row, default=str) + b"\n")

    def end(self) -> None:
        """Nothing is left to write."""


class _Xlsx:
    """The least that is a workbook: numbers are numbers, every other cell is typed as text."""

    def __init__(self, columns: Columns, target: Any, book: Book) -> None:
        self._columns, self._notes = columns, book.notes
        self._style = _TEXT if book.fillable else _GENERAL
        self._book = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED)
        names = [book.sheet, *(["说明"] if book.notes else [])]
        for name, content in _parts(names).items():
            self._book.writestr(_entry(name), content)
        self._begin(1, len(columns))
        self._put(list(columns.values()))

    def add(self, row: Record) -> None:
        self._put([row.get(column) for column in self._columns])

    def end(self) -> None:
        self._close()
        if self._notes:
            self._begin(2, 2)
            for note in self._notes:
                self._put(note)
            self._close()
        self._book.close()

    def _begin(self, number: int, width: int) -> None:
        entry = _entry(f"xl/worksheets/sheet{number}.xml")
        self._sheet = self._book.open(entry, "w", force_zip64=True)
        shape = f'<col min="1" max="{width}" width="20" style="{self._style}" customWidth="1"/>'
        head = f'<worksheet xmlns="{_MAIN}"><cols>{shape}</cols><sheetData>'
        self._sheet.write(f"{_XML}{head}".encode())
        self._count = 0

    def _close(self) -> None:
        self._sheet.write(b"</sheetData></worksheet>")
        self._sheet.close()

    def _put(self, values: Sequence[Any]) -> None:
        self._count += 1
        if self._count > _LONGEST_SHEET:
            raise TooLong(f"an XLSX sheet has {_LONGEST_SHEET:,} rows at most")
        self._sheet.write(f"<row>{''.join(map(_cell, values))}</row>".encode())


def _cell(value: Any) -> str:
    if isinstance(value, Decimal):
        return f'<c s="{_MONEY}"><v>{value:f}</v></c>'
    if type(value) is int:
        return f"<c><v>{value}</v></c>"
    shown = escape(in_sheet(_text(value)))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'


_WRITERS: Mapping[Format, type[_Writer]] = {
    Format.CSV: _Csv,
    Format.JSONL: _Jsonl,
    Format.XLSX: _Xlsx,
}


class _Drained:
    """A file that is read while it is written: it only goes forward."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, content: bytes) -> int:
        self._waiting += content
        return len(content)

    def flush(self) -> None:
        """Nothing lies behind it."""

    def drain(self) -> bytes:
        """What was written since the last time."""
        content = bytes(self._waiting)
        self._waiting.clear()
        return content


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
_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}">'
    '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="4" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/>'
    "</cellStyles></styleSheet>"
)
_GENERAL, _MONEY, _TEXT = 0, 1, 2
"""The styles' places: as it comes, a number with two places, text whatever is typed."""


def _parts(sheets: Sequence[str]) -> Mapping[str, str]:
    """A workbook's files, but for its sheets."""
    numbers = range(1, len(sheets) + 1)
    override = '<Override PartName="/xl/{0}.xml" ContentType="{1}.{2}+xml"/>'
    kinds = [override.format("workbook", _SHEET_TYPE, "sheet.main")]
    kinds += [override.format("styles", _SHEET_TYPE, "styles")]
    kinds += [override.format(f"worksheets/sheet{n}", _SHEET_TYPE, "worksheet") for n in numbers]
    listed = [
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="r{n}"/>'
        for n, name in zip(numbers, sheets, strict=True)
    ]
    related = '<Relationship Id="{0}" Type="' + _OFFICE + '/{1}" Target="{2}"/>'
    links = [related.format(f"r{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in numbers]
    links += [related.format("styles", "styles", "styles.xml")]
    return {
        "[Content_Types].xml": (
            f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels"'
            ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f"{''.join(kinds)}</Types>"
        ),
        "_rels/.rels": (
            f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
            f"{related.format('r1', 'officeDocument', 'xl/workbook.xml')}</Relationships>"
        ),
        "xl/workbook.xml": (
            f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{"".join(listed)}'
            "</sheets></workbook>"
        ),
        "xl/_rels/workbook.xml.rels": (
            f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{"".join(links)}'
            "</Relationships>"
        ),
        "xl/styles.xml": _STYLES,
    }
