"""Any aggregate under any commands of its own, on any days, by whoever may give them.

What holds for all of them: a decision refuses or records, and fails in no other way; deciding is
pure; what is recorded survives being written down and read; the history says what the state is; a
clock speaks about a day once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from typing import Any
from uuid import UUID

from hypothesis import event as note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pydantic import ValidationError

from shared.kernel.decider import Aggregate, Context, RollsBack, Tick
from shared.kernel.event import Command, Event
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Refusal
from tests.unit.aggregates.drawing import DIVISIONS, FIRST, command_of

SYSTEM = Principal("system:clocks", frozenset({Role.SYSTEM}), "CN")
PEOPLE = [
    Principal(f"person:{role.value}-{division}-{n}", frozenset({role}), division)
    for role, division, n in product(Role, DIVISIONS, range(2))
]


@dataclass(frozen=True)
class Subject:
    """An aggregate and what it is asked."""

    aggregate: Aggregate[Any]
    commands: Sequence[type[Command]]
    context: Callable[[st.DataObject, Command, date, date, Principal], Context]
    """What the handler would have looked up: ``(data, command, today, occurred_on, who)``."""
    story: Sequence[tuple[Command, Principal]] = ()
    """Acts that are right one after the other on the first day: each life begins with some."""
    once: bool = False
    """Whether each command begins a stream of its own."""

    @property
    def name(self) -> str:
        """By which it is known among the tests: its service and its own."""
        return f"{self.aggregate.decide.__module__.split('.')[1]} {self.aggregate.name}"


class AnyLife(RuleBasedStateMachine):
    """One stream. Subclasses say of what."""

    subject: Subject

    def __init__(self) -> None:
        super().__init__()
        self.today = FIRST
        self.events: list[Event] = []
        self.state: Any = self.subject.aggregate.initial

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """Some of the story."""
        for command, who in self.subject.story[
            : data.draw(st.integers(0, len(self.subject.story)))
        ]:
            self._ask(data, command, who)

    @precondition(lambda self: self.subject.story)
    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        """Any of the story's acts, in its turn or not."""
        self._ask(data, *data.draw(st.sampled_from(self.subject.story)))

    @rule(days=st.integers(1, 25))
    def wait(self, days: int) -> None:
        """Time goes by."""
        self.today += timedelta(days=days)

    @rule(data=st.data())
    def act(self, data: st.DataObject) -> None:
        """Somebody who may asks for something."""
        kind = data.draw(st.sampled_from(self.subject.commands))
        try:
            command = kind.model_validate(data.draw(command_of(kind)))
        except ValidationError:
            return  # the door's to refuse
        able = [person for person in PEOPLE if kind.permission.allows(person)] or [SYSTEM]
        who = data.draw(st.sampled_from(able))
        self._ask(data, command, who)

    def _ask(self, data: st.DataObject, command: Command, who: Principal) -> None:
        on = getattr(command, "occurred_on", None) or self.today
        context = self.subject.context(data, command, self.today, min(on, self.today), who)
        self._do(command, context)

    @rule()
    def tick(self) -> None:
        """The clocks look at the calendar; a second look on that day has nothing to say."""
        if not self.subject.aggregate.clocks(self.state):
            return
        tick = Tick(category=self.subject.aggregate.name, stream_id=UUID(int=1))
        context = Context(self.today, self.today, SYSTEM)
        self._do(tick, context)
        assert self.subject.aggregate.decide(self.state, tick, context) == []

    def _do(self, command: Command, context: Context) -> None:
        aggregate = self.subject.aggregate
        if self.subject.once:
            self.events, self.state = [], aggregate.initial
        try:
            events = aggregate.decide(self.state, command, context)
        except Refusal as refusal:
            note(f"{type(command).__name__}: {refusal.code}")
            return
        assert aggregate.decide(self.state, command, context) == events
        note(f"{type(command).__name__}: {len(events)} events")
        for event in events:
            read = type(event).model_validate_json(event.model_dump_json())
            assert read.model_dump() == event.model_dump()
            self.events.append(read)
            back = isinstance(read, RollsBack)  # evolving begins at another state then
            state = aggregate.fold(self.events) if back else aggregate.evolve(self.state, read)
            self.state = state

    @invariant()
    def the_history_says_what_the_state_is(self) -> None:
        """And where it belongs."""
        aggregate = self.subject.aggregate
        assert aggregate.fold(self.events) == self.state
        if self.events:
            assert isinstance(aggregate.key(self.state), UUID)
            assert aggregate.divisions(self.state)


def lives(subject: Subject) -> type[AnyLife]:
    """The machine of one aggregate."""
    return type(f"Life of {subject.name}", (AnyLife,), {"subject": subject})
