"""A service's read models made anew, beside a sequential read of the event table.

``python -m bench.rebuild``: the same events, read in the table's order to a client that throws them
away, and folded into two read models and the clocks, indexes built and tables swapped; and again at
ten times as many.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

from bench import seed
from bench.results import Row, keep
from bench.rounds import Rates, Round, alternated, run, table
from shared.store.rebuild import rebuild
from shared.testing import example as ex
from shared.testing.databases import Urls, service_database
from shared.testing.postgres import EmbeddedPostgres

READ, REBUILT = "sequential read of the event table", "read models and clocks made anew"
LEAST = 60_000
"""Events a second that a rebuild is to reach."""
GROWTH = 1.3
"""How much longer an event may take among ten times as many."""


def reading(url: str, count: int) -> Round:
    """All rows through one COPY."""

    async def away(_data: bytes) -> None:
        """Thrown away."""

    async def work() -> int:
        connection = await asyncpg.connect(url)
        try:
            await connection.copy_from_table("event", schema_name="es", output=away)
        finally:
            await connection.close()
        return count

    return work


def rebuilding(urls: Urls, count: int) -> Round:
    """The whole way, to the swap."""

    async def work() -> int:
        done = await rebuild(urls.owner, "example", [ex.ERRAND], ex.VIEWS)
        assert done.events == count, done
        return count

    return work


async def main(events: int, rounds: int) -> None:
    """Measure both sizes and print."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as at, EmbeddedPostgres(Path(at)) as server:
        found = []
        for count in (events, events * 10):
            async with service_database(server, ex.SCHEMA) as urls:
                await seed.errands(urls.superuser, count // 5)
                rates = await alternated(
                    {READ: reading(urls.superuser, count), REBUILT: rebuilding(urls, count)},
                    rounds if count == events else 2,
                )
            table(f"{count:,} events", rates, READ, reach={REBUILT: {READ: 0.3}})
            _must_reach(f"{count:,} events", rates)
            found.append(rates)
    _must_grow_flat(*found)


def _must_reach(title: str, rates: Rates) -> None:
    found = sorted(rates[REBUILT])
    middle = found[len(found) // 2]
    keep(
        Row(
            title=title,
            work=REBUILT,
            compared="",
            measured=f"{middle:,.0f} events/s",
            figure=round(middle),
            spread=(round(found[0]), round(found[-1])),
            reach=f"≥ {LEAST} events/s",
            met=middle >= LEAST,
        )
    )


def _must_grow_flat(small: Rates, large: Rates) -> None:
    few, many = (sorted(rates[REBUILT]) for rates in (small, large))
    growth = few[len(few) // 2] / many[len(many) // 2]
    keep(
        Row(
            title="growth",
            work=f"{REBUILT}, time per event",
            compared="a tenth of the events",
            measured=f"{growth:.2f} times",
            figure=round(growth, 3),
            spread=(round(few[0] / many[-1], 3), round(few[-1] / many[0], 3)),
            reach=f"≤ {GROWTH}",
            met=growth <= GROWTH,
        )
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    run(main(given.events, given.rounds))
