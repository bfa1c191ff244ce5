"""`dixian cluster up` with a road to each server and door, on which weather can be made."""

import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import orjson
import psutil

from dixian import supervisor
from dixian.demo.client import Addresses
from dixian.home import Home
from dixian.layout import ISSUER
from dixian.postgres import Postgres
from dixian.provision import SERVICES
from shared.testing.ports import free_base
from tests.chaos.proxy import Road
from tests.end_to_end.installation import Installation

SPREAD = 250
"""Ports that an installation uses, from its base on."""
POSTGRES, KAFKA, TO_POSTGRES, TO_KAFKA = 32, 92, 42, 43
"""The servers' ports and their roads', counted from the base."""
DOORS = {name: number for number, name in enumerate((ISSUER, *SERVICES))}
"""The ports of the issuer and the services' APIs, counted from the base."""
TO_DOORS = 50
"""How many ports above its door each of their roads begins."""

_FAULT = 500


def base_for(replicas: int) -> int:
    """A free range of ports for a cluster."""
    workers = (101 + n + 10 * replica for n in range(4) for replica in range(replicas))
    roads = (TO_POSTGRES, TO_KAFKA, *(TO_DOORS + n for n in DOORS.values()))
    named = (*range(6), POSTGRES, KAFKA, *roads, *workers)
    return free_base(named, spread=SPREAD)


def _anybodys(_port: int) -> Mapping[int, str]:
    """Who comes to a door is not told apart: the kernel would be asked at each of many requests."""
    return {}


@dataclass
class Cluster(Installation):
    """The production shape; every process of it has a name."""

    COMMAND = ("cluster", "up")
    UP = "The cluster is up."
    PATIENCE = 600

    replicas: int = 1
    by_road: bool = True
    """Whether the processes come by the roads; without, nothing stands between."""
    roads: dict[str, Road] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.by_road:
            return
        self.roads = {
            "postgres": Road(self.base + TO_POSTGRES, self.base + POSTGRES, self.whose),
            "kafka": Road(self.base + TO_KAFKA, self.base + KAFKA, self.whose),
            **{
                name: Road(self.base + TO_DOORS + n, self.base + n, _anybodys)
                for name, n in DOORS.items()
            },
        }

    @property
    def environment(self) -> dict[str, str]:
        """As any cluster, but the processes are told the roads' addresses."""
        by_road = {
            "DIXIAN_CLUSTER_POSTGRES_VIA": f"127.0.0.1:{self.base + TO_POSTGRES}",
            "DIXIAN_CLUSTER_KAFKA_VIA": f"127.0.0.1:{self.base + TO_KAFKA}",
            "DIXIAN_CLUSTER_DOORS_VIA": str(TO_DOORS),
        }
        whole = super().environment | {"REPLICAS": str(self.replicas)}
        return whole | by_road if self.by_road else whole

    @property
    def inside(self) -> Home:
        """The cluster's own part of the home."""
        return Home(self.home.root / "cluster")

    @property
    def server(self) -> Postgres:
        """Its PostgreSQL, reached past the road."""
        return Postgres(self.inside, port=self.base + POSTGRES)

    @property
    def bootstrap(self) -> str:
        """The broker, by its road where there is one: it tells everybody to come that way."""
        return f"127.0.0.1:{self.base + (TO_KAFKA if self.by_road else KAFKA)}"

    @property
    def by_roads(self) -> Addresses:
        """Where somebody outside finds the issuer and the services: by their roads."""
        return Addresses(**{name: f"http://127.0.0.1:{self.roads[name].port}" for name in DOORS})

    @property
    def processes(self) -> list[str]:
        """Every process of ours."""
        numbered = ["", *(f"-{n + 1}" for n in range(1, self.replicas))]
        kinds = [f"{service}-{role}" for service in SERVICES for role in ("http", "worker")]
        return [f"{kind}{number}" for kind in kinds for number in numbered]

    def find(self, name: str) -> psutil.Process:
        """A process by its name, as soon as there is one: it may just be starting anew."""
        return self.eventually(name, lambda: supervisor.running(self.inside.run, name))

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a process."""
        with suppress(psutil.NoSuchProcess):
            self.find(name).send_signal(number)

    def whose(self, port: int) -> Mapping[int, str]:
        """The names of the processes that are connected to a port, by the port each comes from."""
        names = {
            process.pid: path.stem
            for path in self.inside.run.glob("*.pid")
            if (process := supervisor.running(self.inside.run, path.stem))
        }
        return {
            item.laddr.port: names[item.pid]
            for item in psutil.net_connections("tcp4")
            if item.pid in names and item.raddr and item.raddr.port == port
        }

    def faults(self) -> list[str]:
        """What the services' logs say of each request that was answered 500."""
        lines = []
        for path in self.inside.logs.glob("*-http*.log"):
            for line in path.read_bytes().splitlines():
                with suppress(orjson.JSONDecodeError):  # a full disk takes half a line
                    lines.append(orjson.loads(line))
        failed = {item.get("request_id") for item in lines if item.get("status") == _FAULT}
        return [
            orjson.dumps(item).decode()
            for item in lines
            if item.get("request_id") in failed and "fault" in item
        ]

    def close(self) -> None:
        """Stop it as Ctrl-C does; what does not stop is ended by its own pid."""
        if self.runs:
            for name in self.processes:
                if process := supervisor.running(self.inside.run, name):
                    process.send_signal(signal.SIGCONT)
            self.end(signal.SIGINT)
        super().close()
