"""Tells hotlines how their orders go on: queues a message for each event, and delivers it.

One postman a service is active, by a session lock; others stand by. Messages are made from
committed events, and the reader's cursor moves in the transaction that queues them: each is queued
once, whatever dies. A delivery is noted after the receiver has answered: a crash between the two
makes it twice, with the same ``webhook-id``. An order's messages go one after the other.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import structlog
from standardwebhooks import Webhook as Signer

from services.alerts.domain.delivery import (
    TYPES,
    Attempt,
    DeliveryStatus,
    message,
    next_try,
)
from services.alerts.domain.order import ORDER
from services.alerts.handlers.webhooks import target
from services.alerts.read_models import deliveries
from services.alerts.read_models.deliveries import Due, Message
from shared.bus import reader
from shared.bus.connection import Connect, closed
from shared.bus.faults import back_off
from shared.bus.reader import Cursor
from shared.store import event_store
from shared.store.database import Database
from shared.vault.vault import Vault
from shared.web.outbound import Outbound

READER = "webhooks"
_LOCK = "select pg_try_advisory_lock(hashtextextended('es.reader:webhooks', 0))"
_FORGET_EVERY = 3600.0

log = structlog.get_logger("dixian.webhooks")


@dataclass(frozen=True)
class PostmanSettings:
    """How a postman goes about it."""

    page: int = 500
    """Events looked at and queued at a time."""
    at_once: int = 32
    """Deliveries under way at a time."""
    each: int = 4
    """Of these, to one webhook."""
    poll: float = 0.25
    """Seconds between looks when there is nothing to do."""
    standby: float = 1.0
    """Seconds between tries for the lock."""
    store_every: float = 30.0
    """Seconds after which the cursor is stored though no order was touched."""


class Postman:
    """The worker. ``connect`` opens connections whose search path is the service's."""

    def __init__(
        self,
        database: Database,
        connect: Connect,
        vault: Vault,
        outbound: Outbound,
        *,
        settings: PostmanSettings | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        jitter: Callable[[], float] = random.random,
        tried: Callable[[str], None] = lambda _outcome: None,
    ) -> None:
        self._database, self._connect, self._vault = database, connect, vault
        self._outbound, self._now, self._jitter, self._tried = outbound, now, jitter, tried
        self.settings = settings or PostmanSettings()

    async def run(self) -> None:
        """Deliver until cancelled, through every outage, or stand by while another does."""
        failures = 0
        try:
            while True:
                try:
                    async with self.round() as round_:
                        while True:
                            if not await round_.step():
                                await round_.rest(self.settings.poll)
                            failures = 0
                except Exception as error:
                    failures += 1
                    log.warning("webhooks.retrying", error=type(error).__name__, times=failures)
                    await asyncio.sleep(back_off(failures))
        finally:
            await self._outbound.close()

    @asynccontextmanager
    async def round(self) -> AsyncIterator["Round"]:
        """Wait for the lock; then be the active postman until leaving."""
        async with AsyncExitStack() as stack:
            connection = await self._connect()
            stack.push_async_callback(closed, connection)
            # Not a lock wait: a waiting statement's snapshot would hold back vacuum.
            while not await connection.fetchval(_LOCK):  # noqa: ASYNC110  (other processes' lock)
                await asyncio.sleep(self.settings.standby)
            await connection.execute(reader.PLANNER)
            round_ = Round(self, connection, await reader.load(connection, READER))
            stack.push_async_callback(round_.end)
            yield round_

    async def deliver(self, due: Due) -> DeliveryStatus:
        """Try one delivery and note what came of it."""
        try:
            attempt = await self._attempt(due)
        except Exception:  # a key that does not open, say: told, and tried again like any failure
            log.exception("webhooks.fault", message_id=due.message_id)
            attempt = Attempt(self._now(), None, "fault")
        first = due.first_tried_at or attempt.at
        again = next_try(first, due.tries + 1, attempt, self._jitter())
        async with self._database.reading() as tx:
            status = await deliveries.tried(
                tx.raw, due.id, attempt, None if attempt.delivered else again
            )
        self._account(due, attempt, status)
        return status

    async def _attempt(self, due: Due) -> Attempt:
        async with self._database.reading() as tx:
            where = await target(self._vault, tx.raw, due.webhook_id)
        if where is None:
            return Attempt(self._now(), None, "address-destroyed")
        body = due.body.encode()
        headers = signed(due.message_id, self._now(), due.body, where.signing(self._now()))
        answer = await self._outbound.post(where.url, body, headers)
        return Attempt(self._now(), answer.status, answer.error, answer.retry_after)

    def _account(self, due: Due, attempt: Attempt, status: DeliveryStatus) -> None:
        outcome = {DeliveryStatus.WAITING: "failed"}.get(status, status.lower())
        self._tried(outcome)
        if status is not DeliveryStatus.DELIVERED:
            write = log.warning if status is DeliveryStatus.DEAD else log.info
            write(
                f"webhooks.{outcome}",
                webhook_id=str(due.webhook_id),
                message_id=due.message_id,
                tries=due.tries + 1,
                status=attempt.status,
                error=attempt.error,
            )

    async def forget(self) -> None:
        """Drop what was delivered long ago."""
        async with self._database.reading() as tx:
            await deliveries.forget(tx.raw, self._now())

    async def due(self, under_way: Iterable[Due]) -> list[Due]:
        """What may be begun now."""
        busy = Counter(item.webhook_id for item in under_way)
        room = self.settings.at_once - busy.total()
        if room <= 0:
            return []
        async with self._database.reading() as tx:
            found = await deliveries.due(
                tx.raw,
                self._now(),
                each=self.settings.each,
                besides=[item.id for item in under_way],
                busy=[id_ for id_, count in busy.items() if count >= self.settings.each],
            )
        return found[:room]

    async def queue(
        self, connection: "asyncpg.Connection[Any]", rows: Sequence[Any], after: Cursor
    ) -> None:
        """Queue the messages of events just read, and move the cursor past them."""
        wanted: dict[UUID, set[int]] = {}
        for row in rows:
            wanted.setdefault(row["stream_id"], set()).add(row["version"])
        made = [
            item
            for id_, versions in wanted.items()
            for item in await _messages(connection, id_, versions)
        ]
        async with connection.transaction():
            if made:
                await deliveries.queue(connection, made, self._now())
            await reader.store(connection, READER, after, len(rows))


