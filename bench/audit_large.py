"""A log of ten million entries, asked over HTTP: proofs, and the first page of every filter.

usage: python -m bench.audit_large [ENTRIES=10000000 [DIRECTORY]]

With a directory the log is made there once, and asked again the next time: making ten million
entries takes half an hour, asking them a few minutes.

The service runs in a process of its own, whole but for its workers; each question goes through its
door, is written down as a reading, committed and answered. The proofs are verified with the log's
public key, and every page must show what was asked for. Proofs are first asked where nothing is
held ready: the server and the service newly started, the files out of the system's memory.
"""

import asyncio
import multiprocessing
import os
import random
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import asyncpg
import orjson
import uvicorn
import uvloop

from bench.audit_seed import ORIGIN, seed
from bench.http_load import answered, request
from bench.results import at_most
from bench.rounds import run
from bench.server import shipped
from services.audit.domain.tlogproof import TlogProof
from services.audit.log.keys import FileKey, KeyVerifier
from services.audit.main import create
from services.audit.schema import SCHEMA
from services.audit.settings import KEY_FILE, AuditSettings
from shared.bus.connection import connector
from shared.bus.embedded import EmbeddedBroker
from shared.evidence.settings import NO_SCAN, EvidenceSettings
from shared.kernel.principal import Role
from shared.telemetry.logs import LogSettings, configure
from shared.testing.access import TakenAtTheirWord, acting
from shared.testing.databases import kept_database
from shared.vault.settings import VaultSettings, create_missing_keys
from shared.web.service import ServiceSettings
from shared.web.settings import Mode, OidcSettings, WebSettings

ROUNDS, WARM, TIMES = 3, 5, 40
"""Of each question: rounds, and in each round what is asked first, uncounted, and what counts."""
PROOFS = 400
"""Entries whose proofs are asked in every round: no more than one person may ask in a minute."""
PROOF_MS, PAGE_MS = 3, 50
PAGE = 50


async def main(count: int, kept: Path | None) -> None:
    """Make the log, and ask it."""
    if kept is not None:
        kept.mkdir(exist_ok=True)  # noqa: ASYNC240 - nothing else runs yet
        await on_server(kept, count)
        return
    with tempfile.TemporaryDirectory(prefix="dixian-bench-", ignore_cleanup_errors=True) as place:
        await on_server(Path(place), count)


async def on_server(place: Path, count: int) -> None:
    """The same with a database server whose files lie in ``place``; made already, or not yet."""
    place.chmod(0o755)  # noqa: ASYNC240 - nothing else runs yet
    with shipped(place / "postgres") as server:
        urls = await kept_database(server, SCHEMA)
        made = await log_size(urls.superuser)
        if made not in {0, count}:
            raise SystemExit(f"{place} holds {made:,} entries, or was not finished: choose another")
        if not made:
            began = time.perf_counter()
            await seed(urls, count)
            print(f"{count:,} entries made in {time.perf_counter() - began:,.0f} s", flush=True)
    with shipped(place / "postgres") as server:
        urls = await kept_database(server, SCHEMA)
        await measure(urls.superuser, urls.writer, place, count)
    await unprepared(place, count)


async def log_size(superuser: str) -> int:
    """How many entries the database's log was made with; -1 when the making did not end."""
    raw = await asyncpg.connect(superuser)
    size = await raw.fetchval("select coalesce(max(size), 0) from audit.log_head")
    begun = await raw.fetchval("select to_regclass('public.made') is not null")
    await raw.close()
    return -1 if begun else int(size)


async def measure(superuser: str, writer: str, place: Path, count: int) -> None:
    """Proofs, then pages, through the door of a service on this database."""
    raw = await asyncpg.connect(superuser)
    async with serving(writer, place / "keys") as door:
        await proofs(door, raw, count)
        await pages(door, raw, count)
    await raw.close()


# -- the door ---------------------------------------------------------------------------------


def serve(url: str, keys: Path, listening: socket.socket) -> None:
    """The server process."""
    configure(LogSettings(level="WARNING"))
    keys.mkdir(exist_ok=True)
    vault = VaultSettings(master_key_file=keys / "master.key", index_key_file=keys / "index.key")
    create_missing_keys(vault)
    FileKey.at(keys / KEY_FILE, create=True)
    settings = ServiceSettings(
        name="audit",
        database_url=url,
        web=WebSettings(mode=Mode.PRODUCTION),
        oidc=OidcSettings(issuer="https://issuer.invalid"),
        vault=vault,
        evidence=EvidenceSettings(store=keys.as_uri(), scan=NO_SCAN),
    )

    async def door() -> None:
        service = create(
            settings,
            broker=EmbeddedBroker(connector(url)),
            own=AuditSettings(operator=ORIGIN.split("/")[0]),
            authenticator=TakenAtTheirWord(),
        )
        config = uvicorn.Config(
            service.app, log_config=None, access_log=False, lifespan="off", timeout_keep_alive=600
        )
        await uvicorn.Server(config).serve(sockets=[listening])

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(door())


