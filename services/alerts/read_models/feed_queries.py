"""What can be asked of feeds and files, each within the caller's divisions and feeds (R1)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.alerts.read_models.feed_tables import feed, feed_file, threshold
from services.alerts.read_models.queries import Asked, Row, inside, shown, within
from services.alerts.read_models.register import Connection
from shared.kernel.principal import Principal
from shared.kernel.refusal import NotFound

_WAITING = """
select stream_id from feed_file
 where status in ('RECEIVED', 'COMPARING') and not stream_id = any($1::uuid[])
 order by received_at limit 20
"""


class FileKey(NamedTuple):
    """The order of the files: as they came."""

    received_at: datetime
    file_id: UUID


async def waiting(connection: Connection, besides: Collection[UUID]) -> list[UUID]:
    """The files that have rows to be compared, the oldest first."""
    return [row["stream_id"] for row in await connection.fetch(_WAITING, list(besides))]


async def files(
    connection: AsyncConnection, asked: Asked, filters: Mapping[str, Any]
) -> Sequence[Row]:
    """Files, the oldest first; ``filters`` are columns and their values."""
    key = (feed_file.c.received_at, feed_file.c.stream_id)
    wanted = [feed_file.c[name] == value for name, value in filters.items() if value is not None]
    query = (
        sa.select(feed_file)
        .where(*wanted, *_own_feeds(asked.principal), inside(asked, feed_file.c.division))
        .order_by(*key)
        .limit(asked.limit)
    )
    if asked.after is not None:
        query = query.where(sa.tuple_(*key) > sa.tuple_(*asked.after))
    return [shown(row) for row in (await connection.execute(query)).mappings()]


async def file(connection: AsyncConnection, principal: Principal, file_id: UUID) -> Row:
    """One file. Raises ``NotFound`` outside the caller's divisions and feeds."""
    query = sa.select(feed_file).where(
        feed_file.c.stream_id == file_id,
        *_own_feeds(principal),
        within(principal.division, feed_file.c.division),
    )
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFound("数据文件", "file")
    return shown(row)


async def configured(connection: AsyncConnection, name: str) -> Row | None:
    """How a feed is configured; none while nobody has."""
    row = (
        (await connection.execute(sa.select(feed).where(feed.c.feed == name)))
        .mappings()
        .one_or_none()
    )
    return None if row is None else shown(row)


async def thresholds(connection: AsyncConnection, name: str) -> Sequence[Row]:
    """What was set for a feed, in the order of setting."""
    query = sa.select(threshold).where(threshold.c.feed == name).order_by(threshold.c.n)
    columns = ("type", "population", "amount", "inclusive", "effective_from", "document")
    rows = (await connection.execute(query)).mappings()
    return [{name: row[name] for name in columns} for row in rows]


def _own_feeds(principal: Principal) -> list[sa.ColumnElement[bool]]:
    if not principal.feeds:
        return []
    return [feed_file.c.feed.in_(sorted(principal.feeds))]
