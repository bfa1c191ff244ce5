"""An export: a log as static files, which anybody's tools can verify without us.

``checkpoint``, ``tile/<level>/<n>``, ``tile/entries/<n>`` as C2SP ``tlog-tiles`` has them; beside
them ``vkey`` (the key, for convenience: whoever verifies should have it from elsewhere) and
``openings.jsonl`` (what commitments in leaves stand for). The files of full tiles never change, so
an export into the same directory goes on where the last one ended.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from services.audit.domain import merkle
from services.audit.domain.merkle import TILE_WIDTH
from services.audit.log import checkpoints, layout, reader
from services.audit.log.checkpoints import Signed
from services.audit.log.reader import Log
from shared.store.database import Database

CHECKPOINT = "checkpoint"
VKEY = "vkey"
OPENINGS = "openings.jsonl"

Progress = Callable[[int, int], None]
"""Called with how many entries are written and how many there are."""

_OPENINGS = """
select idx, field, salt, value from audit.opening where log_id = $1 and idx < $2 order by idx, field
"""


async def export(
    database: Database,
    origin: str | None,
    target: Path,
    progress: Progress = lambda _done, _all: None,
) -> Signed:
    """Write the log ``origin`` (the newest by default), as of its latest checkpoint.

    The checkpoint is written last: an export that was cut off is still the old one, whole.
    Raises ``NoSuchLog`` or ``NoCheckpoint``.
    """
    async with database.reading() as tx:
        source = await reader.log(tx.raw, origin)
        signed = await checkpoints.latest(tx.raw, source)
        await _write_bundles(tx.raw, source, signed.size, target, progress)
        await _write_tiles(tx.raw, source, signed.size, target)
        rows = await tx.raw.fetch(_OPENINGS, source.log_id, signed.size)
    _write(target / OPENINGS, b"".join(_opening(row) for row in rows))
    _write(target / VKEY, f"{signed.vkey}\n".encode())
    _write(target / CHECKPOINT, signed.note)
    return signed


async def _write_bundles(
    raw: "asyncpg.Connection[Any]", source: Log, size: int, target: Path, progress: Progress
) -> None:
    for part in layout.bundles_of(size):
        path = target / layout.bundle_path(part)
        start = part.n * TILE_WIDTH
        if not path.exists():
            leaves = await reader.leaves(raw, source, start, start + part.width)
            _write(path, layout.pack(leaves))
        progress(start + part.width, size)


async def _write_tiles(
    raw: "asyncpg.Connection[Any]", source: Log, size: int, target: Path
) -> None:
    for tile, width in merkle.tiles_of(size):
        path = target / layout.tile_path(tile, width)
        if not path.exists():
            _write(path, await reader.tile(raw, source, tile, width))


def _opening(row: Any) -> bytes:
    line = {
        "index": row["idx"],
        "field": row["field"],
        "salt": row["salt"].hex(),
        "value": orjson.Fragment(row["value"]),
    }
    return orjson.dumps(line) + b"\n"


def _write(path: Path, content: bytes) -> None:
    """Put a file in place whole: nobody ever reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    draft.write_bytes(content)
    draft.replace(path)
