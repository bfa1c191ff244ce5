"""A block of a file's rows inside the database: staged, recognised, matched, kept."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
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
create temporary table if not exists hit (n integer, household_id uuid) on commit delete rows;
create temporary table if not exists decided (
    n integer, fate text, household_id uuid, code text, field text
) on commit delete rows;
"""
_KNOWN = """
select s.n, coalesce(r.content = s.content, true) as same
  from staged s join feeds.row r using (alert_id)
"""
# Each id and token is looked up by its index: what is planned for a block must not depend on
# statistics that a temporary table never has, and not grow with what was kept before.
_BY_INDEX = "set local enable_hashjoin = off; set local enable_mergejoin = off"
_FREE = "set local enable_hashjoin = on; set local enable_mergejoin = on"
_MATCH = """
insert into hit
select s.n, t.household_id from staged s join matching.token t using (token)
union
select m.n, t.household_id from more m join matching.token t using (token)
"""
_MATCH_ONE = """
insert into hit select s.n, t.household_id from staged s join matching.token t using (token)
"""
_SEVERAL = "select n from hit group by n having count(*) > 1"
_HOUSEHOLDS = """
select distinct hit.n, h.household_id, h.division, h.history, h.relocated, h.monitored
  from hit join matching.household h using (household_id)
 where hit.n = any($1::integer[]) order by hit.n, h.household_id
"""
_KEEP = """
insert into feeds.row (file_id, n, fate, alert_id, content, token, type, happened_on, amount,
                       division, household_id, code, field)
select $1, s.n, coalesce(d.fate, $2),
       case when d.fate in ('REPEATED', 'REFUSED') then null else s.alert_id end,
       s.content, s.token, s.type, s.happened_on, s.amount, s.division,
       coalesce(d.household_id, h.household_id), d.code, d.field
  from staged s left join decided d using (n) left join hit h using (n)
 order by s.n
"""
_COLUMNS = (
    "n",
    "alert_id",
    "content",
    "token",
    "type",
    "happened_on",
    "amount",
    "division",
    "open",
)
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
    connection: Connection, feed: str, staged: bytes, tokens: Sequence[tuple[int, bytes]]
) -> None:
    """Bring a block's rows into this transaction; other files of the feed wait until it ends."""
    await connection.execute(_STAGE)
    await connection.execute(_BY_INDEX)
    await connection.execute(_FEED_LOCK, feed)
    await connection.copy_to_table(
        "staged", source=BytesIO(staged), columns=_COLUMNS, format="binary"
    )
    if tokens:
        await connection.copy_records_to_table("more", records=tokens)


async def known(connection: Connection) -> dict[int, bool]:
    """The staged rows that came before; whether with the same content."""
    return {row["n"]: row["same"] for row in await connection.fetch(_KNOWN)}


async def match(connection: Connection, *, several_tokens: bool) -> None:
    """Look every staged token up; the households found stay in this transaction."""
    await connection.execute(_MATCH if several_tokens else _MATCH_ONE)
    await connection.execute(_FREE)


async def households(connection: Connection, rows: Collection[int]) -> Mapping[int, list[Known]]:
    """The households that these rows' numbers belong to."""
    found: dict[int, list[Known]] = defaultdict(list)
    for row in await connection.fetch(_HOUSEHOLDS, list(rows)):
        found[row["n"]].append(known_of(row))
    return found


async def keep(connection: Connection, file_id: UUID, decided: Iterable[Decided]) -> None:
    """Keep the staged rows for good: with the fates decided, the others below the threshold."""
    await connection.copy_records_to_table("decided", records=decided)
    several = [row["n"] for row in await connection.fetch(_SEVERAL)]
    if several:
        await connection.execute("delete from hit where n = any($1::integer[])", several)
    await connection.execute(_KEEP, file_id, RowFate.BELOW_THRESHOLD)


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
