"""A small HTTP/1.1 client for load: keep-alive connections, one request at a time on each."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

Request = Callable[[], bytes]


def request(
    method: str, path: str, headers: Mapping[str, str], body: bytes = b"", *, length: int = 0
) -> bytes:
    """The bytes of one request; of one whose body of ``length`` bytes follows, its head."""
    lines = [f"{method} {path} HTTP/1.1", "host: bench", f"content-length: {len(body) or length}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Load:
    """Sends to one server over ``connections`` connections."""

    def __init__(self, host: str, port: int, connections: int) -> None:
        self._host, self._port, self._connections = host, port, connections
        self._open: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def connect(self) -> None:
        """Open the connections."""
        for _ in range(self._connections):
            self._open.append(await asyncio.open_connection(self._host, self._port))

    async def close(self) -> None:
        """Close them."""
        for _, writer in self._open:
            writer.close()
            await writer.wait_closed()

    async def send(self, requests: Iterable[bytes]) -> int:
        """Send all, as fast as they are answered; how many. Raises on any status but 2xx."""
        waiting = iter(requests)
        return sum(await asyncio.gather(*(_client(*pair, waiting) for pair in self._open)))


async def answered(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes
) -> bytes:
    """The body of the answer to one request. Raises on any status but 2xx."""
    writer.write(sent)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 2"):
        raise RuntimeError(head.decode() + str(await reader.read(2000)))
    length = next(
        int(line[15:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:"
    )
    return await reader.readexactly(length)


async def _client(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, waiting: Iterable[bytes]
) -> int:
    done = 0
    for sent in waiting:
        await answered(reader, writer, sent)
        done += 1
    return done
