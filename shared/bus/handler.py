"""What a service does with the events that come: a reaction per type, or one for whole batches."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

from shared.bus.cloudevents import Envelope, cause, read
from shared.bus.port import Message
from shared.kernel.event import Cause, Event, Recorded
from shared.store.database import Transaction

Reaction = Callable[[Transaction, Recorded[Any], Cause], Awaitable[None]]
"""Reacts to one event inside the consumer's transaction; may raise ``Refusal``."""
BatchReaction = Callable[[Transaction, list[Any]], Awaitable[None]]
"""Reacts to many events at once, in order, inside the consumer's transaction."""
Read = Callable[[Message, Envelope], Any]
"""What a service makes of a message, or ``Malformed``, ``UnknownEvent``, ``ValidationError``."""


class Handler(Protocol):
    """What a service does with what comes."""

    def wants(self, known: Envelope) -> bool:
        """Whether the service has any use for such an event."""
        ...

    def read(self, message: Message, known: Envelope) -> Any:
        """What ``handle`` is given of a message. What cannot be read is parked."""
        ...

    async def handle(self, tx: Transaction, events: list[Any]) -> None:
        """Handle what was read, in order. An exception undoes the transaction."""
        ...


@dataclass(frozen=True)
class Run:
    """What a service does with certain events at once, when they come one after the other."""

    events: frozenset[type[Event]]
    reaction: BatchReaction
    """Does as if they had come one by one; given at least one event."""


class Each:
    """Hands events one by one to the reaction of their type, but a run of some all at once."""

    def __init__(
        self, reactions: Mapping[type[Event], Reaction], *, run: Run | None = None
    ) -> None:
        self._reactions = reactions
        self._run = run
        self._at_once = run.events if run else frozenset()
        self._names = {(event.service, event.__name__) for event in {*reactions, *self._at_once}}

    def wants(self, known: Envelope) -> bool:
        """Types with a reaction."""
        return (known.service, known.type) in self._names

    def read(self, message: Message, known: Envelope) -> Recorded[Any]:
        """The event, in the newest shape."""
        return read(message, known)

    async def handle(self, tx: Transaction, events: list[Recorded[Any]]) -> None:
        """One after the other, or run after run."""
        for at_once, some in groupby(events, lambda item: type(item.event) in self._at_once):
            if at_once and self._run is not None:
                await self._run.reaction(tx, list(some))
                continue
            for recorded in some:
                await self._reactions[type(recorded.event)](tx, recorded, cause(recorded))


class Together:
    """Hands everything that comes to one function, a batch at a time.

    ``reads`` makes of a message what the function wants of it: the event in its newest shape, or
    the message's own content, for who must keep it exactly as it came.
    """

    def __init__(self, reaction: BatchReaction, *, reads: Read = read) -> None:
        self._reaction = reaction
        self._reads = reads

    def wants(self, known: Envelope) -> bool:
        """Everything."""
        return bool(known)

    def read(self, message: Message, known: Envelope) -> Any:
        """Whatever the function wants."""
        return self._reads(message, known)

    async def handle(self, tx: Transaction, events: list[Any]) -> None:
        """All at once."""
        await self._reaction(tx, events)
