"""A service in miniature for the tests of the bus: it notes things, and another one reads them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar
from uuid import UUID

from shared.bus.connection import Connect, connector
from shared.bus.consumer import Consumer, ConsumerSettings, Cure
from shared.bus.handler import Each, Handler
from shared.bus.port import Broker, Message, Producer
from shared.bus.relay import Relay, RelaySettings
from shared.bus.tables import metadata as bus_tables
from shared.contracts.registry import contract
from shared.kernel.clock import SystemClock
from shared.kernel.event import Cause, Event, Metadata, Recorded
from shared.kernel.ids import new_id
from shared.store.database import Database, Transaction
from shared.store.event_store import append, draft
from shared.store.migrate import SHARED, Schema
from shared.store.tables import metadata as store_tables

SERVICE = "bustest"
TOPIC = "dixian.bustest"
READER = "readers"
"""The consumer's name."""

SCHEMA = Schema(
    service=SERVICE,
    locations=[SHARED / "store" / "migrations", SHARED / "bus" / "migrations"],
    metadata=[store_tables, bus_tables],
)
EFFECTS = """
create table rm.effect (
    n bigint generated always as identity, stream_id uuid, version int, key uuid, text text
)"""
"""What the reader writes: without a unique key, so that anything done twice shows."""


@contract
class Noted(Event):
    """Something was noted."""

    service: ClassVar[str] = SERVICE
    text: str


@contract
class Ignored(Event):
    """Something the reader has no reaction to."""

    service: ClassVar[str] = SERVICE


@dataclass(frozen=True)
class Place:
    """One service's database."""

    url: str
    database: Database

    @property
    def connect(self) -> Connect:
        """Connections of one's own to it."""
        return connector(self.url)


def place(url: str) -> Place:
    """Open the database at ``url``."""
    return Place(url, Database(url, clock=SystemClock()))


async def note(
    tx: Transaction, stream: UUID, after: int, *events: Event, key: UUID | None = None
) -> list[Recorded[Event]]:
    """Append ``events`` after version ``after`` of ``stream``, in the caller's transaction."""
    metadata = Metadata("王", "37", ("officer", "committee"), new_id(), new_id(), "00-ab-cd-01")
    drafted = draft(
        stream_id=stream,
        category="note",
        after=after,
        key=key or stream,
        region="370102",
        occurred_on=date(2023, 8, 1),
        recorded_at=datetime.now(UTC),
        events=[(new_id(), event) for event in events],
        metadata=metadata,
    )
    await append(tx.raw, drafted)
    return drafted


async def notes(
    at: Place, stream: UUID, *texts: str, after: int = 0, key: UUID | None = None
) -> list[Recorded[Event]]:
    """Append notes in a transaction of their own."""
    async with at.database.transaction() as tx:
        return await note(tx, stream, after, *(Noted(text=text) for text in texts), key=key)


class Witness:
    """The reader's reactions: every note becomes a row. ``faults`` makes chosen texts fail."""

    def __init__(self) -> None:
        self.faults: dict[str, list[BaseException]] = {}
        self.recorded: list[Recorded[Any]] = []

    def fails(self, text: str, fault: BaseException, times: int = 1_000_000) -> None:
        """Handling a note with this text raises ``fault``, so many times."""
        self.faults[text] = [fault] * min(times, 1000)

    def mend(self) -> None:
        """Nothing fails any more."""
        self.faults.clear()

    @property
    def handler(self) -> Handler:
        """What the consumer is made with."""
        return Each({Noted: self._noted})

    async def _noted(self, tx: Transaction, recorded: Recorded[Any], cause: Cause) -> None:
        assert cause.causation_id == recorded.event_id
        text = recorded.event.text
        await tx.raw.execute(
            "insert into rm.effect(stream_id, version, key, text) values ($1, $2, $3, $4)",
            recorded.stream_id,
            recorded.version,
            recorded.key,
            text[:100],
        )
        if self.faults.get(text):
            raise self.faults[text].pop()
        self.recorded.append(recorded)


@dataclass(frozen=True)
class Effect:
    """A row that the reader wrote."""

    stream_id: UUID
    version: int
    key: UUID
    text: str


async def effects(at: Place) -> list[Effect]:
    """What the reader has done, in the order it did it."""
    async with at.database.reading() as tx:
        rows = await tx.raw.fetch("select stream_id, version, key, text from rm.effect order by n")
    return [Effect(*row) for row in rows]


def each_once_in_order(found: Sequence[Effect]) -> None:
    """Every stream's versions are there as 1, 2, 3..., once each."""
    heads: Counter[UUID] = Counter()
    for effect in found:
        assert effect.version == heads[effect.stream_id] + 1, effect
        heads[effect.stream_id] += 1


class Counting:
    """An observer that remembers what it is told."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.errors: list[BaseException] = []

    def sent(self, service: str, count: int) -> None:
        """By service."""
        self.counts[f"sent {service}"] += count

    def received(self, consumer: str, topic: str, count: int) -> None:
        """By consumer."""
        self.counts[f"received {consumer} {topic}"] += count

    def repeated(self, consumer: str, topic: str, count: int) -> None:
        """By consumer."""
        self.counts[f"repeated {consumer} {topic}"] += count

    def parked(self, consumer: str, topic: str, reason: str, count: int) -> None:
        """By reason."""
        self.counts[f"parked {consumer} {topic} {reason}"] += count

    def replayed(self, consumer: str, topic: str, count: int) -> None:
        """By consumer."""
        self.counts[f"replayed {consumer} {topic}"] += count

    def retrying(self, who: str, error: BaseException, attempt: int) -> None:
        """Keeps the error."""
        self.errors.append(error)
        self.counts[f"retrying {who}"] = attempt


def relay_of(at: Place, broker: Broker, **settings: Any) -> Relay:
    """A relay of the noting service."""
    made = RelaySettings(**{"standby": 0.02, "poll": 0.01, **settings})
    return Relay(SERVICE, at.connect, broker, settings=made, observer=Counting())


def consumer_of(
    at: Place, handler: Handler, *, cures: Mapping[str, Cure] | None = None, **settings: Any
) -> Consumer:
    """A consumer of the reading service."""
    made = ConsumerSettings(**{"wait": 0.2, "heal_every": 0.1, **settings})
    return Consumer(READER, at.database, handler, settings=made, observer=Counting(), cures=cures)


async def published(relay: Relay) -> int:
    """Publish all there is."""
    total = 0
    async with relay.session() as session:
        while count := await session.step():
            total += count
    return total


@asynccontextmanager
async def running(*workers: Callable[[], Awaitable[Any]]) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Run relays and consumers beside the test; a worker that ends by itself fails it."""
    tasks = [asyncio.ensure_future(worker()) for worker in workers]
    try:
        yield list(tasks)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results), results


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 30) -> None:
    """Wait for something that other processes bring about; fails when it does not come."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110  (the condition is in a database)
            await asyncio.sleep(0.02)


class LosingBroker:
    """A broker whose answers are lost: the messages are written, the sender gets an error."""

    def __init__(self, broker: Broker, losses: int) -> None:
        self._broker = broker
        self.losses = losses

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    async def producer(self) -> Producer:
        """A producer that fails after writing, while there are losses left."""
        real, broker = await self._broker.producer(), self

        class Losing:
            async def send_batch(self, messages: Sequence[Message]) -> None:
                await real.send_batch(messages)
                if broker.losses:
                    broker.losses -= 1
                    raise ConnectionResetError("the answer was lost")

            async def close(self) -> None:
                await real.close()

        return Losing()
