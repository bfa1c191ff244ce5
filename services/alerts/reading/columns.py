"""The ordinary rows of a file, recognised column by column: nearly all, at a tenth of the time.

What is taken here ``Checker`` takes too, to the same alert; every row that is anything but plain is
left to it, and so is every refusal.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.alerts.reading.binary import ROW, Rows, day_number
from services.alerts.reading.check import LONGEST_NAME, Alert, Checker, Memo
from services.alerts.reading.numbers import surely_valid
from services.alerts.reading.plan import Candidate, Draft, Plan
from shared.contracts.alerts import AlertField, AlertType, Unit
from shared.kernel.document_number import holds_document_number
from shared.kernel.ids import named_digests
from shared.kernel.refusal import Refusal
from shared.tabular.table import Kind, Row, Run, Table

F = AlertField
V = TypeVar("V")
_SAID = (F.EXTERNAL_ID, F.NAME, F.DOCUMENT_NUMBER, F.DETAILS)
_OWN_ID = re.compile(r"(?!\d(?:\.\d+)?[eE])[\x21-\x7e]{1,64}", re.ASCII)
_OWN_IDS = re.compile(rf"(?:{_OWN_ID.pattern}\n)*+", re.ASCII)
_YUAN = re.compile(r"\d{1,12}(?:\.\d\d)?", re.ASCII)
_YUANS = re.compile(rf"(?:{_YUAN.pattern}\n)*+", re.ASCII)
_WHOLE = re.compile(r"\d{1,12}", re.ASCII)
_WHOLES = re.compile(rf"(?:{_WHOLE.pattern}\n)*+", re.ASCII)
_OTHER = -2
"""An amount that is not plain."""
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


class Columns:
    """Takes rows into a block, many at a time."""

    def __init__(self, plan: Plan, table: Table) -> None:
        self._plan, self._check = plan, Checker(plan, table.header)
        self._blank = ("",) * len(table.header)
        self._all_text = table.kind is Kind.CSV
        """Cells of other files may be numbers, days or flaws: none of them is plain."""
        self._when = Memo(_if_allowed(self._read_when))
        self._where = Memo(_if_allowed(self._read_where))
        self._yuan = plan.mapping.unit is Unit.YUAN

    def take(self, rows: Run | Sequence[Row], draft: Draft) -> None:
        """Each of the rows, plain or not, in their order."""
        good = np.zeros(len(rows), ROW)
        of: Mapping[F, Sequence[Any]] = {}
        tokens: Sequence[Sequence[bytes]] = ()
        if self._all_text:
            of = self._columns(rows)
            tokens = self._plan.index.tokens_of(of[F.DOCUMENT_NUMBER])
            taken = self._read(of, tokens, good)
            good["n"] = _numbers(rows)
        else:
            taken = np.zeros(len(rows), np.bool_)
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
                own = tuple(of_key[at] for of_key in tokens)
                made = Candidate(n, alert_id, own, self._given(of, at, good["amount"][at]))
            draft.block.candidates.append(made)

    def _columns(self, rows: Run | Sequence[Row]) -> Mapping[F, Sequence[Any]]:
        if isinstance(rows, Run):
            columns = rows.columns
        else:
            columns = list(zip(*(row.cells or self._blank for row in rows), strict=True))
        places = self._check.at
        blank = ("",) * len(rows)
        return {name: blank if places[name] < 0 else columns[places[name]] for name in F}

    def _read(
        self, of: Mapping[F, Sequence[str]], tokens: Sequence[Sequence[bytes]], good: Rows
    ) -> NDArray[np.bool_]:
        """Fill in the rows that are plain; which they are. The others are not to be read."""
        said, which = _coded(_when_of(of))
        whens = [self._when[cells] for cells in said]
        places, where = _coded(of[F.DIVISION])
        wheres = [self._where[cell] for cell in places]
        lowest = np.array([_NONE if w is None or w.lowest is None else w.lowest for w in whens])
        amounts = self._amounts(of[F.AMOUNT])
        good["amount"], good["open"] = amounts, amounts >= lowest[which]
        good["type"] = np.array([b"" if w is None else w.type.encode() for w in whens])[which]
        good["happened_on"] = np.array([0 if w is None else day_number(w.day) for w in whens])[
            which
        ]
        good["division"] = np.array([b"" if w is None else w.code.encode() for w in wheres])[where]
        good["token"] = np.frombuffer(b"".join(tokens[0]), good.dtype["token"])
        good["alert_id"] = self._ids(of[F.EXTERNAL_ID])
        good["content"] = _contents(
            map([b"" if w is None else w.said for w in whens].__getitem__, which.tolist()),
            amounts,
            map([b"" if w is None else w.said for w in wheres].__getitem__, where.tolist()),
            tokens[0],
        )
        plain = _plain(of)
        plain &= np.array([w is not None for w in whens])[which]
        plain &= np.array([w is not None for w in wheres])[where]
        plain &= (amounts != _OTHER) & ((amounts >= 0) | (lowest[which] == _NONE))
        return plain

    def _ids(self, own_ids: Sequence[str]) -> NDArray[Any]:
        """``alert_key`` of each."""
        digests = b"".join(named_digests(("alert", self._plan.feed, "id"), own_ids))
        made = np.frombuffer(digests, np.uint8).reshape(len(own_ids), -1)[:, :16].copy()
        made[:, 6] = made[:, 6] & 0x0F | 0x50
        made[:, 8] = made[:, 8] & 0x3F | 0x80
        return made.view("V16")[:, 0]

    def _amounts(self, cells: Sequence[str]) -> NDArray[np.int64]:
        shape = _YUANS if self._yuan else _WHOLES
        if _is_all(shape, cells):
            # Twelve digits and two after the point are exact, and so is what is rounded.
            return np.rint(np.array(cells, np.float64) * (100 if self._yuan else 1)).astype(
                np.int64
            )
        read = _fen if self._yuan else _whole
        return np.array([read(cell) for cell in cells], np.int64)

    def _given(self, of: Mapping[F, Sequence[str]], at: int, amount: int) -> dict[str, Any]:
        """As ``ReceiveAlert`` takes it."""
        when = self._when[of[F.TYPE][at], of[F.HAPPENED_ON][at], of[F.PERIOD][at]]
        where = self._where[of[F.DIVISION][at]]
        assert when is not None
        assert where is not None
        number, name = of[F.DOCUMENT_NUMBER][at], of[F.NAME][at].strip()
        return {
            "feed": self._plan.feed,
            "external_id": of[F.EXTERNAL_ID][at],
            "type": when.type,
            "happened_on": when.day,
            "period": when.period,
            "amount": None if amount < 0 else int(amount),
            "division": where.code,
            "person": {"name": name, "document_number": number},
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


def _when_of(of: Mapping[F, Sequence[str]]) -> list[tuple[str, str, str]]:
    return list(zip(of[F.TYPE], of[F.HAPPENED_ON], of[F.PERIOD], strict=True))


def _coded(cells: Sequence[V]) -> tuple[list[V], NDArray[np.intp]]:
    """The different ones, and which of them each is."""
    places = {cell: place for place, cell in enumerate(dict.fromkeys(cells))}
    return list(places), np.fromiter(map(places.__getitem__, cells), np.intp, len(cells))


def _contents(
    whens: Iterable[bytes],
    amounts: NDArray[np.int64],
    wheres: Iterable[bytes],
    tokens: Sequence[bytes],
) -> NDArray[Any]:
    """``alert_content.hashed`` of each."""
    texts = [b"None" if amount < 0 else b"%d" % amount for amount in amounts.tolist()]
    hashes = [
        blake2b(b"%b%b%b%b" % parts, digest_size=8).digest()
        for parts in zip(whens, texts, wheres, tokens, strict=True)
    ]
    return np.frombuffer(b"".join(hashes), "V8")


def _plain(of: Mapping[F, Sequence[str]]) -> NDArray[np.bool_]:
    """Which rows hold nothing unusual about the person, nor in what they call themselves."""
    names, details = of[F.NAME], of[F.DETAILS]
    made = surely_valid(of[F.DOCUMENT_NUMBER]) & _are_plain_ids(of[F.EXTERNAL_ID])
    made &= [name[:1].isalpha() and len(name) <= LONGEST_NAME for name in names]
    if any(details):
        made &= [not detail[:1].isdigit() for detail in details]
    return made


def _are_plain_ids(cells: Sequence[str]) -> NDArray[np.bool_]:
    if _is_all(_OWN_IDS, cells) and not holds_document_number("\n".join(cells)):
        return np.ones(len(cells), np.bool_)
    return np.array(
        [_OWN_ID.fullmatch(cell) is not None and not holds_document_number(cell) for cell in cells]
    )


def _is_all(shape: re.Pattern[str], cells: Sequence[str]) -> bool:
    """Whether each of the cells has the shape that ``shape`` gives for lines."""
    text = "\n".join((*cells, ""))
    return shape.fullmatch(text) is not None and text.count("\n") == len(cells)


def _fen(cell: str) -> int:
    if not _YUAN.fullmatch(cell):
        return _otherwise(cell)
    return int(cell.replace(".", "")) * (1 if "." in cell else 100)


def _whole(cell: str) -> int:
    return int(cell) if _WHOLE.fullmatch(cell) else _otherwise(cell)


def _otherwise(cell: str) -> int:
    return _OTHER if cell else _NONE
