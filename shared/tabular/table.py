"""What a table is to its readers: a header, and rows with their numbers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import count
from typing import IO, NamedTuple, TypeAlias

from shared.tabular.column import Column
from shared.tabular.faults import TooLarge, Unreadable


class Kind(StrEnum):
    """What a file turned out to be."""

    XLSX = "xlsx"
    CSV = "csv"
    NDJSON = "ndjson"


class Number(str):
    """A numeric cell, as its digits stand in the file: a spreadsheet keeps 15 of them."""

    __slots__ = ()


class Flaw(StrEnum):
    """A cell that holds no value of its own."""

    FORMULA = "FORMULA"
    MERGED = "MERGED"
    """Part of a merged area: which of its rows the value is for, nobody knows."""
    ERROR = "ERROR"
    """``#N/A``, ``#REF!`` …"""
    NESTED = "NESTED"
    """A list or an object where a value is due."""
    TOO_LONG = "TOO_LONG"


Cell: TypeAlias = str | date | bool | Flaw
"""``Number`` is a ``str`` too; an empty cell is the empty text."""


class Row(NamedTuple):
    """One row."""

    number: int
    """Where it stands in the file, the first line or row being 1: what its sender looks for."""
    cells: Sequence[Cell]
    """As many as the header has; none where ``flaw`` says why."""
    flaw: str = ""
    """Why the row cannot be read at all: a code of ``ROW_FLAWS``."""


@dataclass(frozen=True)
class Run:
    """Rows that follow each other line by line, as columns, no cell of them too long."""

    first: int
    """The first row's number."""
    columns: Sequence[Column]
    """As many as the header has, equally long."""

    def __len__(self) -> int:
        return len(self.columns[0])

    def __getitem__(self, some: slice) -> "Run":
        begin = some.indices(len(self))[0]
        return Run(self.first + begin, [column[some] for column in self.columns])

    def __iter__(self) -> Iterator[Row]:
        """Row by row."""
        return map(Row, count(self.first), zip(*self.columns, strict=True))


ROW_FLAWS: dict[str, tuple[str, str]] = {
    "malformed-csv": (
        "该行不是有效的CSV(引号不配对)",
        "the line is not CSV: its quotes do not pair",
    ),
    "malformed-json": ("该行不是有效的JSON对象", "the line is not a JSON object"),
    "too-many-cells": ("该行的列数多于表头", "the row has more cells than the header"),
    "too-few-cells": ("该行的列数少于表头", "the row has fewer cells than the header"),
    "unknown-column": ("该行有表头之外的字段", "the row has a field that the first rows lack"),
}
"""The Chinese and English words of each flaw."""


@dataclass(frozen=True)
class Limits:
    """How much of a file is taken. Whatever is over is refused before it can do harm."""

    packed: int = 512 << 20
    """Bytes as sent."""
    unpacked: int = 4 << 30
    """Bytes after decompression, of the whole file or of one part of a workbook."""
    rows: int = 2_000_000
    columns: int = 200
    cell: int = 4_000
    """Characters."""


def names_of(cells: Sequence[Cell]) -> tuple[str, ...]:
    """The header's names: blanks around them taken off, and the empty cells after the last one.

    Raises ``Unreadable``.
    """
    if any(isinstance(cell, Flaw) for cell in cells):
        raise Unreadable(
            "header-not-text",
            "表头中有合并单元格、公式或错误值",
            "its header is merged or computed",
        )
    names = [str(cell).strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


@dataclass(frozen=True)
class Table:
    """An opened file: ``with open_table(file) as table``."""

    kind: Kind
    header: tuple[str, ...]
    encoding: str
    """``utf-8`` or ``gb18030``; what a workbook says is always the former."""
    read: Callable[[], Iterator[Row]]
    read_batches: Callable[[], Iterator[Run | Sequence[Row]]] | None = None
    """The same rows, many at a time, where the file gives them so."""
    unpacked: IO[bytes] | None = None
    """What was unpacked to be read; gone when the table is closed."""

    def __enter__(self) -> "Table":
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of what was unpacked. The file itself is its owner's."""
        if self.unpacked is not None:
            self.unpacked.close()

    def rows(self, *, limit: int = Limits.rows) -> Iterator[Row]:
        """The rows below the header, blank ones left out. Raises ``TooLarge`` past ``limit``."""
        for batch in self.batches(limit=limit):
            yield from batch

    def batches(self, *, limit: int = Limits.rows) -> Iterator[Run | Sequence[Row]]:
        """The same rows, as many at a time as the file gives. Raises ``TooLarge``."""
        seen = 0
        for batch in self.read_batches() if self.read_batches else ([row] for row in self.read()):
            seen += len(batch)
            if seen > limit:
                yield batch[: limit - seen]
                raise TooLarge("too-many-rows", f"超过{limit}行", f"it has over {limit} rows")
            yield batch
