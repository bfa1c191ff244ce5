"""The decider: state folded from events, decisions made from state, both pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from shared.kernel.deadline import Clocks
from shared.kernel.event import Command, Event
from shared.kernel.principal import Permission, Principal, Role

S = TypeVar("S")


@dataclass(frozen=True)
class Context:
    """What a decision may look at besides the state. Services add their look-ups in subclasses."""

    today: date
    """The day of entry, Asia/Shanghai."""
    occurred_on: date
    """The legal date of the act (K6); ``today`` unless the command says otherwise."""
    principal: Principal
    """Who acts."""


class Act(Command):
    """A command that a person does on a legal date, which may lie before the day of entry (K6)."""

    occurred_on: date | None = None
    """The legal date (Asia/Shanghai); today when absent; never in the future."""


class Tick(Command):
    """Let a stream's clocks look at the calendar: warn or record a miss, nothing else."""

    permission: ClassVar[Permission] = Permission(frozenset({Role.SYSTEM}))

    category: str
    stream_id: UUID


class RollsBack(Event):
    """Base of every service's ``RolledBack``: from here on the state is as of ``to_version``."""

    to_version: int
    """The version whose state is in force again; at least 1."""


@dataclass(frozen=True)
class Aggregate(Generic[S]):
    """One kind of stream: how its state is folded and how its commands are decided.

    ``decide(state, command, context)`` returns the new events or raises a ``Refusal``; it reads
    and writes nothing. ``evolve(state, event)`` never refuses: the event has happened.
    """

    name: str
    """The stream category, as stored: ``case``."""
    label: tuple[str, str]
    """Its Chinese and English name, for refusals: ``("个案", "case")``."""
    initial: S
    """The state before the first event."""
    evolve: Callable[[S, Any], S]
    decide: Callable[[S, Any, Any], list[Event]]
    divisions: Callable[[S], tuple[str, ...]]
    """The divisions the stream belongs to, the owner first: who may see and act (R1)."""
    key: Callable[[S], UUID]
    """What orders its messages: the household, order, feed or correction; asked once a stream."""
    clocks: Callable[[S], Clocks] = lambda _state: {}
    """The clocks now running, by kind."""

    def fold(self, events: Sequence[Event]) -> S:
        """The state after ``events``, the whole history from version 1.

        Past a ``RollsBack`` the state is that of the version it names, with what came after it.
        """
        state = self.initial
        for position, event in enumerate(events):
            if isinstance(event, RollsBack):
                state = self.fold(events[: min(event.to_version, position)])
            state = self.evolve(state, event)
        return state
