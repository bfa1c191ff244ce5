"""Connections of the bus's own, outside the pool: they hold locks and listen."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import asyncpg

from shared.store.connecting import connect

Connect = Callable[[], Awaitable["asyncpg.Connection[Any]"]]
"""Opens a connection of the caller's own."""


def connector(url: str, server_settings: Mapping[str, str] | None = None) -> Connect:
    """Opens connections to the database at ``url``."""
    return partial(connect, url, server_settings)


async def closed(connection: "asyncpg.Connection[Any]") -> None:
    """Close politely; a connection that does not answer is cut, which frees its locks as well."""
    try:
        await connection.close(timeout=2)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
