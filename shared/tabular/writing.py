"""Rows as CSV, JSON lines or XLSX, safe to open: no cell of ours ever becomes a formula."""

import csv
import io
import zipfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import IO, Any, Protocol, TypeAlias
from xml.sax.saxutils import escape

import orjson

Columns: TypeAlias = Mapping[str, str]
"""What a row shows, in this order: the name in the row, and the title above it."""
Record: TypeAlias = Mapping[str, Any]

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


def write(kind: Format, columns: Columns, rows: Iterable[Record], target: IO[bytes]) -> None:
    """Write rows to an open file, each as it comes. Raises ``TooLong``."""
    writer = _WRITERS[kind](columns, target)
    for row in rows:
        writer.add(row)
    writer.end()


async def streamed(
    kind: Format, columns: Columns, batches: AsyncIterator[Iterable[Record]]
) -> AsyncIterator[bytes]:
    """The same file as it is made, for an answer that streams. Raises ``TooLong``."""
    target = _Drained()
    writer = _WRITERS[kind](columns, target)
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
    def __init__(self, columns: Columns, target: Any) -> None: ...

    def add(self, row: Record) -> None: ...

    def end(self) -> None: ...


class _Csv:
    def __init__(self, columns: Columns, target: Any) -> None:
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
    def __init__(self, _columns: Columns, target: Any) -> None:
        self._target = target

    def add(self, row: Record) -> None:
        self._target.write(orjson.dumps(row, default=str) + b"\n")

    def end(self) -> None:
        """Nothing is left to write."""


class _Xlsx:
    """The least that is a workbook: one sheet, every cell an inline string, typed as text."""

    def __init__(self, columns: Columns, target: Any) -> None:
        self._columns = columns
        self._book = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED)
        for name, content in _BOOK.items():
            self._book.writestr(_entry(name), content)
        self._sheet = self._book.open(_entry("xl/worksheets/sheet1.xml"), "w", force_zip64=True)
        self._sheet.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
        self._count = 0
        self._put(list(columns.values()))

    def add(self, row: Record) -> None:
        self._put(cells(self._columns, row))

    def end(self) -> None:
        self._sheet.write(b"</sheetData></worksheet>")
        self._sheet.close()
        self._book.close()

    def _put(self, values: Sequence[str]) -> None:
        self._count += 1
        if self._count > _LONGEST_SHEET:
            raise TooLong(f"an XLSX sheet has {_LONGEST_SHEET:,} rows at most")
        shown = (escape(value[:_LONGEST_CELL].translate(_FORBIDDEN_IN_XML)) for value in values)
        inner = "".join(
            f'<c t="inlineStr"><is><t xml:space="preserve">{value}</t></is></c>' for value in shown
        )
        self._sheet.write(f"<row>{inner}</row>".encode())


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
        '<sheet name="dixian" sheetId="1" r:id="r1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1"'
        f' Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}
