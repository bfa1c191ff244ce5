"""A file's rows as alerts, one by one: read, checked, named, before anything is looked up."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

from services.alerts.domain import feed_words, policies, triggers
from services.alerts.domain.alert_content import alert_key, hashed
from services.alerts.reading.plan import Plan
from shared.contracts.alerts import AlertField, AlertType, FeedMapping, Unit
from shared.kernel.division import within
from shared.kernel.refusal import Forbidden, Invalid, Refusal
from shared.policy.divisions import Divisions
from shared.tabular import cells
from shared.tabular.faults import BadCell, Unreadable
from shared.tabular.table import Cell, Row
from shared.vault.documents import Document, parse_document

F = AlertField
V = TypeVar("V")
_NEEDED = frozenset({F.HAPPENED_ON, F.NAME, F.DOCUMENT_NUMBER})
_OPTIONAL = frozenset({F.EXTERNAL_ID, F.PERIOD, F.AMOUNT, F.DETAILS})
_PERIOD = re.compile(r"^\d{4}(-(0[1-9]|1[0-2]))?\Z")
EXTERNAL_ID = re.compile(r"^[\x21-\x7e]{1,64}\Z")
_DIVISION = re.compile(r"^(\d{2}|\d{4}|\d{6}|\d{9}|\d{12})\Z")
_MOST = 10**15
_REMEMBERED = 65_536
LONGEST_NAME = 60


class Alert:
    """One row as the alert it is."""

    __slots__ = (
        "amount", "content", "details", "division", "document", "external_id", "feed",
        "happened_on", "id", "is_open", "name", "period", "tokens", "type",
    )  # fmt: skip

    feed: str
    external_id: str | None
    type: AlertType
    happened_on: date
    period: str | None
    amount: int | None
    division: str
    name: str
    document: Document
    details: str | None
    tokens: tuple[bytes, ...]
    id: bytes
    content: bytes
    is_open: bool

    def given(self) -> dict[str, Any]:
        """As ``ReceiveAlert`` takes it."""
        return {
            "feed": self.feed,
            "external_id": self.external_id,
            "type": self.type,
            "happened_on": self.happened_on,
            "period": self.period,
            "amount": self.amount,
            "division": self.division,
            "person": {"name": self.name, "document_number": self.document.number},
            "details": self.details,
        }


class Memo(dict[Any, V]):
    """What a cell means, remembered: most columns say the same few things a million times."""

    def __init__(self, read: Callable[[Any], V]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, cell: Any) -> V:
        made = self._read(cell)
        if len(self) < _REMEMBERED:
            self[cell] = made
        return made


class Checker:
    """From a row to an alert, by the same rules as ``POST /alerts``. Raises the ``Refusal``.

    A million rows pass here: what can be is remembered by the cell, in the order of the columns.
    """

    def __init__(self, plan: Plan, header: tuple[str, ...]) -> None:
        self._plan, self._mapping = plan, plan.mapping
        self._divisions = _Places(plan.division)
        places = _places(plan.mapping, header)
        # A field without a column is read from the empty cell past the row's end.
        self.at = {name: places.get(name, -1) for name in F}
        self.type = Memo(self._read_type)
        self.day = Memo(self._read_day)
        self.period = Memo(self._read_period)
        self.division = Memo(self._read_division)
        self.lowest = Memo(lambda key: triggers.surely_below(plan.book, *key))

    def __call__(self, row: Row) -> Alert:
        """The row's alert."""
        if row.flaw:
            cells.texts((), row)
        at, given = self.at, [*row.cells, ""]
        made = Alert()
        made.feed = self._plan.feed
        made.type = self.type[given[at[F.TYPE]]]
        made.happened_on = self.day[given[at[F.HAPPENED_ON]]]
        made.period = self.period[given[at[F.PERIOD]]]
        made.division = self.division[given[at[F.DIVISION]]]
        made.amount = self._amount(given[at[F.AMOUNT]])
        made.name = _needed(given[at[F.NAME]], F.NAME, LONGEST_NAME)
        made.details = _text(given[at[F.DETAILS]], F.DETAILS)
        made.external_id = _shaped(given[at[F.EXTERNAL_ID]], F.EXTERNAL_ID, EXTERNAL_ID)
        if made.external_id is not None:
            policies.is_nobodys_number(made.external_id, F.EXTERNAL_ID, made.happened_on)
        made.document = _document(given[at[F.DOCUMENT_NUMBER]])
        lowest = self.lowest[made.type, made.happened_on]
        if lowest is not None and made.amount is None:
            raise BadCell(
                "amount-required", "该类预警须填写金额", "its amount is due", field=F.AMOUNT
            )
        self._name(made)
        made.is_open = lowest is None or (made.amount is not None and made.amount >= lowest)
        return made

    def _name(self, made: Alert) -> None:
        made.tokens = self._plan.index.tokens(made.document)
        token = made.tokens[0]
        if made.external_id is None:
            content = {
                "type": made.type,
                "happened_on": made.happened_on,
                "period": made.period,
                "amount": made.amount,
                "division": made.division,
            }
            made.id = alert_key(made.feed, None, content, token)
        else:
            made.id = alert_key(made.feed, made.external_id, {}, token)
        made.content = hashed(
            f"{made.type}|{made.happened_on}|{made.period}|{made.amount}|{made.division}", token
        )

    def _read_type(self, cell: Cell) -> AlertType:
        found = _text(cell, F.TYPE)
        words = {word.strip(): item for word, item in self._mapping.types.items()}
        made = (
            self._mapping.type if found is None else words.get(found, feed_words.KINDS.get(found))
        )
        if made is None:
            raise BadCell("not-allowed", "不在允许的取值之中", "not a type", field=F.TYPE)
        policies.type_is_the_feeds(self._plan.feed, made, triggers.FEEDS[self._plan.feed])
        return made

    def _read_day(self, cell: Cell) -> date:
        try:
            day = cells.day(cell)
        except BadCell as bad:
            raise bad.at(F.HAPPENED_ON) from None
        policies.not_in_the_future(day, self._plan.today, "happened_on")
        return day

    def _read_period(self, cell: Cell) -> str | None:
        return _shaped(cell, F.PERIOD, _PERIOD) or self._mapping.period

    def _read_division(self, cell: Cell) -> str:
        code = _text(cell, F.DIVISION) or self._mapping.division
        if code is None:
            raise BadCell("missing-field", "缺少该字段", "this field is required", field=F.DIVISION)
        return self._divisions.checked(code)

    def _amount(self, cell: Cell) -> int | None:
        if cell == "":
            return None
        try:
            amount = cells.fen(cell) if self._mapping.unit is Unit.YUAN else cells.whole(cell)
        except BadCell as bad:
            raise bad.at(F.AMOUNT) from None
        if not 0 <= amount <= _MOST:
            raise BadCell("out-of-range", "金额超出范围", "out of range", field=F.AMOUNT)
        return amount


