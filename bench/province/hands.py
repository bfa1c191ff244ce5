"""How the province acts: over HTTP, each thing at its moment, every answer timed.

Acts are due at a rate whether the system keeps up or not; each one's time counts from when it was
due until its answer, so that a system which falls behind is seen to.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from bench.http_load import request
from bench.province.places import Desks
from dixian.demo.client import Addresses
from shared.kernel.principal import Role

Json = dict[str, Any]
AT_ONCE = 48
"""Requests under way, at most; more wait, and their time runs."""
_AGAIN = frozenset({429, 502, 503, 504})
_PAUSE = 0.2
_PATIENCE = 120.0
_BLOCK = 1 << 20
_LATE = {"late_reason": "WORKLOAD"}


class Refused(Exception):
    """The system said no: the problem it answered with."""

    def __init__(self, what: str, status: int, problem: Json) -> None:
        super().__init__(f"{what}: {status} {problem.get('code')} {problem.get('detail')}")
        self.status, self.problem = status, problem


@dataclass
class Pace:
    """Gives out moments, ``rate`` a second."""

    rate: float
    _next: float = 0.0

    def moment(self) -> float:
        """When the next thing is due; never in the past."""
        self._next = max(time.monotonic(), self._next + 1 / self.rate)
        return self._next


class Pool:
    """Connections to one server, used one request at a time."""

    def __init__(self, url: str) -> None:
        self._port = int(url.rsplit(":", 1)[1])
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self, sent: bytes) -> tuple[int, bytes]:
        """The status and body of the answer. Raises ``OSError`` when there is none."""
        while self._idle:
            with suppress(
                ConnectionResetError
            ):  # it lay idle for so long that the server closed it
                return await self._over(self._idle.pop(), sent)
        return await self._over(await self._open(), sent)

    async def _over(
        self, pair: tuple[asyncio.StreamReader, asyncio.StreamWriter], sent: bytes
    ) -> tuple[int, bytes]:
        try:
            pair[1].write(sent)
            head = await pair[0].readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            body = await pair[0].readexactly(length)
        except (asyncio.IncompleteReadError, IndexError) as error:
            pair[1].close()
            raise ConnectionResetError("the connection broke off") from error
        self._idle.append(pair)
        return int(head[9:12]), body

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)

    def close(self) -> None:
        """Close what is open."""
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()


@dataclass
class Hands:
    """Everybody who acts. One for the whole year."""

    addresses: Addresses
    desks: Desks
    pace: Pace
    phase: str = "steady"
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By phase: from when each act was due to its answer."""
    acts: Counter[str] = field(default_factory=Counter)
    """By phase."""
    repeated: int = 0
    """How often something had to be asked again because the system was not there."""
    late: int = 0
    """Acts that came after their clock and said why."""
    _pools: dict[str, Pool] = field(default_factory=dict)
    _gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def does(
        self, role: Role, division: str, service: str, path: str, body: Json | None = None
    ) -> Json:
        """An act that must succeed, late or not; its receipt. Raises ``Refused``."""
        token = self.desks.token(role, division)
        try:
            return await self.timed(token, service, path, body or {})
        except Refused as refused:
            if refused.problem.get("field") != "late_reason":
                raise
        self.late += 1
        return await self.timed(token, service, path, {**(body or {}), **_LATE})

    async def timed(self, token: str, service: str, path: str, body: Json) -> Json:
        """``POST`` when its moment has come, whoever holds the token."""
        due = self.pace.moment()
        async with self._turn(due):
            answer = await self.ask(
                f"POST {path}", token, service, orjson.dumps(body), key=uuid4().hex
            )
        self.seconds[self.phase].append(time.monotonic() - due)
        self.acts[self.phase] += 1
        return answer

    async def looks(self, role: Role, division: str, service: str, path: str) -> Json:
        """``GET``; the answer."""
        async with self._gate:
            return await self.ask(f"GET {path}", self.desks.token(role, division), service)

    async def ask(
        self, sent: str, token: str, service: str, body: bytes = b"", *, key: str = ""
    ) -> Json:
        """One request (``POST /alerts``), again while the system is away. Raises ``Refused``.

        ``key``: its idempotency key, so that it is done once however often it is asked.
        """
        head = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        if key:
            head["idempotency-key"] = key
        method, path = sent.split(" ", 1)
        whole = request(method, path, head, body)
        pool = self._pools.setdefault(service, Pool(self.addresses.of(service)))
        until = time.monotonic() + _PATIENCE
        while True:
            status, answer = await self._sent(pool, whole)
            if status not in _AGAIN or time.monotonic() > until:
                break
            self.repeated += 1
            await asyncio.sleep(_PAUSE)
        found: Json = orjson.loads(answer) if answer else {}
        if status >= 400:
            raise Refused(f"{service}: {sent} {body[:200].decode()}", status, found)
        return found

    async def streamed(self, token: str, service: str, path: str, body: bytes) -> bytes:
        """``POST`` a file whose answer comes line by line; all the lines."""
        reader, writer = await self._alone(service)
        head = {"authorization": f"Bearer {token}", "connection": "close"}
        writer.write(request("POST", path, head, body))
        answer = await reader.read()
        writer.close()
        status, _, chunks = answer.partition(b"\r\n\r\n")
        if b" 200 " not in status[:16]:
            raise Refused(f"POST {service}{path}", int(status[9:12]), {"detail": chunks[:999]})
        return _dechunked(chunks)

    async def sends(self, token: str, service: str, path: str, file: Path) -> Json:
        """``POST`` a file from the disk, block by block; the answer. Raises ``Refused``."""
        reader, writer = await self._alone(service)
        head = {"authorization": f"Bearer {token}", "connection": "close"}
        size = await asyncio.to_thread(lambda: file.stat().st_size)
        writer.write(request("POST", path, head, length=size))
        with await asyncio.to_thread(file.open, "rb") as content:
            while block := content.read(_BLOCK):
                writer.write(block)
                await writer.drain()
        status, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        found: Json = orjson.loads(body)
        if int(status[9:12]) >= 400:
            raise Refused(f"POST {service}{path}", int(status[9:12]), found)
        return found

    async def _alone(self, service: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        port = int(self.addresses.of(service).rsplit(":", 1)[1])
        return await asyncio.open_connection("127.0.0.1", port)

    async def _sent(self, pool: Pool, sent: bytes) -> tuple[int, bytes]:
        try:
            return await pool.send(sent)
        except OSError:
            return 503, b""

    @asynccontextmanager
    async def _turn(self, due: float) -> AsyncIterator[None]:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        async with self._gate:
            yield

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.close()


def _dechunked(body: bytes) -> bytes:
    """An answer that came in chunks (RFC 9112 §7.1)."""
    found, at = bytearray(), 0
    while size := int(body[at : (end := body.index(b"\r\n", at))], 16):
        found += body[end + 2 : end + 2 + size]
        at = end + 4 + size
    return bytes(found)


def percentiles(found: list[float]) -> Mapping[str, float]:
    """Median, p95 and p99, in milliseconds."""
    ordered = sorted(found)
    if not ordered:
        return {}
    last = len(ordered) - 1
    return {
        f"p{share}": round(ordered[min(last, len(ordered) * share // 100)] * 1e3, 1)
        for share in (50, 95, 99)
    }
