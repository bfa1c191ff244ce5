"""Connections and transactions: SQLAlchemy's pool, with the driver's own transaction on top.

SQLAlchemy keeps the pool, the read models and the queries; the hot statements (append, load) run
on the asyncpg connection beneath. Both see one transaction because the engine is in autocommit and
the driver opens it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.kernel.clock import Clock, ShiftedClock

_DEMO_OFFSET = "select shift from es.demo_clock"


@dataclass(frozen=True)
class Transaction:
    """One open transaction, or one connection for reading when it came from ``reading``."""

    sql: AsyncConnection
    """For read models and queries in SQLAlchemy."""
    raw: "asyncpg.Connection[Any]"
    """The same connection, for hot statements."""
    clock: Clock
    """The time of this transaction's acts."""


class Database:
    """One service's database. ``clock`` may be a ``ShiftedClock``: then it is the demo's.

    In demo mode the offset lives in the database, so that every process of a service sees the same
    day the moment it was moved.
    """

    def __init__(self, url: str, *, clock: Clock, pool_size: int = 10) -> None:
        self._clock = clock
        self.engine: AsyncEngine = create_async_engine(
            async_url(url),
            isolation_level="AUTOCOMMIT",
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=False,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
            connect_args={"server_settings": _SERVER_SETTINGS},
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Open a read-committed transaction; commit on leaving, roll back on an exception."""
        async with self.reading() as tx, tx.raw.transaction():
            yield tx

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """A connection without a transaction, for queries of one statement."""
        async with self.engine.connect() as sql:
            raw = await _alive(sql)
            yield Transaction(sql, raw, await self._now(raw))

    async def clock(self) -> Clock:
        """The clock as of now, demo offset included."""
        async with self.reading() as tx:
            return tx.clock

    async def move_clock(self, offset: timedelta) -> None:
        """Set the demo's offset. Raises ``RuntimeError`` outside demo mode."""
        if not isinstance(self._clock, ShiftedClock):
            raise RuntimeError("the clock moves in demo mode only")
        async with self.reading() as tx:
            await tx.raw.execute("update es.demo_clock set shift = $1", offset)

    async def close(self) -> None:
        """Close every pooled connection."""
        await self.engine.dispose()

    async def _now(self, raw: "asyncpg.Connection[Any]") -> Clock:
        if not isinstance(self._clock, ShiftedClock):
            return self._clock
        return ShiftedClock(await raw.fetchval(_DEMO_OFFSET))


_SERVER_SETTINGS = {
    # Read models live in `rm`; a rebuild points the same statements at another schema.
    "search_path": "rm, public",
    # A forgotten open transaction must not hold back vacuum and the relay for ever.
    "idle_in_transaction_session_timeout": "60000",
}


async def _alive(sql: AsyncConnection) -> "asyncpg.Connection[Any]":
    """The driver's connection; a new one when the server has closed the pooled one meanwhile.

    The driver knows at once when its socket is closed, so this costs no round trip. Raises
    ``OSError`` or ``asyncpg.PostgresError`` when the server takes no connections.
    """
    raw = await _raw(sql)
    if raw.is_closed():
        await sql.invalidate()
        raw = await _raw(sql)
    return raw


async def _raw(sql: AsyncConnection) -> "asyncpg.Connection[Any]":
    raw: asyncpg.Connection[Any] | None = (await sql.get_raw_connection()).driver_connection
    assert raw is not None
    return raw


def async_url(url: str) -> str:
    """``postgresql://…`` as the asyncpg dialect wants it."""
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)
