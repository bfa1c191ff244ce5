"""A road between the processes and one server, on which the weather can be made: cut, slow, reset.

The clients are told this address instead of the server's. Whose a connection is, the kernel says
(which process has that port): one road plays the network between any process and the server.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

OUTSIDE = "somebody"
"""Whose a connection is that none of the cluster's processes is known to have: any caller's."""
_CHUNK = 65536


@dataclass
class Link:
    """The way of one process to the server."""

    delay: float = 0.0
    """Seconds that every piece of data takes longer."""
    passable: asyncio.Event = field(default_factory=asyncio.Event)
    """Unset: nothing comes through, nobody is told; what was sent arrives when it is set again."""
    live: set[asyncio.StreamWriter] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.passable.set()

    def cut(self) -> None:
        """Silence, as when a cable is pulled."""
        self.passable.clear()

    def mend(self) -> None:
        """As it should be."""
        self.delay = 0.0
        self.passable.set()

    def reset(self) -> None:
        """Break every connection at once, as a firewall does that forgot them."""
        for writer in self.live:
            writer.transport.abort()


class Road:
    """Everybody's way to one server."""

    def __init__(self, port: int, target: int, who: Callable[[int], Mapping[int, str]]) -> None:
        """``who``: whose each connection to a port is, by the port it comes from."""
        self.port, self._target, self._who = port, target, who
        self.links: defaultdict[str, Link] = defaultdict(Link)
        self._asking = asyncio.Lock()
        self._known: dict[int, str] = {}
        self._thread = ThreadPoolExecutor(1)
        self._server: asyncio.Server | None = None
        self._carrying: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def close(self) -> None:
        """Let nobody come any more and drop who is on the way."""
        if self._server is not None:
            self._server.close()
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)
        self._thread.shutdown()

    def mend(self) -> None:
        """Good weather on every link."""
        for link in self.links.values():
            link.mend()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port: int = writer.get_extra_info("peername")[1]
        try:
            link = self.links[await self._whose(port)]
            await link.passable.wait()
            back, there = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        pair = {writer, there}
        link.live |= pair
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, there, link))
                both.create_task(_pump(back, writer, link))
        except* OSError:
            pass  # One end broke off: so does the other, by what follows.
        finally:
            link.live -= pair
            for end in pair:
                end.transport.abort()

    async def _whose(self, port: int) -> str:
        """Whose a new connection is, asked of the kernel once, for all that have come meanwhile.

        In a thread of its own: others may be kept waiting by a process that does not start.
        """
        async with self._asking:
            if port not in self._known:
                loop = asyncio.get_running_loop()
                self._known = dict(await loop.run_in_executor(self._thread, self._who, self.port))
            return self._known.pop(port, OUTSIDE)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: Link) -> None:
    """Carry what comes, and its end. Raises ``OSError`` when either end breaks off."""
    try:
        while data := await reader.read(_CHUNK):
            await link.passable.wait()
            if link.delay:
                await asyncio.sleep(link.delay)
            writer.write(data)
            await writer.drain()
    except OSError:
        await link.passable.wait()  # no news of it comes through either
        raise
    await link.passable.wait()
    if writer.can_write_eof():
        writer.write_eof()
