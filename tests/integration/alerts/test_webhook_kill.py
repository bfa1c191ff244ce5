"""The process that tells hotlines how their orders go on is killed while it does: none is lost."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from standardwebhooks import Webhook as Verifier

from shared.testing.decider import rule
from tests.integration.alerts.conftest import Desk
from tests.integration.alerts.test_orders import HOTLINE, accepted

ORDERS, ANSWERED = 12, 5


@dataclass
class Receiver:
    """A hotline's: verifies and answers; at a certain message it hangs, until it is let go on."""

    came: list[tuple[str, bytes]] = field(default_factory=list)
    """Each message's id and body, as often as it came."""
    secret: str = ""
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    all_came: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Its address, while it listens."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
                headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head)}
                body = await reader.readexactly(int(headers["content-length"]))
                Verifier(self.secret).verify(body, headers)
                self.came.append((headers["webhook-id"], body))
                if len({name for name, _ in self.came}) == ORDERS:
                    self.all_came.set()
                if len(self.came) > ANSWERED and not self.go_on.is_set():
                    self.hanging.set()
                    await self.go_on.wait()
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the other side was killed
        finally:
            writer.close()


@asynccontextmanager
async def telling(desk: Desk, keys: Path) -> AsyncIterator[None]:
    """A process that delivers; leaving it kills it, and nothing it holds is put in order."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.alerts.telling", desk.url, str(keys)
    )
    try:
        yield
        assert process.returncode is None, "it ended before it was killed"
    finally:
        process.kill()
        await process.wait()


@rule("R115")
async def test_killed_between_a_message_and_its_answer_every_message_comes_with_its_one_id(
    desk: Desk, tmp_path: Path
) -> None:
    receiver = Receiver()
    async with receiver.listening() as url:
        receiver.secret = (await desk.done("/webhooks", {"url": url}, HOTLINE))["secret"]
        for n in range(ORDERS):
            await accepted(desk, number=f"GD20230801-{n:04d}")
        async with telling(desk, tmp_path):
            await asyncio.wait_for(receiver.hanging.wait(), 60)
        unanswered = receiver.came[ANSWERED]
        receiver.go_on.set()
        async with telling(desk, tmp_path):
            delivered = "/webhook-deliveries?status=DELIVERED&limit=100"
            async with asyncio.timeout(60):
                await receiver.all_came.wait()
                while len((await desk.get(delivered, HOTLINE)).json()["items"]) < ORDERS:
                    await asyncio.sleep(0.02)
    times = Counter(name for name, _ in receiver.came)
    assert len(times) == ORDERS
    assert times[unanswered[0]] > 1
    assert len(set(receiver.came)) == ORDERS, "the same id, the same message"
    assert not (await desk.get("/webhook-deliveries?status=DEAD", "operator:37")).json()["items"]
