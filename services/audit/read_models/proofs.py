"""An entry's proof, and that somebody asked for it, which is written down before it is answered.

One statement finds the entry and the newest checkpoint and writes the reading down; the answer of a
statement is not there before it is committed: nobody is shown what was not written down. While the
database goes through that, another connection reads the one tile that only this proof needs. The
tiles above are needed by every proof, never change once they are full, and are remembered.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.audit.domain import merkle
from services.audit.domain.merkle import TILE_HEIGHT, TILE_WIDTH, Head, TileId
from services.audit.domain.tlogproof import TlogProof
from services.audit.log import reader
from services.audit.log.checkpoints import witnessed
from services.audit.log.reader import NoSuchLog
from services.audit.read_models import access
from services.audit.read_models.access import Reading
from services.audit.read_models.trail import NoSuchEntry
from shared.kernel.bounded import BoundedCache
from shared.kernel.division import NATION
from shared.store.database import Database

_PLACE = """
select l.origin, e.idx from audit.entry e join audit.log l using (log_id) where e.event_id = $1
"""
_RECORDED = f"""
with source as materialized (
    select l.log_id, l.origin, h.size, h.edge
      from audit.log l join audit.log_head h using (log_id)
     where $11::text is null or l.origin = $11 order by l.year desc, l.log_id desc limit 1
), signed as materialized (
    select c.size, c.note, array(select line from audit.cosignature w
                 where w.log_id = c.log_id and w.size = c.size order by witness) as lines
      from source s join audit.checkpoint c on c.log_id = s.log_id and c.size <= s.size
     order by c.size desc limit 1
), found as materialized (
    select s.origin, e.leaf, array[e.event_id] as events, array[e.key] as keys
      from source s join audit.entry e on e.log_id = s.log_id and e.idx = $9
     where $10::text is null or starts_with(e.region, $10)
), noted as (
    {access.INSERT}
    select {access.WHO}, $8::text::jsonb || jsonb_build_object('log', origin), events, keys
      from found, signed where signed.size > $9
)
select s.log_id, s.origin, s.size, s.edge, found.leaf, signed.size as signed, signed.note,
       signed.lines
  from source s left join found on true left join signed on true
"""  # noqa: S608 - constants of ours
_LOWEST = """
select t.log_id, t.hashes from audit.tile t
 where t.level = 0 and t.n = $1
   and t.log_id = (select log_id from audit.log where $2::text is null or origin = $2
                    order by year desc, log_id desc limit 1)
"""
_REMEMBERED, _SECONDS = 1024, 3600.0
"""How many tiles of 8 KB, enough for 67 million entries; and for how long."""


@dataclass(frozen=True)
class Proved:
    """An entry, and its proof under the newest checkpoint if that covers it."""

    origin: str
    index: int
    leaf: bytes
    proof: TlogProof | None


async def place_of(raw: "asyncpg.Connection[Any]", event_id: UUID) -> tuple[str, int]:
    """The log and the index of an event's entry. Raises ``NoSuchEntry``."""
    row = await raw.fetchrow(_PLACE, event_id)
    if row is None:
        raise NoSuchEntry("event_id")
    return row["origin"], row["idx"]


class Prover:
    """Proves entries of the logs in a database. One a process, for what it remembers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._above: BoundedCache[tuple[int, TileId], bytes] = BoundedCache(
            size=_REMEMBERED, ttl=_SECONDS
        )

    async def proved(
        self, origin: str | None, index: int, reading: Reading, now: datetime
    ) -> Proved:
        """The entry at ``index`` of a log (the newest for ``None``).

        Its reading is written down when there is a proof, and so an answer.

        Raises ``NoSuchLog``, or ``NoSuchEntry``, also when the asker may not see the entry (R1).
        """
        row, lowest = await self._both(
            self._recorded(origin, index, reading, now), self._lowest(origin, index)
        )
        if row is None:
            raise NoSuchLog
        if row["leaf"] is None:
            raise NoSuchEntry("index")
        covered = row["signed"] is not None and row["signed"] > index
        proof = await self._proof(row, index, lowest) if covered else None
        return Proved(row["origin"], index, row["leaf"], proof)

    async def _both(
        self, recorded: Coroutine[Any, Any, Any], lowest: Coroutine[Any, Any, Any]
    ) -> tuple[Any, Any]:
        """What both bring. When one fails the other is ended first, its connection given back."""
        try:
            async with asyncio.TaskGroup() as group:
                one, other = group.create_task(recorded), group.create_task(lowest)
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return one.result(), other.result()

    async def _recorded(
        self, origin: str | None, index: int, reading: Reading, now: datetime
    ) -> Any:
        division = reading.principal.division
        within = None if division == NATION else division
        async with self._database.reading() as tx:
            said = access.said(reading, now)
            return await tx.raw.fetchrow(_RECORDED, *said, index, within, origin)

    async def _lowest(self, origin: str | None, index: int) -> Any:
        async with self._database.reading() as tx:
            return await tx.raw.fetchrow(_LOWEST, index >> TILE_HEIGHT, origin)

    async def _proof(self, row: Any, index: int, lowest: Any) -> TlogProof:
        log_id, head = row["log_id"], Head(row["size"], tuple(row["edge"]))
        ranges = merkle.inclusion_ranges(index, row["signed"])
        tiles = dict(merkle.edge_tiles(head))
        if lowest is not None and lowest["log_id"] == log_id:
            tiles[TileId(0, index >> TILE_HEIGHT)] = lowest["hashes"]
        tiles |= await self._others(log_id, merkle.tiles_needed(ranges) - tiles.keys())
        hashes = merkle.proof_hashes(ranges, tiles)
        return TlogProof(index, tuple(hashes), witnessed(row["note"], row["lines"]))

    async def _others(self, log_id: int, needed: set[TileId]) -> dict[TileId, bytes]:
        """Full tiles: from memory, or else from the database, together with those beside them."""
        known = {at: run for at in needed if (run := self._above.get((log_id, at))) is not None}
        if known.keys() == needed:
            return known
        wanted = {beside for at in needed - known.keys() for beside in _beside(at)}
        async with self._database.reading() as tx:
            read = await reader.full_tiles(tx.raw, log_id, wanted)
        for at, run in read.items():
            self._above.put((log_id, at), run)
        return known | read


def _beside(tile: TileId) -> Iterable[TileId]:
    """The tiles under the same one, where they are few enough to be remembered."""
    if tile.level == 0:
        return [tile]
    first = tile.n - tile.n % TILE_WIDTH
    return (TileId(tile.level, n) for n in range(first, first + TILE_WIDTH))
