"""A log of ten million entries: inclusion proofs, and the first page of every kind of filter.

usage: python -m bench.audit_large [ENTRIES=10000000]

The entries are made by PostgreSQL itself, because only what is asked of them is measured; their
leaves are hashed into tiles here, and their root is what the proofs lead to. Every page is what the
service answers: planned, found, read out of its leaves.
"""

import asyncio
import os
import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from bench.audit import INSPECTOR, timed
from bench.results import at_most
from services.audit.domain import canonical, merkle
from services.audit.domain.merkle import Head
from services.audit.log import indexer, reader
from services.audit.read_models.search import search
from services.audit.read_models.trail import Filter
from services.audit.schema import SCHEMA
from shared.kernel.clock import SystemClock
from shared.store.database import Database
from shared.testing.databases import Urls, service_database
from shared.testing.postgres import EmbeddedPostgres

START = datetime(2026, 1, 1, tzinfo=UTC)
_CHUNK = 1 << 18

# A case has eight events, a few thousand entries apart; a policy comes now and then.
EVENTS = """
create unlogged table made as
select i as idx, i / 16000 * 2000 + i % 2000 as of_case, 1 + i % 16000 / 2000 as version,
       case when i % 100003 = 7 then 'PolicyPublished' else (array['Verified', 'Compared',
           'Deliberated', 'TownReviewed', 'NoticePosted', 'Publicized', 'Approved',
           'Announced'])[1 + i % 16000 / 2000] end as type,
       timestamptz '2026-01-01 00:00Z' + i * interval '{every} ms' as recorded_at
  from generate_series(0::bigint, {count} - 1) as i
"""
ENTRIES = """
create table seed (like audit.entry including defaults including constraints);
insert into seed
select 1, idx, convert_to(
    '{{"actor":"' || actor || '","actor_division":"' || left(region, 6) || '","actor_roles":["'
    || role || '"],"category":"case","causation_id":"' || event_id || '","correlation_id":"'
    || event_id || '","data":{{"case_id":"' || stream_id || '","category":"MARGINAL_AT_RISK",'
    || '"document":"' || document || '","members":4,"per_capita_net":775000}},"event_id":"'
    || event_id || '","format":"dixian-audit/1","key":"' || key || '","occurred_on":"'
    || to_char(recorded_at, 'YYYY-MM-DD') || '","recorded_at":"'
    || to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '","region":"'
    || region || '","schema_version":1,"service":"identification","stream_id":"' || stream_id
    || '","type":"' || type || '","version":' || version || '}}', 'UTF8'),
    event_id, 'identification', 'case', type, stream_id, version::int, key, region, recorded_at,
    actor, array[role], event_id
  from (select *, 'person:p-' || (of_case * 7919 + version) % 20000 as actor,
               md5('event' || idx)::uuid as event_id, md5('case' || of_case)::uuid as stream_id,
               md5('house' || of_case)::uuid as key,
               case type when 'Approved' then 'committee' else 'officer' end as role,
               '37' || lpad((1 + of_case % 17)::text, 2, '0')
                   || lpad((1 + of_case % 8)::text, 2, '0')
                   || lpad((of_case % 900)::text, 3, '0') || '001' as region,
               '函' || of_case % 50000 || '号' as document
          from made) as event
"""
WORDS = """
insert into audit.entry_words
select 1, idx, (select array_agg(distinct (crc32(convert_to(word, 'UTF8')) - 2147483648)::int)
    from unnest(array['service:identification', 'category:case', 'type:' || type, 'actor:' || actor,
        'role:' || actor_roles[1], 'region:' || left(region, 2), 'region:' || left(region, 4),
        'region:' || left(region, 6), 'region:' || left(region, 9), 'region:' || region,
        'person', substr(actor, 8), 'p', substr(actor, 10), 'marginal', 'at', 'risk', lower(type),
        substring(convert_from(leaf, 'UTF8') from '函([0-9]+)号')]) as word)
  from seed
"""
INDEXES = (
    "alter table seed add primary key (log_id, idx)",
    "create unique index on seed (event_id, log_id)",
    "create index on seed (stream_id, version)",
    "create index on seed (key, idx)",
    "create index on seed (correlation_id, idx)",
    "create index entry_words_words on audit.entry_words using gin (words)",
)
BLOCKS = f"""
insert into audit.entry_block
select 1, block, earliest, latest, words from (
    select idx / {indexer.BLOCK} as block, min(recorded_at) as earliest, max(recorded_at) as latest
      from made group by 1) as times
  join (select idx / {indexer.BLOCK} as block, array_agg(distinct word) as words
          from audit.entry_words, unnest(words) as word group by 1) as found using (block)
 where block < {{count}} / {indexer.BLOCK}
"""


