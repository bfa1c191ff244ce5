"""A service in miniature, for the tests and the benchmarks of the store: errands and their notes.

It has one of each thing the store must carry: a unique index that means a refusal, a table with
several rows a stream, clocks, look-ups, and a way back to an earlier version. No real service
imports it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from shared.contracts.registry import contract
from shared.kernel.clock import Clock, SystemClock
from shared.kernel.deadline import Clocks, Deadline, missed, start, stop, warned
from shared.kernel.decider import Act, Aggregate, Context, RollsBack, Tick
from shared.kernel.division import DivisionCode
from shared.kernel.event import Command, Event, Recorded
from shared.kernel.principal import Permission, Role, may
from shared.kernel.refusal import Invalid, OutOfOrder
from shared.store import tables
from shared.store.application import Application, Call, Handler, Outcome, on_stream
from shared.store.database import Database
from shared.store.migrate import SHARED, Schema
from shared.store.views import Row, View

# -- events -------------------------------------------------------------------------------------


class ExampleEvent(Event):
    """Base of this service's events."""

    service: ClassVar[str] = "example"


@contract
class ErrandOpened(ExampleEvent):
    """An errand for one household; its clock starts."""

    household_id: UUID
    division: DivisionCode
    deadline: Deadline


@contract
class ErrandNoted(ExampleEvent):
    """A note was added."""

    amount: int


@contract
class ErrandClosed(ExampleEvent):
    """The errand is done; its clock stops."""


@contract
class ErrandRolledBack(ExampleEvent, RollsBack):
    """The errand is as it was at an earlier version."""


@contract
class ErrandWarned(ExampleEvent):
    """The clock has come to a day of warning."""

    kind: str


@contract
class ErrandMissed(ExampleEvent):
    """The clock ran out."""

    kind: str


# -- commands -----------------------------------------------------------------------------------

_OFFICERS: Permission = may(Role.OFFICER)


class OpenErrand(Act):
    """Open an errand under an id of the caller's."""

    permission: ClassVar[Permission] = _OFFICERS
    errand_id: UUID
    household_id: UUID
    division: DivisionCode


class NoteErrand(Act):
    """Add a note."""

    permission: ClassVar[Permission] = _OFFICERS
    errand_id: UUID
    amount: int


class CloseErrand(Act):
    """Close the errand."""

    permission: ClassVar[Permission] = _OFFICERS
    errand_id: UUID


class RollBackErrand(Act):
    """Go back to an earlier version."""

    permission: ClassVar[Permission] = _OFFICERS
    errand_id: UUID
    to_version: int


class MoveNote(Act):
    """Take a note's amount from one errand to another: two streams, one transaction."""

    permission: ClassVar[Permission] = _OFFICERS
    from_id: UUID
    to_id: UUID
    amount: int


# -- the aggregate ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Errand:
    """What the events of one errand add up to."""

    household_id: UUID | None = None
    division: str = ""
    open: bool = False
    notes: tuple[int, ...] = ()
    clocks: Clocks = field(default_factory=dict)


class NotOpen(OutOfOrder):
    """The errand is closed or was never opened."""

    def __init__(self) -> None:
        super().__init__(code="errand-not-open", zh="事项未开启", en="the errand is not open")


class OneAtATime(OutOfOrder):
    """The household has an open errand already."""

    def __init__(self) -> None:
        super().__init__(
            code="errand-open-already", zh="该户已有事项", en="the household has an open errand"
        )


def decide(errand: Errand, command: Command, context: Context) -> list[Event]:
    """The next events, or the refusal."""
    match command:
        case OpenErrand():
            return _open(errand, command, context)
        case Tick():
            return _look_at_the_calendar(errand, context.today)
        case RollBackErrand():
            return [ErrandRolledBack(to_version=command.to_version)]
        case _ if not errand.open:
            raise NotOpen
        case NoteErrand() if command.amount == 0:
            raise Invalid(code="empty-note", zh="金额不能为零", en="an empty note", field="amount")
        case NoteErrand():
            return [ErrandNoted(amount=command.amount)]
        case CloseErrand():
            return [ErrandClosed()]
    raise AssertionError(command)


def _open(errand: Errand, command: OpenErrand, context: Context) -> list[Event]:
    if errand.household_id is not None:
        raise OutOfOrder(code="errand-exists", zh="事项已存在", en="the errand exists already")
    due = context.occurred_on + timedelta(days=15)
    deadline = Deadline(
        kind="close",
        rule="R54",
        starts_on=context.occurred_on,
        length="15d",
        due_on=due,
        warn_on=(due - timedelta(days=3),),
    )
    return [
        ErrandOpened(
            household_id=command.household_id, division=command.division, deadline=deadline
        )
    ]


