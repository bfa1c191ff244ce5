"""XLSX: what a workbook consists of, and its one sheet's rows in flat memory.

A workbook is a ZIP of XML parts. Every part is read as a stream whose length is counted, so that a
bomb goes off nowhere; entities and DTDs are refused.
"""

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.parsers import expat

from shared.tabular.faults import TooLarge, Unreadable
from shared.tabular.sheet import Meaning, Merged, SheetReader, column_of
from shared.tabular.strings import SharedStrings
from shared.tabular.table import Kind, Limits, Row, Table, names_of

_BLOCK = 1 << 16
_SMALL_PART = 16 << 20
"""The parts that are held whole: the list of sheets, the styles."""
_BARE = 64 << 20
"""Bytes of a sheet without one value after which it is no empty sheet, but a bomb."""
_PARTS = 2_000
_MERGES = 20_000
_MERGE = re.compile(rb'mergeCell\s[^>]*?ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_VALUE = re.compile(rb"<(?:\w+:)?(?:v|t)[\s>]")
_DTD = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_OVERLAP = 256
# Excel's own numbers of date formats; 27 to 36 and 50 to 58 are those of Chinese workbooks.
_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ParseError,
    expat.ExpatError,
    LookupError,
    NotImplementedError,  # a compression that nobody uses
    ValueError,
    OverflowError,
)
"""What reading a damaged workbook ends in."""


def open_workbook(file: IO[bytes], limits: Limits, header_row: int) -> Table:
    """The table on the one sheet of the workbook. Raises ``Unreadable``."""
    with _reading():
        book = _Book(file, limits)
        sheet = book.sheet()
        first = next(sheet.rows(after=header_row - 1, width=None), Row(0, ()))
        header = names_of(first.cells)

    def read() -> Iterator[Row]:
        with _reading():
            yield from sheet.rows(after=first.number, width=len(header))

    return Table(Kind.XLSX, header, "utf-8", read)


