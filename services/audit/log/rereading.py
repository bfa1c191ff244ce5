"""Reads the log again, a little at each look, and holds it against its own tiles.

What a superuser changes silently is found by ``dixian verify`` and by whoever kept a checkpoint;
this finds it without anybody asking. After the last entry it begins again.
"""

from datetime import datetime
from itertools import pairwise
from typing import Any

import asyncpg

from services.audit.domain import merkle
from services.audit.domain.merkle import HASH_BYTES, TILE_HEIGHT, TILE_WIDTH, TileId
from services.audit.log import completeness, reader
from services.audit.log.reader import Log, NotInLog

FAILED = "verification-failed"
"""Finding: an entry or a tile is not what was hashed."""
_AT_ONCE = 64
"""Full tiles of entries at each look: 16,384 entries."""


class Rereading:
    """Remembers how far each log has been read."""

    def __init__(self) -> None:
        self._next: dict[int, int] = {}

    async def look(self, raw: "asyncpg.Connection[Any]", now: datetime) -> None:
        """Read the next tiles of every log; each that does not hold is a finding."""
        for source in await reader.logs(raw):
            every = source.size // TILE_WIDTH
            start = self._next.get(source.log_id, 0)
            start = start if start < every else 0
            end = min(start + _AT_ONCE, every)
            for n in range(start, end):
                wrong = await _wrong(raw, source, n)
                if wrong is not None:
                    subject = f"{source.origin} {n * TILE_WIDTH}"
                    await completeness.raise_finding(raw, FAILED, subject, {"what": wrong}, now)
            self._next[source.log_id] = end


async def _wrong(raw: "asyncpg.Connection[Any]", source: Log, n: int) -> str | None:
    """What is wrong with the ``n``-th full tile's entries, or with the tiles above it."""
    first = n * TILE_WIDTH
    wanted = [TileId(level, n >> (TILE_HEIGHT * level)) for level in range(_levels(source.size))]
    held = await reader.tiles(raw, source, wanted)
    try:
        leaves = await reader.leaves(raw, source, first, first + TILE_WIDTH)
    except NotInLog:
        return f"entries are missing from {first} on"
    run = b"".join(map(merkle.leaf_hash, leaves))
    if held.get(wanted[0]) != run:
        return f"the entries from {first} on are not what was hashed"
    for below, above in pairwise(wanted):
        if len(held.get(below, b"")) < TILE_WIDTH * HASH_BYTES:
            return None
        place = (below.n % TILE_WIDTH) * HASH_BYTES
        if held.get(above, b"")[place : place + HASH_BYTES] != merkle.run_root(held[below]):
            return f"tile {above.level}/{above.n} is not over tile {below.level}/{below.n}"
    return None


def _levels(size: int) -> int:
    levels = 0
    while size:
        levels, size = levels + 1, size >> TILE_HEIGHT
    return levels