class Round:
    """The active postman: its connection with the lock, its cursor, what is under way."""

    def __init__(
        self, postman: Postman, connection: "asyncpg.Connection[Any]", cursor: Cursor
    ) -> None:
        self._postman, self._connection, self._cursor = postman, connection, cursor
        self._stored = self._forgotten = monotonic()
        self._under_way: dict[asyncio.Task[Any], Due] = {}

    async def step(self) -> bool:
        """Queue what is new, begin what is due. Whether there was anything."""
        queued = await self._queue()
        begun = await self._postman.due(self._under_way.values())
        for due in begun:
            task = asyncio.create_task(self._postman.deliver(due))
            self._under_way[task] = due
            task.add_done_callback(self._done)
        if monotonic() - self._forgotten > _FORGET_EVERY:
            self._forgotten = monotonic()
            await self._postman.forget()
        return bool(queued or begun)

    async def rest(self, seconds: float) -> None:
        """Until something under way is done, or the time is over."""
        if self._under_way:
            await asyncio.wait(
                self._under_way, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        else:
            await asyncio.sleep(seconds)

    async def finish(self) -> None:
        """Let what is under way come to its end."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def end(self) -> None:
        """Break off what is under way: it will be tried again."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _queue(self) -> int:
        settings = self._postman.settings
        rows, after = await reader.read_category(
            self._connection, self._cursor, ORDER.name, settings.page
        )
        if rows or monotonic() - self._stored > settings.store_every:
            await self._postman.queue(self._connection, rows, after)
            self._stored = monotonic()
        self._cursor = after
        return len(rows)

    def _done(self, task: "asyncio.Task[Any]") -> None:
        due = self._under_way.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Not noted, so it is tried again; the next look would come at once.
            log.error("webhooks.fault", message_id=due.message_id, error=type(error).__name__)


def signed(message_id: str, at: datetime, body: str, secrets: Sequence[str]) -> dict[str, str]:
    """The headers of a message (Standard Webhooks): a signature by each secret in force."""
    signatures = [Signer(secret).sign(message_id, at, body) for secret in secrets]
    return {
        "content-type": "application/json",
        "user-agent": "Dixian-Webhooks/1",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


async def _messages(
    connection: "asyncpg.Connection[Any]", stream_id: UUID, versions: set[int]
) -> list[Message]:
    """The messages of some versions of an order."""
    history = await event_store.load(connection, "alerts", stream_id)
    made = []
    for number, recorded in enumerate(history, start=1):
        if recorded.version not in versions or type(recorded.event) not in TYPES:
            continue
        order = ORDER.fold([item.event for item in history[:number]])
        content = message(recorded, order)
        body = orjson.dumps(content).decode()
        made.append(
            Message(
                recorded.event_id,
                stream_id,
                recorded.version,
                content["type"],
                body,
                order.division,
            )
        )
    return made
