"""A county's queue of 10,000 open cases, page by page, as officers of each level read it.

``python -m bench.queue``: the rows are what the service itself makes of 10,000 folded cases; the
requests go through the whole door, beside one that asks the database for nothing but 1. The p95 of
the county's is to stay under 100 ms.
"""

import argparse
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import httpx

from bench.results import at_most
from bench.rounds import run
from services.identification.domain import clocks
from services.identification.domain.case import CASE
from services.identification.handlers import application
from services.identification.http import router
from services.identification.read_models.tables import work_item
from services.identification.read_models.views import VIEWS
from services.identification.schema import SCHEMA
from shared.contracts import identification as events
from shared.contracts.values import LeadSource, Risk
from shared.kernel.clock import SHANGHAI, ShiftedClock
from shared.kernel.division import Level
from shared.kernel.event import Event, Metadata, Recorded
from shared.kernel.ids import new_id
from shared.kernel.principal import Role
from shared.policy.divisions import Divisions
from shared.policy.parameters import Parameters, PolicyVersion
from shared.store.database import Database
from shared.store.views import values
from shared.telemetry.logs import LogSettings, configure
from shared.telemetry.metrics import Metrics
from shared.testing.access import TakenAtTheirWord, acting
from shared.testing.databases import service_database
from shared.testing.postgres import EmbeddedPostgres
from shared.vault.blind_index import BlindIndex
from shared.vault.ciphers import CipherName
from shared.vault.keyring import KeyRing
from shared.vault.master_key import FileMasterKey
from shared.vault.vault import Vault
from shared.web.app import create_app
from shared.web.routing import Router, public
from shared.web.settings import Mode, WebSettings

COUNTY, TOWN, VILLAGE = "370114", "370114101", "370114101200"
LIMIT_MS = 100
POLICY = PolicyVersion(
    version="37/2023-1",
    document="",
    division="37",
    effective_from=date(2023, 1, 1),
    parameters=Parameters(monitoring_line={2023: 800_000}),
)
QUESTIONS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "county, its own turn": (COUNTY, {}),
    "county, everybody's turn": (COUNTY, {"level": "all"}),
    "county, overdue": (COUNTY, {"level": "all", "overdue": True}),
    "county, one channel": (COUNTY, {"level": "all", "source": "HOTLINE"}),
    "county, pages of 200": (COUNTY, {"level": "all", "limit": 200}),
    "town": (TOWN, {}),
    "village": (VILLAGE, {}),
    "city": ("3701", {}),
}


def villages(divisions: Divisions) -> Sequence[str]:
    """The villages of the county."""
    return [
        place.code
        for place in divisions
        if place.code.startswith(COUNTY) and place.level is Level.VILLAGE
    ]


def cases(count: int, places: Sequence[str], today: date) -> Iterator[Sequence[Event]]:
    """The histories of open cases, at different steps and days."""
    chance = random.Random(20230801)
    for number in range(count):
        begun = today - timedelta(days=chance.randrange(25))
        case_id, household_id = new_id(), new_id()
        opened = events.CaseOpened(
            case_id=case_id,
            household_id=household_id,
            division=places[number % len(places)],
            lead_id=new_id(),
            source=list(LeadSource)[number % len(LeadSource)],
            discovered_on=begun,
            risks=(Risk.ILLNESS,),
            deadlines=clocks.opening(POLICY, begun),
            policy=POLICY.version,
        )
        officers = events.OfficersNamed(
            on=begun, village_officer=f"person:{number % 400}", town_officer=f"person:{number % 20}"
        )
        signed = events.AuthorizationSigned(
            on=begun, signer_id=new_id(), scope=("BANK",), evidence=("0" * 64,)
        )
        compared = events.Compared(on=begun, results=())
        yield [opened, officers, signed, compared][: 1 + number % 4]


async def seed(url: str, count: int, today: date) -> int:
    """Fill the table with what the service makes of them; how many rows."""
    view = next(view for view in VIEWS if view.table is work_item)
    places = villages(Divisions.load())
    rows = [
        row
        for history in cases(count, places, today)
        for row in view.rows(CASE.fold(history), last_of(history))
    ]
    columns = tuple(rows[0])
    connection = await asyncpg.connect(url)
    records = [values(work_item, columns, row) for row in rows]
    await connection.copy_records_to_table(
        "work_item", schema_name="rm", columns=columns, records=records
    )
    await connection.execute("analyze rm.work_item")
    await connection.close()
    return len(rows)


