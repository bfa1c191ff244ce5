"""The real system as a process of its own, for stories that go from end to end."""

import asyncio
import io
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from rich.console import Console

from dixian.demo.client import Addresses
from dixian.demo.screen import Screen
from dixian.demo.story import Story
from dixian.demo.tell import tell
from dixian.home import Home
from dixian.postgres import Postgres
from dixian.provision import SERVICES, Tenant

ROOT = Path(__file__).parents[2]
PATIENCE = 90
_PORTS = 1 + len(SERVICES)


def free_base() -> int:
    """A base from which the ports of a system are free."""
    for base in range(21_000, 29_000, 10):
        with ExitStack() as stack:
            probes = [stack.enter_context(socket.socket()) for _ in range(_PORTS)]
            try:
                for number, probe in enumerate(probes):
                    probe.bind(("127.0.0.1", base + number))
            except OSError:
                continue
        return base
    raise AssertionError("no free ports")


@dataclass
class System:
    """``dixian up`` in a home of its own: started, killed, started again on the same data."""

    home: Home
    base: int = field(default_factory=free_base)
    said: str = ""
    _process: "subprocess.Popen[str] | None" = None
    _reader: threading.Thread | None = None

    @property
    def addresses(self) -> Addresses:
        """Where it listens."""
        names = ("issuer", *SERVICES)
        return Addresses(
            **{name: f"http://127.0.0.1:{self.base + n}" for n, name in enumerate(names)}
        )

    @property
    def environment(self) -> dict[str, str]:
        """What a command of this installation is started with."""
        return os.environ | {
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "160",
            "DIXIAN_HOME": str(self.home.root),
            "DIXIAN_PORT_BASE": str(self.base),
        }

    def start(self) -> None:
        """Start it and wait until it says that it is up."""
        up = threading.Event()
        process = self._process = self._popen("up")

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                self.said += line
                if "Next, in another terminal" in line:
                    up.set()
            up.set()

        self._reader = threading.Thread(target=read)
        self._reader.start()
        assert up.wait(PATIENCE), self.said
        assert process.poll() is None, self.said

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; the exit code."""
        assert self._process is not None
        assert self._reader is not None
        self._process.send_signal(number)
        code = self._process.wait(PATIENCE)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        return code

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Another command of this installation, to its end."""
        process = self._popen(*arguments)
        said, _ = process.communicate(timeout=PATIENCE)
        return subprocess.CompletedProcess(process.args, process.returncode, said)

    def tell(self, screen: Screen | None = None) -> Story:
        """Tell the demo's story from this process."""
        silent = Screen(Console(file=io.StringIO(), width=160))
        return tell(self.addresses, screen or silent, patience=PATIENCE)

    def rows(self, database: str, query: str) -> list[Any]:
        """Ask one of the databases, as the superuser."""
        url = Postgres(self.home).admin_url.replace("/postgres?", f"/{database}?")

        async def ask() -> list[Any]:
            connection = await asyncpg.connect(url)
            try:
                return await connection.fetch(query)
            finally:
                await connection.close()

        return asyncio.run(ask())

    def close(self) -> None:
        """Whatever happened, leave nothing running."""
        if self._process is not None:
            self.end(signal.SIGKILL)
        Postgres(self.home).stop()

    def _popen(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "dixian", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@contextmanager
def running(home: Home) -> Iterator[System]:
    """A started system, gone afterwards."""
    system = System(home)
    try:
        system.start()
        yield system
    finally:
        system.close()


def must_be_exactly_once(system: System) -> None:
    """Every event recorded anywhere stands in the audit log once, and nothing else does."""
    audited = [
        (row["service"], row["stream_id"], row["version"])
        for row in system.rows(
            "dixian_audit", "select service, stream_id, version from audit.entry"
        )
    ]
    recorded = [
        (service, row["stream_id"], row["version"])
        for service in SERVICES
        for row in system.rows(Tenant(service).database, "select stream_id, version from es.event")
    ]
    assert sorted(map(str, audited)) == sorted(map(str, recorded))
    assert len(set(recorded)) == len(recorded)
    must_be_gapless(recorded)


def must_be_gapless(recorded: Sequence[tuple[str, Any, int]]) -> None:
    """Each stream's versions are 1, 2, 3… without a gap."""
    versions: dict[Any, list[int]] = {}
    for _, stream, version in recorded:
        versions.setdefault(stream, []).append(version)
    for stream, found in versions.items():
        assert sorted(found) == list(range(1, len(found) + 1)), stream


def health(system: System, service: str) -> dict[str, Any]:
    """The service's published numbers."""
    answer = httpx.get(f"{system.addresses.of(service)}/health")
    numbers: dict[str, Any] = answer.json()["reconciliation"]
    return numbers
