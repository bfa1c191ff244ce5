"""One command on its way: what its handler may load, decide and write."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Protocol, TypeVar
from uuid import UUID

import asyncpg

from shared.kernel.decider import Aggregate, Context, RollsBack
from shared.kernel.event import Cause, Command, Event, Metadata, Recorded
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal
from shared.kernel.refusal import Forbidden, Invalid, NotFound, Refusal, Stale
from shared.store import bulk, deadlines, event_store, idempotency
from shared.store.database import Transaction
from shared.store.idempotency import AlreadyAnswered, IdempotencyKey
from shared.store.views import View
from shared.store.writing import Writes

S = TypeVar("S")


class Owner(Protocol):
    """Whose call it is: the service's ``Application``."""

    service: str

    @property
    def conflicts(self) -> Mapping[str, Callable[[], Refusal]]:
        """What each violated unique index means to the caller."""
        ...

    def views_of(self, category: str) -> Sequence[View[Any]]:
        """The read models that streams of ``category`` feed."""
        ...


@dataclass(frozen=True)
class Stream:
    """A loaded stream: its history and the state it folds to."""

    stream_id: UUID
    history: Sequence[Recorded[Event]]
    state: Any

    @property
    def version(self) -> int:
        """The latest version; 0 for a stream that does not exist yet."""
        return len(self.history)

    def is_news_to(self, seen: int) -> bool:
        """Whether somebody acted after version ``seen``, or it never was. Clocks do not act."""
        return seen > self.version or not all(item.by_clock for item in self.history[seen:])


@dataclass(frozen=True)
class Outcome:
    """What a command did to its main stream."""

    stream_id: UUID
    version: int
    state: Any
    events: Sequence[Recorded[Event]]

    def receipt(self) -> dict[str, Any]:
        """The answer to the caller: ids, the new version, and the events in full."""
        return {
            "id": str(self.stream_id),
            "version": self.version,
            "events": [
                {
                    "id": str(item.event_id),
                    "type": type(item.event).__name__,
                    "version": item.version,
                    "occurred_on": item.occurred_on.isoformat(),
                    "recorded_at": item.recorded_at.isoformat(),
                    "data": item.event.model_dump(mode="json"),
                }
                for item in self.events
            ],
        }


