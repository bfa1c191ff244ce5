"""Good rows as the database's binary COPY takes them: made column by column, not row by row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from shared.vault.blind_index import TOKEN_BYTES

ROW = np.dtype(
    [
        ("n", np.int32),
        ("open", np.bool_),  # its fate is still to be decided
        ("alert_id", "V16"),
        ("content", "V8"),
        ("token", f"V{TOKEN_BYTES}"),
        ("type", "S24"),
        ("happened_on", np.int32),  # days after 2000-01-01
        ("amount", np.int64),  # -1: none
        ("division", "S12"),
    ]
)
"""A good row, as a block holds it."""
Rows = NDArray[Any]
"""Of ``ROW``."""
_EPOCH = date(2000, 1, 1).toordinal()
_BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_PART = 4_096
"""Rows that are packed at once."""
_SAID = ("content", "token", "type", "happened_on", "amount", "division")
BELOW = ("file_id", "n", "fate", "alert_id", *_SAID)
"""The columns of ``feeds.row`` that ``kept_below`` fills."""
DECIDED = (*BELOW, "household_id", "code", "field")
"""Those that ``kept_decided`` fills."""


@dataclass(frozen=True)
class _Column:
    """What each row has in one column: the first so many bytes of it, or null (-1)."""

    values: NDArray[np.uint8]
    """A row of bytes each."""
    lengths: NDArray[np.int64] | int

    @property
    def narrowed(self) -> "_Column":
        """The same, where all are equally long: whose bytes are not to be told apart."""
        if isinstance(self.lengths, int) or not len(self.lengths):
            return self
        length = int(self.lengths[0])
        if (self.lengths != length).any():
            return self
        return _Column(self.values[:, : max(length, 0)], length)


def day_number(day: date) -> int:
    """A day as the rows hold it."""
    return day.toordinal() - _EPOCH


def kept_below(file_id: UUID, rows: Rows, fate: str) -> Iterator[bytes]:
    """Rows with one and the same fate (``BELOW``), in the order of their ids, part by part.

    Whoever is kept in the order of an index finds its page where the one before has left it.
    """
    beginnings = np.ascontiguousarray(rows["alert_id"]).view(">u8")[::2]
    order = np.argsort(
        beginnings.astype(np.uint64)
    )  # whoever has the same eight bytes is near enough
    yield _BEGIN
    for begin in range(0, len(rows), _PART):
        part = rows[order[begin : begin + _PART]]
        fates = _same(fate.encode(), len(part))
        yield _packed(
            len(part), [*_place(file_id, part, fates), _raw(part["alert_id"]), *_said(part)]
        )
    yield _END


def kept_decided(
    file_id: UUID,
    rows: Rows,
    fates: Sequence[str],
    *,
    named: Sequence[bool],
    households: Sequence[UUID | None],
    why: Sequence[tuple[str | None, str | None]],
) -> bytes:
    """Rows each with its own fate (``DECIDED``); those not ``named`` are kept without their id."""
    ids = _Column(_raw(rows["alert_id"]).values, np.where(named, 16, -1))
    found = [None if household is None else household.bytes for household in households]
    columns = [
        *_place(file_id, rows, _texts([fate.encode() for fate in fates])),
        ids,
        *_said(rows),
        _texts(found),
        *(_texts([None if part is None else part.encode() for part in parts])
          for parts in zip(*why, strict=True)),
    ]  # fmt: skip
    return b"".join((_BEGIN, _packed(len(rows), columns), _END))


def _place(file_id: UUID, rows: Rows, fates: _Column) -> list[_Column]:
    return [_same(file_id.bytes, len(rows)), _number(rows["n"], ">i4"), fates]


def _said(rows: Rows) -> list[_Column]:
    amount = _number(rows["amount"], ">i8").values
    return [
        _raw(rows["content"]),
        _raw(rows["token"]),
        _words(rows["type"]),
        _number(rows["happened_on"], ">i4"),
        _Column(amount, np.where(rows["amount"] < 0, -1, 8)),
        _words(rows["division"]),
    ]


def _packed(count: int, columns: Sequence[_Column]) -> bytes:
    """Each value goes after its length; the row after the number of its columns."""
    columns = [column.narrowed for column in columns]
    width = 2 + sum(4 + column.values.shape[1] for column in columns)
    made = np.empty((count, width), np.uint8)
    made[:, :2] = np.frombuffer(len(columns).to_bytes(2), np.uint8)
    taken = None
    at = 2
    for column in columns:
        begin, end = at + 4, at + 4 + column.values.shape[1]
        lengths = np.asarray(column.lengths, ">i4").reshape(-1, 1)
        made[:, at:begin] = np.ascontiguousarray(lengths).view(np.uint8)
        made[:, begin:end] = column.values
        if len(lengths) > 1:
            taken = np.ones((count, width), np.bool_) if taken is None else taken
            taken[:, begin:end] = np.arange(end - begin) < lengths
        at = end
    return (made if taken is None else made[taken]).tobytes()


def _same(value: bytes, count: int) -> _Column:
    one = np.frombuffer(value, np.uint8)
    return _Column(np.broadcast_to(one, (count, len(one))), len(one))


def _number(values: NDArray[Any], kind: str) -> _Column:
    return _raw(values.astype(kind))


def _raw(values: NDArray[Any]) -> _Column:
    size = values.itemsize
    made = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
    return _Column(made.reshape(-1, size), size)


def _words(values: NDArray[Any]) -> _Column:
    """Texts without a zero byte, filled up with them."""
    made = _raw(values)
    return _Column(made.values, np.count_nonzero(made.values, axis=1))


def _texts(values: Sequence[bytes | None]) -> _Column:
    """Any bytes."""
    lengths = np.array([-1 if value is None else len(value) for value in values], np.int64)
    width = max(int(lengths.max(initial=0)), 0)
    whole = b"".join((value or b"").ljust(width, b"\0") for value in values)
    return _Column(np.frombuffer(whole, np.uint8).reshape(len(values), width), lengths)


__all__ = ["BELOW", "DECIDED", "ROW", "Rows", "day_number", "kept_below", "kept_decided"]
