"""Appending one event with its concurrency check, beside a raw INSERT of the same row.

``python -m bench.append``: on the same server and table, with the same durability, one and eight at
a time, in alternated rounds; and beside another event-sourcing library's recorder.
"""

import argparse
import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from bench.peer import Peer
from bench.rounds import Round, alternated, run, table
from shared.kernel.deadline import Deadline
from shared.kernel.event import Cause
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal, Role
from shared.store import event_store
from shared.store.database import Database
from shared.testing import example as ex
from shared.testing.databases import Urls, service_database
from shared.testing.postgres import EmbeddedPostgres

OFFICER = Principal("person:county-officer", frozenset({Role.OFFICER}), "370114")
_TODAY = date(2023, 8, 1)
_INSERT = """
insert into es.event (stream_id, version, event_id, category, type, schema_version, key, region,
                      occurred_on, recorded_at, data, meta)
values ($1, 1, $2, 'errand', 'ErrandOpened', 1, $3, '370114101200', $4, $5, $6, $7)
"""


def opened(household: UUID) -> ex.ErrandOpened:
    """An event of common size (some 300 bytes), with a deadline in it."""
    deadline = Deadline(
        kind="close",
        rule="R54",
        starts_on=_TODAY,
        length="15d",
        due_on=date(2023, 8, 16),
        warn_on=(date(2023, 8, 13),),
        policy="37/2023-1",
    )
    return ex.ErrandOpened(household_id=household, division="370114101200", deadline=deadline)


def inserting(pool: "asyncpg.Pool[Any]", count: int, clients: int) -> Round:
    """The limit: asyncpg alone, a prepared INSERT with values made before."""
    key = new_id()
    data = opened(key).model_dump_json()
    meta = orjson.dumps(Cause(new_id(), new_id()).metadata(OFFICER).as_json()).decode()

    async def one() -> None:
        async with pool.acquire() as connection:
            now = datetime.now(UTC)
            await connection.execute(_INSERT, new_id(), new_id(), key, _TODAY, now, data, meta)

    return _many(one, count, clients)


def appending(database: Database, count: int, clients: int) -> Round:
    """The store: the event as an object, its metadata, the pool, the check of the version."""
    cause = Cause(new_id(), new_id())

    async def one() -> None:
        key = new_id()
        async with database.reading() as tx:
            drafted = event_store.draft(
                stream_id=new_id(),
                category="errand",
                after=0,
                key=key,
                region="370114101200",
                occurred_on=_TODAY,
                recorded_at=tx.clock.now(),
                events=[(new_id(), opened(key))],
                metadata=cause.metadata(OFFICER),
            )
            await event_store.append(tx.raw, drafted)

    return _many(one, count, clients)


def _many(one: Callable[[], Coroutine[Any, Any, None]], count: int, clients: int) -> Round:
    async def client() -> None:
        for _ in range(count // clients):
            await one()

    async def work() -> int:
        await asyncio.gather(*(client() for _ in range(clients)))
        return count // clients * clients

    return work


RAW, STORE, PEER = "raw asyncpg INSERT", "store: append with its check", "eventsourcing's recorder"


async def main(count: int, rounds: int) -> None:
    """Measure and print."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as at, EmbeddedPostgres(Path(at)) as server:
        async with service_database(server, ex.SCHEMA) as urls:
            for clients in (1, 8):
                with Peer(urls.superuser, clients) as peer:
                    await _measure(urls, peer, count, rounds=rounds, clients=clients)


async def _measure(urls: Urls, peer: Peer, count: int, *, rounds: int, clients: int) -> None:
    database = ex.database(urls.writer)
    pool = await asyncpg.create_pool(urls.writer, min_size=clients, max_size=clients)
    contenders = {
        RAW: inserting(pool, count, clients),
        STORE: appending(database, count, clients),
        PEER: peer.inserting(count, opened(new_id()).model_dump_json().encode()),
    }
    rates = await alternated(contenders, rounds)
    title = f"append one event, {clients} at a time"
    table(title, rates, RAW, reach={STORE: {RAW: 0.7, PEER: 3.0}})
    await pool.close()
    await database.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    run(main(given.count, given.rounds))
