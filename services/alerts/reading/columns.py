"""The ordinary rows of a file, recognised column by column: nearly all, at a fifth of the time.

What is taken here ``Checker`` takes too, to the same alert; every row that is anything but plain is
left to it, and so is every refusal.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeVar

from services.alerts.domain.alert_content import hashed
from services.alerts.reading.check import LONGEST_NAME, Checker, Memo
from services.alerts.reading.plan import Candidate, Draft, Plan, Read, packed, packed_text
from shared.contracts.alerts import AlertField, AlertType, Unit
from shared.kernel.document_number import LENGTH, holds_document_number
from shared.kernel.ids import named_many
from shared.kernel.refusal import Refusal
from shared.tabular.table import Kind, Row, Table
from shared.vault.documents import surely_valid

F = AlertField
V = TypeVar("V")
_SAID = (F.EXTERNAL_ID, F.NAME, F.DOCUMENT_NUMBER, F.DETAILS)
_OWN_ID = re.compile(r"(?!\d(?:\.\d+)?[eE])[\x21-\x7e]{1,64}")
_YUAN = re.compile(r"\d{1,12}\.\d\d")
_WHOLE = re.compile(r"\d{1,12}")
_OTHER = -1
"""An amount that is not plain."""


class _When(NamedTuple):
    """What type, day and period of a row come to."""

    type: AlertType
    day: date
    period: str | None
    lowest: int | None
    said: str
    packed: bytes


class _Where(NamedTuple):
    """What its division comes to."""

    code: str
    said: str
    packed: bytes


class Columns:
    """Takes rows into a block, many at a time."""

    def __init__(self, plan: Plan, table: Table) -> None:
        self._plan, self._check = plan, Checker(plan, table.header)
        self._blank = ("",) * len(table.header)
        self._all_text = table.kind is Kind.CSV
        """Cells of other files may be numbers, days or flaws: none of them is plain."""
        self._when = Memo(_if_allowed(self._read_when))
        self._where = Memo(_if_allowed(self._read_where))
        self._amount = _fen if plan.mapping.unit is Unit.YUAN else _whole

    def take(self, rows: Sequence[Row], draft: Draft) -> None:
        """Each of the rows, plain or not, in their order."""
        if not self._all_text:
            for row in rows:
                self._take_one(row, draft)
            return
        of = self._columns(rows)
        found = zip(
            rows,
            _plain(of[F.DOCUMENT_NUMBER], of[F.NAME], of[F.EXTERNAL_ID], of[F.DETAILS]),
            map(
                self._when.__getitem__,
                zip(of[F.TYPE], of[F.HAPPENED_ON], of[F.PERIOD], strict=True),
            ),
            map(self._where.__getitem__, of[F.DIVISION]),
            map(self._amount, of[F.AMOUNT]),
            zip(*self._plan.index.tokens_of(of[F.DOCUMENT_NUMBER]), strict=True),
            named_many(("alert", self._plan.feed, "id"), of[F.EXTERNAL_ID]),
            strict=True,
        )
        for at, (row, plain, when, where, amount, tokens, alert_id) in enumerate(found):
            if not plain or when is None or where is None or not _measured(amount, when.lowest):
                self._take_one(row, draft)
                continue
            content = hashed(f"{when.said}{amount}{where.said}", tokens[0])
            is_open = when.lowest is None or amount >= when.lowest
            words = when.packed + where.packed
            read = Read(row.number, alert_id, content, tokens, amount, is_open, words)
            if draft.take(read) and is_open:
                given = self._given(when, where, amount, {name: of[name][at] for name in _SAID})
                draft.block.candidates.append(Candidate(row.number, alert_id, tokens, given))

    def _columns(self, rows: Sequence[Row]) -> Mapping[F, Sequence[str]]:
        columns = list(zip(*(row.cells or self._blank for row in rows), strict=True))
        places = self._check.at
        blank = ("",) * len(rows)
        return {name: blank if places[name] < 0 else columns[places[name]] for name in F}

    def _given(
        self, when: _When, where: _Where, amount: int | None, said: Mapping[F, str]
    ) -> dict[str, Any]:
        """As ``ReceiveAlert`` takes it."""
        return {
            "feed": self._plan.feed,
            "external_id": said[F.EXTERNAL_ID],
            "type": when.type,
            "happened_on": when.day,
            "period": when.period,
            "amount": amount,
            "division": where.code,
            "person": {"name": said[F.NAME].strip(), "document_number": said[F.DOCUMENT_NUMBER]},
            "details": said[F.DETAILS].strip() or None,
        }

    def _take_one(self, row: Row, draft: Draft) -> None:
        """A row that may be anything."""
        try:
            alert = self._check(row)
        except Refusal as bad:
            draft.refuse(row.number, bad)
            return
        words = packed(alert.type, alert.happened_on) + packed_text(alert.division)
        read = Read(
            row.number, alert.id, alert.content, alert.tokens, alert.amount, alert.is_open, words
        )
        if draft.take(read) and alert.is_open:
            draft.block.candidates.append(
                Candidate(row.number, alert.id, alert.tokens, alert.given())
            )

    def _read_when(self, cells: tuple[str, str, str]) -> _When:
        check = self._check
        type_, day, period = check.type[cells[0]], check.day[cells[1]], check.period[cells[2]]
        said = f"{type_}|{day}|{period}|"
        return _When(type_, day, period, check.lowest[type_, day], said, packed(type_, day))

    def _read_where(self, cell: str) -> _Where:
        code = self._check.division[cell]
        return _Where(code, f"|{code}", packed_text(code))


def _if_allowed(read: Callable[[Any], V]) -> Callable[[Any], V | None]:
    """What ``read`` makes of a cell; nothing where it refuses."""

    def tried(cell: Any) -> V | None:
        try:
            return read(cell)
        except Refusal:
            return None

    return tried


def _plain(
    numbers: Sequence[str], names: Sequence[str], own_ids: Sequence[str], details: Sequence[str]
) -> list[bool]:
    """Which rows hold nothing unusual about the person, nor in what they call themselves."""
    is_own_id = _OWN_ID.fullmatch
    return [
        valid
        and name[:1].isalpha()
        and len(name) <= LONGEST_NAME
        and is_own_id(own_id) is not None
        and (len(own_id) < LENGTH or not holds_document_number(own_id))
        and not detail[:1].isdigit()
        for valid, name, own_id, detail in zip(
            surely_valid(numbers), names, own_ids, details, strict=True
        )
    ]


def _measured(amount: int | None, lowest: int | None) -> bool:
    """Whether an amount is plain, and there where it is due."""
    return lowest is None if amount is None else amount != _OTHER


def _fen(cell: str) -> int | None:
    if _YUAN.fullmatch(cell):
        return int(cell[:-3] + cell[-2:])
    return int(cell) * 100 if _WHOLE.fullmatch(cell) else _otherwise(cell)


def _whole(cell: str) -> int | None:
    return int(cell) if _WHOLE.fullmatch(cell) else _otherwise(cell)


def _otherwise(cell: str) -> int | None:
    return _OTHER if cell else None
