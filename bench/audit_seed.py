"""A log of any size for the benchmarks, its entries made by PostgreSQL itself.

Only what is asked of the log is measured, so it need not be appended to: leaves, columns, words and
blocks are those that appending and indexing would have left, which ``check`` holds against what the
service's own code makes of the same leaves; the tiles are hashed here.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import asyncpg

from services.audit.domain import canonical, merkle, words
from services.audit.domain.merkle import Head
from services.audit.log import blocks
from services.audit.log.blocks import BLOCK
from shared.testing.databases import Urls, run

ORIGIN = "bench.example/37/2026"
_CHUNK = 1 << 18

# A case has eight events, a few thousand entries apart; a policy comes now and then, and so does a
# decision at a gate.
EVENTS = """
create unlogged table made as
select i as idx, i / 16000 * 2000 + i % 2000 as of_case, 1 + i % 16000 / 2000 as version,
       case when i % 100003 = 7 then 'PolicyPublished' when i % 20011 = 5 then 'CityReviewed'
            else (array['Verified', 'Compared', 'Deliberated', 'TownReviewed', 'NoticePosted',
                        'Publicized', 'Approved', 'Announced'])[1 + i % 16000 / 2000]
       end as type,
       timestamptz '2026-01-01 00:00Z' + i * interval '{every} ms' as recorded_at
  from generate_series(0::bigint, {count} - 1) as i
"""
SEED = """
create table seed (like audit.entry including defaults including constraints);
create unlogged table said (idx bigint not null, words integer[] not null)
"""
ENTRIES = """
insert into seed
select 1, idx, convert_to(
    '{{"actor":"' || actor || '","actor_division":"' || left(region, 6) || '","actor_roles":["'
    || role || '"],"category":"' || category || '","causation_id":"' || event_id
    || '","correlation_id":"' || event_id || '","data":{{"case_id":"' || stream_id
    || '","category":"MARGINAL_AT_RISK","document":"' || document
    || '","members":4,"per_capita_net":775000' || coalesce(',"result":"' || result || '"', '')
    || '}},"event_id":"' || event_id || '","format":"dixian-audit/1","key":"' || key
    || '","occurred_on":"' || to_char(recorded_at, 'YYYY-MM-DD') || '","recorded_at":"'
    || to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '","region":"'
    || region || '","schema_version":1,"service":"' || service || '","stream_id":"' || stream_id
    || '","type":"' || type || '","version":' || version || '}}', 'UTF8'),
    event_id, service, category, type, stream_id, version::int, key, region, recorded_at,
    actor, array[role], event_id
  from (select *, 'person:p-' || (of_case * 7919 + version) % 20000 as actor,
               md5('event' || idx)::uuid as event_id, md5('case' || of_case)::uuid as stream_id,
               md5('house' || of_case)::uuid as key,
               case type when 'Approved' then 'committee' else 'officer' end as role,
               case type when 'CityReviewed' then 'audit' else 'identification' end as service,
               case type when 'CityReviewed' then 'correction' when 'PolicyPublished' then 'policy'
                         else 'case' end as category,
               case when type <> 'Compared' then null
                    when of_case % 500 = 3 then 'MISMATCH' else 'CLEAR' end as result,
               '37' || lpad((1 + of_case % 17)::text, 2, '0')
                   || lpad((1 + of_case % 8)::text, 2, '0')
                   || lpad((of_case % 900)::text, 3, '0') || '001' as region,
               '函' || of_case % 50000 || '号' as document
          from made where idx >= {low} and idx < {high}) as event
"""
WORDS = """
insert into said
select idx, (select array_agg(distinct (crc32(convert_to(word, 'UTF8')) - 2147483648)::int)
    from unnest(array['service:' || service, 'category:' || category, 'type:' || type,
        'actor:' || actor, 'role:' || actor_roles[1], 'region:' || left(region, 2),
        'region:' || left(region, 4), 'region:' || left(region, 6), 'region:' || left(region, 9),
        'region:' || region, 'person', substr(actor, 10), 'p', 'marginal', 'at', 'risk', '函', '号',
        substring(said from '函([0-9]+)号'), 'outcome:' || result, lower(result)]
        || case type when 'CityReviewed' then array['gate:CITY'] end
        || string_to_array(lower(regexp_replace(type, '([a-z])([A-Z])', '\\1 \\2', 'g')), ' '))
      as word where word is not null)
  from (select *, substring(said from '"result":"([A-Z]+)"') as result
          from (select *, convert_from(leaf, 'UTF8') as said from seed
                 where idx >= {low} and idx < {high}) as entry) as entry
