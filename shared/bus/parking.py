"""Parked messages: listed, shown, and handled again when their cause is gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from shared.bus import inbox
from shared.bus.cloudevents import envelope
from shared.bus.faults import Fault, classify
from shared.bus.handler import Handler
from shared.bus.inbox import GAP, WAITING
from shared.bus.observe import LogObserver, Observer
from shared.bus.port import Message, TopicPartition
from shared.bus.triage import explain
from shared.store.database import Database, Transaction

_COLUMNS = (
    "id, consumer, topic, part, off, key, stream_id, version, type, reason, detail, parked_at,"
    " replayed_at"
)


@dataclass(frozen=True)
class ParkedMessage:
    """One line of the list: what was parked, where it came from, and why."""

    id: UUID
    consumer: str
    topic: str
    part: int
    off: int
    key: UUID | None
    stream_id: UUID | None
    version: int | None
    type: str | None
    reason: str
    """``refused:R56``, ``failed``, ``malformed``, ``unknown-event``, ``gap`` or ``behind``."""
    detail: str
    parked_at: datetime
    replayed_at: datetime | None

    @property
    def source(self) -> TopicPartition:
        """The log it came from."""
        return TopicPartition(self.topic, self.part)


@dataclass(frozen=True)
class Replayed:
    """What came of a replay."""

    done: int
    """Messages handled now."""
    left: int
    """Messages of the key that are still parked."""
    failure: str = ""
    """Why it stopped, when it did."""


class Parked:
    """The parked messages of one consumer."""

    def __init__(
        self,
        consumer: str,
        database: Database,
        handler: Handler,
        *,
        observer: Observer | None = None,
    ) -> None:
        self._consumer = consumer
        self._database = database
        self._handler = handler
        self._observer = observer or LogObserver()

    async def list(self, *, limit: int = 100, replayed: bool = False) -> "list[ParkedMessage]":
        """The oldest first; those already replayed only if asked for."""
        async with self._database.transaction() as tx:
            rows = await tx.raw.fetch(
                f"select {_COLUMNS} from es.parked where consumer = $1"  # noqa: S608  (constant)
                " and (replayed_at is null or $3) order by parked_at, id limit $2",
                self._consumer,
                limit,
                replayed,
            )
        return [ParkedMessage(*row) for row in rows]

    async def count(self) -> int:
        """How many wait to be replayed."""
        async with self._database.transaction() as tx:
            found = await tx.raw.fetchval(
                "select count(*) from es.parked where consumer = $1 and replayed_at is null",
                self._consumer,
            )
        return int(found)

    async def show(self, parked_id: UUID) -> tuple[ParkedMessage, dict[str, Any]] | None:
        """One of them with its whole message, or ``None`` when there is no such."""
        async with self._database.transaction() as tx:
            row = await tx.raw.fetchrow(
                f"select {_COLUMNS}, message::text from es.parked"  # noqa: S608  (constant)
                " where consumer = $1 and id = $2",
                self._consumer,
                parked_id,
            )
        return (ParkedMessage(*row[:-1]), orjson.loads(row[-1])) if row else None

    async def replay(self, parked_id: UUID) -> Replayed:
        """Handle it again, and with it everything parked of its key, in order; one transaction.

        What fails stays parked, with its new reason, and stops what is behind it. Faults that pass
        by themselves (a lost connection, a deadlock) are raised. An id unknown or already replayed
        gives ``Replayed(0, 0)``.
        """
        found = await self.show(parked_id)
        if found is None or found[0].replayed_at is not None:
            return Replayed(0, 0)
        return await self._replay(found[0].source, found[0].key, parked_id)

    async def heal(self) -> int:
        """Replay the keys that waited only for a version that has come since. Returns how many."""
        async with self._database.transaction() as tx:
            rows = await tx.raw.fetch(
                "select distinct p.topic, p.part, p.key from es.parked p"
                " join es.consumed_stream s using (consumer, stream_id)"
                " where p.consumer = $1 and p.replayed_at is null and p.reason = $2"
                " and p.version = s.version + 1 and not exists (select from es.parked q"
                "  where q.consumer = p.consumer and q.topic = p.topic and q.key = p.key"
                "  and q.replayed_at is null and q.reason <> all($3::text[])) limit 100",
                self._consumer,
                GAP,
                sorted(WAITING),
            )
        done = 0
        for topic, part, key in rows:
            done += (await self._replay(TopicPartition(topic, part), key, None)).done
        return done

    async def retry(self, reason: str) -> int:
        """Replay the keys with a message parked for ``reason``. Returns how many messages."""
        async with self._database.transaction() as tx:
            rows = await tx.raw.fetch(
                "select distinct topic, part, key from es.parked"
                " where consumer = $1 and replayed_at is null and reason = $2"
                " and key is not null",
                self._consumer,
                reason,
            )
        done = 0
        for topic, part, key in rows:
            done += (await self._replay(TopicPartition(topic, part), key, None)).done
        return done

    async def _replay(
        self, source: TopicPartition, key: UUID | None, only: UUID | None
    ) -> Replayed:
        async with self._database.transaction() as tx:
            await inbox.lock(tx.raw, self._consumer, source)
            rows = await self._rows(tx, source, key, only)
            result = await self._through(tx, source, rows)
        if result.done:
            self._observer.replayed(self._consumer, source.topic, result.done)
        return result

    async def _rows(
        self, tx: Transaction, source: TopicPartition, key: UUID | None, only: UUID | None
    ) -> Sequence[Any]:
        """Everything parked of the key; or the one message, when it has no key that can be read."""
        rows: Sequence[Any] = await tx.raw.fetch(
            "select id, part, off, stream_id, version, message::text as message from es.parked"
            " where consumer = $1 and topic = $2 and replayed_at is null"
            " and (key = $3 or (key is null and id = $4)) order by off, id for update",
            self._consumer,
            source.topic,
            key,
            only,
        )
        return rows

    async def _through(
        self, tx: Transaction, source: TopicPartition, rows: Sequence[Any]
    ) -> Replayed:
        waiting, done = list(rows), 0
        seen = await inbox.seen(
            tx.raw, self._consumer, {row["stream_id"] for row in rows if row["stream_id"]}
        )
        while (row := _ready(waiting, seen)) is not None:
            failure = await self._again(tx, source, row)
            if failure is not None:
                return Replayed(done, len(waiting), failure)
            if row["stream_id"] is not None:
                seen[row["stream_id"]] = max(seen.get(row["stream_id"], 0), row["version"])
            waiting.remove(row)
            done += 1
        return Replayed(done, len(waiting), "a version has not come" if waiting else "")

    async def _again(self, tx: Transaction, source: TopicPartition, row: Any) -> str | None:
        """Handle one in a savepoint. ``None``, or why it failed."""
        message = inbox.from_json(TopicPartition(source.topic, row["part"]), row["off"], row[-1])
        try:
            async with tx.raw.transaction():
                await self._handle(tx, message)
        except Exception as error:
            if classify(error) is not Fault.LASTING:
                raise
            reason, detail = explain(error)
            await tx.raw.execute(
                "update es.parked set reason = $2, detail = $3 where id = $1",
                row["id"],
                reason,
                inbox.clean(detail),
            )
            return f"{reason}: {detail}"
        await self._released(tx, source.topic, row)
        return None

    async def _handle(self, tx: Transaction, message: Message) -> None:
        known = envelope(message)
        if self._handler.wants(known):
            await self._handler.handle(tx, [self._handler.read(message, known)])

    async def _released(self, tx: Transaction, topic: str, row: Any) -> None:
        await tx.raw.execute(
            "update es.parked set replayed_at = clock_timestamp() where id = $1", row["id"]
        )
        if row["stream_id"] is not None:
            versions = {row["stream_id"]: row["version"]}
            await inbox.see(tx.raw, self._consumer, topic, versions)


def _ready(waiting: Sequence[Any], seen: dict[UUID, int]) -> Any | None:
    """The first, by offset, whose stream's earlier versions have all been handled."""
    for row in waiting:
        if row["stream_id"] is None:
            return row
        earlier = any(
            other["stream_id"] == row["stream_id"] and other["version"] < row["version"]
            for other in waiting
        )
        if not earlier and row["version"] <= seen.get(row["stream_id"], 0) + 1:
            return row
    return None
