"""What a service does with the events that come: a reaction per type, or one for whole batches."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from shared.bus.cloudevents import Envelope, cause
from shared.kernel.event import Cause, Event, Recorded
from shared.store.database import Transaction

Reaction = Callable[[Transaction, Recorded[Any], Cause], Awaitable[None]]
"""Reacts to one event inside the consumer's transaction; may raise ``Refusal``."""
BatchReaction = Callable[[Transaction, list[Recorded[Any]]], Awaitable[None]]
"""Reacts to many events at once, in order, inside the consumer's transaction."""


class Handler(Protocol):
    """What a service does with what comes."""

    def wants(self, known: Envelope) -> bool:
        """Whether the service has any use for such an event."""
        ...

    async def handle(self, tx: Transaction, events: list[Recorded[Any]]) -> None:
        """Handle the events, in order. An exception undoes the transaction."""
        ...


class Each:
    """Hands events one by one to the reaction of their type."""

    def __init__(self, reactions: Mapping[type[Event], Reaction]) -> None:
        self._reactions = reactions
        self._names = {(event.service, event.__name__) for event in reactions}

    def wants(self, known: Envelope) -> bool:
        """Types with a reaction."""
        return (known.service, known.type) in self._names

    async def handle(self, tx: Transaction, events: list[Recorded[Any]]) -> None:
        """One after the other."""
        for recorded in events:
            await self._reactions[type(recorded.event)](tx, recorded, cause(recorded))


class Together:
    """Hands everything that comes to one function, a batch at a time."""

    def __init__(self, reaction: BatchReaction) -> None:
        self._reaction = reaction

    def wants(self, known: Envelope) -> bool:
        """Everything."""
        return bool(known)

    async def handle(self, tx: Transaction, events: list[Recorded[Any]]) -> None:
        """All at once."""
        await self._reaction(tx, events)
