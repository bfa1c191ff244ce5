"""The table of running clocks, kept equal to what each stream's state says."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from shared.kernel.deadline import Clocks, Running

_UPSERT = """
insert into es.deadline (stream_id, kind, category, key, region, due_on, next_on, data)
values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb)
on conflict (stream_id, kind) do update
   set region = excluded.region, due_on = excluded.due_on,
       next_on = excluded.next_on, data = excluded.data
"""
_DELETE = "delete from es.deadline where stream_id = $1 and kind = any($2::text[])"
# ORDER BY with LIMIT keeps the plan on the index whatever the statistics say.
_DUE = """
select distinct category, stream_id from (
    select category, stream_id from es.deadline
     where next_on <= $1 order by next_on limit $2) as soonest
"""


async def write(
    connection: "asyncpg.Connection[Any]",
    *,
    stream_id: UUID,
    category: str,
    key: UUID,
    region: str,
    before: Clocks,
    after: Clocks,
) -> None:
    """Bring the stream's rows from ``before`` to ``after``; nothing to do costs nothing."""
    gone = [kind for kind in before if kind not in after]
    if gone:
        await connection.execute(_DELETE, stream_id, gone)
    changed = [(kind, running) for kind, running in after.items() if before.get(kind) != running]
    if changed:
        await connection.executemany(
            _UPSERT,
            [
                (stream_id, kind, category, key, region, *_values(running))
                for kind, running in changed
            ],
        )


async def due(
    connection: "asyncpg.Connection[Any]", today: date, limit: int
) -> Sequence[tuple[str, UUID]]:
    """Streams with a clock that has something to say by ``today``: ``(category, stream_id)``."""
    rows = await connection.fetch(_DUE, today, limit)
    return [(row["category"], row["stream_id"]) for row in rows]


def _values(running: Running) -> tuple[date, date | None, str]:
    deadline = running.deadline
    return deadline.due_on, running.next_on, deadline.model_dump_json()