"""
INDEXES = (
    "alter table seed add primary key (log_id, idx)",
    "create unique index on seed (event_id, log_id)",
    "create index on seed (stream_id, version)",
    "create index on seed (key, idx)",
    "create index on seed (correlation_id, idx)",
)
TIMES = f"""
insert into audit.entry_block
select 1, idx / {BLOCK}, min(recorded_at), max(recorded_at)
  from made where idx < {{count}} / {BLOCK} * {BLOCK} group by idx / {BLOCK}
"""


async def seed(urls: Urls, count: int) -> None:
    """Fill the log's partition, its words, blocks and tiles."""
    raw = await asyncpg.connect(urls.superuser)
    await raw.execute(f"select audit.open_log('{ORIGIN}', '37', 2026)")
    await raw.execute("drop table audit.entry_1")
    every = 365 * 86_400_000 // count
    await raw.execute(EVENTS.format(count=count, every=every))
    await raw.execute(SEED)
    for statement in (ENTRIES, WORDS):
        made = [statement.format(low=low, high=high) for low, high in _halves(count)]
        await asyncio.gather(*(_in_turn(urls.superuser, [one]) for one in made))
    await raw.close()
    await index(urls, count)


async def index(urls: Urls, count: int) -> None:
    """What finds the entries, and proves them."""
    raw = await asyncpg.connect(urls.superuser)
    await raw.execute(TIMES.format(count=count))
    await asyncio.gather(_in_turn(urls.superuser, INDEXES), _blocks(raw, count))
    await raw.execute("alter table audit.entry attach partition seed for values in (1)")
    await raw.execute("insert into audit.indexed values (1, $1)", count)
    await _tiles(raw, count)
    await check(raw, count)
    await raw.execute("grant select on seed to dixian_audit_writer; drop table said")
    tables = ("seed", "audit.entry_words", "audit.entry_block", "audit.block_word", "audit.tile")
    await run(urls.superuser, *(f"vacuum analyze {table}" for table in tables), "checkpoint")
    await raw.execute("drop table made")  # there while the log is not finished
    await raw.close()


def _halves(count: int) -> list[tuple[int, int]]:
    """Two shares, for two cores."""
    return [(0, count // 2), (count // 2, count)]


async def _in_turn(url: str, statements: Sequence[str]) -> None:
    settings = "set maintenance_work_mem = '2GB'; set work_mem = '256MB'"
    await run(url, settings + "; set synchronous_commit = off;" + ";".join(statements))


async def _blocks(raw: "asyncpg.Connection[Any]", count: int) -> None:
    """Where each word stands in each whole block; and the words of the entries of the last one."""
    await raw.execute("create index on said (idx)")
    for block in range(-(-count // BLOCK)):
        rows = await raw.fetch(
            "select idx, words from said where idx >= $1 and idx < $2 order by idx",
            block * BLOCK,
            (block + 1) * BLOCK,
        )
        if len(rows) < BLOCK:
            records = [(1, row["idx"], row["words"]) for row in rows]
            await raw.copy_records_to_table("entry_words", schema_name="audit", records=records)
            return
        found = blocks.postings((row["idx"] % BLOCK, row["words"]) for row in rows)
        await raw.copy_records_to_table(
            "block_word",
            schema_name="audit",
            records=[(1, word, block, places) for word, places in sorted(found.items())],
        )


async def _tiles(raw: "asyncpg.Connection[Any]", count: int) -> None:
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


async def check(raw: "asyncpg.Connection[Any]", count: int) -> None:
    """Whether random leaves are canonical, and have the words that the service gives them."""
    chosen = random.Random(1).sample(range(count), 500)
    rows = await raw.fetch(
        "select e.leaf, w.words from seed e join said w using (idx) where e.log_id = 1"
        " and (e.idx = any($1) or (e.type in ('CityReviewed', 'PolicyPublished')"
        " and e.idx < 200000))",
        chosen,
    )
    assert len(rows) >= len(chosen)
    for row in rows:
        envelope = canonical.decode(row["leaf"])
        assert row["words"] == words.numbers(words.of_entry(envelope)), envelope
