"""The published number: recorded = sent = received, per service, with the missing ones named.

*Recorded* is counted from ``es.event`` itself, by ranges of position that are settled, and not from
the relay's own cursor: what a relay skipped would be missing from its cursor's count too. *Sent* is
what the broker has acknowledged. *Received* counts different events at each consumer, handled,
passed over or parked. One service sees one side only, so naming what is missing takes both: the
sender's ``buckets`` beside the receiver's ``received_buckets`` show where they differ, the sender's
``heads`` of such a bucket list its streams, and the receiver's ``missing`` says which versions of
them it has not had. All of it is plain data, to be asked for over HTTP. Taken while events are on
their way, a difference may be no more than that: ask again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.bus.inbox import GAP
from shared.bus.reader import RELAY
from shared.bus.tally import recorded

BUCKETS = 256


@dataclass(frozen=True)
class Outgoing:
    """What a service recorded and sent."""

    service: str
    recorded: int
    sent: int

    @property
    def waiting(self) -> int:
        """Recorded and not yet acknowledged by the broker."""
        return self.recorded - self.sent


@dataclass(frozen=True)
class Incoming:
    """What a consumer received of one topic."""

    consumer: str
    topic: str
    received: int
    """Different events, whatever became of them."""
    parked: int
    """Of these, the ones that wait to be replayed."""


@dataclass(frozen=True)
class Report:
    """One service's side of the reconciliation."""

    outgoing: Outgoing
    incoming: tuple[Incoming, ...]


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


async def report(raw: Any, service: str, consumer: str | None = None) -> Report:
    """The numbers of a service, whose consumer is called ``consumer`` (by default, the same)."""
    return Report(await outgoing(raw, service), await incoming(raw, consumer or service))


async def outgoing(raw: Any, service: str) -> Outgoing:
    """Recorded and sent. Two counts a moment apart: ``recorded`` is taken after ``sent``."""
    sent = await raw.fetchval("select sent from es.reader where name = $1", RELAY)
    return Outgoing(service, await recorded(raw), int(sent or 0))


async def incoming(raw: Any, consumer: str) -> tuple[Incoming, ...]:
    """Received and parked, by topic."""
    rows = await raw.fetch(
        "select topic, sum(received)::bigint, (select count(*) from es.parked p"
        "  where p.consumer = $1 and p.topic = c.topic and p.replayed_at is null)"
        " from es.consumed_partition c where consumer = $1 group by topic order by topic",
        consumer,
    )
    return tuple(Incoming(consumer, *row) for row in rows)


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
