"""The audit log: appending beside COPY of the same entries, proofs, and first pages of filters.

usage: python -m bench.audit [ENTRIES=200000] [BATCH=1000]

Everything runs on an embedded PostgreSQL of its own, as the writer role; each batch is a committed
transaction, here and there. The log's root is checked against an independent recomputation.
"""

import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
from asyncpg.pgproto import pgproto

from bench.results import Row, keep
from services.audit.domain import leaf, merkle
from services.audit.domain.leaf import Entry
from services.audit.log import append, reader
from services.audit.log.append import LogName, LogWriter
from services.audit.read_models.search import search
from services.audit.read_models.trail import Filter
from services.audit.schema import SCHEMA
from shared.kernel.clock import SystemClock
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal, Role
from shared.store.database import Database
from shared.testing.databases import Urls, service_database
from shared.testing.databases import run as statements
from shared.testing.postgres import EmbeddedPostgres

TYPES = ("Verified", "Compared", "Deliberated", "TownReviewed", "Publicized", "Approved")
COPIES = {"copy_with_indexes": " including all", "copy_alone": ""}
"""What appending is compared with: COPY of the same rows into tables like the log's."""
COMPARED = {
    "copy_with_indexes": "COPY of the same entries into a table with the same indexes",
    "copy_alone": "COPY of the same entries into a table with none",
}
ROUNDS = 5
LEAST, SHARE = 15_000, 0.4
"""What is to be reached: entries a second, and the share of a COPY."""
INSPECTOR = Principal("bench", frozenset({Role.INSPECTOR}), "37")
START = datetime(2026, 1, 1, tzinfo=UTC)


def entries(count: int, chance: random.Random) -> Iterator[Entry]:
    """Events as a province makes them: many cases on their way at once, in 136 counties."""
    opened: list[tuple[UUID, UUID, str]] = []
    versions: list[int] = []
    for number in range(count):
        if not opened or chance.random() < 0.12:
            county = f"37{chance.randrange(1, 17):02d}{chance.randrange(1, 9):02d}"
            opened.append(
                (
                    fresh(),
                    fresh(),
                    f"{county}{chance.randrange(1000):03d}001",
                )
            )
            versions.append(0)
        at = max(0, len(opened) - 1 - int(chance.expovariate(1 / 3000)))
        case, household, region = opened[at]
        versions[at] += 1
        yield entry(number, case, household, region, versions[at], chance)


def fresh() -> UUID:
    """A new id as the consumer makes them from a message's headers."""
    made: UUID = pgproto.UUID(str(new_id()))
    return made


def entry(  # noqa: PLR0917 - one event has that many parts
    number: int, case: UUID, household: UUID, region: str, version: int, chance: random.Random
) -> Entry:
    """One event of some 300 bytes of data."""
    return Entry(
        service="identification",
        event_id=fresh(),
        stream_id=case,
        category="case",
        version=version,
        type=TYPES[version % len(TYPES)],
        schema_version=1,
        key=household,
        region=region,
        occurred_on=date(2026, 1, 1),
        recorded_at=START + timedelta(seconds=number),
        actor=f"p-{chance.randrange(2000)}",
        actor_division=region[:6],
        actor_roles=("officer",),
        correlation_id=fresh(),
        causation_id=fresh(),
        data={
            "case_id": str(case),
            "household_id": str(household),
            "division": region,
            "category": "MARGINAL_AT_RISK",
            "members": 4,
            "per_capita_net": 775_000,
            "note_id": str(new_id()),
        },
    )


async def main(count: int, batch: int) -> None:
    """Run it all and print one line for each figure."""
    with tempfile.TemporaryDirectory(prefix="dixian-bench-", ignore_cleanup_errors=True) as place:
        os.chmod(place, 0o755)  # noqa: PTH101 - nothing else runs yet
        with EmbeddedPostgres(Path(place) / "postgres") as server:
            async with service_database(server, SCHEMA) as urls:
                await figures(urls, count, batch)


async def figures(urls: Urls, count: int, batch: int) -> None:
    """The figures, on one database."""
    made = list(entries(count, random.Random(1)))
    batches = [made[at : at + batch] for at in range(0, count, batch)]
    database = Database(urls.writer, clock=SystemClock())
    await appends(urls, database, batches, count)
    await check_root(database, made)
    await proofs(database, count)
    await pages(urls, database, made)
    await database.close()


