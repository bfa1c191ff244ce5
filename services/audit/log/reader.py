"""Reading the log: heads, tiles, entries and proofs, as they were at any size it has had."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from services.audit.domain import merkle
from services.audit.domain.merkle import HASH_BYTES, TILE_WIDTH, Head, Range, TileId
from shared.kernel.refusal import NotFound

_LOGS = """
select l.log_id, l.origin, l.province, l.year, l.opened_at, l.frozen_at, h.size, h.edge
  from audit.log l join audit.log_head h using (log_id)
"""
_TILES = """
select t.level, t.n, t.hashes from unnest($2::smallint[], $3::bigint[]) as wanted(level, n)
  join audit.tile t on t.log_id = $1 and t.level = wanted.level and t.n = wanted.n
"""
_LEAVES = """
select leaf from audit.entry where log_id = $1 and idx >= $2 and idx < $3 order by idx
"""


@dataclass(frozen=True)
class Log:
    """One log, of a province and a year, as it stands."""

    log_id: int
    origin: str
    province: str
    year: int
    opened_at: datetime
    frozen_at: datetime | None
    head: Head

    @property
    def size(self) -> int:
        """How many entries it has."""
        return self.head.size


class NoSuchLog(NotFound):
    """There is no log of that name."""

    def __init__(self) -> None:
        super().__init__("该审计日志", "audit log", field="log")


class NotInLog(NotFound):
    """The log, at the size asked about, has no such entry, tile or size."""

    def __init__(self, field: str) -> None:
        super().__init__("该审计条目", "such place in the audit log", field=field)


async def logs(raw: "asyncpg.Connection[Any]") -> list[Log]:
    """Every log, the newest first."""
    return [_log(row) for row in await raw.fetch(_LOGS + " order by l.year desc, l.log_id desc")]


async def log(raw: "asyncpg.Connection[Any]", origin: str | None = None) -> Log:
    """The log named ``origin``, or the newest. Raises ``NoSuchLog``."""
    if origin is None:
        row = await raw.fetchrow(_LOGS + " order by l.year desc, l.log_id desc limit 1")
    else:
        row = await raw.fetchrow(_LOGS + " where l.origin = $1", origin)
    if row is None:
        raise NoSuchLog
    return _log(row)


async def tiles(
    raw: "asyncpg.Connection[Any]", source: Log, wanted: Iterable[TileId]
) -> dict[TileId, bytes]:
    """The bytes of the tiles asked for: full ones from their table, the others from the edge."""
    ids = set(wanted)
    found = await full_tiles(raw, source.log_id, ids)
    return found | {at: run for at, run in merkle.edge_tiles(source.head) if at in ids}


async def full_tiles(
    raw: "asyncpg.Connection[Any]", log_id: int, wanted: Iterable[TileId]
) -> dict[TileId, bytes]:
    """The bytes of those of the tiles that are full."""
    ids = sorted(wanted)
    rows = await raw.fetch(_TILES, log_id, [t.level for t in ids], [t.n for t in ids])
    return {TileId(row["level"], row["n"]): row["hashes"] for row in rows}


async def tile(raw: "asyncpg.Connection[Any]", source: Log, wanted: TileId, width: int) -> bytes:
    """The first ``width`` hashes of a tile. Raises ``NotInLog`` when they are not there yet."""
    run = (await tiles(raw, source, [wanted])).get(wanted, b"")
    if not 0 < width <= TILE_WIDTH or len(run) < width * HASH_BYTES:
        raise NotInLog("tile")
    return run[: width * HASH_BYTES]


async def leaves(raw: "asyncpg.Connection[Any]", source: Log, start: int, end: int) -> list[bytes]:
    """The exact bytes of the entries from ``start`` up to ``end``. Raises ``NotInLog``."""
    rows = await raw.fetch(_LEAVES, source.log_id, start, end)
    if len(rows) != end - start:
        raise NotInLog("entries")
    return [row["leaf"] for row in rows]


async def inclusion(
    raw: "asyncpg.Connection[Any]", source: Log, index: int, size: int
) -> list[bytes]:
    """The hashes that prove entry ``index`` in the log as of ``size``. Raises ``NotInLog``."""
    if not 0 <= index < size <= source.size:
        raise NotInLog("index")
    return await _hashes(raw, source, merkle.inclusion_ranges(index, size))


async def consistency(
    raw: "asyncpg.Connection[Any]", source: Log, old: int, size: int
) -> list[bytes]:
    """The hashes that prove the log as of ``old`` a prefix of it as of ``size``."""
    if not 0 <= old <= size <= source.size:
        raise NotInLog("from")
    return await _hashes(raw, source, merkle.consistency_ranges(old, size))


async def root(raw: "asyncpg.Connection[Any]", source: Log, size: int) -> bytes:
    """The root the log had at ``size``, computed from its tiles. Raises ``NotInLog``."""
    if not 0 <= size <= source.size:
        raise NotInLog("size")
    if size == 0:
        return merkle.EMPTY_ROOT
    return (await _hashes(raw, source, [Range(0, size)]))[0]


async def _hashes(
    raw: "asyncpg.Connection[Any]", source: Log, ranges: Sequence[Range]
) -> list[bytes]:
    held = await tiles(raw, source, merkle.tiles_needed(ranges))
    return merkle.proof_hashes(ranges, held)


def _log(row: Any) -> Log:
    return Log(
        log_id=row["log_id"],
        origin=row["origin"],
        province=row["province"],
        year=row["year"],
        opened_at=row["opened_at"],
        frozen_at=row["frozen_at"],
        head=Head(row["size"], tuple(row["edge"])),
    )
