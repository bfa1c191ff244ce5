"""The rows of a sheet, as they stream by: cells, dates, formulas, merged areas."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from shared.tabular.strings import SharedStrings, new_parser
from shared.tabular.table import Cell, Flaw, Number, Row

_BLOCK = 1 << 16
_MOST_COLUMNS = 16_384
Area = tuple[int, int, int, int]
"""First row, last row, first column, last column; columns from 0."""


@dataclass(frozen=True)
class Meaning:
    """What turns a cell's digits into what it shows."""

    strings: SharedStrings
    dates: frozenset[int]
    """The styles that are dates."""
    since_1904: bool

    def of(self, kind: str, style: int, text: str) -> Cell:
        """The cell that has ``text`` as its value."""
        if kind == "s":
            found = self.strings[int(text)]
            return Flaw.TOO_LONG if found is None else found
        if kind == "n":
            if style in self.dates:
                return _day(text, since_1904=self.since_1904)
            return Number(text)
        if kind == "b":
            return text in {"1", "true"}
        return Flaw.ERROR if kind == "e" else text


class Merged:
    """The merged areas, looked up row after row."""

    def __init__(self, areas: Sequence[Area]) -> None:
        self._areas = areas

    def walk(self) -> "_Walk":
        """A new walk from the top."""
        return _Walk(iter(self._areas))


class _Walk:
    def __init__(self, areas: Iterator[Area]) -> None:
        self._coming = areas
        self._next = next(areas, None)
        self._here: list[Area] = []

    def mark(self, number: int, cells: list[Cell]) -> None:
        """Mark the cells of row ``number`` that lie in a merged area. Rows come in order."""
        while self._next is not None and self._next[0] <= number:
            self._here.append(self._next)
            self._next = next(self._coming, None)
        if not self._here:
            return
        self._here = [area for area in self._here if area[1] >= number]
        for _, _, first, last in self._here:
            for at in range(first, min(last + 1, len(cells))):
                cells[at] = Flaw.MERGED


class SheetReader:
    """Reads one sheet once. ``width`` is the header's; without it a row is as wide as it is."""

    def __init__(self, meaning: Meaning, merged: Merged, width: int | None, longest: int) -> None:
        self._meaning, self._merged = meaning, merged.walk()
        self._width, self._longest = width, longest
        self._done: list[Row] = []
        self._number = 0
        self._after = 0
        self._cells: dict[int, Cell] = {}
        self._parser = new_parser()

    def rows(self, stream: Any, after: int) -> Iterator[Row]:
        """The rows below row ``after`` that hold anything."""
        self._after = after
        self._parser.StartElementHandler = self._root
        while block := stream.read(_BLOCK):
            self._parser.Parse(block, False)
            yield from self._done
            self._done.clear()
        self._parser.Parse(b"", True)
        yield from self._done

    def _root(self, name: str, _attributes: list[str]) -> None:
        """The first element tells the prefix that all names have, which is nearly always none."""
        self._handle(name.rpartition("worksheet")[0])

    def _handle(self, prefix: str) -> None:  # noqa: C901 - one call less for each element
        """Set the handlers. Called ten times a cell, they are closures rather than methods."""
        parser, meaning, longest, begin_row = (
            self._parser,
            self._meaning.of,
            self._longest,
            self._begin_row,
        )
        c, v, t, f, row = (prefix + name for name in ("c", "v", "t", "f", "row"))
        text: list[str] = []
        at, kind, style, formula = -1, "n", 0, False

        def start(name: str, attributes: list[str]) -> None:
            nonlocal at, kind, style, formula
            if name == c:
                kind, style, formula, place = "n", 0, False, ""
                text.clear()
                pairs = iter(attributes)
                for key, value in zip(pairs, pairs, strict=True):
                    if key == "r":
                        place = value
                    elif key == "t":
                        kind = value
                    elif key == "s":
                        style = int(value)
                at = column_of(place) if place else at + 1
            elif name in {v, t}:
                parser.CharacterDataHandler = text.append
            elif name == row:
                at = -1
                begin_row(attributes)
            elif name == f:
                formula = True

        def end(name: str) -> None:
            if name in {v, t}:
                parser.CharacterDataHandler = None
            elif name == c:
                if formula:
                    self._cells[at] = Flaw.FORMULA
                elif text:
                    whole = text[0] if len(text) == 1 else "".join(text)
                    self._cells[at] = (
                        Flaw.TOO_LONG if len(whole) > longest else meaning(kind, style, whole)
                    )
            elif name == row:
                self._end_row()

        parser.StartElementHandler, parser.EndElementHandler = start, end

    def _begin_row(self, attributes: list[str]) -> None:
        given = dict(zip(attributes[::2], attributes[1::2], strict=True))
        self._number = int(given["r"]) if "r" in given else self._number + 1
        self._cells = {}

    def _end_row(self) -> None:
        if self._number <= self._after:
            return
        found = self._cells
        width = self._width if self._width is not None else max(found, default=-1) + 1
        cells = [found.pop(at, "") for at in range(width)]
        self._merged.mark(self._number, cells)
        if any(found.values()):
            self._done.append(Row(self._number, (), "too-many-cells"))
        elif any(cell != "" for cell in cells):
            self._done.append(Row(self._number, cells))


_COLUMNS: dict[str, int] = {}


def column_of(place: str) -> int:
    """``AB12`` → 27."""
    letters = place.rstrip("0123456789")
    found = _COLUMNS.get(letters)
    if found is None:
        found = 0
        for letter in letters:
            found = found * 26 + ord(letter) - 64
        found -= 1
        if not 0 <= found < _MOST_COLUMNS:
            raise ValueError("no such column")
        _COLUMNS[letters] = found
    return found


def _day(digits: str, *, since_1904: bool) -> Cell:
    """A serial number as its day; with a time of day, as both."""
    serial = float(digits)
    begin = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30)  # noqa: DTZ001
    if not 1 <= serial < 2_958_466:
        return Number(digits)
    moment = begin + timedelta(days=serial)
    return moment if serial % 1 else date(moment.year, moment.month, moment.day)