async def appends(urls: Urls, database: Database, batches: list[list[Entry]], count: int) -> None:
    """Append and COPY turn by turn, batch by batch, so that a busy machine is busy for all."""
    writer = LogWriter(LogName("bench.example", "37"), SystemClock())
    raw = await asyncpg.connect(urls.superuser)
    for table, like in COPIES.items():
        await raw.execute(f"create table {table} (like audit.entry{like})")
    rounds: list[dict[str, float]] = []
    at = 0
    for number, batch in enumerate(batches):
        if number % max(1, len(batches) // ROUNDS) == 0:
            rounds.append(dict.fromkeys(("append", *COPIES), 0.0))
        taken = rounds[-1]
        began = time.perf_counter()
        async with database.transaction() as tx:
            await writer.append(tx, batch)
        taken["append"] += time.perf_counter() - began
        leaves = [leaf.seal(item, b"").data for item in batch]
        pairs = enumerate(zip(batch, leaves, strict=True), start=at)
        rows = [append.row(1, index, item, data) for index, (item, data) in pairs]
        for table in COPIES:
            began = time.perf_counter()
            await raw.copy_records_to_table(table, columns=append.COLUMNS, records=rows)
            taken[table] += time.perf_counter() - began
        at += len(batch)
    await raw.close()
    for table, compared in COMPARED.items():
        beside(count, table, compared, rounds)
    speed = count / sum(one["append"] for one in rounds)
    each = sorted(count / len(rounds) / one["append"] for one in rounds)
    title = f"{count:,} entries"
    keep(
        Row(
            title=title,
            work="append entries, tiles and head",
            compared="",
            measured=f"{speed:,.0f} entries/s",
            figure=round(speed),
            spread=(round(each[0]), round(each[-1])),
            reach="≥ 15,000 entries/s",
            met=speed >= LEAST,
        )
    )


def beside(count: int, table: str, compared: str, rounds: list[dict[str, float]]) -> None:
    """The ratio to one of the COPYs, round by round."""
    ratios = sorted(one[table] / one["append"] for one in rounds)
    ratio = ratios[len(ratios) // 2]
    speeds = [count / sum(one[name] for one in rounds) for name in ("append", table)]
    keep(
        Row(
            title=f"{count:,} entries",
            work="append entries, tiles and head",
            compared=compared,
            measured="{:,.0f} against {:,.0f} entries/s".format(*speeds),
            figure=round(ratio, 3),
            spread=(round(ratios[0], 3), round(ratios[-1], 3)),
            reach=f"≥ {SHARE}",
            met=ratio >= SHARE,
        )
    )


async def check_root(database: Database, made: list[Entry]) -> None:
    """The log's root against all leaves hashed anew."""
    hashes = b"".join(merkle.leaf_hash(leaf.seal(item, b"").data) for item in made)
    async with database.reading() as tx:
        source = await reader.log(tx.raw)
    assert source.head.root() == merkle.run_root(hashes), "the root differs"


async def proofs(database: Database, count: int) -> None:
    """Inclusion proofs of random entries, from the database to the hashes."""
    chance = random.Random(2)

    async def one() -> None:
        async with database.reading() as tx:
            source = await reader.log(tx.raw)
            await reader.inclusion(tx.raw, source, chance.randrange(count), source.size)

    await timed("inclusion proof", one, 500)


async def pages(urls: Urls, database: Database, made: list[Entry]) -> None:
    """The first page of fifty, for one filter after the other."""
    await statements(urls.superuser, "analyze audit.entry")
    chance = random.Random(3)
    asked: dict[str, Callable[[Entry], Filter]] = {
        "no filter": lambda _item: Filter(),
        "household": lambda item: Filter(household=item.key),
        "stream": lambda item: Filter(stream=item.stream_id),
        "actor": lambda item: Filter(actor=item.actor),
        "type": lambda item: Filter(type=item.type),
        "county": lambda item: Filter(region=item.region[:6]),
        "village": lambda item: Filter(region=item.region),
        "day": lambda item: Filter(
            since=item.recorded_at, until=item.recorded_at + timedelta(days=1)
        ),
        "county, type, day": lambda item: Filter(
            region=item.region[:6],
            type=item.type,
            since=item.recorded_at,
            until=item.recorded_at + timedelta(days=1),
        ),
    }
    for name, make in asked.items():

        async def one(make: Callable[[Entry], Filter] = make) -> None:
            async with database.transaction() as tx:
                await search(tx.sql, make(chance.choice(made)), INSPECTOR, limit=51)

        await timed(f"first page: {name}", one, 100)


async def timed(name: str, act: Callable[[], Awaitable[None]], times: int) -> float:
    """Median and 95th percentile in ms, after a warm-up; the latter is returned."""
    taken = []
    for _ in range(times + 5):
        began = time.perf_counter()
        await act()
        taken.append(time.perf_counter() - began)
    taken = sorted(taken[5:])
    middle, tail = taken[times // 2] * 1000, taken[int(times * 0.95)] * 1000
    print(f"{name:<25} p50 {middle:>7.2f} ms   p95 {tail:>7.2f} ms")
    return tail


if __name__ == "__main__":
    arguments = [int(value) for value in sys.argv[1:]]
    asyncio.run(main(*(arguments or [200_000]), *([1000] if len(arguments) < 2 else [])))
