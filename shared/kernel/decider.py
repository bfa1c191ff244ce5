"""The decider: state folded from events, decisions made from state, both pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared.kernel.deadline import Deadline
from shared.kernel.event import Command, Event

S = TypeVar("S")


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
    evolve: Callable[[S, Any], S]
    decide: Callable[[S, Any, Any], list[Event]]
    divisions: Callable[[S], tuple[str, ...]]
    """The divisions the stream belongs to, the owner first: who may see and act (R1)."""
    key: Callable[[S], Any]
    """The UUID that orders its messages: the household, order, feed or correction."""
    deadlines: Callable[[S], dict[str, Deadline]] = lambda _state: {}
    """The clocks now running, by kind."""

    def fold(self, events: Iterable[Event], state: S | None = None) -> S:
        """The state after ``events``, from ``state`` or from the beginning."""
        folded = self.initial if state is None else state
        for event in events:
            folded = self.evolve(folded, event)
        return folded


__all__ = ["Aggregate", "Command", "Event"]
