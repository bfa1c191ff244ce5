"""The console's pages, as people load them, with 10,000 cases in the county.

``python -m bench.pages``: ``dixian up``, filled by the tour; its tables of cases, things to do
and households are filled up with what the service makes of 10,000 folded cases. Each figure is from
the request to the whole HTML, the console, the four services and PostgreSQL sharing the machine.
"""

import argparse
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import date
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import httpx

from bench.queue import VILLAGE, cases, last_of, villages
from bench.results import at_most
from bench.rounds import run
from dixian.demo.tour import fill
from dixian.home import Home
from services.identification.domain.case import CASE
from services.identification.read_models.tables import household_case, work_item
from services.identification.read_models.views import VIEWS
from shared.policy.divisions import Divisions
from shared.store.views import values
from tests.end_to_end.system import System, running
from tests.end_to_end.visitor import signed_in

LIMIT_MS, LIMIT_KB = 150, 150
PAGES: Mapping[str, Sequence[str]] = {
    "village-officer": (
        *("/", "/cases", "/cases/*", "/cases/*/do/verification", "/leads", "/leads/*"),
        *("/leads/new", "/households", "/households/*", "/plans", "/plans/*", "/measures"),
        *("/eliminations", "/eliminations/*", "/after-care", "/orders"),
    ),
    "county-officer": (
        *("/", "/cases", "/cases?overdue=1", "/leads", "/households", "/plans", "/measures"),
        *("/orders", "/files", "/board", "/ledger", "/trail", "/trail/entries/*"),
    ),
    "city-principal": ("/", "/board", "/corrections", "/corrections/*"),
    "inspector": ("/", "/trail", "/trail?type=Approved"),
}
"""``*`` is the first of the list that the address begins with."""


async def seed(system: System, count: int, today: date) -> None:
    """Fill the county up: a household of the tour's for each case, under an id of its own."""
    places = villages(Divisions.load())
    histories = list(cases(count, [VILLAGE, *places], today))
    connection = await system.connect("dixian_identification")
    try:
        for table in (household_case, work_item):
            view = next(view for view in VIEWS if view.table is table)
            rows = [r for one in histories for r in view.rows(CASE.fold(one), last_of(one))]
            await _copy(connection, table, rows)
        await connection.execute(
            "insert into rm.household (stream_id, division, residence, history, relocated, members,"
            " version) select ($1::uuid[])[n], h.division, h.residence, h.history, h.relocated,"
            " h.members, 1"
            " from generate_series(1, $2::int) n,"
            " (select * from rm.household where division = $3 limit 1) h",
            [one[0].household_id for one in histories],  # type: ignore[attr-defined]  # it opens
            count,
            VILLAGE,
        )
        await connection.execute("analyze")
    finally:
        await connection.close()


async def _copy(connection: "asyncpg.Connection[Any]", table: Any, rows: Sequence[Any]) -> None:
    columns = tuple(rows[0])
    records = [values(table, columns, row) for row in rows]
    await connection.copy_records_to_table(
        table.name, schema_name="rm", columns=columns, records=records
    )


def measure(system: System, requests: int) -> dict[str, list[float]]:
    """Milliseconds of every load; the people and their pages take turns."""
    found: dict[str, list[float]] = {}
    with ExitStack() as stack:
        browsers = {who: stack.enter_context(closing(signed_in(system, who))) for who in PAGES}
        asked = [
            (f"{who} {path}", browsers[who], _opened(browsers[who], path))
            for who, paths in PAGES.items()
            for path in paths
        ]
        for number in range(requests + 2):
            for name, browser, path in asked:
                taken = _timed(browser, path)
                if number >= 2:
                    found.setdefault(name, []).append(taken)
    return found


def _timed(browser: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    answer = browser.get(path)
    taken = (time.perf_counter() - began) * 1000
    assert answer.status_code == 200, (path, answer.status_code)
    return taken


def _opened(browser: httpx.Client, path: str) -> str:
    """The address, with the first id of its list for the star."""
    head, star, rest = path.partition("*")
    if not star:
        return path
    listed = browser.get({"/trail/entries/": "/trail"}.get(head, head.rstrip("/"))).text
    ids: list[str] = re.findall(rf'href="{head}([0-9a-f-]{{36}})', listed)
    paths = (head + one + rest for one in ids)
    return next(one for one in paths if browser.get(one).status_code == 200)


def first_page(system: System) -> int:
    """Bytes of a county officer's first page with all that it brings, as they are sent."""
    with closing(signed_in(system, "county-officer")) as browser:
        page = browser.get("/")
        brought = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
        return sum(one.num_bytes_downloaded for one in (page, *map(browser.get, brought)))


def main(count: int, requests: int) -> None:
    """Fill, load, print."""
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as directory,
        running(Home(Path(directory) / "var")) as system,
    ):
        with system.client() as client:
            fill(client)
            today = client.today()
        run(seed(system, count, today))
        found, size = measure(system, requests), first_page(system)
    title = f"the console's pages, {count:,} cases in the county"
    print(f"\n{title}")
    cuts = {name: quantiles(times, n=20) for name, times in found.items()}
    for name, cut in cuts.items():
        print(f"  {name:<44} p50 {cut[9]:>7.1f} ms  p95 {cut[18]:>7.1f} ms")
    for who in PAGES:
        own = {name: cut[18] for name, cut in cuts.items() if name.startswith(f"{who} ")}
        worst = max(own, key=lambda name: own[name])
        at_most(title, f"slowest page, {worst}, p95", "ms", [own[worst]], LIMIT_MS)
    at_most(title, "first page with all it brings", "kB", [size / 1000], LIMIT_KB)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=40)
    given = parser.parse_args()
    main(given.cases, given.requests)
