"""The one way through: command → load, fold, decide, append, project, remember → answer.

Requests, neighbours' events, clocks and imports all end in ``Application.execute`` or, inside the
consumer's transaction, in ``execute_in``. There is no second code path that changes state.

A command that concerns one stream takes two round trips: the stream is loaded, and all that follows
from the decision is written by one statement, which is a transaction by itself. What another
request did in between shows as a violated key, and the command is decided again.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import sqlalchemy.exc

from shared.kernel.decider import Aggregate, Context, Tick
from shared.kernel.event import Cause, Command, Event, Recorded
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Forbidden, Refusal
from shared.store import deadlines, event_store, idempotency
from shared.store.bulk import Begun
from shared.store.call import Call, Outcome, Stream
from shared.store.database import Database, Transaction
from shared.store.idempotency import AlreadyAnswered, IdempotencyKey
from shared.store.outage import is_contention
from shared.store.views import View

S = TypeVar("S")
_ATTEMPTS = 12


Handler = Callable[[Any, Call], Awaitable[Outcome]]
"""Carries one command out: ``async (command, call) -> Outcome``."""
Beginner = Callable[[Sequence[Any], Call, Begun], Awaitable[Sequence["UUID | Refusal"]]]
"""Drafts many commands, each on a stream of its own that does not exist yet: its id, or why not."""


@dataclass(frozen=True)
class Receipt:
    """An answer, and whether it is a repetition of one given before."""

    body: dict[str, Any]
    replayed: bool = False


class Busy(Refusal):
    """So many acts on one stream at once that this one never got its turn; nothing was done."""

    status = 409

    def __init__(self) -> None:
        super().__init__(
            code="busy",
            zh="该事项正有多人同时办理,请稍后重试",
            en="too many acts on this at once; nothing was done, try again",
        )


@dataclass(frozen=True)
class _Request:
    command: Command
    principal: Principal
    cause: Cause
    expected_version: int | None
    key: IdempotencyKey | None

    @property
    def parts(self) -> tuple[Principal, Cause, int | None, IdempotencyKey | None]:
        return self.principal, self.cause, self.expected_version, self.key


@dataclass
class Application:
    """One service's commands, aggregates and read models on its database."""

    service: str
    database: Database
    handlers: Mapping[type[Command], Handler]
    aggregates: Sequence[Aggregate[Any]]
    views: Sequence[View[Any]] = ()
    appended: Callable[[Sequence[Recorded[Event]]], None] = lambda _events: None
    """Called after each commit of ``execute``: wakes the relay, counts the metric."""
    beginners: Mapping[type[Command], Beginner] = field(default_factory=dict)
    """For commands that come by the thousand: how many of them are begun at once (``Many``)."""

    async def execute(
        self,
        command: Command,
        principal: Principal,
        cause: Cause,
        *,
        expected_version: int | None = None,
        key: IdempotencyKey | None = None,
    ) -> Receipt:
        """Carry a command out in a transaction of its own and answer.

        A lost race for a stream is decided again on the new state; only a caller who named the
        version it saw is told (``Stale``). A key seen before gives the first answer. Raises the
        ``Refusal`` of the rules, or ``Busy`` when the stream never rests.
        """
        request = _Request(command, principal, cause, expected_version, key)
        contended: set[UUID] = set()
        for attempt in range(_ATTEMPTS):
            try:
                return await self._attempt(request, contended, again=attempt > 0)
            except event_store.ConcurrentAppend as lost:
                contended.add(lost.stream_id)
            except AlreadyAnswered:
                continue  # the twin has committed
            except Refusal:
                answered = await self._answered(key)
                if answered is None:
                    raise
                return answered
            except (asyncpg.PostgresError, sqlalchemy.exc.DBAPIError) as error:
                if not is_contention(error):
                    raise
        raise Busy

    async def execute_in(
        self,
        tx: Transaction,
        command: Command,
        principal: Principal,
        cause: Cause,
        *,
        expected_version: int | None = None,
    ) -> Outcome:
        """Carry a command out inside ``tx``, which the caller commits. The door for reactions."""
        must_be_allowed(command, principal)
        call = Call(self, tx, principal, cause, expected_version)
        return await self._handler(command)(command, call)

    def views_of(self, category: str) -> Sequence[View[Any]]:
        """The read models that streams of ``category`` feed."""
        return self._views.get(category, ())

    @cached_property
    def conflicts(self) -> Mapping[str, Callable[[], Refusal]]:
        """What each violated unique index means to the caller."""
        return {name: made for view in self.views for name, made in view.conflicts.items()}

    @cached_property
    def _views(self) -> Mapping[str, Sequence[View[Any]]]:
        found: dict[str, list[View[Any]]] = defaultdict(list)
        for view in self.views:
            found[view.category].append(view)
        return found

    async def due(
        self, limit: int = 200, *, besides: Collection[UUID] = ()
    ) -> Sequence[tuple[str, UUID]]:
        """Streams with a clock that has something to say today: ``(category, stream_id)``."""
        async with self.database.reading() as tx:
            return await deadlines.due(tx.raw, tx.clock.today(), limit, besides=besides)

    async def tick_stream(self, category: str, stream_id: UUID, principal: Principal) -> bool:
        """Let one stream's clocks speak; whether they had anything to say."""
        cause = Cause(correlation_id=new_id(), causation_id=stream_id)
        tick = Tick(category=category, stream_id=stream_id)
        receipt = await self.execute(tick, principal, cause)
        return bool(receipt.body["events"])

    async def tick(self, principal: Principal, *, limit: int = 200) -> int:
        """Let every clock that is due speak, once each; return how many streams were asked."""
        asked = await self.due(limit)
        for category, stream_id in asked:
            await self.tick_stream(category, stream_id, principal)
        return len(asked)

    async def _attempt(
        self, request: "_Request", contended: Collection[UUID], *, again: bool
    ) -> Receipt:
        """One try. The first one asks nobody whether the key was used: the key's index tells."""
        must_be_allowed(request.command, request.principal)
        handler = self._handler(request.command)
        alone = isinstance(handler, OnStream) and handler.alone and not again
        opened = self.database.reading() if alone else self.database.transaction()
        async with opened as tx:
            if again and (answer := await _found(tx, request.key)) is not None:
                return answer
            await _take_turns(tx, contended)
            call = Call(self, tx, *request.parts, alone=alone)
            outcome = await handler(request.command, call)
            body = call.answer or outcome.receipt()
            if request.key is not None and call.answer is None:
                await idempotency.remember(tx.raw, request.key, body)
        self.appended(call.recorded)
        return Receipt(body)

    async def _answered(self, key: IdempotencyKey | None) -> Receipt | None:
        """The answer given before, by a request this one repeats or by a twin that was faster."""
        if key is None:
            return None
        async with self.database.reading() as tx:
            return await _found(tx, key)

    def _handler(self, command: Command) -> Handler:
        if isinstance(command, Tick):
            return self._tick
        return self.handlers[type(command)]

    async def _tick(self, command: Tick, call: Call) -> Outcome:
        aggregate = next(item for item in self.aggregates if item.name == command.category)
        return await call.decide(aggregate, command.stream_id, command, call.context())


