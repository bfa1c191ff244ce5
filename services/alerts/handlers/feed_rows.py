"""A file's rows as alerts: read, checked, named, before anything is looked up.

It runs in a process of its own, because a million rows keep a processor busy for some seconds, and
hands blocks over as the bytes that the database takes. A ``Plan`` is all it knows.
"""

import gc
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import dropwhile, islice
from tempfile import TemporaryFile
from typing import IO, Any, TypeVar
from uuid import UUID

from services.alerts.domain import policies, triggers
from services.alerts.domain.alert_content import alert_key, hashed
from shared.contracts.alerts import AlertField, AlertType, FeedMapping, Threshold, Unit
from shared.kernel.division import within
from shared.kernel.refusal import Forbidden, Invalid, Refusal
from shared.policy.divisions import Divisions
from shared.tabular import cells
from shared.tabular.faults import BadCell, Unreadable
from shared.tabular.reading import open_table
from shared.tabular.table import Cell, Kind, Row, Table
from shared.vault.blind_index import BlindIndex
from shared.vault.documents import Document, parse_document

F = AlertField
V = TypeVar("V")
_NEEDED = frozenset({F.HAPPENED_ON, F.NAME, F.DOCUMENT_NUMBER})
_OPTIONAL = frozenset({F.EXTERNAL_ID, F.PERIOD, F.AMOUNT, F.DETAILS})
_PERIOD = re.compile(r"^\d{4}(-(0[1-9]|1[0-2]))?\Z")
_EXTERNAL_ID = re.compile(r"^[\x21-\x7e]{1,64}\Z")
_DIVISION = re.compile(r"^(\d{2}|\d{4}|\d{6}|\d{9}|\d{12})\Z")
_MOST = 10**15
_REMEMBERED = 65_536
_TYPES = {item.value: item for item in AlertType}
_EPOCH = date(2000, 1, 1)
_BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_HEAD = struct.Struct(">hiii16siqi")
_LONG = struct.Struct(">iq")
_DATE = struct.Struct(">ii")
_TRUE, _FALSE = b"\0\0\0\1\1", b"\0\0\0\1\0"
COLUMNS = ("n", "alert_id", "content", "token", "type", "happened_on", "amount", "division", "open")
"""Of a staged row: ``open`` says that its fate is still to be decided."""


@dataclass(frozen=True, repr=False)
class Plan:
    """All that reading a file needs to know."""

    feed: str
    division: str
    """The sender's."""
    mapping: FeedMapping
    book: tuple[Threshold, ...]
    today: date
    index: BlindIndex


@dataclass(frozen=True)
class Refused:
    """A row that is no alert, and why."""

    n: int
    code: str
    field: str


@dataclass(frozen=True, repr=False)
class Candidate:
    """A row that may become a lead: everything ``POST /alerts`` would have brought."""

    n: int
    alert_id: bytes
    content: int
    tokens: tuple[bytes, ...]
    given: Mapping[str, Any]


@dataclass(repr=False)
class Block:
    """A run of rows, checked."""

    rows: int = 0
    last_row: int = 0
    staged: bytearray = field(default_factory=lambda: bytearray(_BEGIN))
    """The good ones, as binary COPY (``COLUMNS``)."""
    tokens: list[tuple[int, bytes]] = field(default_factory=list)
    """Further tokens of the few that have several: certificates, older keys."""
    candidates: list[Candidate] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    ended: bool = False
    """Whether the file has no more rows."""
    fault: str = ""
    """The code of what makes the rest of the file unreadable."""

    def again(self, n: int, *, same: bool) -> None:
        """A row of which the id came before: with the same content, or with another."""
        if same:
            self.repeated.append(n)
            return
        reused = policies.alert_id_reused()
        self.refused.append(Refused(n, reused.code, reused.field or ""))


class FileReader:
    """One file, from its first byte to its last block."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._file: IO[bytes] = TemporaryFile(prefix="dixian-feed-")  # noqa: SIM115 - until closed
        self._table: Table | None = None
        self._rows: Iterator[Row] = iter(())
        self._check: Callable[[Row], _Alert] | None = None

    def add(self, part: bytes) -> None:
        """The next bytes."""
        self._file.write(part)

    def open(self, after: int) -> tuple[str, int | None]:
        """Be ready for the rows after row ``after``.

        Returns the code of what stands in the way, and about how many rows there are.
        """
        try:
            self._table = open_table(self._file, header_row=self._plan.mapping.header_row)
            self._check = Checker(self._plan, self._table.header)
        except Refusal as refusal:
            return refusal.code, None
        self._rows = dropwhile(lambda row: row.number <= after, self._table.rows())
        return "", self._expected()

    def block(self, size: int, open_rows: int) -> Block:
        """The next rows: ``size`` of them, or as many as hold ``open_rows`` open ones."""
        assert self._check is not None
        made = Block()
        seen: dict[bytes, int] = {}
        try:
            for row in islice(self._rows, size):
                made.rows += 1
                made.last_row = row.number
                self._take(row, made, seen)
                if len(made.candidates) >= open_rows:
                    break
            else:
                made.ended = made.rows < size
        except Unreadable as fault:
            made.fault, made.ended = fault.code, True
        made.staged += _END
        return made

    def close(self) -> None:
        """Let go of the file."""
        if self._table is not None:
            self._table.close()
        self._file.close()

    def _expected(self) -> int | None:
        """Lines are counted in no time; a workbook's rows are not known before its end."""
        assert self._table is not None
        if self._table.kind is Kind.XLSX:
            return None
        plain = self._table.unpacked or self._file
        at, lines = plain.tell(), 0
        plain.seek(0)
        while part := plain.read(1 << 20):
            lines += part.count(b"\n")
        plain.seek(at)
        return lines

    def _take(self, row: Row, made: Block, seen: dict[bytes, int]) -> None:
        assert self._check is not None
        try:
            alert = self._check(row)
        except Refusal as bad:
            made.refused.append(Refused(row.number, bad.code, bad.field or ""))
            return
        known = seen.get(alert.id)
        if known is not None:
            made.again(row.number, same=known == alert.content)
            return
        seen[alert.id] = alert.content
        made.staged += _packed(row.number, alert)
        made.tokens.extend((row.number, token) for token in alert.tokens[1:])
        if alert.is_open:
            made.candidates.append(
                Candidate(row.number, alert.id, alert.content, alert.tokens, alert.given())
            )


