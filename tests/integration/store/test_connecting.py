"""Either end of a connection finds out that the other is gone; nobody waits for ever for one."""

import asyncio
import socket

import pytest

from shared.store import connecting
from shared.store.connecting import connect, watch
from shared.testing.databases import Urls

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