async def main(count: int) -> None:
    """Make the log, and ask it."""
    with tempfile.TemporaryDirectory(prefix="dixian-bench-", ignore_cleanup_errors=True) as place:
        os.chmod(place, 0o755)  # noqa: PTH101 - nothing else runs yet
        with EmbeddedPostgres(Path(place) / "postgres") as server:
            async with service_database(server, SCHEMA) as urls:
                began = time.perf_counter()
                await seed(urls, count)
                print(f"{count:,} entries made in {time.perf_counter() - began:,.0f} s")
                database = Database(urls.writer, clock=SystemClock())
                await proofs(database, count)
                await pages(database, count)
                await database.close()


async def seed(urls: Urls, count: int) -> None:
    """Fill the log's partition, its words and its tiles."""
    raw = await asyncpg.connect(urls.superuser)
    await raw.execute("select audit.open_log('bench.example/37/2026', '37', 2026)")
    await raw.execute("drop table audit.entry_1; drop index audit.entry_words_words")
    await raw.execute("set maintenance_work_mem = '1GB'; set work_mem = '256MB'")
    numbers = {"count": count, "every": 365 * 86_400_000 // count}
    for statement in (EVENTS, ENTRIES):
        await raw.execute(statement.format(**numbers))
    await raw.execute(WORDS)
    await raw.execute(BLOCKS.format(**numbers))
    await asyncio.gather(*(_in_turn(urls.superuser, INDEXES[part::2]) for part in (0, 1)))
    await raw.execute("alter table audit.entry attach partition seed for values in (1)")
    await raw.execute("insert into audit.indexed values (1, $1)", count)
    await tiles(raw, count)
    await raw.execute("analyze audit.entry; analyze audit.entry_words; drop table made")
    await raw.execute("grant select on seed to dixian_audit_writer")
    await raw.close()


async def _in_turn(url: str, statements: tuple[str, ...]) -> None:
    raw = await asyncpg.connect(url)
    await raw.execute("set maintenance_work_mem = '2GB'")
    for statement in statements:
        await raw.execute(statement)
    await raw.close()


async def tiles(raw: "asyncpg.Connection[Any]", count: int) -> None:
    """The tree over the leaves' hashes, as appending would have left it."""
    head = Head()
    for start in range(0, count, _CHUNK):
        rows = await raw.fetch(
            "select sha256('\\x00'::bytea || leaf) from seed where idx >= $1 and idx < $2"
            " order by idx",
            start,
            start + _CHUNK,
        )
        head, full = merkle.extend(head, b"".join(row[0] for row in rows))
        await raw.copy_records_to_table(
            "tile", schema_name="audit", records=[(1, *tile, run) for tile, run in full.items()]
        )
    await raw.execute("update audit.log_head set size = $1, edge = $2", head.size, list(head.edge))


async def proofs(database: Database, count: int) -> None:
    """Inclusion proofs of random entries, each verified against the root once it was timed."""
    chance = random.Random(2)
    shown: list[tuple[int, list[bytes]]] = []
    async with database.reading() as tx:
        root = (await reader.log(tx.raw)).head.root()

    async def one() -> None:
        index = chance.randrange(count)
        async with database.reading() as tx:
            source = await reader.log(tx.raw)
            shown.append((index, await reader.inclusion(tx.raw, source, index, source.size)))

    tails = [await timed("inclusion proof", one, 400) for _ in range(3)]
    at_most(f"{count:,} entries, p95", "inclusion proof", "ms", tails, 3)
    async with database.reading() as tx:
        source = await reader.log(tx.raw)
        for index, proof in shown[:200]:
            [leaf] = await reader.leaves(tx.raw, source, index, index + 1)
            canonical.decode(leaf)
            merkle.verify_inclusion(index, count, merkle.leaf_hash(leaf), proof, root)


async def pages(database: Database, count: int) -> None:
    """The first page of fifty, for one filter after the other."""
    chance = random.Random(3)
    for name, keys in FILTERS.items():

        async def one(keys: tuple[str, ...] = keys) -> float:
            async with database.transaction() as tx:
                row = await tx.raw.fetchrow(_ANY, chance.randrange(count))
            asked = Filter(**dict(pair for key in keys for pair in _asked(key, row)))
            began = time.perf_counter()
            async with database.transaction() as tx:
                await search(tx.sql, asked, INSPECTOR, limit=51)
            return (time.perf_counter() - began) * 1000

        tails = [report(name, [await one() for _ in range(25)][5:]) for _ in range(3)]
        at_most(f"{count:,} entries, p95", f"first page: {name}", "ms", tails, 50)


_ANY = """
select idx, type, actor, region, key, stream_id, event_id, recorded_at,
       substring(convert_from(leaf, 'UTF8') from '函([0-9]+)号') as document
  from audit.entry where log_id = 1 and idx = $1
"""
FILTERS: dict[str, tuple[str, ...]] = {
    "no filter": (),
    "household": ("household",),
    "stream": ("stream",),
    "request": ("correlation",),
    "actor": ("actor",),
    "role": ("role",),
    "type": ("type",),
    "rare type": ("rare",),
    "county": ("county",),
    "village": ("village",),
    "day": ("day",),
    "month": ("month",),
    "county, type, day": ("county", "type", "day"),
    "county, rare type": ("county", "rare"),
    "actor, rare type": ("actor", "rare"),
    "actor, role, month": ("actor", "role", "month"),
    "text: document": ("document",),
    "text: common word": ("word",),
    "text, county": ("document", "county"),
    "text, nothing": ("document", "rare"),
}


def _asked(key: str, row: Any) -> list[tuple[str, Any]]:
    """The conditions of one kind, as entry ``row`` would answer them."""
    at: datetime = row["recorded_at"]
    made: dict[str, list[tuple[str, Any]]] = {
        "household": [("household", row["key"])],
        "stream": [("stream", row["stream_id"])],
        "correlation": [("correlation", row["event_id"])],
        "actor": [("actor", row["actor"])],
        "role": [("role", "committee")],
        "type": [("type", row["type"])],
        "rare": [("type", "PolicyPublished")],
        "county": [("region", row["region"][:6])],
        "village": [("region", row["region"])],
        "day": [("since", at), ("until", at + timedelta(days=1))],
        "month": [("since", at - timedelta(days=30)), ("until", at)],
        "document": [("text", row["document"])],
        "word": [("text", "marginal")],
    }
    return made[key]


def report(name: str, taken: list[float]) -> float:
    """One line of figures; the 95th percentile."""
    taken = sorted(taken)
    middle, tail = taken[len(taken) // 2], taken[int(len(taken) * 0.95)]
    print(f"first page: {name:<22} p50 {middle:>7.2f} ms   p95 {tail:>7.2f} ms", flush=True)
    return tail


if __name__ == "__main__":
    asyncio.run(main(*(int(value) for value in sys.argv[1:2] or ["10000000"])))
