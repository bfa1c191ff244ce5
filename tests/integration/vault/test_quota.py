"""Callers' counts in a real table, shared by several processes."""

import asyncio

from shared.kernel.principal import Principal, Role
from shared.store.database import Database
from shared.web.rate_limit import RateLimiter, TableCounts
from shared.web.settings import WebSettings

FEED = Principal("machine:1", frozenset({Role.FEED}), "37", frozenset({"health"}))


async def test_three_processes_admit_the_quota_between_them(database: Database) -> None:
    # A window of a year: no minute ends in the middle of the test.
    counts = TableCounts(database.reading, window=366 * 86_400)
    processes = [RateLimiter(counts, WebSettings(machine_quota=200)) for _ in range(3)]
    asked = [limiter.admit(FEED) for _ in range(100) for limiter in processes]
    standings = [found for found in await asyncio.gather(*asked) if found is not None]
    assert len(standings) == 300
    assert sum(standing.admitted for standing in standings) == 200


async def test_a_window_that_has_passed_counts_for_nothing(database: Database) -> None:
    counts = TableCounts(database.reading)
    await counts.take("machine:1", 7)
    async with database.transaction() as tx:
        await tx.raw.execute(
            "update access.quota set window_start = window_start - interval '1 minute'"
        )
    taken = await counts.take("machine:1", 5)
    assert taken.used == 5
    assert 0 < taken.seconds_left <= 60
