"""Who looked at what: every reading of the trail is written down before it is answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.audit.log.append import Transaction
from services.audit.read_models.trail import Found
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal

INSERT = """
insert into audit.access_read
    (read_id, at, actor, actor_division, actor_roles, route, request_id, query, events, keys)
"""
WHO = "$1, $2, $3, $4, $5, $6, $7"
"""The first of these columns, of what ``said`` gives; then come the question (``$8``), and the ids
of what was shown."""
_VALUES = f"{INSERT} values ({WHO}, $8::text::jsonb, $9, $10)"
_OF_KEY = """
select read_id, at, actor, actor_division, actor_roles, route, query::text, request_id
  from audit.access_read where keys @> array[$1::uuid] and ($2::uuid is null or read_id < $2)
 order by read_id desc limit $3
"""


@dataclass(frozen=True)
class Reading:
    """One reading: by whom, through which door, asking what."""

    principal: Principal
    route: str
    query: dict[str, Any]
    request_id: str


async def record(tx: Transaction, reading: Reading, found: Sequence[Found], now: datetime) -> None:
    """Write down that ``reading`` was answered with ``found``."""
    keys = list({item.key: None for item in found})
    await record_ids(tx, reading, [item.event_id for item in found], keys, now)


async def record_ids(
    tx: Transaction, reading: Reading, events: list[UUID], keys: list[UUID], now: datetime
) -> None:
    """Write down that ``reading`` was answered with these events, of these households."""
    await tx.raw.execute(_VALUES, *said(reading, now), events, keys)


def said(reading: Reading, now: datetime) -> tuple[Any, ...]:
    """A reading under a new id: what a statement with ``INSERT`` is given first."""
    asker = reading.principal
    return (
        new_id(),
        now,
        asker.subject,
        asker.division,
        sorted(asker.roles),
        reading.route,
        reading.request_id,
        orjson.dumps(reading.query, default=str).decode(),
    )


async def of_household(
    tx: Transaction, household: UUID, *, after: UUID | None, limit: int
) -> list[dict[str, Any]]:
    """Who looked at a household's entries, the newest first, after a reading's id."""
    rows = await tx.raw.fetch(_OF_KEY, household, after, limit)
    return [{**dict(row), "query": orjson.loads(row["query"])} for row in rows]