def _text(cell: Cell, name: F) -> str | None:
    if type(cell) is str and not cell[:1].isdigit():
        return cell.strip() or None
    try:
        return cells.text(cell) or None
    except BadCell as bad:
        raise bad.at(name) from None


def _needed(cell: Cell, name: F, longest: int) -> str:
    found = _text(cell, name)
    if found is None:
        raise BadCell("missing-field", "缺少该字段", "this field is required", field=name)
    if len(found) > longest:
        raise BadCell("too-long", "内容过长", "too long", field=name)
    return found


def _shaped(cell: Cell, name: F, shape: re.Pattern[str]) -> str | None:
    found = _text(cell, name)
    if found is not None and not shape.match(found):
        raise BadCell("wrong-format", "格式不符合要求", "not in the required format", field=name)
    return found


def _document(cell: Cell) -> Document:
    number = _needed(cell, F.DOCUMENT_NUMBER, 40)
    try:
        return parse_document(number)
    except Invalid as wrong:
        raise BadCell(wrong.code, wrong.zh, wrong.en, field=F.DOCUMENT_NUMBER) from None


class _Places:
    """Which divisions a sender's rows may name."""

    def __init__(self, sender: str) -> None:
        self._sender, self._divisions = sender, Divisions.load()

    def checked(self, code: str) -> str:
        """The code, if a row may name it. Raises ``BadCell``."""
        try:
            if not _DIVISION.match(code):
                raise BadCell("wrong-format", "行政区划代码格式不符", "no division code")
            policies.local(code)
            self._divisions.require(code)
            if not within(code, self._sender):
                raise Forbidden("不在报送单位的辖区内", "outside the sender's division")
        except Refusal as refusal:
            raise BadCell(refusal.code, refusal.zh, refusal.en, field=F.DIVISION) from None
        return code


def _places(mapping: FeedMapping, header: tuple[str, ...]) -> dict[F, int]:
    """Where each field stands. Raises ``Unreadable`` naming the titles that are missing."""
    at = {title: place for place, title in enumerate(header)}
    found = {}
    missing = []
    for name, title in mapping.columns.items():
        place = at.get(title.strip(), at.get(name.value))
        if place is not None:
            found[name] = place
        elif name in _NEEDED or not _given_otherwise(mapping, name):
            missing.append(title.strip())
    if missing:
        raise Unreadable(
            "columns-missing",
            "表头缺少:" + "、".join(missing),
            "the header lacks: " + ", ".join(missing),
        )
    return found


def _given_otherwise(mapping: FeedMapping, name: F) -> bool:
    if name is F.TYPE:
        return mapping.type is not None
    if name is F.DIVISION:
        return mapping.division is not None
    return name in _OPTIONAL
