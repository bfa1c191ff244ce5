"""The one way through: command → load, fold, decide, append, project, remember → answer.

Requests, neighbours' events, clocks and imports all end in ``Application.execute`` or, inside the
consumer's transaction, in ``execute_in``. There is no second code path that changes state.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, TypeVar
from uuid import UUID

from shared.kernel.decider import Aggregate, Context, RollsBack, Tick
from shared.kernel.event import Cause, Command, Event, Recorded
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Forbidden, Invalid, NotFound, Refusal, Stale
from shared.store import deadlines, event_store, idempotency
from shared.store.database import Database, Transaction
from shared.store.idempotency import AlreadyAnswered, IdempotencyKey
from shared.store.views import View

S = TypeVar("S")
_ATTEMPTS = 5


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

    application: "Application"
    tx: Transaction
    principal: Principal
    cause: Cause
    expected_version: int | None = None
    """``If-Match``: the version the caller saw of the command's main stream."""
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
        """The stream folded. ``NotFound`` when it lies outside the caller's divisions (R1)."""
        history = await event_store.load(self.tx.raw, self.application.service, stream_id)
        state = aggregate.fold([item.event for item in history])
        if history:
            self._must_cover(aggregate, state, NotFound(*aggregate.label))
        return Stream(stream_id, history, state)

    async def decide(
        self, aggregate: Aggregate[S], stream_id: UUID, command: Command, context: Context
    ) -> Outcome:
        """Load, decide, append, project: the stream's next events, or the ``Refusal``."""
        stream = await self.load(aggregate, stream_id)
        if self.expected_version is not None and self.expected_version != stream.version:
            raise Stale(self.expected_version, stream.version)
        self.expected_version = None
        events = aggregate.decide(stream.state, command, context)
        if not events:
            return Outcome(stream_id, stream.version, stream.state, [])
        return await self._append(aggregate, stream, events, context)

    async def _append(
        self, aggregate: Aggregate[S], stream: Stream, events: Sequence[Event], context: Context
    ) -> Outcome:
        state = _after(aggregate, stream, events)
        outside = Forbidden("该户不在您的辖区内", "outside your division")
        self._must_cover(aggregate, state, outside)
        region = aggregate.divisions(state)[0]
        # A stream keeps the key of its first event: on another partition its next event could
        # overtake this one.
        key = stream.history[0].key if stream.history else aggregate.key(state)
        recorded = await event_store.append(
            self.tx.raw,
            stream_id=stream.stream_id,
            category=aggregate.name,
            after=stream.version,
            key=key,
            region=region,
            occurred_on=context.occurred_on,
            recorded_at=self.tx.clock.now(),
            events=[(new_id(), event) for event in events],
            metadata=self.cause.metadata(self.principal),
        )
        await deadlines.write(
            self.tx.raw,
            stream_id=stream.stream_id,
            category=aggregate.name,
            key=key,
            region=region,
            before=aggregate.clocks(stream.state),
            after=aggregate.clocks(state),
        )
        await self.application.project(self.tx, aggregate.name, state, recorded[-1])
        self.recorded.extend(recorded)
        return Outcome(stream.stream_id, recorded[-1].version, state, recorded)

    def _must_cover(self, aggregate: Aggregate[S], state: S, refusal: Refusal) -> None:
        divisions = aggregate.divisions(state)
        if not any(self.principal.covers(division) for division in divisions):
            raise refusal


Handler = Callable[[Any, Call], Awaitable[Outcome]]
"""Carries one command out: ``async (command, call) -> Outcome``."""