@dataclass(frozen=True)
class Door:
    """One connection to the service."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def get(self, path: str) -> tuple[float, bytes]:
        """Milliseconds from the request to the last byte of the answer, and the answer."""
        sent = request("GET", path, acting(Role.INSPECTOR, "37", "bench"))
        began = time.perf_counter()
        body = await answered(self.reader, self.writer, sent)
        return (time.perf_counter() - began) * 1000, body


@asynccontextmanager
async def serving(url: str, keys: Path) -> AsyncIterator[Door]:
    """A service in a process of its own, stopped on leaving."""
    listening = socket.create_server(("127.0.0.1", 0))
    child = multiprocessing.get_context("spawn").Process(
        target=partial(serve, url, keys, listening), daemon=True
    )
    child.start()
    try:
        door = Door(*await asyncio.open_connection(*listening.getsockname()[:2], limit=1 << 22))
        yield door
        door.writer.close()
    finally:
        child.terminate()
        child.join()
        listening.close()


# -- what is asked ----------------------------------------------------------------------------


async def unprepared(place: Path, count: int) -> None:
    """The same proofs where nothing is held ready: server and service started for each round."""
    tails = []
    for _ in range(ROUNDS):
        with shipped(place / "postgres") as server:
            urls = await kept_database(server, SCHEMA)
            raw = await asyncpg.connect(urls.superuser)
            await raw.execute("checkpoint")
            forget(place / "postgres" / "base")
            async with serving(urls.writer, place / "keys") as door:
                tails += await proved(door, raw, count, "inclusion proof, caches dropped", rounds=1)
            await raw.close()
    title = f"{count:,} entries, over HTTP, p95"
    at_most(title, "inclusion proof, caches dropped", "ms", tails, PROOF_MS)


def forget(files: Path) -> None:
    """Have the system drop what it holds of the files below a directory."""
    for file in files.rglob("*"):
        if file.is_file():
            with file.open("rb") as opened:
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


async def proofs(door: Door, raw: "asyncpg.Connection[Any]", count: int) -> None:
    """Proofs from a service that has been running for a while."""
    tails = await proved(door, raw, count, "inclusion proof", rounds=ROUNDS)
    at_most(f"{count:,} entries, over HTTP, p95", "inclusion proof", "ms", tails, PROOF_MS)


async def proved(
    door: Door, raw: "asyncpg.Connection[Any]", count: int, name: str, rounds: int
) -> list[float]:
    """Proofs of random entries never asked before, each verified with the log's key once timed."""
    chance = random.Random()
    _, body = await door.get(f"/events/{await _event(raw, chance.randrange(count))}/proof")
    verifier = KeyVerifier.parse(orjson.loads(body)["vkey"])
    tails = []
    for _ in range(rounds):
        taken = []
        for _ in range(WARM + PROOFS):
            index = chance.randrange(count)
            ms, body = await door.get(f"/entries/{index}/proof")
            taken.append(ms)
            leaf = await raw.fetchval(
                "select leaf from audit.entry where log_id = 1 and idx = $1", index
            )
            TlogProof.parse(body).verify(leaf, [verifier], ORIGIN)
        tails.append(report(name, taken[WARM:]))
    return tails


async def _event(raw: "asyncpg.Connection[Any]", index: int) -> Any:
    return await raw.fetchval(
        "select event_id from audit.entry where log_id = 1 and idx = $1", index
    )


async def pages(door: Door, raw: "asyncpg.Connection[Any]", count: int) -> None:
    """The first page of fifty, for one filter after the other, each about a random entry."""
    chance = random.Random(3)
    tails: dict[str, list[float]] = {name: [] for name in FILTERS}
    for _ in range(ROUNDS):
        for name, keys in FILTERS.items():
            taken = []
            for _ in range(WARM + TIMES):
                row = await raw.fetchrow(_ANY, chance.randrange(count))
                asked = dict(pair for key in keys for pair in CONDITIONS[key](row))
                ms, body = await door.get(f"/entries?{urlencode({**asked, 'limit': PAGE})}")
                taken.append(ms)
                shows(name, asked, orjson.loads(body)["items"])
            tails[name].append(report(f"first page: {name}", taken[WARM:]))
    for name, found in tails.items():
        at_most(f"{count:,} entries, over HTTP, p95", f"first page: {name}", "ms", found, PAGE_MS)


