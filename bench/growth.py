"""The same work among ten and a hundred times the data: what each item takes, side by side.

``python -m bench.growth``: appends to stores of 10,000, 100,000 and 1,000,000 events, and the first
page of a county's queue with 1,000, 10,000 and 100,000 open cases, the sizes taking turns. How a
rebuild, an inclusion proof and a department's file grow stands with their own benchmarks.
"""

import argparse
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from bench import queue, seed
from bench.append import appending
from bench.rounds import Round, alternated, run, table
from shared.kernel.principal import Role
from shared.telemetry.logs import LogSettings, configure
from shared.testing import example as ex
from shared.testing.access import acting
from shared.testing.databases import service_database
from shared.testing.postgres import EmbeddedPostgres

TIMES = (1, 10, 100)
REACH = 1 / 1.3
"""Of the rate at the smallest size: an item may take 1.3 times as long."""


async def stores(server: EmbeddedPostgres, events: int, appends: int, rounds: int) -> None:
    """Appends, eight at a time."""
    async with AsyncExitStack() as stack:
        contenders: dict[str, Round] = {}
        for size in (events * times for times in TIMES):
            urls = await stack.enter_async_context(service_database(server, ex.SCHEMA))
            await seed.errands(urls.superuser, size // 5)
            # What a server does by and by after so many rows, done before and not meanwhile.
            await server.run("vacuum (analyze) es.event", database=_name(urls.superuser))
            database = ex.database(urls.writer)
            stack.push_async_callback(database.close)
            contenders[f"append among {size:,} events"] = appending(database, appends, 8)
        await server.run("checkpoint")
        await _compare("growth: append", contenders, rounds)


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


async def queues(server: EmbeddedPostgres, cases: int, pages: int, rounds: int) -> None:
    """First pages of the county's own turn, one after the other."""
    async with AsyncExitStack() as stack:
        contenders: dict[str, Round] = {}
        for size in (cases * times for times in TIMES):
            client, _ = await stack.enter_async_context(queue.county(server, size))
            contenders[f"queue among {size:,} open cases"] = _paging(client, pages)
        await _compare("growth: first page of the queue", contenders, rounds)


def _paging(client: Any, pages: int) -> Round:
    headers = acting(Role.OFFICER, queue.COUNTY)

    async def work() -> int:
        for _ in range(pages):
            (await client.get("/cases", headers=headers)).raise_for_status()
        return pages

    return work


async def _compare(title: str, contenders: dict[str, Round], rounds: int) -> None:
    rates = await alternated(contenders, rounds)
    smallest, *larger = contenders
    table(title, rates, smallest, reach={name: {smallest: REACH} for name in larger})


async def main(given: Any) -> None:
    """Seed all sizes, measure, print."""
    configure(LogSettings(level="WARNING"))
    with TemporaryDirectory(ignore_cleanup_errors=True) as at, EmbeddedPostgres(Path(at)) as server:
        await stores(server, given.events, given.appends, given.rounds)
        await queues(server, given.cases, given.pages, given.rounds)


def _options(arguments: Sequence[str] | None = None) -> Any:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--appends", type=int, default=2000)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=9)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    run(main(_options()))
