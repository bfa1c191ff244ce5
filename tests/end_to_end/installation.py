"""One installation of Dixian in a directory of its own, whichever shape it runs in.

What the tests of both lanes need: start and kill it as a process, wait for what it says of itself,
speak to it as its people do, and look into its databases from outside.
"""

import asyncio
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from uuid import uuid4

import asyncpg
import httpx
from rich.console import Console

from dixian.demo.client import Addresses, Client
from dixian.demo.screen import Screen
from dixian.demo.story import Story
from dixian.demo.tell import tell
from dixian.home import Home
from dixian.postgres import Postgres
from dixian.provision import SERVICES

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
_PAUSE = 0.05
_PAGE = 5_000


@dataclass
class Installation:
    """An installation; it runs as a process of its own between ``start`` and ``end``."""

    COMMAND: ClassVar[Sequence[str]]
    """What starts it."""
    UP: ClassVar[str]
    """What it prints once it is up."""
    PATIENCE: ClassVar[float] = 90
    """Seconds that anything may take on a busy machine."""

    home: Home
    base: int = 0
    said: str = ""
    """Everything it has printed, over all its starts."""
    _process: "subprocess.Popen[str] | None" = field(default=None, repr=False)
    _reader: threading.Thread | None = field(default=None, repr=False)

    # -- the process ------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it and wait until it is up and every service says that it is ready."""
        up = threading.Event()
        process = self._process = self._popen(*self.COMMAND)

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                self.said += line
                if self.UP in line:
                    up.set()
            up.set()

        self._reader = threading.Thread(target=read)
        self._reader.start()
        assert up.wait(self.PATIENCE), self.said
        assert process.poll() is None, self.said
        self.until_ready()

    def until_ready(self) -> None:
        """Wait until ``/health/ready`` of every service answers 200."""
        for name in SERVICES:
            url = f"{self.addresses.of(name)}/health/ready"
            self.eventually(f"{name} being ready", partial(_answers, url))

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; the exit code."""
        assert self._process is not None
        assert self._reader is not None
        self._process.send_signal(number)
        code = self._process.wait(self.PATIENCE)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        return code

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """Whatever happened, leave nothing running."""
        if self._process is not None:
            self.end(signal.SIGKILL)
        self.server.stop()

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Another command of this installation, to its end."""
        process = self._popen(*arguments)
        said, _ = process.communicate(timeout=self.PATIENCE)
        return subprocess.CompletedProcess(process.args, process.returncode, said)

    @property
    def environment(self) -> dict[str, str]:
        """What a command of this installation is started with."""
        return os.environ | {
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "160",
            "DIXIAN_HOME": str(self.home.root),
            "DIXIAN_PORT_BASE": str(self.base),
        }

    def _popen(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "dixian", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    # -- what it says and holds -------------------------------------------------------------------

    @property
    def addresses(self) -> Addresses:
        """Where it listens."""
        names = ("issuer", *SERVICES)
        return Addresses(
            **{name: f"http://127.0.0.1:{self.base + n}" for n, name in enumerate(names)}
        )

    def tell(self, screen: Screen | None = None) -> Story:
        """Tell the demo's story from this process."""
        silent = Screen(Console(file=io.StringIO(), width=160))
        return tell(self.addresses, screen or silent, patience=self.PATIENCE)

    @contextmanager
    def client(self) -> Iterator[Client]:
        """The demo's people and machines, for a story of one's own."""
        client = Client(uuid4(), self.addresses, patience=self.PATIENCE)
        with client.http:
            yield client

    def health(self, service: str) -> dict[str, Any]:
        """The numbers that a service publishes, as soon as it is up."""
        url = f"{self.addresses.of(service)}/health"
        return self.eventually(f"{service}'s numbers", lambda: _numbers(url))

    def eventually(self, what: str, look: Callable[[], T | None]) -> T:
        """What ``look`` finds, as soon as it finds it."""
        until = time.monotonic() + self.PATIENCE
        while (found := look()) is None:
            assert time.monotonic() < until, f"{what} within {self.PATIENCE} s\n{self.said[-4000:]}"
            threading.Event().wait(_PAUSE)
        return found

    @property
    def server(self) -> Postgres:
        """Its PostgreSQL."""
        return Postgres(self.home)

    def rows(self, database: str, query: str, *arguments: Any) -> list[Any]:
        """Ask one of the databases, as the superuser."""

        async def ask() -> list[Any]:
            connection = await self.connect(database)
            try:
                return await connection.fetch(query, *arguments)
            finally:
                await connection.close()

        return asyncio.run(ask())

    def each(self, database: str, query: str, take: Callable[[Any], object]) -> None:
        """Give ``take`` one row after the other, however many there are, as the superuser."""

        async def ask() -> None:
            connection = await self.connect(database)
            try:
                async with connection.transaction():
                    async for row in connection.cursor(query, prefetch=_PAGE):
                        take(row)
            finally:
                await connection.close()

        asyncio.run(ask())

    async def connect(self, database: str) -> "asyncpg.Connection[Any]":
        """A connection of the superuser's."""
        url = self.server.admin_url.replace("/postgres?", f"/{database}?")
        return await asyncpg.connect(url)


def _numbers(url: str) -> dict[str, Any] | None:
    try:
        numbers: dict[str, Any] | None = httpx.get(url, timeout=5).json().get("reconciliation")
    except httpx.TransportError:
        return None
    return numbers


def _answers(url: str) -> bool | None:
    try:
        return httpx.get(url, timeout=5).status_code == httpx.codes.OK or None
    except httpx.TransportError:
        return None
