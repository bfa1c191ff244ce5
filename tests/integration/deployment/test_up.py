"""``dixian up`` as a person meets it: it starts, says where, stops on Ctrl-C, and goes on."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from dixian.home import Home
from dixian.postgres import Postgres
from dixian.provision import SERVICES

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("small_system.py")
PATIENCE = 60


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


class Running:
    """The program, and what it has said so far."""

    def __init__(self, home: Home, **environment: str) -> None:
        issuer, *ports = free_ports(1 + len(SERVICES))
        self.ports = dict(zip(SERVICES, ports, strict=True))
        self.said = ""
        self._up = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, "-u", PROGRAM, *map(str, self.ports.values()), "up"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "DIXIAN_HOME": str(home.root)}
            | {"COLUMNS": "150", "DIXIAN_ISSUER_URL": f"http://127.0.0.1:{issuer}"}
            | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if "Next, in another terminal" in line:
                self._up.set()
        self._up.set()

    def until_up(self) -> None:
        assert self._up.wait(PATIENCE)
        assert "is up." in self.said, self.said

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(PATIENCE)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def ask(self, service: str) -> dict[str, str]:
        answer = httpx.get(f"http://127.0.0.1:{self.ports[service]}/health/ready")
        found: dict[str, str] = answer.json()
        return found


@contextmanager
def running(home: Home, **environment: str) -> Iterator[Running]:
    system = Running(home, **environment)
    try:
        yield system
    finally:
        if system.process.poll() is None:
            system.process.kill()
            system.wait()
        Postgres(home).stop()


def test_it_starts_says_where_stops_cleanly_and_continues(home: Home) -> None:
    with running(home) as system:
        system.until_up()
        for service in SERVICES:
            assert system.ask(service) == {
                "service": service,
                "database": f"postgresql://dixian_{service}_writer@/dixian_{service}",
            }
            assert f"http://127.0.0.1:{system.ports[service]}" in system.said
        assert "divisions: 64,095 loaded" in system.said
        assert "county-officer" in system.said
        assert "make demo" in system.said
        assert system.end(signal.SIGINT) == 0
        assert all(f"{service}: worker ended" in system.said for service in SERVICES)
        assert "Stopped; the data stays." in system.said
        assert Postgres(home).pid is None
    with running(home) as again:
        again.until_up()
        assert "divisions: all 64,095 are there" in again.said
        assert again.end(signal.SIGTERM) == 0


def test_killed_it_starts_again_over_what_it_left(home: Home) -> None:
    with running(home) as killed:
        killed.until_up()
        killed.end(signal.SIGKILL)
        left = Postgres(home).pid
        assert left is not None, "nobody told the database"
        with running(home) as again:
            again.until_up()
            assert again.ask("audit")["service"] == "audit"
            assert Postgres(home).pid == left, "it was taken over"
            assert again.end(signal.SIGINT) == 0
        assert not psutil.pid_exists(left)


def test_a_killed_database_comes_back_while_the_services_go_on(home: Home) -> None:
    with running(home) as system:
        system.until_up()
        server = Postgres(home)
        first = psutil.Process(server.pid)
        first.kill()
        first.wait(10)
        deadline = threading.Event()
        for _ in range(PATIENCE * 10):
            if server.pid is not None and server.pid != first.pid:
                break
            deadline.wait(0.1)
        assert server.pid not in {None, first.pid}
        assert system.ask("alerts")["service"] == "alerts"
        assert system.end(signal.SIGINT) == 0


def test_interrupted_during_the_start_it_stops_cleanly(home: Home) -> None:
    with running(home) as system:
        while Postgres(home).pid is None:
            assert system.process.poll() is None
            threading.Event().wait(0.02)
        assert system.end(signal.SIGINT) == 0
        assert Postgres(home).pid is None


def test_a_second_one_on_the_same_data_is_told_who_has_it(home: Home) -> None:
    with running(home) as first:
        first.until_up()
        with running_on_the_side(home) as second:
            assert second.wait() == 78
            assert f"in use by `dixian up`, pid {first.process.pid}" in second.said
        assert first.ask("alerts")["service"] == "alerts"
        assert first.end(signal.SIGINT) == 0


@contextmanager
def running_on_the_side(home: Home) -> Iterator[Running]:
    """Without touching the database at the end: it is the other one's."""
    system = Running(home)
    yield system
    assert system.process.poll() is not None


@pytest.mark.parametrize(("variable", "value"), [("DIXIAN_MODE", "production")])
def test_in_production_mode_the_demo_issuer_refuses(home: Home, variable: str, value: str) -> None:
    with running(home, **{variable: value}) as system:
        assert system.wait() != 0
        assert "DIXIAN_OIDC_ISSUER" in system.said
        assert Postgres(home).pid is None
