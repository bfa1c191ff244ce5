"""Append and load: the two statements everything stands on.

The unique key ``(stream_id, version)`` is the whole of optimistic concurrency; nothing serialises
appends (no advisory lock, no NOTIFY in the transaction). The table is also the outbox.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from shared.contracts.registry import decode
from shared.kernel.event import Event, Metadata, Recorded

_APPEND = """
insert into es.event (stream_id, version, event_id, category, type, schema_version,
                      key, region, occurred_on, recorded_at, data, meta)
select $1, $2 + n::int, e, $3, t, s, $4, $5, $6, $7, d::jsonb, $8::jsonb
  from unnest($9::uuid[], $10::text[], $11::smallint[], $12::text[])
       with ordinality as u(e, t, s, d, n)
returning pos
"""
COLUMNS = (
    "pos, stream_id, version, event_id, category, type, schema_version, key, region,"
    " occurred_on, recorded_at, data, meta"
)
# COLUMNS is a constant of this module; nothing from outside reaches the statement's text.
_LOAD = f"select {COLUMNS} from es.event where stream_id = $1 order by version"  # noqa: S608


class ConcurrentAppend(Exception):
    """Somebody else appended to the stream first; load again and decide anew."""


async def append(
    connection: "asyncpg.Connection[Any]",
    *,
    stream_id: UUID,
    category: str,
    after: int,
    key: UUID,
    region: str,
    occurred_on: date,
    recorded_at: datetime,
    events: Sequence[tuple[UUID, Event]],
    metadata: Metadata,
) -> list[Recorded[Event]]:
    """Append ``events`` as versions ``after + 1``… of the stream, and return them as recorded.

    Raises ``ConcurrentAppend`` when version ``after + 1`` exists already; the transaction is then
    lost and must be begun anew.
    """
    try:
        rows = await connection.fetch(
            _APPEND,
            stream_id,
            after,
            category,
            key,
            region,
            occurred_on,
            recorded_at,
            orjson.dumps(metadata.as_json()).decode(),
            [event_id for event_id, _ in events],
            [type(event).__name__ for _, event in events],
            [event.schema_version for _, event in events],
            [event.model_dump_json() for _, event in events],
        )
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "event_pkey":
            raise ConcurrentAppend(f"{category} {stream_id} after {after}") from error
        raise
    return [
        Recorded(
            event_id=event_id,
            stream_id=stream_id,
            category=category,
            version=after + number,
            key=key,
            region=region,
            occurred_on=occurred_on,
            recorded_at=recorded_at,
            event=event,
            metadata=metadata,
            position=row["pos"],
        )
        for number, ((event_id, event), row) in enumerate(zip(events, rows, strict=True), start=1)
    ]


async def load(
    connection: "asyncpg.Connection[Any]", service: str, stream_id: UUID
) -> list[Recorded[Event]]:
    """Every event of a stream, oldest first; an empty list for a stream that does not exist."""
    return [recorded(service, row) for row in await connection.fetch(_LOAD, stream_id)]


def recorded(service: str, row: Mapping[str, Any]) -> Recorded[Event]:
    """A row of ``es.event`` (the columns of ``COLUMNS``) as it is understood today, upcast."""
    return Recorded(
        event_id=row["event_id"],
        stream_id=row["stream_id"],
        category=row["category"],
        version=row["version"],
        key=row["key"],
        region=row["region"],
        occurred_on=row["occurred_on"],
        recorded_at=row["recorded_at"],
        event=decode(service, row["type"], row["schema_version"], orjson.loads(row["data"])),
        metadata=Metadata.from_json(orjson.loads(row["meta"])),
        position=row["pos"],
    )
