"""The Kafka lane: finds a broker for the tests, starts it when one asks, says which one it met.

In this order: ``KAFKA_BOOTSTRAP_SERVERS``; a Docker engine that answers; Java 17 with Maven (the
broker's own jars); the protocol-level mock inside the ``confluent-kafka`` wheel. With
``REQUIRE_KAFKA=1`` anything but a real broker fails the tests that asked. A pytest plugin.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

import pytest

from dixian.broker import KAFKA_VERSION, BrokerUnobtainable, KafkaNode, free_port, missing

_IMAGE = f"apache/kafka:{KAFKA_VERSION}"
_PATIENCE = 90.0


class Lane(Protocol):
    """A way to a broker."""

    @property
    def name(self) -> str:
        """What to call it."""
        ...

    @property
    def real(self) -> bool:
        """Whether it is Kafka itself."""
        ...

    def start(self) -> str:
        """Have it running: its bootstrap address. Raises ``BrokerUnobtainable``."""
        ...

    def stop(self) -> None:
        """End what was started."""
        ...


@dataclass
class Given:
    """A broker that runs already."""

    bootstrap: str
    real: bool = True

    @property
    def name(self) -> str:
        """With its address."""
        return f"the broker at KAFKA_BOOTSTRAP_SERVERS={self.bootstrap}"

    def start(self) -> str:
        """Nothing to do."""
        return self.bootstrap

    def stop(self) -> None:
        """Not ours to stop."""


class Docker:
    """A container of the broker's own image."""

    name = f"a container of {_IMAGE}"
    real = True

    def __init__(self) -> None:
        self._container = ""

    @staticmethod
    def answers() -> bool:
        """Whether an engine is there."""
        return shutil.which("docker") is not None and _docker("info", patience=10) is not None

    def start(self) -> str:
        """Run the container on a loopback port."""
        port = free_port()
        settings = {
            "KAFKA_NODE_ID": "1",
            "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
            "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
            "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
            "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        }
        words = [word for item in settings.items() for word in ("-e", "=".join(item))]
        said = _docker(
            "run", "-d", "--rm", "-p", f"127.0.0.1:{port}:9092", *words, _IMAGE, patience=600
        )
        if said is None:
            raise BrokerUnobtainable(f"docker could not run {_IMAGE}")
        self._container = said.strip()
        until = time.monotonic() + _PATIENCE
        while "Kafka Server started" not in (_docker("logs", self._container) or ""):
            if time.monotonic() > until:
                raise BrokerUnobtainable(f"{_IMAGE} did not start")
            time.sleep(0.2)
        return f"127.0.0.1:{port}"

    def stop(self) -> None:
        """Stop and remove the container."""
        if self._container:
            _docker("stop", self._container, patience=60)


class Java:
    """A node of our own, from its jars."""

    name = f"Kafka {KAFKA_VERSION} (KRaft) on the local Java"
    real = True

    def __init__(self) -> None:
        self._directory = tempfile.mkdtemp(prefix="dixian-kafka-")
        self._node = KafkaNode(Path(self._directory))

    def start(self) -> str:
        """Start the node and wait until it serves."""
        self._node.start()
        until = time.monotonic() + _PATIENCE
        while not self._node.is_ready():
            if self._node.exit_code() is not None or time.monotonic() > until:
                raise BrokerUnobtainable(self._node.log.read_text()[-2000:])
            time.sleep(0.05)
        return self._node.bootstrap

    def stop(self) -> None:
        """Stop the node; forget its data."""
        self._node.stop()
        shutil.rmtree(self._directory, ignore_errors=True)


class Mock:
    """The broker inside librdkafka: Kafka's protocol in memory, without a broker's durability."""

    name = "the mock broker of the confluent-kafka wheel (NOT a real Kafka)"
    real = False

    def __init__(self) -> None:
        self._cluster: Any = None

    def start(self) -> str:
        """Start it inside this process."""
        from confluent_kafka import Producer  # noqa: PLC0415  (not needed with a real broker)

        self._cluster = Producer({"test.mock.num.brokers": 1, "log_level": 3})
        [broker] = self._cluster.list_topics(timeout=10).brokers.values()
        return f"{broker.host}:{broker.port}"

    def stop(self) -> None:
        """End it with its last reference."""
        self._cluster = None


def lanes() -> Iterator[Lane]:
    """Every way to a broker that this machine offers, the best first; the mock at the end."""
    if given := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield Given(given)
        return
    if Docker.answers():
        yield Docker()
    if not missing():
        yield Java()
    yield Mock()


class Lanes:
    """Goes through the lanes until one starts; remembers what it met."""

    def __init__(self) -> None:
        self.met: Lane | None = None
        self.passed_over: list[str] = []

    def start(self) -> str:
        """The bootstrap address of the first broker that starts."""
        for lane in lanes():
            try:
                bootstrap = lane.start()
            except BrokerUnobtainable as error:
                lane.stop()
                self.passed_over.append(f"{lane.name}: {error}")
            else:
                self.met = lane
                return bootstrap
        raise AssertionError("the mock did not start")

    def stop(self) -> None:
        """Stop what was started."""
        if self.met is not None:
            self.met.stop()

    def words(self) -> list[str]:
        """What to tell."""
        if self.met is None:
            return []
        return [*(f"passed over: {each}" for each in self.passed_over), f"met: {self.met.name}"]


lanes_met = pytest.StashKey[Lanes]()
_told = pytest.StashKey[list[tuple[bool, list[str]]]]()
_LANE = "dixian.kafka"


def required() -> bool:
    """Whether only a real broker will do."""
    return os.environ.get("REQUIRE_KAFKA") == "1"


def leave_out(lacking: str) -> NoReturn:
    """End a test whose broker cannot be started here: failed where one is required, else skipped.

    Both say what is lacking, and the summary counts a skipped one apart from what passed.
    """
    if required():
        pytest.fail(lacking, pytrace=False)
    pytest.skip(lacking)


def pytest_configure(config: pytest.Config) -> None:
    """One search per run."""
    config.stash[lanes_met] = Lanes()
    config.stash[_told] = []


def pytest_report_header() -> str:
    """What the Kafka tests will look for."""
    need = "a real broker is REQUIRED" if required() else "a mock is accepted"
    order = "KAFKA_BOOTSTRAP_SERVERS, Docker, Java with Maven, mock"
    return f"kafka lane: {need}; looking for {order}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """What this process met; with lanes side by side (``-n 2``) the terminal's is told."""
    found = session.config.stash[lanes_met]
    if found.met is not None:
        session.config.stash[_told].append((found.met.real, found.words()))
        getattr(session.config, "workeroutput", {})[_LANE] = found.met.real, found.words()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A lane has ended: what it met."""
    if _LANE in (told := getattr(node, "workeroutput", {})):
        node.config.stash[_told].append(tuple(told[_LANE]))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Which broker the Kafka tests met."""
    for real, words in config.stash[_told]:
        terminalreporter.section("kafka lane", green=real, yellow=not real)
        for word in words:
            terminalreporter.write_line(word)


@pytest.fixture(scope="session")
def kafka_bootstrap(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a broker, started for this run if need be."""
    found = request.config.stash[lanes_met]
    bootstrap = found.start()
    try:
        if required() and not (found.met and found.met.real):
            pytest.fail("REQUIRE_KAFKA=1 and no real broker: " + "; ".join(found.words()))
        yield bootstrap
    finally:
        found.stop()


def _docker(*words: str, patience: float = 30) -> str | None:
    """What docker prints; ``None`` when it fails or does not answer."""
    try:
        done = subprocess.run(  # noqa: S603  (the docker on the PATH)
            [shutil.which("docker") or "docker", *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=patience,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
