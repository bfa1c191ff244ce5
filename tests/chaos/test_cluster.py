"""Every process of the production shape is killed while the demo walks a household through it.

The demo must finish, and the published reconciliation must say that every event was recorded, sent
and audited exactly once, with nothing parked.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from dixian import supervisor
from dixian.broker import missing
from dixian.demo.people import family
from dixian.provision import SERVICES
from shared.testing.ports import free_base
from tests.end_to_end.leaks import files_holding

ROOT = Path(__file__).parents[2]
PATIENCE = 240
BETWEEN_KILLS = 2.5
"""Seconds: long enough that each victim falls into another part of the story."""
SPREAD = 250
"""Ports that an installation uses, from its base on."""
VICTIMS = (
    "alerts-worker",
    "identification-http",
    "postgres",
    "audit-worker",
    "kafka",
    "assistance-worker",
    "identification-worker",
    "alerts-http",
    "assistance-http",
    "audit-http",
    "issuer",
)
TOLD = ("alerts", "identification", "assistance")
"""The services that the demo's story runs through."""
NAMED = (0, *range(1, 5), 32, 92, *range(101, 105))
"""The ports, counted from the base, that a cluster without replicas listens on."""


class Cluster:
    """``dixian cluster up`` as a process of its own."""

    def __init__(self, home: Path) -> None:
        self.base = free_base(NAMED, spread=SPREAD)
        self.home = home
        self.run = home / "cluster" / "run"
        self.said: list[str] = []
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DIXIAN_HOME": str(home),
            "DIXIAN_PORT_BASE": str(self.base),
        }
        self._up = threading.Event()
        self.process = self.dixian("cluster", "up")
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def dixian(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start another command of this installation."""
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "dixian", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if "The cluster is up." in line:
                self._up.set()
        self._up.set()

    def until_up(self) -> None:
        assert self._up.wait(PATIENCE)
        assert self.process.poll() is None, "".join(self.said)

    def kill(self, name: str) -> None:
        """``kill -9``; the victim may just be starting anew."""
        for _ in range(PATIENCE * 10):
            if victim := supervisor.running(self.run, name):
                victim.kill()
                return
            threading.Event().wait(0.1)
        raise AssertionError(f"{name} never came back: {''.join(self.said)}")

    def stop(self) -> None:
        """As Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def reconciliation(self, service: str) -> dict[str, Any]:
        port = self.base + 1 + SERVICES.index(service)
        for _ in range(PATIENCE * 5):
            answer = _answer(f"http://127.0.0.1:{port}/health")
            if answer.get("status") == "up":
                found: dict[str, Any] = answer["reconciliation"]
                return found
            threading.Event().wait(0.2)
        raise AssertionError(f"{service} is not up: {answer}")

    def settled(self) -> dict[str, dict[str, Any]]:
        """Every service's numbers, once they agree; the last ones seen when they never do."""
        for _ in range(PATIENCE):
            numbers = {service: self.reconciliation(service) for service in SERVICES}
            if in_balance(numbers):
                break
            threading.Event().wait(1)
        return numbers


def in_balance(numbers: dict[str, dict[str, Any]]) -> bool:
    """Whether what was recorded was sent and audited, once each."""
    audited = numbers["audit"]["audited"]
    return all(
        numbers[service]["recorded"] == numbers[service]["sent"] == audited.get(service)
        for service in TOLD
    )


def _answer(url: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = httpx.get(url, timeout=5).json()
    except httpx.TransportError as error:
        return {"status": type(error).__name__}
    return answer


@contextmanager
def running() -> Iterator[Cluster]:
    with TemporaryDirectory(prefix="dixian-chaos-", ignore_cleanup_errors=True) as directory:
        cluster = Cluster(Path(directory))
        try:
            cluster.until_up()
            yield cluster
        finally:
            cluster.stop()


@pytest.mark.kafka
def test_the_demo_finishes_though_every_process_is_killed_once() -> None:
    if (lacking := missing()) and not os.environ.get("REQUIRE_KAFKA"):
        pytest.skip(f"the cluster's own broker needs {lacking}; REQUIRE_KAFKA=1 makes this fail")
    with running() as cluster:
        demo = cluster.dixian("demo")
        pause = threading.Event()
        for name in VICTIMS:
            pause.wait(BETWEEN_KILLS)
            cluster.kill(name)
        told, _ = demo.communicate(timeout=PATIENCE)
        assert demo.returncode == 0, told[-3000:] + "".join(cluster.said)
        numbers = cluster.settled()
        for service in TOLD:
            assert numbers[service]["recorded"] > 0
            received = numbers[service]["received"].values()
            assert all(item["parked"] == 0 for item in received), service
        assert in_balance(numbers), numbers
        for name in VICTIMS:
            assert any(line.startswith(f"cluster  {name} ended") for line in cluster.said), name
        must_hold_nobody(cluster)


def must_hold_nobody(cluster: Cluster) -> None:
    """No topic of Kafka's, no log of a process, no data file of PostgreSQL's names the family."""
    sent = {*(person.name for person in family()), "13805310017", "蒲秋村幸福街17号"}
    said = "".join(cluster.said)
    assert [datum for datum in sent if datum in said] == []
    assert files_holding(cluster.home, sent) == []
    # This would find a leak: a code that every event of the case carries.
    segments = [path for _, path in files_holding(cluster.home, {"UNSTABLE_EXIT"})]
    assert any("kafka" in path and path.endswith(".log") for path in segments), segments
