"""``dixian up`` as a person meets it: it starts, says where, stops on Ctrl-C, and goes on."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from dixian.home import Home
from dixian.postgres import Postgres
from dixian.provision import SERVICES
from shared.testing.ports import free_base

ROOT = Path(__file__).parents[3]
PATIENCE = 60


class Running:
    """The program, and what it has said so far."""

    def __init__(self, home: Home, **environment: str) -> None:
        base = free_base(range(1 + len(SERVICES)), spread=10)
        self.ports = {service: base + 1 + number for number, service in enumerate(SERVICES)}
        self.said = ""
        self._up = threading.Event()
        self._pause = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "dixian", "up"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "DIXIAN_HOME": str(home.root)}
            | {"COLUMNS": "150", "DIXIAN_PORT_BASE": str(base)}
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

    def is_up(self, service: str) -> bool:
        answer = httpx.get(f"http://127.0.0.1:{self.ports[service]}/health/ready")
        return (answer.status_code, answer.json()["service"]) == (200, service)

    def until(self, true: Callable[[], bool]) -> None:
        for _ in range(PATIENCE * 10):
            if true():
                return
            self._pause.wait(0.1)
        raise AssertionError(self.said)


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
            assert system.is_up(service)
            assert f"http://127.0.0.1:{system.ports[service]}" in system.said
        assert "divisions: 64,095 loaded" in system.said
        assert "county-officer" in system.said
        assert "make demo" in system.said
        assert system.end(signal.SIGINT) == 0
        assert "Traceback" not in system.said
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
            assert again.is_up("audit")
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
        system.until(lambda: server.pid not in {None, first.pid})
        system.until(lambda: all(system.is_up(service) for service in SERVICES))
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
        assert first.is_up("alerts")
        assert first.end(signal.SIGINT) == 0


@contextmanager
def running_on_the_side(home: Home) -> Iterator[Running]:
    """Without touching the database at the end: it is the other one's."""
    system = Running(home)
    yield system
    assert system.process.poll() is not None


def test_it_refuses_production_mode_before_anything_is_started(home: Home) -> None:
    with running(home, DIXIAN_MODE="production") as system:
        assert system.wait() == 78
        assert "DIXIAN_OIDC_ISSUER" in system.said
        assert not home.root.exists()
