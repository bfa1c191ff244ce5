"""Several services in one process: they start together, work, fail, and stop in order."""

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from dixian import hosting
from dixian.errors import CannotStart
from dixian.hosting import Hosted


@dataclass
class Greeter:
    """A real FastAPI service with a worker that counts, and a diary of what happened to it."""

    name: str
    diary: list[str]
    workers: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    app: Any = None
    counted: int = 0

    def __post_init__(self) -> None:
        self.app = FastAPI()
        self.workers = [self.count]
        self.app.get("/hello")(self._hello)
        self.app.get("/slow")(self._slow)
        self.app.get("/health/live")(self._hello)

    async def _hello(self) -> dict[str, str]:
        return {"from": self.name}

    async def _slow(self) -> dict[str, str]:
        self.diary.append(f"{self.name} asked")
        await asyncio.sleep(0.3)
        return {"from": self.name}

    async def count(self) -> None:
        try:
            while True:
                self.counted += 1
                await asyncio.sleep(0.01)
        finally:
            self.diary.append(f"{self.name} worker ended")

    async def start(self) -> None:
        self.diary.append(f"{self.name} started")

    async def stop(self) -> None:
        self.diary.append(f"{self.name} stopped")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def hosted(service: Greeter, **how: Any) -> Hosted:
    return Hosted(service, "127.0.0.1", free_port(), **how)


def address(item: Hosted, path: str) -> str:
    return f"http://127.0.0.1:{item.port}{path}"


async def test_every_service_answers_and_a_signal_stops_all_cleanly() -> None:
    diary: list[str] = []
    first, second = hosted(Greeter("first", diary)), hosted(Greeter("second", diary))
    listening = asyncio.Event()
    running = asyncio.create_task(hosting.run([first, second], ready=listening.set))
    await asyncio.wait_for(listening.wait(), 10)
    async with httpx.AsyncClient() as client:
        for item in (first, second):
            answer = await client.get(address(item, "/hello"))
            assert answer.json() == {"from": item.service.name}
        under_way = asyncio.create_task(client.get(address(first, "/slow")))
        while "first asked" not in diary:
            await asyncio.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)
        assert (await under_way).json() == {"from": "first"}, "requests under way finish"
    await asyncio.wait_for(running, 10)
    assert diary[:2] == ["first started", "second started"]
    assert diary[-2:] == ["second stopped", "first stopped"]
    assert {"first worker ended", "second worker ended"} <= set(diary[2:-2])


async def test_a_worker_that_fails_is_logged_and_begins_anew(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosting, "_BACK_OFF", (0.01,))
    runs: list[int] = []
    recovered = asyncio.Event()

    async def fragile() -> None:
        runs.append(len(runs))
        if len(runs) < 3:
            raise ConnectionError("the database went away")
        recovered.set()

    await asyncio.wait_for(hosting.keep_running("alerts", fragile), 5)
    assert recovered.is_set()
    assert runs == [0, 1, 2]


async def test_a_taken_port_is_one_clear_sentence() -> None:
    diary: list[str] = []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        item = Hosted(Greeter("late", diary), "127.0.0.1", port)
        with pytest.raises(CannotStart, match=f"late cannot listen on 127.0.0.1:{port}"):
            await hosting.run([item])
    assert diary == [], "nothing was started"


async def test_a_worker_process_shows_health_and_nothing_else() -> None:
    service = Greeter("alerts", [])
    item = hosted(service, serves=False)
    async with hosting.hosting([item], asyncio.Event()), httpx.AsyncClient() as client:
        assert (await client.get(address(item, "/health/live"))).status_code == 200
        assert (await client.get(address(item, "/hello"))).status_code == 404
        assert service.counted > 0


async def test_an_http_process_runs_no_worker_and_shares_its_port() -> None:
    first, second = Greeter("alerts", []), Greeter("alerts", [])
    port = free_port()
    both = [
        Hosted(service, "127.0.0.1", port, works=False, shared_port=True)
        for service in (first, second)
    ]
    async with hosting.hosting(both, asyncio.Event()), httpx.AsyncClient() as client:
        assert (await client.get(address(both[0], "/hello"))).json() == {"from": "alerts"}
    assert (first.counted, second.counted) == (0, 0)


async def test_an_application_that_does_not_start_stops_the_rest() -> None:
    diary: list[str] = []
    broken = Greeter("broken", diary)

    async def lifespan(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    broken.app = lifespan
    with pytest.raises(CannotStart, match="did not start"):
        await hosting.run([hosted(Greeter("well", diary)), hosted(broken)])
    assert diary[-2:] == ["broken stopped", "well stopped"]