def shows(name: str, asked: Mapping[str, str], items: list[Any]) -> None:
    """Whether the page is of what was asked for."""
    assert items or name in MAY_BE_EMPTY, (name, asked)
    for item in items:
        for key in ("actor", "type", "service", "category"):
            assert key not in asked or item[key] == asked[key], (name, asked)
        assert item["region"].startswith(asked.get("region", "")), (name, asked)


_ANY = """
select idx, type, actor, region, key, stream_id, event_id, recorded_at,
       substring(convert_from(leaf, 'UTF8') from '函([0-9]+)号') as document
  from audit.entry where log_id = 1 and idx = $1
"""


def _days(row: Any, before: int, after: int) -> list[tuple[str, str]]:
    at: datetime = row["recorded_at"]
    ends = {"since": at - timedelta(days=before), "until": at + timedelta(days=after)}
    return [(name, end.isoformat()) for name, end in ends.items()]


CONDITIONS: Mapping[str, Callable[[Any], list[tuple[str, str]]]] = {
    "household": lambda row: [("household", str(row["key"]))],
    "case": lambda row: [("stream", str(row["stream_id"]))],
    "correlation": lambda row: [("correlation", str(row["event_id"]))],
    "request id": lambda row: [("request", str(row["event_id"]))],
    "actor": lambda row: [("actor", row["actor"])],
    "role": lambda _row: [("role", "committee")],
    "common role": lambda _row: [("role", "officer")],
    "service": lambda _row: [("service", "identification")],
    "rare service": lambda _row: [("service", "audit")],
    "kind": lambda row: [("type", row["type"])],
    "rare kind": lambda _row: [("type", "PolicyPublished")],
    "category": lambda _row: [("category", "case")],
    "rare category": lambda _row: [("category", "correction")],
    "outcome": lambda _row: [("outcome", "CLEAR")],
    "rare outcome": lambda _row: [("outcome", "MISMATCH")],
    "gate": lambda _row: [("gate", "CITY")],
    "city": lambda row: [("region", row["region"][:4])],
    "county": lambda row: [("region", row["region"][:6])],
    "village": lambda row: [("region", row["region"])],
    "day": lambda row: _days(row, 0, 1),
    "month": lambda row: _days(row, 30, 1),
    "quarter": lambda row: _days(row, 90, 1),
    "text": lambda row: [("text", f"函{row['document']}号")],
    "common text": lambda _row: [("text", "marginal")],
}
"""What each condition asks for, about an entry."""

_PAIRS = (
    "county, kind, day",
    "county, month",
    "county, rare kind",
    "county, outcome, month",
    "county, rare outcome",
    "city, role, quarter",
    "village, kind",
    "village, role, month",
    "actor, kind",
    "actor, rare kind",
    "actor, role, month",
    "actor, county",
    "actor, outcome",
    "kind, outcome",
    "service, kind, day",
    "rare service, gate, county",
    "gate, month",
    "household, kind",
    "household, outcome",
    "case, text",
    "text, county",
    "text, rare kind",
    "text, month",
    "common text, role",
    "common text, rare outcome, county",
    "common text, actor",
)
FILTERS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    **{name: (name,) for name in CONDITIONS},
    **{names: tuple(names.split(", ")) for names in _PAIRS},
}
MAY_BE_EMPTY = frozenset(
    name
    for name in _PAIRS
    if {"rare kind", "gate", "role", "outcome", "rare outcome"} & set(FILTERS[name])
)
"""Where the conditions exclude each other for some entries."""


def report(name: str, taken: list[float]) -> float:
    """One line of figures; the 95th percentile."""
    taken = sorted(taken)
    middle, tail = taken[len(taken) // 2], taken[int(len(taken) * 0.95)]
    print(f"{name:<46} p50 {middle:>7.2f} ms   p95 {tail:>7.2f} ms", flush=True)
    return tail


if __name__ == "__main__":
    count, directory = (*sys.argv[1:3], *("10000000", "")[len(sys.argv) - 1 :])
    run(main(int(count), Path(directory) if directory else None))
