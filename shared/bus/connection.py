"""Connections of the bus's own, outside the pool: they hold locks and listen."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

Connect = Callable[[], Awaitable["asyncpg.Connection[Any]"]]
"""Opens a connection of the caller's own."""


def connector(url: str, **options: Any) -> Connect:
    """Opens connections to the database at ``url`` (SQLAlchemy's form or libpq's)."""
    scheme, separator, rest = url.partition("://")
    dsn = scheme.partition("+")[0] + separator + rest

    async def connect() -> "asyncpg.Connection[Any]":
        connection: asyncpg.Connection[Any] = await asyncpg.connect(dsn, **options)
        return connection

    return connect


async def closed(connection: "asyncpg.Connection[Any]") -> None:
    """Close politely; a connection that does not answer is cut, which frees its locks as well."""
    try:
        await connection.close(timeout=2)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