def last_of(history: Sequence[Event]) -> Recorded[Event]:
    """A history's last event as the store would have it."""
    return Recorded(
        event_id=new_id(),
        stream_id=history[0].case_id,  # type: ignore[attr-defined]  # the first opens the case
        category="case",
        version=len(history),
        key=new_id(),
        region=VILLAGE,
        occurred_on=date(2023, 8, 1),
        recorded_at=datetime.now(SHANGHAI),
        event=history[-1],
        metadata=Metadata("person:1", COUNTY, ("officer",), new_id(), new_id()),
    )


async def measure(client: httpx.AsyncClient, requests: int) -> dict[str, list[float]]:
    """Milliseconds of each request: the questions take turns, each going on from page to page."""
    found: dict[str, list[float]] = {"(select 1)": []}
    cursors: dict[str, str | None] = {}
    for number in range(requests + 5):
        for name, (division, asked) in QUESTIONS.items():
            params = {**asked, **({"cursor": cursors[name]} if cursors.get(name) else {})}
            headers = acting(Role.OFFICER, division, "bench")
            taken, body = await _timed(client, "/cases", params, headers)
            cursors[name] = body["next"]
            if number >= 5:
                found.setdefault(name, []).append(taken)
        taken, _ = await _timed(client, "/one", {}, {})
        found["(select 1)"].append(taken)
    return found


async def _timed(
    client: httpx.AsyncClient, path: str, params: Any, headers: Any
) -> tuple[float, Any]:
    began = time.perf_counter()
    answer = await client.get(path, params=params, headers=headers)
    taken = (time.perf_counter() - began) * 1000
    answer.raise_for_status()
    return taken, answer.json()


@asynccontextmanager
async def county(server: EmbeddedPostgres, count: int) -> AsyncIterator[tuple[Any, int]]:
    """A county with so many open cases: a client of its service, and how many things to do."""
    async with service_database(server, SCHEMA) as urls:
        rows = await seed(urls.owner, count, datetime.now(SHANGHAI).date())
        database = Database(urls.writer, clock=ShiftedClock())
        app = create_app(
            service="identification",
            title="Queue",
            settings=WebSettings(mode=Mode.DEMO),
            routers=_routers(database),
            authenticator=TakenAtTheirWord(),
            metrics=Metrics(),
        )
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bench") as client:
            yield client, rows
        await database.close()


async def main(count: int, requests: int) -> None:
    """Seed, ask, print."""
    configure(LogSettings(level="WARNING"))
    with TemporaryDirectory(ignore_cleanup_errors=True) as at, EmbeddedPostgres(Path(at)) as server:
        async with county(server, count) as (client, rows):
            found = await measure(client, requests)
    _print(f"{count:,} open cases of one county, {rows:,} things to do", found)


def _routers(database: Database) -> list[Router]:
    vault = Vault(FileMasterKey(KeyRing.new(CipherName.AES_256_GCM.value)))
    index, divisions = BlindIndex(KeyRing.new("CMAC-AES-256")), Divisions.load()
    service = application(database, vault=vault, index=index, divisions=divisions)
    one = Router()

    @one.get("/one", dependencies=[public()])
    async def select_one() -> dict[str, int]:
        async with database.reading() as tx:
            return {"one": await tx.raw.fetchval("select 1")}

    return [router(service, vault=vault, index=index, divisions=divisions), one]


def _print(title: str, found: Mapping[str, Sequence[float]]) -> None:
    print(f"\n{title}; p95 of the county's to stay under {LIMIT_MS} ms")
    bare = quantiles(found["(select 1)"], n=20)
    for name, times in found.items():
        cuts = quantiles(times, n=20)
        print(
            f"  {name:<28} p50 {cuts[9]:>6.1f} ms  p95 {cuts[18]:>6.1f} ms"
            f"  {cuts[18] / bare[18]:>5.1f} x"
        )
        if name.startswith("county"):
            at_most(title, f"first page of the queue, {name}, p95", "ms", [cuts[18]], LIMIT_MS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=100)
    given = parser.parse_args()
    run(main(given.cases, given.requests))
