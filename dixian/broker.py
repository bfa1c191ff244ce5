"""A real Kafka broker without Docker: KRaft, one node, from the broker's own jars by Maven.

Needs Java 17 or later and Maven. The jars are resolved once by their coordinates into the user's
cache; the node keeps its data and its ports in a directory, so that a restart comes up where the
clients know it. ``KafkaNode`` has the shape of a supervised unit: start, look, stop.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from dixian.errors import CannotStart

KAFKA_VERSION = "4.4.0"
"""Of ``org.apache.kafka:kafka_2.13``; pinned, and raised by hand."""
_JAVA = 17
_GRACE = 20.0
_STARTED = "Kafka Server started"
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>cn.dixian</groupId><artifactId>broker</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
      <version>{version}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"""
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners={protocol}://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={protocol}://{advertised}
inter.broker.listener.name={protocol}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,{protocol}:{protocol}
log.dirs={data}
auto.create.topics.enable=false
log.retention.ms=-1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=2
"""


class BrokerUnobtainable(CannotStart):
    """No broker can be had here; the message says what is missing."""


def missing() -> str:
    """What this machine lacks for a broker of its own; empty when it lacks nothing."""
    java = _java_version()
    if java < _JAVA:
        return f"Java {_JAVA} or later (found {java or 'none'})"
    return "" if _cached() or shutil.which("mvn") else "Maven"


def jars() -> Path:
    """The folder with the broker's jars, resolved on first use. Raises ``BrokerUnobtainable``."""
    folder = _cache()
    if not _cached():
        if shutil.which("mvn") is None:
            raise BrokerUnobtainable("Maven is needed once, to fetch the broker's jars")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            _resolve(Path(made))
            _settle(Path(made) / "jars", folder)
    return folder


@dataclass(frozen=True)
class Secured:
    """A listener with TLS and SCRAM: its certificate, and the one user there is."""

    pem: Path
    """The private key and its chain, in one file."""
    username: str
    password: str = field(repr=False)

    @property
    def scram(self) -> str:
        """The user, for the storage tool."""
        return f"SCRAM-SHA-512=[name={self.username},password={self.password}]"

    @property
    def properties(self) -> str:
        """What the broker is told besides."""
        module = "org.apache.kafka.common.security.scram.ScramLoginModule required"
        return (
            "ssl.keystore.type=PEM\n"
            f"ssl.keystore.location={self.pem}\n"
            "ssl.truststore.type=PEM\n"
            f"ssl.truststore.location={self.pem.with_name('ca.pem')}\n"
            "sasl.enabled.mechanisms=SCRAM-SHA-512\n"
            "sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512\n"
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config="
            f'{module} username="{self.username}" password="{self.password}";\n'
        )


