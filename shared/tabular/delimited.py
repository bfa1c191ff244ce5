"""CSV: UTF-8 or GB18030, its delimiter found out, a broken line taking no other with it."""

import codecs
import csv
from collections import deque
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import chain, islice
from typing import IO

import numpy as np

from shared.tabular.column import WIDEST, Column
from shared.tabular.faults import Unreadable
from shared.tabular.table import Cell, Flaw, Kind, Limits, Row, Run, Table, names_of

_BLOCK = 1 << 20
_LINES_IN_A_ROW = 50
"""A quoted cell with more line breaks is a quote that was never closed."""
_BATCH = 1_000
"""Lines that are read together."""
_TAKEN = 1 << 19
"""Bytes that are taken apart together."""
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def open_csv(file: IO[bytes], limits: Limits, header_row: int) -> Table:
    """The table in ``file``. Raises ``Unreadable``."""
    encoding = encoding_of(file)
    lines = _Lines(file, encoding)
    for _ in range(header_row - 1):
        next(lines, None)
        lines.taken.clear()
    first = next((line for line in lines if line.strip(",;\t\r\n ")), "")
    begin = lines.number
    delimiter = _delimiter(first)
    try:
        header = names_of(next(csv.reader([first], delimiter=delimiter, strict=True), []))
    except csv.Error:
        raise Unreadable("no-header", "表头无法读取", "its header cannot be read") from None

    def batches() -> Iterator[Run | list[Row]]:
        again = _Lines(file, encoding)
        for _ in range(begin):
            next(again, None)
            again.taken.clear()
        return _batches(again, delimiter, len(header), limits.cell)

    shown = "gb18030" if encoding == "gb18030" else "utf-8"
    return Table(
        Kind.CSV, header, shown, lambda: chain.from_iterable(batches()), read_batches=batches
    )


def encoding_of(file: IO[bytes]) -> str:
    """``utf-8-sig`` or ``gb18030``, whichever the whole file is. Raises ``Unreadable``."""
    file.seek(0)
    if file.read(2) in _UTF16:
        raise Unreadable("wrong-encoding", "文件须为UTF-8或GB18030编码", "it is UTF-16")
    for encoding in ("utf-8-sig", "gb18030"):
        if _decodes(file, encoding):
            return encoding
    raise Unreadable(
        "wrong-encoding", "文件须为UTF-8或GB18030编码", "it is neither UTF-8 nor GB18030"
    )


def _decodes(file: IO[bytes], encoding: str) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while block := file.read(_BLOCK):
            if "\0" in decoder.decode(block):
                raise Unreadable("not-a-table", "文件不是表格", "it is no table: binary content")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


class _Lines:
    """The file's lines, of which some can be handed back."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        file.seek(len(codecs.BOM_UTF8) if _is_marked(file) else 0)
        self._file, self.encoding = file, encoding.removesuffix("-sig")
        self._back: deque[str] = deque()
        self.number = 0
        self.taken: list[str] = []
        """The lines of the row now being read."""

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if len(self.taken) >= _LINES_IN_A_ROW:
            raise csv.Error("a quote was never closed")
        if not self._back and not self.read(self._file.readline()):
            raise StopIteration
        line = self._back.popleft()
        self.taken.append(line)
        self.number += 1
        return line

    def unread(self) -> bytes:
        """Some whole lines as the file has them; none at its end, or while some wait here."""
        return b"" if self._back else self._file.read(_TAKEN) + self._file.readline()

    def read(self, some: bytes) -> bool:
        """Let some whole lines come next; whether there are any."""
        self._back.extend(StringIO(str(some, self.encoding), newline=""))
        return bool(some)

    def several(self, count: int) -> list[str]:
        """The next lines that wait, up to ``count`` of them."""
        made = [self._back.popleft() for _ in range(min(count, len(self._back)))]
        self.number += len(made)
        return made

    def hand_back(self, lines: list[str]) -> None:
        """Let the lines taken last come again."""
        self._back.extendleft(reversed(lines))
        self.number -= len(lines)

    def only_first(self) -> None:
        """Keep the row's first line and hand the others back."""
        self.hand_back(self.taken[1:])


