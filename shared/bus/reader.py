"""The snapshot-delta reader of ``es.event``: what has become visible since the last look.

It remembers a snapshot (which transactions it could see) and next reads the rows visible now that
were not visible then, ordered by position. A transaction that commits late is therefore delivered
late, and only that: nothing waits for it and nothing is lost. A stream's versions keep their order,
because version n + 1 is written by somebody who saw version n committed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

EMPTY = "1:1:"
"""The snapshot in which nothing was visible."""

RELAY = "relay"
"""The relay's row in ``es.reader``."""

COLUMNS = """e.pos, e.stream_id::text as stream_id, e.version, e.event_id::text as event_id,
    e.category, e.type, e.schema_version, e.key::text as key, e.region,
    e.occurred_on::text as occurred_on, e.recorded_at,
    convert_to(e.data::text, 'UTF8') as data, e.meta::text as meta"""
"""As a message needs them: ids as text, the data as the bytes that travel."""

PLANNER = "set enable_seqscan = off; set plan_cache_mode = force_custom_plan; set jit = off"
"""For a reader's connection: the statements below are to go by their indexes at every size."""

# The statement's own snapshot is the new one and comes back with the rows. ``pos + 0`` keeps the
# planner on the index (tx, pos): by the index on pos it would pass over the whole table to find
# the few new rows.
SINCE = f"""
select {COLUMNS}, pg_current_snapshot()::text as upto from es.event e
 where (e.tx >= pg_snapshot_xmax($1::text::pg_snapshot)
     or e.tx = any(array(select pg_snapshot_xip($1::text::pg_snapshot))))
 order by e.pos + 0 limit $2"""  # noqa: S608  (COLUMNS is a constant)

# The same when nothing has been read yet: everything is new, so by the index on pos.
ALL = f"""
select {COLUMNS}, pg_current_snapshot()::text as upto from es.event e
 where not pg_visible_in_snapshot(e.tx, $1::text::pg_snapshot)
 order by e.pos limit $2"""  # noqa: S608  (COLUMNS is a constant)

# The further pages of a window: visible in snapshot $2, not in $1, after pos $3.
NEXT = f"""
select {COLUMNS} from es.event e
 where e.pos > $3 and not pg_visible_in_snapshot(e.tx, $1::text::pg_snapshot)
   and pg_visible_in_snapshot(e.tx, $2::text::pg_snapshot)
 order by e.pos limit $4"""  # noqa: S608  (COLUMNS is a constant)


# For a reader of one kind of streams: which versions of which of them are new. What others write
# meanwhile costs it a look at the index; the new snapshot comes back even when nothing is its own.
_OF_CATEGORY = """
with found as materialized (
    select e.pos, e.stream_id, e.version from es.event e
     where e.category = $2 and {new} order by {order} limit $3)
select s.upto, f.* from (select pg_current_snapshot()::text as upto) s
  left join found f on true order by f.pos"""
_SINCE_OF = _OF_CATEGORY.format(
    new="(e.tx >= pg_snapshot_xmax($1::text::pg_snapshot)"
    " or e.tx = any(array(select pg_snapshot_xip($1::text::pg_snapshot))))",
    order="e.pos + 0",
)
_ALL_OF = _OF_CATEGORY.format(
    new="not pg_visible_in_snapshot(e.tx, $1::text::pg_snapshot)", order="e.pos"
)
_NEXT_OF = """
select e.pos, e.stream_id, e.version from es.event e
 where e.category = $2 and e.pos > $5 and not pg_visible_in_snapshot(e.tx, $1::text::pg_snapshot)
   and pg_visible_in_snapshot(e.tx, $4::text::pg_snapshot)
 order by e.pos limit $3"""


@dataclass(frozen=True)
class Cursor:
    """How far a reader is."""

    done: str = EMPTY
    """Everything visible in this snapshot is dealt with."""
    upto: str | None = None
    """While a window is open: everything visible in this one up to ``pos`` is dealt with too."""
    pos: int = 0


async def read_page(connection: Any, cursor: Cursor, limit: int) -> tuple[Sequence[Any], Cursor]:
    """The next rows (``COLUMNS``) after ``cursor``, at most ``limit``, and the cursor after them.

    No rows and the same cursor: nothing has been committed since.
    """
    if cursor.upto is not None:
        rows = await connection.fetch(NEXT, cursor.done, cursor.upto, cursor.pos, limit)
        return rows, _after(cursor, cursor.upto, rows, limit)
    query = ALL if cursor.done == EMPTY else SINCE
    rows = await connection.fetch(query, cursor.done, limit)
    if not rows:
        return rows, cursor
    return rows, _after(cursor, rows[0]["upto"], rows, limit)


async def read_category(
    connection: Any, cursor: Cursor, category: str, limit: int
) -> tuple[Sequence[Any], Cursor]:
    """The next events of one kind of streams: rows of ``pos``, ``stream_id`` and ``version``.

    The cursor after them moves on when others have written, too: whoever stores it need not do so
    for that alone.
    """
    if cursor.upto is not None:
        given = (cursor.done, category, limit, cursor.upto, cursor.pos)
        rows = await connection.fetch(_NEXT_OF, *given)
        return rows, _after(cursor, cursor.upto, rows, limit)
    query = _ALL_OF if cursor.done == EMPTY else _SINCE_OF
    found = await connection.fetch(query, cursor.done, category, limit)
    rows = [row for row in found if row["pos"] is not None]
    return rows, _after(cursor, found[0]["upto"], rows, limit)


async def load(connection: Any, name: str) -> Cursor:
    """The stored cursor of a reader; a new reader begins before the first event."""
    await connection.execute("insert into es.reader(name) values ($1) on conflict do nothing", name)
    row = await connection.fetchrow(
        "select done::text, upto::text, pos from es.reader where name = $1", name
    )
    return Cursor(*row)


async def store(connection: Any, name: str, cursor: Cursor, count: int) -> None:
    """Move the stored cursor past ``count`` events."""
    await connection.execute(
        "update es.reader set done = $2::text::pg_snapshot, upto = $3::text::pg_snapshot,"
        " pos = $4, sent = sent + $5 where name = $1",
        name,
        cursor.done,
        cursor.upto,
        cursor.pos,
        count,
    )


def _after(cursor: Cursor, upto: str, rows: Sequence[Any], limit: int) -> Cursor:
    if len(rows) < limit:
        return Cursor(done=upto)
    return Cursor(done=cursor.done, upto=upto, pos=rows[-1]["pos"])
