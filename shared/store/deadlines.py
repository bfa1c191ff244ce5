"""The table of running clocks, kept equal to what each stream's state says."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from shared.kernel.deadline import Clocks, Deadline
from shared.kernel.event import Event, Recorded
from shared.store.writing import Clause, Writes

COLUMNS = ("stream_id", "kind", "category", "key", "region", "due_on", "next_on", "data")

_UPSERT = """
insert into es.deadline (stream_id, category, key, region, kind, due_on, next_on, data)
select $1, $2, $3, $4, k, d, n, j::jsonb
  from unnest($5::text[], $6::date[], $7::date[], $8::text[]) as u(k, d, n, j)
on conflict (stream_id, kind) do update
   set region = excluded.region, due_on = excluded.due_on,
       next_on = excluded.next_on, data = excluded.data
"""
_DELETE = "delete from es.deadline where stream_id = $1 and kind = any($2::text[])"
# ORDER BY with LIMIT keeps the plan on the index whatever the statistics say.
_DUE = """
select distinct category, stream_id from (
    select category, stream_id from es.deadline
     where next_on <= $1 and not stream_id = any($3::uuid[])
     order by next_on limit $2) as soonest
"""


def write(writes: Writes, last: Recorded[Event], *, before: Clocks, after: Clocks) -> None:
    """Add what brings the stream's rows from ``before`` to ``after``; often that is nothing."""
    gone = [kind for kind in before if kind not in after]
    if gone:
        writes.clauses.append(Clause(_DELETE, (last.stream_id, gone)))
    changed = {kind: item for kind, item in after.items() if before.get(kind) != item}
    if changed:
        stream = (last.stream_id, last.category, last.key, last.region)
        writes.clauses.append(Clause(_UPSERT, (*stream, *_columns(changed))))


Said: TypeAlias = dict[int, tuple[Deadline, str]]
"""Deadlines by their identity, kept alive, and their JSON."""


def rows(clocks: Clocks, last: Recorded[Event], said: Said) -> list[tuple[Any, ...]]:
    """A stream's rows in full, in the order of ``COLUMNS``; ``said`` remembers what was written."""
    return [
        (
            last.stream_id,
            kind,
            last.category,
            last.key,
            last.region,
            running.deadline.due_on,
            running.next_on,
            _json_of(running.deadline, said),
        )
        for kind, running in clocks.items()
    ]


def _json_of(deadline: Deadline, said: Said) -> str:
    known = said.get(id(deadline)) or said.setdefault(
        id(deadline), (deadline, deadline.model_dump_json())
    )
    return known[1]


async def due(
    connection: "asyncpg.Connection[Any]",
    today: date,
    limit: int,
    *,
    besides: Collection[UUID] = (),
) -> Sequence[tuple[str, UUID]]:
    """Streams with a clock that has something to say by ``today``: ``(category, stream_id)``.

    The longest due first; ``besides`` are left out.
    """
    found = await connection.fetch(_DUE, today, limit, list(besides))
    return [(row["category"], row["stream_id"]) for row in found]


def _columns(clocks: Clocks) -> tuple[list[Any], ...]:
    running = list(clocks.values())
    return (
        list(clocks),
        [item.deadline.due_on for item in running],
        [item.next_on for item in running],
        [item.deadline.model_dump_json() for item in running],
    )
