"""The production shape on this machine without Docker: a broker, PostgreSQL, a process per part.

Every process gets exactly the variables of ``deploy/docker-compose.yml`` (``dixian.layout``).
"""

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.table import Table

from dixian.broker import KafkaNode, jars, missing
from dixian.errors import CannotStart
from dixian.home import Home
from dixian.layout import (
    ISSUER,
    Layout,
    Places,
    Process,
    kafka_port,
    postgres_port,
    url_of,
)
from dixian.postgres import Postgres
from dixian.probe import is_ready
from dixian.provision import SERVICES, SUPERUSER, give_password
from dixian.settings import ClusterSettings, ProcessSettings
from dixian.signals import until_signalled
from dixian.supervisor import ProcessUnit, Supervisor, Unit, running


class PostgresUnit:
    """The embedded server as a unit: on TCP, with passwords, like a server of its own."""

    name = "postgres"
    after: tuple[str, ...] = ()
    once = False

    def __init__(self, server: Postgres, password: str) -> None:
        self._server, self._password = server, password

    def start(self) -> None:
        """Start or take over; let the superuser in over TCP, as the migration comes that way."""
        self._server.start()
        try:
            asyncio.run(give_password(self._server.admin_url, SUPERUSER, self._password))
        except (OSError, asyncpg.PostgresError) as error:
            raise CannotStart(f"PostgreSQL is up and not yet of use: {error!r}") from error

    @property
    def pid(self) -> int | None:
        """The server's process id."""
        return self._server.pid

    def exit_code(self) -> int | None:
        """Unknown: the server may not be a child of ours."""
        return None

    def is_ready(self) -> bool:
        """``start`` returns when it is."""
        return self.pid is not None

    def stop(self) -> None:
        """Stop it cleanly."""
        self._server.stop()


def here() -> Home:
    """The cluster's own part of the installation: another bus must not share the databases."""
    return Home(ProcessSettings().home / "cluster")


def units(home: Home, settings: ClusterSettings) -> list[Unit]:
    """Everything the cluster consists of."""
    server = Postgres(home, port=postgres_port())
    infrastructure: list[Unit] = [PostgresUnit(server, home.keys.password(SUPERUSER))]
    if not settings.kafka:
        infrastructure.append(
            KafkaNode(home.root / "kafka", port=kafka_port(), advertised=settings.kafka_via)
        )
    places = places_of(home, settings)
    layout = Layout(places, settings.replicas, tuple(unit.name for unit in infrastructure))
    return [*infrastructure, *(_unit(process, home.logs) for process in layout.processes())]


def places_of(home: Home, settings: ClusterSettings) -> Places:
    """Where the processes of a cluster on this machine find its parts."""
    return Places(
        postgres=settings.postgres_via or f"127.0.0.1:{postgres_port()}",
        kafka=settings.kafka or settings.kafka_via or f"127.0.0.1:{kafka_port()}",
        issuer=url_of(ISSUER, settings.doors_via),
        services="http://127.0.0.1:{port}",
        above=settings.doors_via,
        keys=f"{home.keys.root}/{{owner}}",
        evidence=home.evidence.as_uri(),
    )


def _unit(process: Process, logs: Path) -> ProcessUnit:
    probe = partial(is_ready, process.port, process.health) if process.port else lambda: True
    return ProcessUnit(
        name=process.name,
        command=[sys.executable, "-m", "dixian", *process.command],
        log=logs / f"{process.name}.log",
        environment=process.variables,
        after=process.after,
        once=process.once,
        probe=probe,
    )


def up(home: Home, settings: ClusterSettings, console: Console) -> None:
    """Run the cluster in ``home`` until Ctrl-C. Raises ``CannotStart``."""
    with home.held("dixian cluster up"):
        home.keys.make()
        say = partial(_say, console)
        if not settings.kafka:
            _obtain_broker(console)
        supervisor = Supervisor(units(home, settings), home.run, say)
        asyncio.run(_run(supervisor, lambda: _announce(home, console)))


def _obtain_broker(console: Console) -> None:
    """Have the broker's jars here before anything is started. Raises ``CannotStart``."""
    if lacking := missing():
        raise CannotStart(
            f"A Kafka of our own needs {lacking}. Install that, or name a broker by "
            "KAFKA_BOOTSTRAP_SERVERS; `make run` needs none."
        )
    with console.status("having Kafka ready (the first time its jars are fetched) ..."):
        jars()


async def _run(supervisor: Supervisor, ready: Callable[[], None]) -> None:
    with until_signalled() as stop:
        await supervisor.run(stop, ready=ready)


def _say(console: Console, line: str) -> None:
    console.print(f"[dim]cluster[/]  {line}", soft_wrap=True)


def _announce(home: Home, console: Console) -> None:
    console.print(f"\n[bold]The cluster is up.[/] Logs: {home.logs}/NAME.log", soft_wrap=True)
    for name in SERVICES:
        console.print(f"  {name:15} {url_of(name)}")
    console.print("\nSee it survive: [bold].venv/bin/dixian cluster kill alerts-worker[/]")
    console.print("Next, in another terminal: [bold]make demo[/]   Ctrl-C here stops it all.\n")


def show_status(home: Home, console: Console) -> None:
    """Print what the supervisor last wrote down."""
    path = home.run / "status.json"
    if not path.exists():
        raise CannotStart("No cluster has run here yet; `make cluster` starts one.")
    table = Table(box=None, header_style="dim")
    for column in ("process", "state", "pid", "restarts"):
        table.add_column(column)
    for name, item in json.loads(path.read_text(encoding="utf-8")).items():
        pid = item["pid"] if running(home.run, name) else None
        table.add_row(name, item["state"], str(pid or "-"), str(item["restarts"]))
    console.print(table)


def kill(home: Home, name: str, number: signal.Signals) -> int:
    """Send a signal to one process of the running cluster; return its pid."""
    process = running(home.run, name)
    if process is None:
        known = sorted(path.stem for path in home.run.glob("*.pid"))
        raise CannotStart(f"No process called {name} is running; there are: {', '.join(known)}")
    process.send_signal(number)
    return int(process.pid)
