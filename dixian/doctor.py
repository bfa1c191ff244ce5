"""``dixian doctor``: what is wrong with this installation, and what to do about it."""

import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console

from dixian.broker import missing
from dixian.errors import CannotStart
from dixian.home import Home
from dixian.layout import CONSOLE, ISSUER, port_of
from dixian.postgres import VERSION, Postgres, binaries
from dixian.probe import health_of, is_ready
from dixian.provision import SERVICES
from dixian.settings import ProcessSettings
from shared.policy.divisions import BadDivisionFile, Divisions

_ROOM = 2 * 1024**3
"""Bytes that a day of work may want."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    what: str
    well: bool
    says: str
    needed: bool = True
    """Whether the embedded shape cannot do without it."""


def examine(home: Home) -> Iterator[Finding]:
    """Look at everything; nothing is changed."""
    yield _python()
    yield _caught("postgres", lambda: f"PostgreSQL {VERSION} at {binaries()}")
    yield _caught("divisions", lambda: f"{len(Divisions.load()):,} places")
    yield _data(home)
    yield _room(home)
    yield _kafka()
    yield from _ports()


def doctor(console: Console) -> bool:
    """Print every finding; whether all that is needed is well."""
    findings = list(examine(Home(ProcessSettings().home)))
    for finding in findings:
        mark = (
            "[green]ok[/] " if finding.well else "[red]no[/] " if finding.needed else "[dim]–[/]  "
        )
        console.print(f"{mark} {finding.what:16} {finding.says}", highlight=False, soft_wrap=True)
    return all(finding.well for finding in findings if finding.needed)


def _mark(finding: Finding) -> str:
    if finding.well:
        return "[green]ok[/]"
    return "[red]no[/]" if finding.needed else "[dim]--[/]"


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= (3, 11), version)


def _caught(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except (CannotStart, BadDivisionFile, OSError) as error:
        return Finding(what, False, str(error))


def _data(home: Home) -> Finding:
    if not home.postgres.exists():
        return Finding("data", True, f"none yet; `make run` makes {home.postgres}")
    pid = Postgres(home).pid
    state = f"PostgreSQL runs on it, pid {pid}" if pid else "not running"
    return Finding("data", True, f"{home.postgres}: {state}")


def _room(home: Home) -> Finding:
    existing = next(path for path in (home.root, *home.root.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    return Finding("disk", free > _ROOM, f"{free / 1024**3:.1f} GiB free for {home.root}")


def _kafka() -> Finding:
    lacking = missing()
    says = f"for `make cluster` this machine lacks {lacking}" if lacking else "can run here"
    return Finding("kafka", not lacking, says, needed=False)


def _ports() -> Iterator[Finding]:
    discovery = "/.well-known/openid-configuration"
    for name in (ISSUER, *SERVICES, CONSOLE):
        port = port_of(name)
        path = discovery if name == ISSUER else "/health/ready"
        if _is_free(port):
            yield Finding(f"{name} {port}", True, "free")
        elif is_ready(port, path):
            yield Finding(f"{name} {port}", True, "up and ready")
            if name in SERVICES:
                yield _parked(name, port)
        else:
            yield Finding(f"{name} {port}", False, "taken, and does not say it is ready")


def _parked(name: str, port: int) -> Finding:
    what = f"{name} parked"
    received = health_of(port).get("reconciliation", {}).get("received", {})
    count = sum(topic["parked"] for topic in received.values())
    if not count:
        return Finding(what, True, "nothing")
    return Finding(what, False, f"{count} messages; `dixian parked list {name}` says why")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
