"""Indexes entries behind the append: the times of each whole block, and where its words stand.

What is not a whole block yet has its words entry by entry. All of it is derived from leaves and
can be made anew. What is not indexed yet is looked through by the search itself, so that nothing
is ever missing from an answer.
"""

import asyncio
from typing import Any

import asyncpg

from services.audit.domain import canonical, words
from services.audit.log import blocks, reader
from services.audit.log.blocks import BLOCK
from services.audit.log.reader import Log
from shared.store.database import Database

_BATCH = 2048
_REST = 0.5

_LOCK = "select pg_advisory_xact_lock(6963, $1)"
_SIZE = "select size from audit.indexed where log_id = $1"
_ENTRIES = """
select e.idx, e.leaf, o.value
  from audit.entry e
  left join audit.opening o on o.log_id = e.log_id and o.idx = e.idx and o.field = 'data'
 where e.log_id = $1 and e.idx >= $2 and e.idx < $3 order by e.idx
"""
_OPEN = """
delete from audit.entry_words where log_id = $1 and idx >= $2 and idx < $3 returning idx, words
"""
_BLOCK = """
insert into audit.entry_block (log_id, block, earliest, latest)
select $1, $2, min(recorded_at), max(recorded_at)
  from audit.entry where log_id = $1 and idx >= $3 and idx < $4
"""
_MOVE = """
insert into audit.indexed (log_id, size) values ($1, $2)
on conflict (log_id) do update set size = excluded.size
"""


class Indexer:
    """Follows the logs. Several may run; each batch is one's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            if not await self.once():
                await asyncio.sleep(_REST)

    async def once(self) -> int:
        """Index the next batch of each log; how many entries that were."""
        async with self._database.reading() as tx:
            logs = await reader.logs(tx.raw)
        return sum([await self._next(source) for source in logs])

    async def _next(self, source: Log) -> int:
        async with self._database.transaction() as tx:
            await tx.raw.execute(_LOCK, source.log_id)
            start = await tx.raw.fetchval(_SIZE, source.log_id) or 0
            end = min(start + _BATCH, source.size)
            if start < end:
                await _index(tx.raw, source.log_id, start, end)
        return max(end - start, 0)


async def _index(raw: "asyncpg.Connection[Any]", log_id: int, start: int, end: int) -> None:
    rows = await raw.fetch(_ENTRIES, log_id, start, end)
    await raw.copy_records_to_table(
        "entry_words",
        schema_name="audit",
        columns=("log_id", "idx", "words"),
        records=[(log_id, row["idx"], words.numbers(_words(row))) for row in rows],
    )
    for block in range(start // BLOCK, end // BLOCK):
        await _close(raw, log_id, block)
    await raw.execute(_MOVE, log_id, end)


async def _close(raw: "asyncpg.Connection[Any]", log_id: int, block: int) -> None:
    """A block is whole: its words are kept by word, no longer by entry."""
    low, high = block * BLOCK, (block + 1) * BLOCK
    rows = sorted(await raw.fetch(_OPEN, log_id, low, high))
    found = blocks.postings((row["idx"] - low, row["words"]) for row in rows)
    await raw.copy_records_to_table(
        "block_word",
        schema_name="audit",
        columns=("log_id", "word", "block", "places"),
        records=[(log_id, word, block, places) for word, places in sorted(found.items())],
    )
    await raw.execute(_BLOCK, log_id, block, low, high)


def _words(row: Any) -> set[str]:
    envelope = canonical.decode(row["leaf"])
    if row["value"] is not None:
        envelope["data"] = canonical.decode(row["value"])
    return words.of_entry(envelope)