class _reading:  # noqa: N801 - reads as a statement
    """What a damaged workbook raises, as ``Unreadable``."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: Any, error: BaseException | None, _trace: Any) -> None:
        if not isinstance(error, _DAMAGED):
            return
        raise Unreadable(
            "damaged-workbook", "工作簿不完整或已损坏", "the workbook is cut off or damaged"
        ) from None


@dataclass(frozen=True)
class _Sheet:
    book: "_Book"
    part: str
    meaning: Meaning
    merged: Merged

    def rows(self, *, after: int, width: int | None) -> Iterator[Row]:
        """The rows below row ``after``."""
        with self.book.open(self.part) as stream:
            reader = SheetReader(self.meaning, self.merged, width, self.book.limits.cell)
            yield from reader.rows(stream, after)


class _Book:
    """The ZIP, and the parts that say what the others are."""

    def __init__(self, file: IO[bytes], limits: Limits) -> None:
        file.seek(0)
        self.limits = limits
        self._zip = zipfile.ZipFile(file)
        infos = self._zip.infolist()
        if len(infos) > _PARTS:
            raise TooLarge("unpacks-too-large", "工作簿的部件过多", "it has too many parts")
        if any(info.flag_bits & 1 for info in infos):
            raise Unreadable("encrypted-workbook", "工作簿已加密", "the workbook is encrypted")
        self._names = {info.filename for info in infos}

    def open(self, part: str, most: int | None = None) -> "_Counted":
        """A part as a stream that ends in ``TooLarge`` past the limit, or past ``most`` bytes."""
        limit = self.limits.unpacked
        return _Counted(self._zip.open(part), limit if most is None else min(limit, most))

    def sheet(self) -> _Sheet:
        """The one visible sheet with something on it."""
        root = "xl/workbook.xml"
        for item in self._tree("_rels/.rels"):
            if item.get("Type", "").endswith("/officeDocument"):
                root = item.get("Target", root).lstrip("/")
        book = self._tree(root)
        found = self._parts(root)
        shown = [
            found[_attribute(item, "id")]
            for item in book.iter()
            if _local(item.tag) == "sheet" and item.get("state", "visible") == "visible"
        ]
        filled = [part for part in shown if self._has_values(part)]
        if len(filled) > 1:
            raise Unreadable(
                "several-sheets",
                "工作簿有多个填有内容的工作表,请只保留一个",
                "several sheets hold something; keep one",
            )
        if not filled:
            raise Unreadable("empty-file", "工作簿是空的", "the workbook is empty")
        meaning = Meaning(self._strings(root), self._dates(root), _is_1904(book))
        return _Sheet(self, filled[0], meaning, self._merged(filled[0]))

    def _parts(self, root: str) -> dict[str, str]:
        """The parts that ``root`` refers to, by their ids."""
        folder = posixpath.dirname(root)
        name = f"{folder}/_rels/{posixpath.basename(root)}.rels".lstrip("/")
        found = {}
        for item in self._tree(name):
            target = item.get("Target", "")
            path = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
            found[item.get("Id", "")] = posixpath.normpath(path)
        return found

    def _beside(self, root: str, name: str) -> str | None:
        part = posixpath.join(posixpath.dirname(root), name)
        return part if part in self._names else None

    def _strings(self, root: str) -> SharedStrings:
        part = self._beside(root, "sharedStrings.xml")
        if part is None:
            return SharedStrings(self.limits.cell)
        with self.open(part) as stream:
            return SharedStrings.read(stream, self.limits.cell)

    def _dates(self, root: str) -> frozenset[int]:
        """The cell styles that show a number as a date."""
        part = self._beside(root, "styles.xml")
        if part is None:
            return frozenset()
        tree = self._tree(part)
        dates = set(_DATES)
        for item in tree.iter():
            if _local(item.tag) == "numFmt" and _shows_a_date(item.get("formatCode", "")):
                dates.add(int(item.get("numFmtId", "0")))
        styles = next((item for item in tree if _local(item.tag) == "cellXfs"), ())
        return frozenset(
            at for at, style in enumerate(styles) if int(style.get("numFmtId", "0")) in dates
        )

    def _has_values(self, part: str) -> bool:
        tail = b""
        with self.open(part, _BARE) as stream:
            while block := stream.read(_BLOCK):
                if _VALUE.search(tail + block):
                    return True
                tail = block[-_OVERLAP:]
        return False

    def _merged(self, part: str) -> Merged:
        """The merged areas: they are listed after the rows, so the part is read twice."""
        areas: set[tuple[int, int, int, int]] = set()
        tail = b""
        with self.open(part) as stream:
            while block := stream.read(1 << 20):
                text = tail + block
                if b"mergeCell" in text:
                    for match in _MERGE.finditer(text):
                        left, top, right, bottom = (item.decode() for item in match.groups())
                        areas.add((int(top), int(bottom), column_of(left), column_of(right)))
                    if len(areas) > _MERGES:
                        raise TooLarge("too-many-merges", "合并单元格过多", "too many merged areas")
                tail = text[-_OVERLAP:]
        return Merged(sorted(areas))

    def _tree(self, part: str) -> Element:
        if part not in self._names:
            raise Unreadable("not-a-workbook", "不是.xlsx工作簿", "it is no .xlsx workbook")
        with self.open(part) as stream:
            content = stream.read(_SMALL_PART + 1)
        if len(content) > _SMALL_PART or _DTD.search(content):
            raise Unreadable("not-a-workbook", "不是.xlsx工作簿", "it is no .xlsx workbook")
        return fromstring(content)  # noqa: S314 - small, and without a DTD


class _Counted:
    """A part's stream."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream, self._left = stream, limit

    def __enter__(self) -> "_Counted":
        return self

    def __exit__(self, *_raised: object) -> None:
        self._stream.close()

    def read(self, size: int) -> bytes:
        """The next bytes. Raises ``TooLarge`` past the limit."""
        block = self._stream.read(size)
        self._left -= len(block)
        if self._left < 0:
            raise TooLarge("unpacks-too-large", "解压后过大", "it is too large once unpacked")
        return block


def _shows_a_date(code: str) -> bool:
    plain = _QUOTED.sub("", code.partition(";")[0]).lower()
    return "y" in plain or ("d" in plain and "m" in plain)


def _is_1904(book: Element) -> bool:
    properties = next((item for item in book if _local(item.tag) == "workbookPr"), None)
    return properties is not None and properties.get("date1904") in {"1", "true"}


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _attribute(item: Element, name: str) -> str:
    """An attribute of whatever namespace: transitional and strict workbooks differ in it."""
    return next((value for key, value in item.items() if _local(key) == name and key != name), "")
