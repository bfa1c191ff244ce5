"""A caller who goes away in the middle leaves nothing behind for the next one."""

import asyncio

import asyncpg
import pytest

from shared.kernel.clock import SystemClock
from shared.store.database import Database
from shared.testing.bus import SCHEMA
from tests.conftest import NewDatabase

_WRITE = "insert into es.idempotency values ('p', 'r', $1, '', '{}', now())"
_KEYS = "select array_agg(key order by key) from es.idempotency"


@pytest.mark.parametrize("steps", range(1, 24))
async def test_a_transaction_cancelled_anywhere_is_over(
    new_database: NewDatabase, steps: int
) -> None:
    """However far the cancelled one came, what is committed after it is committed.

    A connection whose BEGIN was interrupted looks idle and is inside a transaction: the next user's
    transaction would be a savepoint in it, and never be committed.
    """
    url = (await new_database(SCHEMA)).writer
    database = Database(url, clock=SystemClock(), pool_size=1)
    elsewhere = await asyncpg.connect(url)
    try:
        await _write(database, "before")
        going = asyncio.ensure_future(_write(database, "going"))
        for _ in range(steps):
            await asyncio.sleep(0)
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
        await _write(database, "after")
        found = await elsewhere.fetchval(_KEYS)
        assert set(found) - {"going"} == {"before", "after"}
    finally:
        await elsewhere.close()
        await database.close()


async def _write(database: Database, key: str) -> None:
    async with database.transaction() as tx:
        await tx.raw.execute(_WRITE, key)
