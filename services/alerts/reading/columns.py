"""The ordinary rows of a file, recognised column by column: nearly all, at a tenth of the time.

What is taken here ``Checker`` takes too, to the same alert; every row that is anything but plain is
left to it, and so is every refusal.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.alerts.reading.binary import ROW, Rows, day_number
from services.alerts.reading.check import LONGEST_NAME, Alert, Checker, Memo
from services.alerts.reading.numbers import amounts_of, are, surely_valid
from services.alerts.reading.plan import Candidate, Draft, Plan
from shared.contracts.alerts import AlertField, AlertType, Unit
from shared.kernel.document_number import LENGTH, holds_document_number
from shared.kernel.ids import named_digests
from shared.kernel.refusal import Refusal
from shared.tabular.column import WIDEST, Column, distinct
from shared.tabular.table import Kind, Row, Run, Table

F = AlertField
V = TypeVar("V")
_OWN_ID = re.compile(r"(?!\d(?:\.\d+)?[eE])[\x21-\x7e]{1,64}", re.ASCII)
_MAKES_A_POWER = np.frombuffer(b".eE", np.uint8)
_NONE = -1


class _When(NamedTuple):
    """What type, day and period of a row come to."""

    type: AlertType
    day: date
    period: str | None
    lowest: int | None
    said: bytes


class _Where(NamedTuple):
    """What its division comes to."""

    code: str
    said: bytes


class _Read(NamedTuple):
    """What rows say, read together."""

    of: Mapping[F, Column]
    whens: Sequence[_When | None]
    when: NDArray[np.intp]
    """Which of them each row says."""
    wheres: Sequence[_Where | None]
    where: NDArray[np.intp]
    tokens: Sequence[Sequence[bytes]]
    """By each key in use."""


class Columns:
    """Takes rows into a block, many at a time."""

    def __init__(self, plan: Plan, table: Table) -> None:
        self._plan, self._check = plan, Checker(plan, table.header)
        self._blank = ("",) * len(table.header)
        self._all_text = table.kind is Kind.CSV
        """Cells of other files may be numbers, days or flaws: none of them is plain."""
        self._when = Memo(_if_allowed(self._read_when))
        self._where = Memo(_if_allowed(self._read_where))
        self._fen = 100 if plan.mapping.unit is Unit.YUAN else 1

    def take(self, rows: Run | Sequence[Row], draft: Draft) -> None:
        """Each of the rows, plain or not, in their order."""
        good = np.zeros(len(rows), ROW)
        read = None
        taken = np.zeros(len(rows), np.bool_)
        if self._all_text:
            read, taken = self._read(self._columns(rows), good)
            good["n"] = _numbers(rows)
        alerts = {}
        for at in np.flatnonzero(~taken).tolist():
            alert = self._look_at(row := next(iter(rows[at : at + 1])), draft)
            if alert is not None:
                alerts[at], taken[at], good[at] = alert, True, _row_of(row.number, alert)
        which = np.flatnonzero(taken)
        which = which[draft.take(good[which])]
        for at in which[good["open"][which]].tolist():
            n, alert_id = int(good["n"][at]), good["alert_id"][at].tobytes()
            if at in alerts:
                made = Candidate(n, alert_id, alerts[at].tokens, alerts[at].given())
            else:
                assert read is not None
                own = tuple(of_key[at] for of_key in read.tokens)
                made = Candidate(n, alert_id, own, self._given(read, at, int(good["amount"][at])))
            draft.block.candidates.append(made)

    def _columns(self, rows: Run | Sequence[Row]) -> Mapping[F, Column]:
        if isinstance(rows, Run):
            columns = rows.columns
        else:
            cells = zip(*(row.cells or self._blank for row in rows), strict=True)
            columns = [Column.of(column) for column in cells]
        places = self._check.at
        blank = Column.of(("",) * len(rows))
        return {name: blank if places[name] < 0 else columns[places[name]] for name in F}

    def _read(self, of: Mapping[F, Column], good: Rows) -> tuple[_Read, NDArray[np.bool_]]:
        """Fill in the rows that are plain; which they are. The others are not to be read."""
        said, when = distinct((of[F.TYPE], of[F.HAPPENED_ON], of[F.PERIOD]))
        whens = [self._when[cells] for cells in said]
        places, where = distinct((of[F.DIVISION],))
        wheres = [self._where[cell] for (cell,) in places]
        valid = surely_valid(of[F.DOCUMENT_NUMBER])
        tokens = self._plan.index.tokens_of(_numbers_of(of[F.DOCUMENT_NUMBER], valid))
        read = _Read(of, whens, when, wheres, where, tokens)
        amounts = amounts_of(of[F.AMOUNT], self._fen, none=_NONE)
        lowest = np.array([_NONE if w is None or w.lowest is None else w.lowest for w in whens])
        good["amount"], good["open"] = amounts, amounts >= lowest[when]
        good["type"] = np.array([b"" if w is None else w.type.encode() for w in whens])[when]
        days = np.array([0 if w is None else day_number(w.day) for w in whens])
        good["happened_on"] = days[when]
        good["division"] = np.array([b"" if w is None else w.code.encode() for w in wheres])[where]
        good["token"] = np.frombuffer(b"".join(tokens[0]), good.dtype["token"])
        good["alert_id"] = self._ids(of[F.EXTERNAL_ID].cut(WIDEST))
        good["content"] = _contents(read, amounts)
        plain = valid & _plain(of)
        plain &= np.array([w is not None for w in whens])[when]
        plain &= np.array([w is not None for w in wheres])[where]
        plain &= (amounts >= 0) | (of[F.AMOUNT].lengths == 0) & (lowest[when] == _NONE)
        return read, plain

    def _ids(self, own_ids: Sequence[bytes]) -> NDArray[Any]:
        """``alert_key`` of each."""
        digests = b"".join(named_digests(("alert", self._plan.feed, "id"), own_ids))
        made = np.frombuffer(digests, np.uint8).reshape(len(own_ids), -1)[:, :16].copy()
        made[:, 6] = made[:, 6] & 0x0F | 0x50
        made[:, 8] = made[:, 8] & 0x3F | 0x80
        return made.view("V16")[:, 0]

    def _given(self, read: _Read, at: int, amount: int) -> dict[str, Any]:
        """As ``ReceiveAlert`` takes it."""
        of, when, where = read.of, read.whens[read.when[at]], read.wheres[read.where[at]]
        assert when is not None
        assert where is not None
        return {
            "feed": self._plan.feed,
            "external_id": of[F.EXTERNAL_ID][at],
            "type": when.type,
            "happened_on": when.day,
            "period": when.period,
            "amount": None if amount < 0 else amount,
            "division": where.code,
            "person": {
                "name": of[F.NAME][at].strip(),
                "document_number": of[F.DOCUMENT_NUMBER][at],
            },
            "details": of[F.DETAILS][at].strip() or None,
        }

    def _look_at(self, row: Row, draft: Draft) -> Alert | None:
        """A row that may be anything."""
        try:
            return self._check(row)
        except Refusal as bad:
            draft.refuse(row.number, bad)
            return None

    def _read_when(self, cells: tuple[str, str, str]) -> _When:
        check = self._check
        type_, day, period = check.type[cells[0]], check.day[cells[1]], check.period[cells[2]]
        said = f"{type_}|{day}|{period}|"
        return _When(type_, day, period, check.lowest[type_, day], said.encode())

    def _read_where(self, cell: str) -> _Where:
        code = self._check.division[cell]
        return _Where(code, f"|{code}".encode())


def _if_allowed(read: Callable[[Any], V]) -> Callable[[Any], V | None]:
    """What ``read`` makes of a cell; nothing where it refuses."""

    def tried(cell: Any) -> V | None:
        try:
            return read(cell)
        except Refusal:
            return None

    return tried


def _row_of(number: int, alert: Alert) -> tuple[Any, ...]:
    return (
        number,
        alert.is_open,
        np.void(alert.id),
        np.void(alert.content),
        np.void(alert.tokens[0]),
        alert.type.encode(),
        day_number(alert.happened_on),
        _NONE if alert.amount is None else alert.amount,
        alert.division.encode(),
    )


def _numbers(rows: Run | Sequence[Row]) -> Sequence[int]:
    if isinstance(rows, Run):
        return range(rows.first, rows.first + len(rows))
    return [row.number for row in rows]


def _numbers_of(cells: Column, valid: NDArray[np.bool_]) -> list[bytes]:
    """The valid ones; zeros for the others, whose tokens nobody is to ask for."""
    numbers = cells.bytes_of(LENGTH)
    numbers[~valid] = ord("0")
    made: list[bytes] = numbers.view(f"S{LENGTH}")[:, 0].tolist()
    return made


def _contents(read: _Read, amounts: NDArray[np.int64]) -> NDArray[Any]:
    """``alert_content.hashed`` of each."""
    texts = str(amounts.tolist()).encode()[1:-1].split(b", ")
    for at in np.flatnonzero(amounts < 0).tolist():
        texts[at] = b"None"
    whens = [b"" if w is None else w.said for w in read.whens]
    wheres = [b"" if w is None else w.said for w in read.wheres]
    parts = zip(
        map(whens.__getitem__, read.when.tolist()),
        texts,
        map(wheres.__getitem__, read.where.tolist()),
        read.tokens[0],
        strict=True,
    )
    hashes = [blake2b(b"".join(said), digest_size=8).digest() for said in parts]
    return np.frombuffer(b"".join(hashes), "V8")


def _plain(of: Mapping[F, Column]) -> NDArray[np.bool_]:
    """Which rows hold nothing unusual about the person, nor in what they call themselves."""
    made = _are_plain_ids(of[F.EXTERNAL_ID])
    made &= _begin(of[F.NAME], str.isalpha) & (of[F.NAME].lengths <= LONGEST_NAME)
    if of[F.DETAILS].lengths.any():
        made &= _begin(of[F.DETAILS], lambda character: not character.isdigit())
    return made


def _begin(cells: Column, with_: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Whether the first character of each is such; in no encoding is one longer than four bytes."""
    found, which = np.unique(cells.bytes_of(4).view(np.uint32)[:, 0], return_inverse=True)
    firsts = [str(four.tobytes(), cells.encoding, "ignore")[:1].strip("\0") for four in found]
    return np.array([with_(first) for first in firsts], np.bool_)[which]


def _are_plain_ids(cells: Column) -> NDArray[np.bool_]:
    """A dozen digits can hold no document number; where there are more, each is looked at."""
    lengths = cells.lengths
    whole = cells.bytes_of(min(max(int(lengths.max(initial=1)), 2), WIDEST))
    digits = are(whole, b"0", b"9")
    good: NDArray[np.bool_] = (lengths > 0) & (lengths <= WIDEST)
    good &= np.count_nonzero(are(whole, b"!", b"~"), axis=1) == lengths
    doubtful = np.count_nonzero(digits, axis=1) >= LENGTH - 1
    doubtful |= digits[:, 0] & np.isin(whole[:, 1], _MAKES_A_POWER)
    for at in np.flatnonzero(good & doubtful).tolist():
        cell = cells[at]
        good[at] = _OWN_ID.fullmatch(cell) is not None and not holds_document_number(cell)
    return good