@dataclass
class Call:
    """One command on its way: what its handler may use."""

    application: Owner
    tx: Transaction
    principal: Principal
    cause: Cause
    expected_version: int | None = None
    """``If-Match``: the version the caller saw of the command's main stream.

    What clocks said since does not make it stale: the rules are asked on the latest state anyway.
    """
    key: IdempotencyKey | None = None
    alone: bool = False
    """One append is all this call will write: its answer is remembered by the same statement."""
    answer: dict[str, Any] | None = None
    """The answer that was remembered with the append."""
    recorded: list[Recorded[Event]] = field(default_factory=list)
    """Every event this call has appended, over all its streams, in order."""

    @property
    def today(self) -> date:
        """The day of entry, Asia/Shanghai."""
        return self.tx.clock.today()

    def context(self, occurred_on: date | None = None) -> Context:
        """The plain context. Refuses a legal date that lies in the future (K6)."""
        today = self.today
        if occurred_on is not None and occurred_on > today:
            raise Invalid(
                "K6",
                code="occurs-in-the-future",
                zh=f"发生日期{occurred_on}晚于今天{today}",
                en=f"the act is dated {occurred_on}, after today {today}",
                field="occurred_on",
            )
        return Context(today, occurred_on or today, self.principal)

    async def load(self, aggregate: Aggregate[S], stream_id: UUID) -> Stream:
        """The stream folded.

        ``NotFound`` when it lies outside the caller's divisions (R1), or is something else's.
        """
        history = await event_store.load(self.tx.raw, self.application.service, stream_id)
        if history and history[0].category != aggregate.name:
            raise NotFound(*aggregate.label)
        state = aggregate.fold([item.event for item in history])
        if history:
            self._must_cover(aggregate.divisions(state), lambda: NotFound(*aggregate.label))
        return Stream(stream_id, history, state)

    async def decide(
        self, aggregate: Aggregate[S], stream_id: UUID, command: Command, context: Context
    ) -> Outcome:
        """Load, decide, append, project: the stream's next events, or the ``Refusal``."""
        stream = await self.load(aggregate, stream_id)
        self.must_have_seen(stream)
        events = aggregate.decide(stream.state, command, context)
        if not events:
            return Outcome(stream_id, stream.version, stream.state, [])
        return await self._append(aggregate, stream, events, context)

    def must_have_seen(self, stream: Stream) -> None:
        """Raises ``Stale`` when somebody acted since the caller saw the stream; asked once."""
        if self.expected_version is not None and stream.is_news_to(self.expected_version):
            raise Stale(self.expected_version, stream.version)
        self.expected_version = None

    @cached_property
    def _metadata(self) -> Metadata:
        return self.cause.metadata(self.principal)

    def draft(
        self,
        begun: bulk.Begun,
        aggregate: Aggregate[S],
        stream_id: UUID,
        command: Command,
        context: Context,
    ) -> None:
        """Decide a command on a stream that does not exist yet, to be written with many others.

        The same decision, events and rows as ``decide``; nothing is read or written.
        """
        events = aggregate.decide(aggregate.initial, command, context)
        new = Stream(stream_id, (), aggregate.initial)
        state = _after(aggregate, new, events)
        made = self._drafted(aggregate, new, events, state, context)
        begun.events += made
        views = self.application.views_of(aggregate.name)
        begun.rows.add(views, state, aggregate.clocks(state), made[-1])

    async def begin_many(self, begun: bulk.Begun) -> None:
        """Write what was drafted. Raises ``ConcurrentAppend`` when a stream exists after all."""
        try:
            await begun.write(self.tx.raw)
        except asyncpg.UniqueViolationError as error:
            raise event_store.ConcurrentAppend(begun.events[0].stream_id) from error
        self.recorded.extend(begun.events)

    async def _append(
        self, aggregate: Aggregate[S], stream: Stream, events: Sequence[Event], context: Context
    ) -> Outcome:
        state = _after(aggregate, stream, events)
        drafted = self._drafted(aggregate, stream, events, state, context)
        outcome = Outcome(stream.stream_id, drafted[-1].version, state, drafted)
        await self._write(self._consequences(aggregate, stream, outcome), stream)
        self.recorded.extend(drafted)
        return outcome

    def _drafted(
        self,
        aggregate: Aggregate[S],
        stream: Stream,
        events: Sequence[Event],
        state: S,
        context: Context,
    ) -> list[Recorded[Event]]:
        """The stream's next events, in the caller's divisions. Raises ``Forbidden``."""
        divisions = aggregate.divisions(state)
        self._must_cover(divisions, _outside)
        return event_store.draft(
            stream_id=stream.stream_id,
            category=aggregate.name,
            after=stream.version,
            # A stream keeps the key of its first event: on another partition its next event could
            # overtake this one.
            key=stream.history[0].key if stream.history else aggregate.key(state),
            region=divisions[0],
            occurred_on=context.occurred_on,
            recorded_at=self.tx.clock.now(),
            events=[(new_id(), event) for event in events],
            metadata=self._metadata,
        )

    def _consequences(self, aggregate: Aggregate[S], stream: Stream, outcome: Outcome) -> Writes:
        """The events, and everything in this database that follows from them."""
        last = outcome.events[-1]
        writes = Writes([event_store.clause(outcome.events)])
        deadlines.write(
            writes,
            last,
            before=aggregate.clocks(stream.state),
            after=aggregate.clocks(outcome.state),
        )
        for view in self.application.views_of(aggregate.name):
            view.write(writes, outcome.state, last)
        if self.key is not None and self.alone:
            self.answer = outcome.receipt()
            writes.clauses.append(idempotency.clause(self.key, self.answer))
        return writes

    async def _write(self, writes: Writes, stream: Stream) -> None:
        try:
            await writes.run(self.tx.raw)
        except asyncpg.UniqueViolationError as error:
            if event_store.is_lost_race(error):
                raise event_store.ConcurrentAppend(stream.stream_id) from error
            if error.constraint_name == idempotency.PRIMARY_KEY:
                raise AlreadyAnswered from error
            refusal = self.application.conflicts.get(error.constraint_name or "")
            if refusal is None:
                raise
            raise refusal() from error

    def _must_cover(self, divisions: Sequence[str], refusal: Callable[[], Refusal]) -> None:
        if not any(map(self.principal.covers, divisions)):
            raise refusal()


def _outside() -> Refusal:
    return Forbidden("该户不在您的辖区内", "outside your division")


def _after(aggregate: Aggregate[S], stream: Stream, events: Sequence[Event]) -> S:
    if any(isinstance(event, RollsBack) for event in events):
        return aggregate.fold([*(item.event for item in stream.history), *events])
    state: S = stream.state
    for event in events:
        state = aggregate.evolve(state, event)
    return state
