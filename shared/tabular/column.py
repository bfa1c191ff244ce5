"""A column's cells as the bytes they are in the file: thousands are looked at together."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

WIDEST = 64
"""Bytes of a cell that are looked at together; longer ones are read as texts."""
_ODD = np.uint64(0x9E3779B97F4A7C15)


class Column(Sequence[str]):
    """Cells as texts, and what can be told of all of them at once."""

    def __init__(
        self,
        whole: NDArray[np.uint8],
        begin: NDArray[np.intp],
        end: NDArray[np.intp],
        encoding: str,
    ) -> None:
        """``whole`` holds the cells, and at least ``WIDEST`` bytes more after the last one."""
        self._whole, self._begin, self._end = whole, begin, end
        self.encoding = encoding

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Column":
        """The column of these texts."""
        packed = [text.encode() for text in texts]
        end = np.cumsum(np.fromiter(map(len, packed), np.intp, len(packed)))
        begin = np.concatenate((np.zeros(1, np.intp), end[:-1])) if packed else end
        whole = np.frombuffer(b"".join((*packed, bytes(WIDEST))), np.uint8)
        return cls(whole, begin, end, "utf-8")

    def __len__(self) -> int:
        return len(self._begin)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> "Column": ...
    def __getitem__(self, at: int | slice) -> "str | Column":
        if isinstance(at, slice):
            return Column(self._whole, self._begin[at], self._end[at], self.encoding)
        return str(self._whole[self._begin[at] : self._end[at]].tobytes(), self.encoding)

    def __iter__(self) -> Iterator[str]:
        return map(self.__getitem__, range(len(self)))

    @cached_property
    def lengths(self) -> NDArray[np.intp]:
        """Of each cell, in bytes."""
        return self._end - self._begin

    def bytes_of(self, width: int) -> NDArray[np.uint8]:
        """The first ``width`` bytes of each, at most ``WIDEST``: a row each, filled with zeros."""
        places = np.arange(width)
        made: NDArray[np.uint8] = self._whole[self._begin[:, None] + places]
        made[places >= self.lengths[:, None]] = 0
        return made

    def last_bytes_of(self, width: int) -> NDArray[np.uint8]:
        """The last ``width`` bytes of each: filled with zeros before them."""
        places = np.arange(-width, 0)
        made: NDArray[np.uint8] = self._whole[np.maximum(self._end[:, None] + places, 0)]
        made[places < -self.lengths[:, None]] = 0
        return made

    def at(self, places: NDArray[np.intp]) -> "Column":
        """Some of the cells."""
        return Column(self._whole, self._begin[places], self._end[places], self.encoding)

    def texts(self, width: int) -> list[str]:
        """All of them, none being longer than ``width`` bytes."""
        return [str(cell, self.encoding) for cell in self.cut(width)]

    def cut(self, width: int) -> list[bytes]:
        """The first ``width`` bytes of each, of texts without a zero byte."""
        made: list[bytes] = self.bytes_of(width).view(f"S{width}")[:, 0].tolist()
        return made


def distinct(columns: Sequence[Column]) -> tuple[list[tuple[str, ...]], NDArray[np.intp]]:
    """What the rows say in these columns: the different ones, and which of them each row says."""
    width = 8 * (max(int(column.lengths.max(initial=1)) for column in columns) // 8 + 1)
    if width > WIDEST:
        return _one_by_one(columns)
    words = np.hstack([column.bytes_of(width) for column in columns]).view(np.uint64)
    mixed = np.zeros(len(words), np.uint64)
    for place in range(words.shape[1]):
        mixed = (mixed ^ words[:, place]) * _ODD
        mixed ^= mixed >> np.uint64(29)
    _, first, which = np.unique(mixed, return_index=True, return_inverse=True)
    if not np.array_equal(words[first][which], words):
        return _one_by_one(columns)
    said = (column.at(first).texts(width) for column in columns)
    return list(zip(*said, strict=True)), which


def _one_by_one(columns: Sequence[Column]) -> tuple[list[tuple[str, ...]], NDArray[np.intp]]:
    rows = list(zip(*columns, strict=True))
    places: dict[Any, int] = {row: place for place, row in enumerate(dict.fromkeys(rows))}
    return list(places), np.fromiter(map(places.__getitem__, rows), np.intp, len(rows))


__all__ = ["WIDEST", "Column", "distinct"]