def _look_at_the_calendar(errand: Errand, today: date) -> list[Event]:
    events: list[Event] = []
    for kind, running in errand.clocks.items():
        if running.next_on is None or running.next_on > today:
            continue
        if today > running.deadline.due_on:
            events.append(ErrandMissed(kind=kind))
        else:
            events.append(ErrandWarned(kind=kind))
    return events


def evolve(errand: Errand, event: Event) -> Errand:
    """The errand after one more event."""
    match event:
        case ErrandOpened():
            return Errand(
                event.household_id, event.division, open=True, clocks=start({}, event.deadline)
            )
        case ErrandNoted():
            return replace(errand, notes=(*errand.notes, event.amount))
        case ErrandClosed():
            return replace(errand, open=False, clocks=stop(errand.clocks, "close"))
        case ErrandWarned():
            return replace(errand, clocks=warned(errand.clocks, event.kind))
        case ErrandMissed():
            return replace(errand, clocks=missed(errand.clocks, event.kind))
    return errand


def _key(errand: Errand) -> UUID:
    assert errand.household_id is not None
    return errand.household_id


ERRAND: Aggregate[Errand] = Aggregate(
    name="errand",
    label=("事项", "errand"),
    initial=Errand(),
    evolve=evolve,
    decide=decide,
    divisions=lambda errand: (errand.division,),
    key=_key,
    clocks=lambda errand: errand.clocks,
)


# -- handlers -----------------------------------------------------------------------------------


async def move_note(command: MoveNote, call: Call) -> Outcome:
    """Both streams or neither."""
    context = call.context()
    minus = NoteErrand(errand_id=command.from_id, amount=-command.amount)
    plus = NoteErrand(errand_id=command.to_id, amount=command.amount)
    outcome = await call.decide(ERRAND, command.from_id, minus, context)
    await call.decide(ERRAND, command.to_id, plus, context)
    return outcome


_by_id = on_stream(ERRAND, lambda command: command.errand_id)
HANDLERS: dict[type[Command], Handler] = {
    OpenErrand: _by_id,
    NoteErrand: _by_id,
    CloseErrand: _by_id,
    RollBackErrand: _by_id,
    MoveNote: move_note,
}


# -- read models --------------------------------------------------------------------------------

metadata = sa.MetaData()

errand_table = sa.Table(
    "errand",
    metadata,
    sa.Column("stream_id", sa.Uuid, primary_key=True),
    sa.Column("household_id", sa.Uuid, nullable=False),
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("open", sa.Boolean, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("notes", JSONB, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("changed_on", sa.Date, nullable=False),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Index("one_open_errand", "household_id", unique=True, postgresql_where=sa.text("open")),
)
note_table = sa.Table(
    "errand_note",
    metadata,
    sa.Column("stream_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("amount", sa.BigInteger, nullable=False),
)


def errand_rows(errand: Errand, last: Recorded[Event]) -> Sequence[Row]:
    """One row an errand."""
    return [
        {
            "stream_id": last.stream_id,
            "household_id": errand.household_id,
            "division": errand.division,
            "open": errand.open,
            "total": sum(errand.notes),
            "notes": list(errand.notes),
            "version": last.version,
            "changed_on": last.occurred_on,
            "changed_at": last.recorded_at,
        }
    ]


def note_rows(errand: Errand, last: Recorded[Event]) -> Sequence[Row]:
    """One row a note of an open errand; a closed one has none."""
    if not errand.open:
        return []
    return [
        {"stream_id": last.stream_id, "number": number, "amount": amount}
        for number, amount in enumerate(errand.notes, start=1)
    ]


VIEWS: Sequence[View[Any]] = (
    View(errand_table, "errand", errand_rows, {"one_open_errand": OneAtATime}),
    View(note_table, "errand", note_rows),
)

SCHEMA = Schema(
    "example",
    locations=[SHARED / "store" / "migrations", Path(__file__).parent / "example_migrations"],
    metadata=[tables.metadata, metadata],
)


def example(database: Database, views: Sequence[View[Any]] = VIEWS) -> Application:
    """The service on its database."""
    return Application("example", database, HANDLERS, [ERRAND], views)


def database(url: str, clock: Clock | None = None, pool_size: int = 10) -> Database:
    """The database as the service opens it; the machine's clock unless another is handed in."""
    return Database(url, clock=clock or SystemClock(), pool_size=pool_size)
