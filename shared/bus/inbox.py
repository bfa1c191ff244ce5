"""The statements on a consumer's own tables. Each takes the asyncpg connection of a transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from shared.bus.cloudevents import Envelope
from shared.bus.port import Message, TopicPartition
from shared.kernel.ids import new_id

GAP = "gap"
"""Reason: an earlier version of its stream has not come."""
BEHIND = "behind"
"""Reason: an earlier message of its key is parked."""
WAITING = frozenset({GAP, BEHIND})
"""Reasons that are no fault of the message itself."""


@dataclass(frozen=True)
class Parking:
    """A message on its way into ``es.parked``."""

    message: Message
    envelope: Envelope | None
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Open:
    """A parked message not yet replayed, as the consumer must know it."""

    key: UUID
    stream_id: UUID
    version: int
    reason: str


async def positions(
    raw: Any, consumer: str, sources: Collection[TopicPartition]
) -> dict[TopicPartition, int]:
    """The next offset of each partition; 0 for one never read."""
    rows = await raw.fetch(
        "select topic, part, next_offset from es.consumed_partition"
        " where consumer = $1 and topic = any($2::text[])",
        consumer,
        [source.topic for source in sources],
    )
    known = {TopicPartition(row[0], row[1]): row[2] for row in rows}
    return {source: known.get(source, 0) for source in sources}


async def lock(raw: Any, consumer: str, source: TopicPartition) -> int:
    """Take the partition's row for this transaction: its next offset.

    Two owners of one partition (a rebalance, a process that was thought dead) wait here for each
    other, and the second sees what the first has done.
    """
    select = (
        "select next_offset from es.consumed_partition"
        " where consumer = $1 and topic = $2 and part = $3 for update"
    )
    found = await raw.fetchval(select, consumer, *source)
    if found is None:
        await raw.execute(
            "insert into es.consumed_partition(consumer, topic, part, next_offset)"
            " values ($1, $2, $3, 0) on conflict do nothing",
            consumer,
            *source,
        )
        found = await raw.fetchval(select, consumer, *source)
    return int(found)


async def advance(
    raw: Any, consumer: str, source: TopicPartition, next_offset: int, received: int
) -> None:
    """Move the position, and count."""
    await raw.execute(
        "update es.consumed_partition set next_offset = $4, received = received + $5"
        " where consumer = $1 and topic = $2 and part = $3",
        consumer,
        *source,
        next_offset,
        received,
    )


async def seen(raw: Any, consumer: str, streams: Collection[UUID]) -> dict[UUID, int]:
    """The last version that has come in of each stream."""
    rows = await raw.fetch(
        "select stream_id, version from es.consumed_stream"
        " where consumer = $1 and stream_id = any($2::uuid[])",
        consumer,
        list(streams),
    )
    return {row[0]: row[1] for row in rows}


async def see(raw: Any, consumer: str, topic: str, versions: Mapping[UUID, int]) -> None:
    """Record the last versions."""
    if not versions:
        return
    await raw.execute(
        "insert into es.consumed_stream(consumer, stream_id, topic, version)"
        " select $1, s, $2, v from unnest($3::uuid[], $4::int[]) u(s, v)"
        " on conflict (consumer, stream_id) do update"
        " set version = greatest(consumed_stream.version, excluded.version)",
        consumer,
        topic,
        ordered := sorted(versions),  # always in one order, so that two writers cannot deadlock
        [versions[stream] for stream in ordered],
    )


async def open_of(
    raw: Any, consumer: str, topic: str, keys: Collection[UUID], streams: Collection[UUID]
) -> list[Open]:
    """What is parked of these keys and of these streams."""
    rows = await raw.fetch(
        "select key, stream_id, version, reason from es.parked"
        " where consumer = $1 and topic = $2 and replayed_at is null"
        " and (key = any($3::uuid[]) or stream_id = any($4::uuid[])) and key is not null",
        consumer,
        topic,
        list(keys),
        list(streams),
    )
    return [Open(*row) for row in rows]


async def park(raw: Any, consumer: str, items: Sequence[Parking]) -> None:
    """Write the messages down, whole, with their reasons."""
    for item in items:
        known = item.envelope
        await raw.execute(
            "insert into es.parked(id, consumer, topic, part, off, key, stream_id, version, type,"
            " reason, detail, message)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::text::jsonb)",
            new_id(),
            consumer,
            *item.message.source,
            item.message.offset,
            known and known.key,
            known and known.stream_id,
            known and known.version,
            known and f"{known.service}.{known.type}",
            item.reason,
            clean(item.detail),
            to_json(item.message),
        )


def to_json(message: Message) -> str:
    """A message as it is kept in ``es.parked.message``: nothing of it is lost."""
    whole = {
        "key": _portable(message.key),
        "headers": {clean(name): clean(value) for name, value in message.headers.items()},
        "value": _portable(message.value),
    }
    return orjson.dumps(whole).decode()


def from_json(source: TopicPartition, offset: int, stored: str) -> Message:
    """The inverse of ``to_json``."""
    whole = orjson.loads(stored)
    return Message(
        source.topic,
        _bytes(whole["key"]),
        whole["headers"],
        _bytes(whole["value"]),
        source.partition,
        offset,
    )


def _portable(content: bytes) -> dict[str, str]:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return {"hex": content.hex()}
    return {"hex": content.hex()} if "\x00" in text else {"text": text}


def _bytes(portable: Mapping[str, str]) -> bytes:
    return bytes.fromhex(portable["hex"]) if "hex" in portable else portable["text"].encode()


def clean(text: str) -> str:
    """Text as PostgreSQL can keep it: every odd character is still to be seen, escaped."""
    # PostgreSQL's text has no NUL; JSON's \u0000 does not go into jsonb either.
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
