"""Exports as files in memory, for tests that tamper with them and for other people's verifiers."""

from dataclasses import dataclass
from pathlib import Path

from services.audit.domain import leaf, merkle
from services.audit.domain.leaf import Entry, Opening
from services.audit.domain.merkle import Head
from services.audit.domain.note import Checkpoint
from services.audit.log import layout
from services.audit.log.keys import FileKey, KeyVerifier, LogSigner
from tests.integration.audit.support import KEY_SEED, NAME, entry, history

ORIGIN = NAME.origin(2026)
SIGNER = LogSigner(ORIGIN, FileKey(KEY_SEED))
KEY = KeyVerifier.parse(SIGNER.vkey())
SIZE = 600
LARGE = 300
"""The index of the entry whose data is too large for a leaf."""


@dataclass
class Exported:
    """The files of an export."""

    files: dict[str, bytes]

    def at(self, path: Path) -> Path:
        for name, content in self.files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content)
        return path


def events() -> list[Entry]:
    """Six hundred events, one of them large."""
    made = history(20, 30)
    made[LARGE] = entry(0, LARGE // 20 + 1, data={"text": "文" * 30_000})
    return made


def honest() -> Exported:
    """The log of ``events``."""
    sealed = [leaf.seal(event, b"s" * 16) for event in events()]
    opening = sealed[LARGE].opening
    assert opening is not None
    return built([item.data for item in sealed], {LARGE: opening})


def built(
    leaves: list[bytes],
    openings: dict[int, Opening] | None = None,
    signer: LogSigner = SIGNER,
    origin: str = ORIGIN,
) -> Exported:
    """The log that has these leaves, as its own key signs it."""
    head, full = merkle.extend(Head(), b"".join(map(merkle.leaf_hash, leaves)))
    files = {layout.tile_path(tile): run for tile, run in full.items()}
    for level, run in enumerate(head.edge):
        if run:
            tile = merkle.TileId(level, head.size >> (8 * (level + 1)))
            files[layout.tile_path(tile, len(run) // 32)] = run
    for part in layout.bundles_of(len(leaves)):
        files[layout.bundle_path(part)] = layout.pack(leaves[part.n * 256 :][: part.width])
    line = b'{"field":"data","index":%d,"salt":"%s","value":%s}\n'
    files["openings.jsonl"] = b"".join(
        line % (index, item.salt.hex().encode(), item.value)
        for index, item in (openings or {}).items()
    )
    files["vkey"] = f"{signer.vkey()}\n".encode()
    files["checkpoint"] = Checkpoint(origin, head.size, head.root()).signed([signer]).render()
    return Exported(files)
