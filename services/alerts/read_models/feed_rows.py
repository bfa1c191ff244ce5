"""A block of a file's rows inside the database: staged, recognised, matched, kept."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from io import BytesIO
from typing import Any, NamedTuple
from uuid import UUID

from services.alerts.domain.register import Known
from services.alerts.read_models.register import Connection, known_of
from shared.contracts.alerts import RowFate

# One set of temporary tables a connection, emptied by each commit.
_STAGE = """
create temporary table if not exists staged (
    n integer, alert_id uuid, content bigint, token bytea, type text, happened_on date,
    amount bigint, division text, open boolean
) on commit delete rows;
create temporary table if not exists more (n integer, token bytea) on commit delete rows;
create temporary table if not exists decided (
    n integer, fate text, household_id uuid, code text, field text
) on commit delete rows;
"""
# Each id and token is looked up by its index: what is planned for a block must not depend on
# statistics that a temporary table never has, and not grow with what was kept before.
_BY_INDEX = """
set local enable_hashjoin = off; set local enable_mergejoin = off; set local work_mem = '32MB'
"""
_FREE = "set local enable_hashjoin = on; set local enable_mergejoin = on"
_ANY_KNOWN = """
select exists (select from feeds.row where alert_id = any(array(select alert_id from staged)))
"""
_KNOWN = """
select s.n, coalesce(r.content = s.content, true) as same
  from staged s join feeds.row r using (alert_id)
"""
_HOUSEHOLDS = """
select distinct s.n, h.household_id, h.division, h.history, h.relocated, h.monitored
  from (select n, token from staged where open
        union all select n, token from more where n = any($1::integer[])) s
  join matching.token t using (token) join matching.household h using (household_id)
 where s.n = any($1::integer[]) order by s.n, h.household_id
"""
_ROW = """
insert into feeds.row (file_id, n, fate, alert_id, content, token, type, happened_on, amount,
                       division, household_id, code, field)
"""
# Whoever is looked up in the order of an index, and kept in the order of another, finds its pages
# where the one before has left them: half the time. A number that two members have is nobody's.
_BELOW = """
select $1::uuid, n, $2::text, alert_id, content, token, type, happened_on, amount, division,
       case when alone then household_id end, null::text, null::text
  from (select s.*, t.household_id,
               lag(s.alert_id) over w is distinct from s.alert_id as first,
               lead(s.alert_id) over w is distinct from s.alert_id as alone
          from (select * from staged where not open and n <> all($3::integer[]) order by token) s
          left join matching.token t using (token) window w as (order by s.alert_id)) s
 where first
"""
_BELOW_BY_SEVERAL = """
with hit as (
    select n, (array_agg(household_id))[1] as household_id
      from (select distinct n, household_id
              from (select n, token from staged where not open union all select * from more) s
              join matching.token t using (token)) s
     group by n having count(*) = 1
)
select $1::uuid, n, $2::text, alert_id, content, token, type, happened_on, amount, division,
       household_id, null::text, null::text
  from staged left join hit using (n)
 where not open and n <> all($3::integer[]) order by alert_id
"""
_DECIDED = """
select $1::uuid, s.n, d.fate,
       case when d.fate in ('REPEATED', 'REFUSED') then null else s.alert_id end,
       s.content, s.token, s.type, s.happened_on, s.amount, s.division,
       d.household_id, d.code, d.field
  from staged s join decided d using (n)
"""
_PLAIN = ("file_id", "n", "fate", "code", "field")
_KEEP_POSTED = """
insert into feeds.row (alert_id, content, fate, household_id) values ($1, $2, $3, $4)
on conflict do nothing returning alert_id
"""
_FEED_LOCK = "select pg_advisory_xact_lock(2, hashtext($1))"
_ROWS = """
select r.n, r.fate, r.alert_id, a.lead_id, r.type, r.happened_on, r.amount, r.division,
       r.household_id, r.code, r.field
  from feeds.row r left join alert a on a.stream_id = r.alert_id
 where r.file_id = $1 and r.n > $2 and ($3::text is null or r.fate = $3)
 order by r.n limit $4
"""


class Decided(NamedTuple):
    """A row whose fate is another than to lie below the threshold."""

    n: int
    fate: RowFate
    household_id: UUID | None = None
    code: str | None = None
    field: str | None = None


async def stage(
    connection: Connection,
    feed: str,
    columns: Sequence[str],
    staged: bytes,
    tokens: Sequence[tuple[int, bytes]],
) -> None:
    """Bring a block's rows into this transaction; other files of the feed wait until it ends."""
    await connection.execute(_STAGE)
    await connection.execute(_BY_INDEX)
    await connection.execute(_FEED_LOCK, feed)
    await connection.copy_to_table(
        "staged", source=BytesIO(staged), columns=columns, format="binary"
    )
    if tokens:
        await connection.copy_records_to_table("more", records=tokens)


async def known(connection: Connection) -> dict[int, bool]:
    """The staged rows that came before; whether with the same content."""
    if not await connection.fetchval(_ANY_KNOWN):
        return {}
    return {row["n"]: row["same"] for row in await connection.fetch(_KNOWN)}


async def households(connection: Connection, rows: Collection[int]) -> dict[int, list[Known]]:
    """The households that the numbers of these open rows belong to."""
    found: dict[int, list[Known]] = defaultdict(list)
    for row in await connection.fetch(_HOUSEHOLDS, list(rows)):
        found[row["n"]].append(known_of(row))
    return found


async def keep_below(
    connection: Connection, file_id: UUID, besides: Collection[int], *, several_tokens: bool
) -> None:
    """Match the staged rows that are not open, and keep them as below every threshold."""
    if several_tokens:
        await connection.execute(_FREE)
    rows = _BELOW_BY_SEVERAL if several_tokens else _BELOW
    await connection.execute(_ROW + rows, file_id, RowFate.BELOW_THRESHOLD, list(besides))


async def keep_decided(connection: Connection, file_id: UUID, decided: Iterable[Decided]) -> None:
    """Keep the other staged rows, with the fates decided."""
    await connection.copy_records_to_table("decided", records=decided)
    await connection.execute(_FREE)
    await connection.execute(_ROW + _DECIDED, file_id)


async def keep_refused(
    connection: Connection, file_id: UUID, refused: Iterable[tuple[int, str, str]]
) -> None:
    """Keep what is known of rows that are no alerts: where they stand, and why."""
    await connection.copy_records_to_table(
        "row",
        schema_name="feeds",
        columns=_PLAIN,
        records=[(file_id, n, RowFate.REFUSED, code, at) for n, code, at in refused],
    )


async def keep_repeated(connection: Connection, file_id: UUID, rows: Iterable[int]) -> None:
    """Keep where rows stand that say what a row before them said."""
    await connection.copy_records_to_table(
        "row",
        schema_name="feeds",
        columns=_PLAIN[:3],
        records=[(file_id, n, RowFate.REPEATED) for n in rows],
    )


async def page(
    connection: Connection, file_id: UUID, after: int, fate: RowFate | None, limit: int
) -> list[dict[str, Any]]:
    """A file's rows as kept, in their order."""
    return [dict(row) for row in await connection.fetch(_ROWS, file_id, after, fate, limit)]


async def keep_posted(
    connection: Connection, alert_id: UUID, content: int, fate: str, household_id: UUID | None
) -> bool:
    """Keep an alert that came by itself, so that a file's row is recognised as the same.

    Whether it is new: a file may have brought it.
    """
    kept = await connection.fetchval(_KEEP_POSTED, alert_id, content, fate, household_id)
    return kept is not None
