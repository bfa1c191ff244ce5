"""Either end of a connection finds out that the other is gone; no commit fails in silence."""

import asyncio
import socket
from contextlib import suppress

import asyncpg
import pytest

from shared.store import connecting
from shared.store.connecting import NotCommitted, connect, watch
from shared.store.database import Database
from shared.testing import example as ex
from shared.testing.databases import Urls

_REMEMBER = "insert into es.idempotency values ('p', 'r', $1, '', '{}', now())"
_SET_BY_US = "select name from pg_settings where name = any($1) and source = 'client'"


async def test_the_server_looks_whether_its_client_is_there(urls: Urls) -> None:
    names = sorted(connecting._SERVERS_END)
    connection = await connect(urls.writer)
    try:
        found = await connection.fetch(_SET_BY_US, names)
        shown = await connection.fetchval("show client_connection_check_interval")
    finally:
        await connection.close()
    assert sorted(row["name"] for row in found) == names
    assert shown == "10s"


async def test_the_client_looks_whether_the_server_is_there() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        ours = writer.get_extra_info("socket")
        watch(ours)
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 20
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 40_000
        writer.close()


async def test_a_server_that_says_nothing_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connecting, "PATIENCE", 0.05)
    silent = asyncio.Event()

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(TimeoutError):
            await connect(f"postgresql://nobody@127.0.0.1:{port}/nothing?sslmode=disable")
        silent.set()


async def test_a_failure_that_was_passed_over_is_no_success(urls: Urls) -> None:
    """PostgreSQL answers such a COMMIT with a rollback, and no error."""
    database = ex.database(urls.writer)
    try:
        with pytest.raises(NotCommitted):
            await _pass_over_a_failure(database)
        async with database.transaction() as tx:
            assert await tx.raw.fetchval("select count(*) from es.idempotency") == 0
            await tx.raw.execute(_REMEMBER, "second")
            with suppress(asyncpg.UniqueViolationError):
                async with tx.raw.transaction():
                    await tx.raw.execute(_REMEMBER, "second")
        async with database.reading() as tx:
            assert await tx.raw.fetchval("select count(*) from es.idempotency") == 1
    finally:
        await database.close()


async def _pass_over_a_failure(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.raw.execute(_REMEMBER, "first")
        with suppress(asyncpg.UniqueViolationError):
            await tx.raw.execute(_REMEMBER, "first")
