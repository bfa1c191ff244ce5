"""Given events, when a command, then events — or a refusal. For the pure domain."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, TypeVar

import pytest

from shared.kernel.decider import Aggregate, Context
from shared.kernel.event import Command, Event
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Refusal

S = TypeVar("S")
Mark = Callable[[Any], Any]

SOMEBODY = Principal("somebody", frozenset({Role.OFFICER}), "37")


def rule(*ids: str) -> Mark:
    """Mark a test as the proof of the Guide's rules it names: ``@rule("R56")``."""
    return pytest.mark.rule(*ids)


@dataclass
class Given(Generic[S]):
    """A stream with a history, ready for a command."""

    aggregate: Aggregate[S]
    events: tuple[Event, ...]
    result: list[Event] | None = None
    refusal: Refusal | None = None
    make_context: Callable[[date, date, Principal], Context] = field(default=Context)

    def when(
        self,
        command: Command,
        *,
        on: str = "2023-08-01",
        entered_on: str | None = None,
        by: Principal = SOMEBODY,
    ) -> "Given[S]":
        """Decide ``command``, which happened on ``on`` and was entered then or later."""
        occurred = date.fromisoformat(on)
        today = date.fromisoformat(entered_on or on)
        state = self.aggregate.fold(self.events)
        try:
            context = self.make_context(today, occurred, by)
            self.result = self.aggregate.decide(state, command, context)
        except Refusal as refusal:
            self.refusal = refusal
        return self

    def then(self, *expected: Event) -> S:
        """Exactly these events follow; the state after them is returned."""
        if self.refusal is not None:
            raise AssertionError(f"refused: {self.refusal}") from self.refusal
        assert self.result == list(expected)
        return self.aggregate.fold([*self.events, *expected])

    def happens(self) -> list[Event]:
        """The command is taken, whatever follows from it."""
        if self.refusal is not None:
            raise AssertionError(f"refused: {self.refusal}") from self.refusal
        return self.result or []

    def then_types(self, *expected: type[Event]) -> list[Event]:
        """Events of exactly these types follow; they are returned to be looked at."""
        if self.refusal is not None:
            raise AssertionError(f"refused: {self.refusal}") from self.refusal
        assert self.result is not None
        assert [type(event) for event in self.result] == list(expected)
        return self.result

    def refused(self, rule_id: str = "", *, code: str | None = None) -> Refusal:
        """The command is refused, by this rule and with this code; nothing happened."""
        assert self.result is None, f"not refused: {self.result}"
        assert self.refusal is not None
        assert self.refusal.rule == rule_id
        if code is not None:
            assert self.refusal.code == code
        return self.refusal


def given(
    aggregate: Aggregate[S],
    *events: Event,
    context: Callable[[date, date, Principal], Context] = Context,
) -> Given[S]:
    """Start from ``events``; ``context`` makes a service's own context from dates and principal."""
    return Given(aggregate, events, make_context=context)
