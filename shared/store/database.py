"""Connections and transactions: SQLAlchemy's pool, with the driver's own transaction on top.

SQLAlchemy keeps the pool, the read models and the queries; the hot statements (append, load) run
on the asyncpg connection beneath. Both see one transaction because the engine is in autocommit and
the driver opens it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
import orjson
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.kernel.clock import Clock, ShiftedClock
from shared.store.connecting import connect

DIALECT = "postgresql+asyncpg://"
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


class NoConnection(ConnectionError):
    """Every connection was in use for too long: overload, or one held while asking for another."""


class Database:
    """One service's database. ``clock`` may be a ``ShiftedClock``: then it is the demo's.

    In demo mode the offset lives in the database, so that every process of a service sees the same
    day the moment it was moved.
    """

    def __init__(self, url: str, *, clock: Clock, pool_size: int = 10) -> None:
        self._clock = clock
        self.engine: AsyncEngine = create_async_engine(
            DIALECT,
            async_creator=creator(url, _SERVER_SETTINGS),
            isolation_level="AUTOCOMMIT",
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=False,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
        )
        self.patience = 30.0
        """Seconds to wait when all connections are in use."""
        self._room = asyncio.Semaphore(pool_size)
        self._idle: list[_Connected] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Open a read-committed transaction; commit on leaving, roll back on an exception."""
        async with self.reading() as tx, tx.raw.transaction():
            yield tx

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """A connection without a transaction: each statement is one by itself.

        Waits when all connections are in use. Raises ``NoConnection``, or ``OSError`` or
        ``asyncpg.PostgresError`` when the server takes none.
        """
        await self._enter()
        try:
            connected = await self._take()
            try:
                yield Transaction(connected.sql, connected.raw, await self._now(connected.raw))
            except Exception:
                raise
            except BaseException:
                # Cancelled. Whatever was under way on the connection may yet be carried out by the
                # server, a BEGIN too, of which the driver would know nothing: the next transaction
                # would be a savepoint within it, and never be committed.
                connected.raw.terminate()
                raise
            finally:
                await self._give_back(connected)
        finally:
            self._room.release()

    async def _enter(self) -> None:
        """Wait for a connection to come free, but not for ever."""
        if not self._room.locked():
            await self._room.acquire()
            return
        try:
            async with asyncio.timeout(self.patience):
                await self._room.acquire()
        except TimeoutError:
            raise NoConnection(f"no connection came free in {self.patience:g} s") from None

    async def _take(self) -> "_Connected":
        """An idle connection, or a new one.

        Connections stay checked out of SQLAlchemy's pool: a check-out costs more than a statement.
        """
        if not self._idle:
            return await _Connected.open(self.engine)
        connected = self._idle.pop()
        # The driver knows at once when its socket is closed, so this costs no round trip.
        if connected.raw.is_closed():
            await connected.close()
            return await _Connected.open(self.engine)
        return connected

    async def _give_back(self, connected: "_Connected") -> None:
        """Keep it for the next one, with nothing begun on it.

        A transaction still open (its end failed) is the server's to undo: by hanging up.
        """
        if not connected.raw.is_closed() and connected.raw.is_in_transaction():
            connected.raw.terminate()
        if connected.raw.is_closed():
            await connected.close()
            return
        if connected.sql.in_transaction():
            try:
                await connected.sql.rollback()
            except BaseException:
                await connected.close()
                raise
        self._idle.append(connected)

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
        """Close every idle connection."""
        while self._idle:
            await self._idle.pop().close()
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


@dataclass(frozen=True)
class _Connected:
    """One connection, as SQLAlchemy sees it and as the driver does."""

    sql: AsyncConnection
    raw: "asyncpg.Connection[Any]"

    @classmethod
    async def open(cls, engine: AsyncEngine) -> "_Connected":
        sql = await engine.connect()
        try:
            raw: asyncpg.Connection[Any] | None = (await sql.get_raw_connection()).driver_connection
            assert raw is not None
        except BaseException:
            await sql.close()
            raise
        if raw.is_closed():  # SQLAlchemy's pool had kept a dead one
            await sql.invalidate()
            await sql.close()
            return await cls.open(engine)
        return cls(sql, raw)

    async def close(self) -> None:
        if self.raw.is_closed():
            await self.sql.invalidate()
        await self.sql.close()


def creator(
    url: str, server_settings: Mapping[str, str]
) -> Callable[[], Awaitable["asyncpg.Connection[Any]"]]:
    """Opens the driver's connections, for an engine on ``DIALECT``."""
    return partial(connect, url, server_settings)
