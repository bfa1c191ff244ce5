"""An entry's proof, and that somebody asked for it, in one statement and so in one commit.

The reading is written down by the statement that finds the entry, and the answer of a statement is
not there before it is committed: nobody is shown what was not written down. Besides the entry it
brings the newest checkpoint, and the tiles that a path from the entry to the root can touch: those
over the entry, and those at the right edge of the tree that was signed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.audit.domain import merkle
from services.audit.domain.merkle import TILE_HEIGHT, Head, TileId
from services.audit.domain.tlogproof import TlogProof
from services.audit.log.checkpoints import witnessed
from services.audit.log.reader import NoSuchLog
from services.audit.read_models import access
from services.audit.read_models.access import Reading
from services.audit.read_models.trail import NoSuchEntry
from shared.kernel.division import NATION

_PLACE = """
select l.origin, e.idx from audit.entry e join audit.log l using (log_id) where e.event_id = $1
"""
_PROVED = f"""
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
), held as materialized (
    select array_agg(t.level) as levels, array_agg(t.n) as numbers, array_agg(t.hashes) as tiles
      from source s cross join signed
     cross join generate_series(0, cardinality(s.edge) - 1) as height
     cross join unnest(array[$9, signed.size]) as place
     cross join lateral (  -- limited, so that each is looked up and they are never all read
           select * from audit.tile
            where log_id = s.log_id and level = height and n = place >> {TILE_HEIGHT} * (height + 1)
            limit 1) as t
)
select s.origin, s.size, s.edge, found.leaf, signed.size as signed, signed.note, signed.lines,
       held.levels, held.numbers, held.tiles
  from source s left join found on true left join signed on true left join held on true
"""  # noqa: S608 - constants of ours


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


async def proved(
    raw: "asyncpg.Connection[Any]", origin: str | None, index: int, reading: Reading, now: datetime
) -> Proved:
    """The entry at ``index`` of a log (the newest for ``None``).

    Its reading is written down when there is a proof, and so an answer.

    Raises ``NoSuchLog``, or ``NoSuchEntry``, also when the asker may not see the entry (R1).
    """
    division = reading.principal.division
    within = None if division == NATION else division
    row = await raw.fetchrow(_PROVED, *access.said(reading, now), index, within, origin)
    if row is None:
        raise NoSuchLog
    if row["leaf"] is None:
        raise NoSuchEntry("index")
    covered = row["signed"] is not None and row["signed"] > index
    return Proved(row["origin"], index, row["leaf"], _proof(row, index) if covered else None)


def _proof(row: Any, index: int) -> TlogProof:
    full = zip(row["levels"] or (), row["numbers"] or (), row["tiles"] or (), strict=True)
    tiles = {TileId(level, n): hashes for level, n, hashes in full}
    tiles.update(merkle.edge_tiles(Head(row["size"], tuple(row["edge"]))))
    hashes = merkle.proof_hashes(merkle.inclusion_ranges(index, row["signed"]), tiles)
    return TlogProof(index, tuple(hashes), witnessed(row["note"], row["lines"]))