def _is_marked(file: IO[bytes]) -> bool:
    file.seek(0)
    return file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8


def _batches(lines: _Lines, delimiter: str, width: int, longest: int) -> Iterator[Run | list[Row]]:
    """The rows, those of many lines at a time.

    Nearly always a row is a line without a quote, and the lines are taken apart at once; where one
    is not, rows are read one by one.
    """
    one_by_one = _rows(lines, delimiter, width, longest)
    while True:
        some = lines.unread()
        columns = _columns(some, delimiter, width, longest, lines.encoding)
        if columns is not None:
            yield Run(lines.number + 1, columns)
            lines.number += len(columns[0])
            continue
        lines.read(some)
        taken = lines.several(_BATCH)
        if not taken:
            return
        columns = _columns("".join(taken).encode(), delimiter, width, longest, "utf-8")
        if columns is not None:
            yield Run(lines.number - len(taken) + 1, columns)
            continue
        split = _split(taken, delimiter)
        if split is None:
            lines.hand_back(taken)
            yield list(islice(one_by_one, _BATCH))
            continue
        first = lines.number - len(taken) + 1
        ordinary = max(map(len, taken)) <= longest
        yield [
            Row(number, cells)
            if ordinary and len(cells) == width
            else _aligned(number, cells, width, longest)
            for number, cells in enumerate(split, first)
            if cells and (cells[0] or any(cells))
        ]


def _columns(
    lines: bytes, delimiter: str, width: int, longest: int, encoding: str
) -> list[Column] | None:
    """The lines as columns, where each is a row of its own, whole and unquoted; else nothing.

    In neither encoding do the bytes of these characters stand within another character.
    """
    lines = lines.replace(b"\r\n", b"\n")
    if not lines or b'"' in lines or b"\r" in lines:
        return None
    ends = b"" if lines.endswith(b"\n") else b"\n"
    whole = np.frombuffer(b"".join((lines, ends, bytes(WIDEST))), np.uint8)
    stops = np.flatnonzero((whole == ord(delimiter)) | (whole == ord("\n")))
    if len(stops) % width:
        return None
    cells = stops.reshape(-1, width)
    if (whole[cells[:, -1]] != ord("\n")).any() or (whole[cells[:, :-1]] != ord(delimiter)).any():
        return None
    begin = np.concatenate((np.zeros(1, np.intp), stops[:-1] + 1)).reshape(-1, width)
    taken = cells[:, -1] - begin[:, 0]
    if taken.max() > longest or taken.min() < width:  # a blank row is none
        return None
    return [Column(whole, begin[:, at], cells[:, at], encoding) for at in range(width)]


def _split(lines: list[str], delimiter: str) -> list[list[str]] | None:
    """Each line's cells; nothing where a row is not a line, or is no row."""
    try:
        split = list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return split if len(split) == len(lines) else None


def _rows(lines: _Lines, delimiter: str, width: int, longest: int) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.taken.clear()
        first = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            lines.only_first()
            yield Row(first, (), "malformed-csv")
            continue
        if len(cells) == width and cells[0]:
            yield Row(first, _short(cells, longest))
        elif any(cells):
            yield _aligned(first, cells, width, longest)


def _aligned(number: int, cells: list[str], width: int, longest: int) -> Row:
    """Empty cells past the header are left out; a row that is not the header's is refused."""
    while len(cells) > width and not cells[-1]:
        cells.pop()
    if len(cells) > width:
        return Row(number, (), "too-many-cells")
    if len(cells) < width:
        return Row(number, (), "too-few-cells")
    return Row(number, _short(cells, longest))


def _short(cells: list[str], longest: int) -> Sequence[Cell]:
    if max(map(len, cells)) <= longest:
        return cells
    return [Flaw.TOO_LONG if len(cell) > longest else cell for cell in cells]


def _delimiter(first: str) -> str:
    outside = "".join(first.split('"')[::2])
    return max(",;\t", key=outside.count)