@dataclass(frozen=True)
class Receipt:
    """An answer, and whether it is a repetition of one given before."""

    body: dict[str, Any]
    replayed: bool = False


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
        version it saw is told (``Stale``). A key seen before gives the first answer.
        """
        for attempt in range(_ATTEMPTS):
            try:
                return await self._attempt(command, principal, cause, expected_version, key)
            except (event_store.ConcurrentAppend, AlreadyAnswered):
                if attempt == _ATTEMPTS - 1:
                    raise
            except Refusal:
                answered = await self._answered(key)
                if answered is None:
                    raise
                return answered
        raise AssertionError("unreachable")

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
        _must_be_allowed(command, principal)
        call = Call(self, tx, principal, cause, expected_version)
        return await self._handler(command)(command, call)

    async def project(
        self, tx: Transaction, category: str, state: Any, last: Recorded[Event]
    ) -> None:
        """Write every read model of ``category`` from the stream's new state."""
        for view in self.views:
            if view.category == category:
                await view.apply(tx.sql, last.stream_id, state, last)

    async def tick(self, principal: Principal, *, limit: int = 200) -> int:
        """Let every clock that is due speak, once each; return how many streams had one."""
        async with self.database.reading() as tx:
            due = await deadlines.due(tx.raw, tx.clock.today(), limit)
        for category, stream_id in due:
            cause = Cause(correlation_id=new_id(), causation_id=stream_id)
            await self.execute(Tick(category=category, stream_id=stream_id), principal, cause)
        return len(due)

    async def _attempt(
        self,
        command: Command,
        principal: Principal,
        cause: Cause,
        expected_version: int | None,
        key: IdempotencyKey | None,
    ) -> Receipt:
        async with self.database.transaction() as tx:
            if key is not None and (body := await idempotency.find(tx.raw, key)) is not None:
                return Receipt(body, replayed=True)
            _must_be_allowed(command, principal)
            call = Call(self, tx, principal, cause, expected_version)
            outcome = await self._handler(command)(command, call)
            body = outcome.receipt()
            if key is not None:
                await idempotency.remember(tx.raw, key, body, tx.clock.now())
        self.appended(call.recorded)
        return Receipt(body)

    async def _answered(self, key: IdempotencyKey | None) -> Receipt | None:
        """The answer of a twin request that committed while this one was being refused."""
        if key is None:
            return None
        async with self.database.reading() as tx:
            body = await idempotency.find(tx.raw, key)
        return None if body is None else Receipt(body, replayed=True)

    def _handler(self, command: Command) -> Handler:
        if isinstance(command, Tick):
            return self._tick
        return self.handlers[type(command)]

    async def _tick(self, command: Tick, call: Call) -> Outcome:
        aggregate = next(item for item in self.aggregates if item.name == command.category)
        return await call.decide(aggregate, command.stream_id, command, call.context())


def on_stream(
    aggregate: Aggregate[S],
    stream: Callable[[Any], UUID],
    context: Callable[[Any, Call], Awaitable[Context]] | None = None,
) -> Handler:
    """The handler of a command that concerns one stream and needs, at most, look-ups.

    ``stream`` finds the stream's id in the command; ``context`` gathers the look-ups; without it
    the decision gets the dates and the principal.
    """

    async def handle(command: Command, call: Call) -> Outcome:
        if context is not None:
            made = await context(command, call)
        else:
            made = call.context(getattr(command, "occurred_on", None))
        return await call.decide(aggregate, stream(command), command, made)

    return handle


def back_dated(recorded: Recorded[Event], today: date) -> bool:
    """Whether an act was entered more than a day after it happened (K6): flagged, not refused."""
    return today - recorded.occurred_on > timedelta(days=1)


def _after(aggregate: Aggregate[S], stream: Stream, events: Sequence[Event]) -> S:
    if any(isinstance(event, RollsBack) for event in events):
        return aggregate.fold([*(item.event for item in stream.history), *events])
    state: S = stream.state
    for event in events:
        state = aggregate.evolve(state, event)
    return state


def _must_be_allowed(command: Command, principal: Principal) -> None:
    if Role.SYSTEM in principal.roles or command.permission.allows(principal):
        return
    levels = "、".join(level.label for level in sorted(command.permission.levels))
    raise Forbidden(
        f"该事项由{levels}相应岗位办理,您的岗位无权办理",
        "your role or level does not allow this act",
    )


__all__ = ["Application", "Call", "Handler", "Outcome", "Receipt", "Stream", "on_stream"]
