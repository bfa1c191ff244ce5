"""A block of a file's rows inside the database: recognised, matched, kept."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from services.alerts.domain.register import Known
from services.alerts.read_models.register import Connection, known_of
from shared.contracts.alerts import RowFate

# Each id and token is looked up by its index: what is planned for a block must not depend on how
# many rows were kept before.
_BY_INDEX = "set local enable_hashjoin = off; set local enable_mergejoin = off"
_KNOWN = "select alert_id, content from feeds.row where alert_id = any($1::uuid[])"
_HOUSEHOLDS = """
select distinct s.n, h.household_id, h.division, h.history, h.relocated, h.monitored
  from unnest($1::integer[], $2::bytea[]) as s(n, token)
  join matching.token t using (token) join matching.household h using (household_id)
 order by s.n, h.household_id
"""
_PLAIN = ("file_id", "n", "fate", "code", "field")
_KEEP_POSTED = """
insert into feeds.row (alert_id, content, fate, household_id) values ($1, $2, $3, $4)
on conflict do nothing returning alert_id
"""
_FEED_LOCK = "select pg_advisory_xact_lock(2, hashtext($1))"
# A row below everybody's threshold is decided whoever it is about: whose it is, is looked up when
# somebody asks. A number that two members have is nobody's.
_ROWS = """
select r.n, r.fate, r.alert_id, a.lead_id, r.type, r.happened_on, r.amount, r.division,
       coalesce(r.household_id,
                case when r.fate = 'BELOW_THRESHOLD' then (
                     select (array_agg(t.household_id))[1] from matching.token t
                      where t.token = r.token having count(*) = 1) end) as household_id,
       r.code, r.field
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


async def begin(connection: Connection, feed: str) -> None:
    """Begin a block in this transaction; other files of the feed wait until it ends."""
    await connection.execute(_BY_INDEX)
    await connection.execute(_FEED_LOCK, feed)


async def known(connection: Connection, alerts: Sequence[UUID]) -> dict[UUID, int | None]:
    """Those of the alerts that came before, and what tells their content, where it is kept."""
    rows = await connection.fetch(_KNOWN, alerts)
    return {row["alert_id"]: row["content"] for row in rows}


async def households(
    connection: Connection, tokens: Sequence[tuple[int, bytes]]
) -> dict[int, list[Known]]:
    """The households that the numbers of these rows belong to: by row, its tokens given."""
    found: dict[int, list[Known]] = defaultdict(list)
    rows, whose = [n for n, _ in tokens], [token for _, token in tokens]
    for row in await connection.fetch(_HOUSEHOLDS, rows, whose):
        found[row["n"]].append(known_of(row))
    return found


async def keep(connection: Connection, columns: Sequence[str], rows: Iterable[bytes]) -> None:
    """Keep rows with their fates, all or none: parts of a binary COPY.

    Raises the server's ``UniqueViolationError``.
    """

    async def parts() -> AsyncIterator[bytes]:
        for part in rows:
            yield part

    async with connection.transaction():
        await connection.copy_to_table(
            "row", schema_name="feeds", columns=columns, source=parts(), format="binary"
        )


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