class _Alert:
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
    content: int
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


class _Memo(dict[Any, V]):
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
        self._at = {name: places.get(name, -1) for name in F}
        self._type = _Memo(self._read_type)
        self._day = _Memo(self._read_day)
        self._period = _Memo(self._read_period)
        self._division = _Memo(self._read_division)
        self._lowest = _Memo(lambda key: triggers.surely_below(plan.book, *key))

    def __call__(self, row: Row) -> _Alert:
        """The row's alert."""
        if row.flaw:
            cells.texts((), row)
        at, given = self._at, [*row.cells, ""]
        made = _Alert()
        made.feed = self._plan.feed
        made.type = self._type[given[at[F.TYPE]]]
        made.happened_on = self._day[given[at[F.HAPPENED_ON]]]
        made.period = self._period[given[at[F.PERIOD]]]
        made.division = self._division[given[at[F.DIVISION]]]
        made.amount = self._amount(given[at[F.AMOUNT]])
        made.name = _needed(given[at[F.NAME]], F.NAME, 60)
        made.details = _text(given[at[F.DETAILS]], F.DETAILS)
        made.external_id = _shaped(given[at[F.EXTERNAL_ID]], F.EXTERNAL_ID, _EXTERNAL_ID)
        made.document = _document(given[at[F.DOCUMENT_NUMBER]])
        lowest = self._lowest[made.type, made.happened_on]
        if lowest is not None and made.amount is None:
            raise BadCell(
                "amount-required", "该类预警须填写金额", "its amount is due", field=F.AMOUNT
            )
        self._name(made)
        made.is_open = lowest is None or (made.amount is not None and made.amount >= lowest)
        return made

    def _name(self, made: _Alert) -> None:
        made.tokens = self._plan.index.lookup(made.document)
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
        made = self._mapping.type if found is None else words.get(found, _TYPES.get(found))
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


def _packed(number: int, alert: _Alert) -> bytes:
    """A row of binary COPY, its columns those of ``COLUMNS``."""
    token = alert.tokens[0]
    amount = b"\xff\xff\xff\xff" if alert.amount is None else _LONG.pack(8, alert.amount)
    return b"".join(
        (
            _HEAD.pack(len(COLUMNS), 4, number, 16, alert.id, 8, alert.content, len(token)),
            token,
            _PACKED_TEXT[alert.type],
            _PACKED_DAY[alert.happened_on],
            amount,
            _PACKED_TEXT[alert.division],
            _TRUE if alert.is_open else _FALSE,
        )
    )


def _text_packed(text: str) -> bytes:
    content = text.encode()
    return len(content).to_bytes(4) + content


_PACKED_TEXT = _Memo(_text_packed)
_PACKED_DAY = _Memo(lambda day: _DATE.pack(4, (day - _EPOCH).days))


# What a worker process is asked, by name: a reader lives where it was begun.
_READERS: dict[UUID, FileReader] = {}


def begin(file_id: UUID, plan: Plan) -> None:
    """Begin to read a file."""
    end(file_id)
    _READERS[file_id] = FileReader(plan)


def add(file_id: UUID, part: bytes) -> None:
    """The next bytes of it."""
    _READERS[file_id].add(part)


def ready(file_id: UUID, after: int) -> tuple[str, int | None]:
    """All bytes are there: what ``FileReader.open`` says."""
    return _READERS[file_id].open(after)


def block(file_id: UUID, size: int, open_rows: int) -> Block:
    """Its next block.

    Without the garbage collector, which would go through a block's objects over and over and find
    none to collect: a third of the time.
    """
    gc.disable()
    try:
        return _READERS[file_id].block(size, open_rows)
    finally:
        gc.enable()


def end(file_id: UUID) -> None:
    """Let go of it."""
    reader = _READERS.pop(file_id, None)
    if reader is not None:
        reader.close()
