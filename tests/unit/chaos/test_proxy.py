"""The road carries everything to the other end, the end included, and knows whose each way is."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from shared.testing.ports import free_base
from tests.chaos.proxy import Road

WORKER = "audit-worker"


class Server:
    """Keeps its connections and says nothing."""

    def __init__(self) -> None:
        self.ends: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
            asyncio.Queue()
        )
        self.open: list[asyncio.StreamWriter] = []

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A client came."""
        self.open.append(writer)
        await self.ends.put((reader, writer))


class Kernel:
    """Knows whose each port is, and counts how often it is asked."""

    def __init__(self) -> None:
        self.known: dict[int, str] = {}
        self.asked = 0

    def who(self, _port: int) -> Mapping[int, str]:
        """Everybody."""
        self.asked += 1
        return self.known


@asynccontextmanager
async def road(kernel: Kernel) -> AsyncIterator[tuple[Road, Server]]:
    """A road to a server."""
    server = Server()
    listening = await asyncio.start_server(server.accept, "127.0.0.1", 0)
    made = Road(free_base((0,), spread=1), listening.sockets[0].getsockname()[1], kernel.who)
    await made.open()
    try:
        yield made, server
    finally:
        made.mend()
        await made.close()
        listening.close()
        for writer in server.open:
            writer.transport.abort()
        await asyncio.gather(*(each.wait_closed() for each in server.open), return_exceptions=True)


def client(kernel: Kernel, name: str) -> socket.socket:
    """A socket of that process's, not yet connected."""
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    made.setblocking(False)
    kernel.known[made.getsockname()[1]] = name
    return made


def die(connection: socket.socket) -> None:
    """As the kernel ends the connections of a killed process that had not read everything."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


async def _connected(made: socket.socket, by: Road) -> None:
    await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", by.port))


async def test_a_client_that_dies_is_gone_for_the_server_too() -> None:
    """A database that did not hear of it would keep the dead one's locks."""
    kernel = Kernel()
    async with road(kernel) as (made, server), asyncio.timeout(30):
        dying = client(kernel, WORKER)
        await _connected(dying, made)
        reader, _ = await server.ends.get()
        die(dying)
        assert await reader.read() == b""


async def test_nothing_passes_a_cut_and_everything_comes_when_it_is_mended() -> None:
    kernel = Kernel()
    async with road(kernel) as (made, server), asyncio.timeout(30):
        dying, staying = client(kernel, WORKER), client(kernel, "alerts-http")
        await _connected(dying, made)
        dead, _ = await server.ends.get()
        await _connected(staying, made)
        alive, _ = await server.ends.get()
        made.links[WORKER].cut()
        die(dying)
        await asyncio.get_running_loop().sock_sendall(staying, b"others pass")
        assert await alive.readexactly(11) == b"others pass"
        assert not dead.at_eof()
        assert dead.exception() is None
        made.links[WORKER].mend()
        assert await dead.read() == b""
        staying.close()
        assert await alive.read() == b""


async def test_the_kernel_is_asked_once_for_all_that_came_meanwhile() -> None:
    kernel = Kernel()
    async with road(kernel) as (made, server), asyncio.timeout(30):
        clients = [client(kernel, WORKER) for _ in range(50)]
        stranger = socket.socket()
        stranger.setblocking(False)
        await asyncio.gather(*(_connected(each, made) for each in [*clients, stranger]))
        for _ in range(51):
            await server.ends.get()
        assert set(made.links) == {WORKER, "somebody"}
        assert kernel.asked < 51
        for each in [*clients, stranger]:
            each.close()
