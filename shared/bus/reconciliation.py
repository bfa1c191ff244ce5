"""Names what is missing, when recorded = sent = received does not hold.

One service sees one side only, so naming takes both: the sender's ``buckets`` beside the receiver's
``received_buckets`` show where they differ, the sender's ``heads`` of such a bucket list its
streams, and the receiver's ``missing`` says which versions of them it has not had; ``relay.resend``
publishes those again. All of it is plain data, to be asked for over HTTP. Taken while events are on
their way, a difference may be no more than that: ask again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.bus.inbox import GAP

BUCKETS = 256


@dataclass(frozen=True)
class StreamHead:
    """A stream and its last version."""

    stream_id: UUID
    version: int


@dataclass(frozen=True)
class Missing:
    """An event that a consumer has not had."""

    stream_id: UUID
    version: int


async def buckets(raw: Any) -> list[int]:
    """The sender's events by bucket of their stream. Reads all of them: for a diagnosis only."""
    rows = await raw.fetch(f"select {_BUCKET}, count(*) from es.event group by 1")  # noqa: S608
    return _spread(rows)


async def received_buckets(raw: Any, consumer: str, topic: str) -> list[int]:
    """The receiver's events of one topic by bucket of their stream."""
    rows = await raw.fetch(
        f"select {_BUCKET}, sum(version)::bigint from es.consumed_stream"  # noqa: S608
        f" where consumer = $1 and topic = $2 group by 1 union all"
        f" select {_BUCKET}, count(*) from es.parked where consumer = $1 and topic = $2"
        f" and reason = $3 and replayed_at is null group by 1",
        consumer,
        topic,
        GAP,
    )
    return _spread(rows)


def differing(sent: Sequence[int], received: Sequence[int]) -> list[int]:
    """The buckets in which the two sides differ."""
    return [number for number in range(BUCKETS) if sent[number] != received[number]]


async def heads(
    raw: Any, bucket: int, *, after: UUID | None = None, limit: int = 1000
) -> list[StreamHead]:
    """A page of the sender's streams in a bucket, by id, beginning after ``after``."""
    rows = await raw.fetch(
        f"select stream_id, max(version) from es.event where {_BUCKET} = $1"  # noqa: S608
        " and stream_id > $2 group by stream_id order by stream_id limit $3",
        bucket,
        after or UUID(int=0),
        limit,
    )
    return [StreamHead(*row) for row in rows]


async def missing(raw: Any, consumer: str, wanted: Collection[StreamHead]) -> list[Missing]:
    """Which versions, up to each head, the receiver has not had; ``relay.resend`` sends them."""
    rows = await raw.fetch(
        "select w.s, n from unnest($2::uuid[], $3::int[]) w(s, head)"
        " left join es.consumed_stream c on c.consumer = $1 and c.stream_id = w.s"
        " cross join generate_series(coalesce(c.version, 0) + 1, w.head) n"
        " where not exists (select from es.parked p where p.consumer = $1"
        "  and p.stream_id = w.s and p.version = n and p.replayed_at is null) order by w.s, n",
        consumer,
        [head.stream_id for head in wanted],
        [head.version for head in wanted],
    )
    return [Missing(*row) for row in rows]


# The last byte of an id: evenly spread in random, time-ordered and derived ids alike.
_BUCKET = "get_byte(uuid_send(stream_id), 15)"


def _spread(rows: Sequence[Sequence[int]]) -> list[int]:
    counts = [0] * BUCKETS
    for bucket, count in rows:
        counts[bucket] += count
    return counts
