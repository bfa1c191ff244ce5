"""Publishes a service's committed events: each at least once, each stream in order, none skipped.

One relay per service is active, by a session lock; others stand by. No transaction is open while
the broker is written to. The cursor moves after the broker has acknowledged: a crash between the
two publishes a page twice, and the consumers skip what they have seen.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from shared.bus import reader
from shared.bus.cloudevents import headers, topic
from shared.bus.connection import Connect, closed
from shared.bus.faults import back_off
from shared.bus.observe import LogObserver, Observer
from shared.bus.port import Broker, Message, Producer
from shared.bus.reader import RELAY, Cursor

LOCK = "select pg_try_advisory_lock(hashtextextended('es.reader:relay', 0))"
"""Whoever holds it is the service's one relay."""


@dataclass(frozen=True)
class RelaySettings:
    """How a relay goes about it."""

    page: int = 1000
    """Events read, sent and marked at a time."""
    poll: float = 0.03
    """Seconds between looks when nothing wakes it."""
    poll_woken: float = 0.05
    """The same when an event wakes it: other processes may write too. A look costs 0.3 ms."""
    standby: float = 0.5
    """Seconds between tries for the lock."""


class Relay:
    """Publishes the events of one service. ``wake`` is set by whoever appends in this process."""

    def __init__(
        self,
        service: str,
        connect: Connect,
        broker: Broker,
        *,
        wake: asyncio.Event | None = None,
        settings: RelaySettings | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._service = service
        self._connect = connect
        self._broker = broker
        self._wake = wake
        self.settings = settings or RelaySettings()
        self.observer = observer or LogObserver()
        self.active = False
        """Whether this one holds the lock."""

    async def run(self) -> None:
        """Publish until cancelled, through every outage, or stand by while another does."""
        attempt = 0
        while True:
            try:
                async with self.session() as session:
                    while True:
                        if not await session.step():
                            await self._rest()
                        attempt = 0
            except Exception as error:
                attempt += 1
                self.observer.retrying(f"relay {self._service}", error, attempt)
                await asyncio.sleep(back_off(attempt))

    @asynccontextmanager
    async def session(self) -> AsyncIterator["RelaySession"]:
        """Wait for the lock; then be the active relay until leaving."""
        async with AsyncExitStack() as stack:
            connection = await self._connect()
            stack.push_async_callback(closed, connection)
            # Not a lock wait: a waiting statement's snapshot would hold back vacuum.
            while not await connection.fetchval(LOCK):  # noqa: ASYNC110  (other processes' lock)
                await asyncio.sleep(self.settings.standby)
            await connection.execute(reader.PLANNER)
            await self._broker.ensure_topics([topic(self._service)])
            producer = await self._broker.producer()
            stack.push_async_callback(producer.close)
            cursor = await reader.load(connection, RELAY)
            self.active = True
            stack.callback(self._stand_down)
            yield RelaySession(
                self._service,
                connection,
                producer,
                cursor=cursor,
                page=self.settings.page,
                observer=self.observer,
            )

    def _stand_down(self) -> None:
        self.active = False

    async def _rest(self) -> None:
        if self._wake is None:
            await asyncio.sleep(self.settings.poll)
            return
        try:
            async with asyncio.timeout(self.settings.poll_woken):
                await self._wake.wait()
        except TimeoutError:
            return  # time for a look at what other processes wrote
        self._wake.clear()


class RelaySession:
    """The active relay: its connection with the lock, its producer, its cursor."""

    def __init__(
        self,
        service: str,
        connection: "asyncpg.Connection[Any]",
        producer: Producer,
        *,
        cursor: Cursor,
        page: int,
        observer: Observer,
    ) -> None:
        self._service = service
        self._connection = connection
        self._producer = producer
        self._cursor = cursor
        self._page = page
        self._observer = observer
        self._ahead: tuple[Sequence[Any], Cursor] | None = None

    async def step(self) -> int:
        """Publish one page and move the cursor. Returns how many events it held."""
        rows, after = self._ahead or await self._read(self._cursor)
        self._ahead = None
        if after == self._cursor:
            return 0
        if rows:
            await self._send(rows, after)
        await reader.store(self._connection, RELAY, after, len(rows))
        self._cursor = after
        self._observer.sent(self._service, len(rows))
        # The end of a window is not the end of what there is.
        return len(rows) or await self.step()

    async def _read(self, cursor: Cursor) -> tuple[Sequence[Any], Cursor]:
        return await reader.read_page(self._connection, cursor, self._page)

    async def _send(self, rows: Sequence[Any], after: Cursor) -> None:
        """Send a page; while the broker works on it, read the next one of a long backlog."""
        sending = asyncio.ensure_future(self._producer.send_batch(messages(self._service, rows)))
        try:
            if after.upto is not None:
                self._ahead = await self._read(after)
            await sending
        except BaseException:
            sending.cancel()
            await asyncio.wait([sending])
            raise


async def resend(
    connect: Connect, broker: Broker, service: str, wanted: Iterable[tuple[UUID, int]]
) -> int:
    """Publish single events again, by stream and version, for a consumer that misses them.

    Returns how many there were. Consumers that have them skip them; nothing is counted twice.
    """
    pairs = list(wanted)
    async with AsyncExitStack() as stack:
        connection = await connect()
        stack.push_async_callback(closed, connection)
        rows = await connection.fetch(
            f"select {reader.COLUMNS} from es.event e"  # noqa: S608  (COLUMNS is a constant)
            " join unnest($1::uuid[], $2::int[]) w(s, v) on e.stream_id = w.s and e.version = w.v"
            " order by e.pos",
            [stream for stream, _ in pairs],
            [version for _, version in pairs],
        )
        producer = await broker.producer()
        stack.push_async_callback(producer.close)
        await producer.send_batch(messages(service, rows))
    return len(rows)


def messages(service: str, rows: Sequence[Any]) -> list[Message]:
    """Rows of ``es.event`` (``reader.COLUMNS``) as messages, without building the events."""
    destination = topic(service)
    return [_message(service, destination, row) for row in rows]


def _message(service: str, destination: str, row: Any) -> Message:
    meta = orjson.loads(row["meta"])
    key = row["key"]
    made = headers(
        service=service,
        event_id=row["event_id"],
        type_name=row["type"],
        schema_version=row["schema_version"],
        stream_id=row["stream_id"],
        version=row["version"],
        key=key,
        category=row["category"],
        region=row["region"],
        occurred_on=row["occurred_on"],
        recorded_at=row["recorded_at"],
        correlation_id=meta["correlation_id"],
        causation_id=meta["causation_id"],
        actor=meta["actor"],
        actor_division=meta["actor_division"],
        actor_roles=meta["actor_roles"],
        traceparent=meta.get("traceparent", ""),
    )
    return Message(destination, key.encode(), made, row["data"])