@dataclass
class KafkaNode:
    """One broker that is its own controller, on loopback.

    ``directory`` keeps its data, ports and log. ``port`` 0 takes a free one, the same ever after.
    """

    directory: Path
    port: int = 0
    heap: str = "384m"
    name: str = "kafka"
    after: tuple[str, ...] = ()
    once: bool = False
    secured: "Secured | None" = None
    """Who may come in, and by which certificate; anybody on this machine without it."""
    advertised: str = ""
    """``host:port`` that clients are told to come by; its own unless given."""
    _child: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    _log_from: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        self.directory = self.directory.resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port, self._controller = self._ports()

    @property
    def bootstrap(self) -> str:
        """What clients connect to: ``127.0.0.1:PORT``."""
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What the broker says."""
        return self.directory / "kafka.log"

    @property
    def pid(self) -> int | None:
        """The broker's process id while it runs."""
        return self._child.pid if self._child and self._child.poll() is None else None

    def exit_code(self) -> int | None:
        """How it ended; ``None`` while it runs or before it was started."""
        return self._child.poll() if self._child else None

    def start(self) -> None:
        """Format the storage on first use and start the broker; ``is_ready`` tells when it is up.

        Raises ``BrokerUnobtainable`` when there is no Java, no Maven or no jar to be had.
        """
        if lacking := missing():
            raise BrokerUnobtainable(f"a broker of our own needs {lacking}")
        folder = jars()
        self._configure()
        if not (self._data / "meta.properties").exists():
            self._format(folder)
        self._log_from = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603  (a command of this module's own making)
                _java(folder, self.heap, "kafka.Kafka", str(self._properties)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_ready(self) -> bool:
        """Whether this start has come through to the end."""
        if self.pid is None or not self.log.exists():
            return False
        with self.log.open("rb") as log:
            log.seek(self._log_from)
            return _STARTED.encode() in log.read()

    def stop(self) -> None:
        """SIGTERM, a grace period, then SIGKILL."""
        if self._child is None or self._child.poll() is not None:
            return
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @property
    def _properties(self) -> Path:
        return self.directory / "server.properties"

    def _ports(self) -> tuple[int, int]:
        """The ports of the first start; a restarted broker must be found where it was."""
        kept = self.directory / "ports"
        if kept.exists():
            port, controller = (int(word) for word in kept.read_text().split())
            if self.port in (0, port):
                return port, controller
        port, controller = self.port or free_port(), free_port()
        kept.write_text(f"{port} {controller}\n")
        return port, controller

    def _configure(self) -> None:
        self._properties.write_text(
            _PROPERTIES.format(
                protocol="SASL_SSL" if self.secured else "PLAINTEXT",
                port=self.port,
                advertised=self.advertised or self.bootstrap,
                controller=self._controller,
                data=self._data,
            )
            + (self.secured.properties if self.secured else "")
        )

    def _format(self, folder: Path) -> None:
        cluster = _kafka_id()
        arguments = ["format", "-t", cluster, "-c", str(self._properties)]
        if self.secured:
            arguments += ["--add-scram", self.secured.scram]
        _run(_java(folder, "128m", "kafka.tools.StorageTool", *arguments), "formatting storage")


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _java(folder: Path, heap: str, main: str, *arguments: str) -> list[str]:
    return [
        shutil.which("java") or "java",
        f"-Xmx{heap}",
        "-XX:+UseSerialGC",
        "-Djava.awt.headless=true",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
        "-cp",
        str(folder / "*"),
        main,
        *arguments,
    ]


def _java_version() -> int:
    java = shutil.which("java")
    if java is None:
        return 0
    said = subprocess.run(  # noqa: S603  (the java on the PATH)
        [java, "-version"], capture_output=True, text=True, check=False, timeout=30
    ).stderr
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found[1]) if found else 0


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dixian" / f"kafka-{KAFKA_VERSION}"


def _cached() -> bool:
    return (_cache() / f"kafka_2.13-{KAFKA_VERSION}.jar").exists()


def _resolve(made: Path) -> None:
    (made / "pom.xml").write_text(_POM.format(version=KAFKA_VERSION))
    command = [
        shutil.which("mvn") or "mvn",
        "-B",
        "-q",
        "-f",
        str(made / "pom.xml"),
        _COPY,
        f"-DoutputDirectory={made / 'jars'}",
        "-DincludeScope=runtime",
    ]
    _run(command, f"resolving org.apache.kafka:kafka_2.13:{KAFKA_VERSION}")


def _settle(made: Path, folder: Path) -> None:
    """Put the finished folder in its place at once; another process may have been faster."""
    try:
        made.rename(folder)
    except OSError:
        if not _cached():
            raise


def _run(command: Sequence[str], what: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603  (commands of this module's own making)
            command, capture_output=True, text=True, check=False, timeout=900
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BrokerUnobtainable(f"{what}: {error}") from error
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-2000:]
        raise BrokerUnobtainable(f"{what} failed:\n{said}")


def _kafka_id() -> str:
    """A random UUID as Kafka writes it: URL-safe Base64 without padding.

    Never with a dash in front: the storage tool would take it for an option (one in 64).
    """
    while True:
        written = urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        if not written.startswith("-"):
            return written