@dataclass(frozen=True)
class OnStream:
    """The handler that ``on_stream`` makes."""

    aggregate: Aggregate[Any]
    stream: Callable[[Any], UUID]
    context: Callable[[Any, Call], Awaitable[Context]] | None
    alone: bool
    """Nothing but the append is written, so that it may be its own transaction."""

    async def __call__(self, command: Command, call: Call) -> Outcome:
        """Decide the command on its stream."""
        if self.context is not None:
            made = await self.context(command, call)
        else:
            made = call.context(getattr(command, "occurred_on", None))
        return await call.decide(self.aggregate, self.stream(command), command, made)


def on_stream(
    aggregate: Aggregate[S],
    stream: Callable[[Any], UUID],
    context: Callable[[Any, Call], Awaitable[Context]] | None = None,
    *,
    only_reads: bool = False,
) -> Handler:
    """The handler of a command that concerns one stream and needs, at most, look-ups.

    ``stream`` finds the stream's id in the command; ``context`` gathers the look-ups; without it
    the decision gets the dates and the principal. A ``context`` that writes nothing (no note into
    the vault) should say so with ``only_reads``: two round trips are saved.
    """
    return OnStream(aggregate, stream, context, alone=context is None or only_reads)


def back_dated(recorded: Recorded[Event], today: date) -> bool:
    """Whether an act was entered more than a day after it happened (K6): flagged, not refused."""
    return today - recorded.occurred_on > timedelta(days=1)


def must_be_allowed(command: Command, principal: Principal) -> None:
    """Raises ``Forbidden`` for a command that is not the principal's to wish."""
    if Role.SYSTEM in principal.roles or command.permission.allows(principal):
        return
    levels = "、".join(level.label for level in sorted(command.permission.levels))
    raise Forbidden(
        f"该事项由{levels}相应岗位办理,您的岗位无权办理",
        "your role or level does not allow this act",
        rule=command.permission.rule,
    )


async def _found(tx: Transaction, key: IdempotencyKey | None) -> Receipt | None:
    if key is None:
        return None
    body = await idempotency.find(tx.raw, key)
    return None if body is None else Receipt(body, replayed=True)


async def _take_turns(tx: Transaction, contended: Collection[UUID]) -> None:
    """Whoever lost a stream once waits in line for it: else one of fifty would lose for ever.

    Only losers wait, and only for their own stream; a first try never takes the lock.
    """
    for stream_id in sorted(contended):
        half = int.from_bytes(stream_id.bytes[-4:], signed=True)
        await tx.raw.execute("select pg_advisory_xact_lock(1, $1)", half)


__all__ = ["Application", "Call", "Handler", "Outcome", "Receipt", "Stream", "on_stream"]
