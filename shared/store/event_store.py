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

from shared.contracts.registry import decode_json
from shared.kernel.event import Event, Metadata, Recorded
from shared.store.writing import Clause, Writes

_APPEND_ONE = """
insert into es.event (stream_id, category, key, region, occurred_on, recorded_at, meta,
                      version, event_id, type, schema_version, data)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
_APPEND = """
insert into es.event (stream_id, category, key, region, occurred_on, recorded_at, meta,
                      version, event_id, type, schema_version, data)
select $1, $2, $3, $4, $5, $6, $7::jsonb, v, e, t, s, d::jsonb
  from unnest($8::int[], $9::uuid[], $10::text[], $11::smallint[], $12::text[]) as u(v, e, t, s, d)
"""
COLUMNS = (
    "pos, stream_id, version, event_id, category, type, schema_version, key, region,"
    " occurred_on, recorded_at, data::text as data, meta::text as meta"
)
# COLUMNS is a constant of this module; nothing from outside reaches the statement's text.
_LOAD = f"select {COLUMNS} from es.event where stream_id = $1 order by version"  # noqa: S608


class ConcurrentAppend(Exception):
    """Somebody else appended to the stream first; load again and decide anew."""

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(f"somebody else appended to {stream_id} first")
        self.stream_id = stream_id


def draft(
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
    """``events`` as versions ``after + 1``… of the stream, not yet written.

    Their position is the server's to give and 0 here; who needs it reads them.
    """
    return [
        Recorded(
            event_id=event_id,
            stream_id=stream_id,
            category=category,
            version=version,
            key=key,
            region=region,
            occurred_on=occurred_on,
            recorded_at=recorded_at,
            event=event,
            metadata=metadata,
        )
        for version, (event_id, event) in enumerate(events, start=after + 1)
    ]


def clause(drafted: Sequence[Recorded[Event]]) -> Clause:
    """The insert of one stream's drafted events."""
    first = drafted[0]
    stream = (
        first.stream_id,
        first.category,
        first.key,
        first.region,
        first.occurred_on,
        first.recorded_at,
        orjson.dumps(first.metadata.as_json()).decode(),
    )
    rows = [
        (
            item.version,
            item.event_id,
            type(item.event).__name__,
            item.event.schema_version,
            item.event.model_dump_json(),
        )
        for item in drafted
    ]
    if len(rows) == 1:
        return Clause(_APPEND_ONE, stream + rows[0])
    return Clause(_APPEND, stream + tuple(list(column) for column in zip(*rows, strict=True)))


async def append(connection: "asyncpg.Connection[Any]", drafted: Sequence[Recorded[Event]]) -> None:
    """Append drafted events of one stream and nothing else.

    Raises ``ConcurrentAppend`` when the first version exists already; a transaction around it is
    then lost and must be begun anew.
    """
    try:
        await Writes([clause(drafted)]).run(connection)
    except asyncpg.UniqueViolationError as error:
        if is_lost_race(error):
            raise ConcurrentAppend(drafted[0].stream_id) from error
        raise


def is_lost_race(error: asyncpg.UniqueViolationError) -> bool:
    """Whether the violated key is the stream's version."""
    return error.constraint_name == "event_pkey"


async def load(
    connection: "asyncpg.Connection[Any]", service: str, stream_id: UUID
) -> list[Recorded[Event]]:
    """Every event of a stream, oldest first; an empty list for a stream that does not exist."""
    return [recorded(service, row) for row in await connection.fetch(_LOAD, stream_id)]


def decoded(service: str, row: Mapping[str, Any]) -> Event:
    """The event in a row of ``es.event``, as it is understood today, upcast."""
    return decode_json(service, row["type"], row["schema_version"], row["data"])


def recorded(service: str, row: Mapping[str, Any], event: Event | None = None) -> Recorded[Event]:
    """A row of ``es.event`` (the columns of ``COLUMNS``); ``event`` where it is decoded already."""
    return Recorded(
        event_id=row["event_id"],
        stream_id=row["stream_id"],
        category=row["category"],
        version=row["version"],
        key=row["key"],
        region=row["region"],
        occurred_on=row["occurred_on"],
        recorded_at=row["recorded_at"],
        event=event or decoded(service, row),
        metadata=Metadata.from_json(orjson.loads(row["meta"])),
        position=row["pos"],
    )
