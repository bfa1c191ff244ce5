"""Verifies an export offline: every byte of it, against keys that the verifier brings.

Nothing here trusts the export or needs a database. Each link of the chain is checked by itself, so
that what is wrong is said once and with its place: entries are hashed and compared with the lowest
tiles, tiles are computed from the tiles below them, the head from the tiles, the signatures over
the head; commitments are opened, and every stream's versions are counted. A log of any size is read
as a stream.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.audit.domain import canonical, leaf, merkle
from services.audit.domain.leaf import Opening
from services.audit.domain.merkle import HASH_BYTES, TILE_WIDTH, Head, TileId
from services.audit.domain.note import Checkpoint, Note, NoteError
from services.audit.log import layout
from services.audit.log.decisions import Decisions
from services.audit.log.export import CHECKPOINT, OPENINGS, VKEY
from services.audit.log.keys import KeyVerifier
from services.audit.log.layout import LayoutError, Part

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong."""

    code: str
    """Stable: ``leaf-hash``, ``tile-hash``, ``signature``, ``stream-gap``…"""
    where: str
    """The file, and within it the entry or hash."""
    what: str
    """In words."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what} [{self.code}]"


@dataclass
class Report:
    """What a verification found."""

    origin: str = ""
    size: int = 0
    root: bytes = b""
    signed_by: list[str] = field(default_factory=list)
    streams: int = 0
    continued: int = 0
    """Streams whose first version stands in an earlier log: verify that one too."""
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(
    export: Path,
    keys: Sequence[KeyVerifier],
    *,
    earlier: Iterable[bytes] = (),
    first_log: bool = True,
    progress: Progress = lambda _done, _all: None,
) -> Report:
    """Verify the export in the directory ``export`` with trusted ``keys`` (log's and witnesses').

    ``earlier`` are checkpoints seen before, as signed notes: the log must be an extension of each.
    With ``first_log`` every stream must begin at version 1; without, it may go on from the log of
    the year before.
    """
    return _Verification(export, keys, progress).run(list(earlier), first_log=first_log)


def trusted_key(export: Path) -> KeyVerifier:
    """The key that an export names for itself: good for a first look, not for proof."""
    return KeyVerifier.parse((export / VKEY).read_text())


class _Verification:
    """One verification on its way."""

    def __init__(self, export: Path, keys: Sequence[KeyVerifier], progress: Progress) -> None:
        self.export, self.keys, self.progress = export, keys, progress
        self.report = Report()
        self.head = Head()
        self.entries = 0
        self.committed: dict[int, str] = {}
        self.decisions = Decisions()
        self.events: dict[str, int] = {}
        self.streams: dict[str, dict[int, int]] = defaultdict(dict)
        self.earlier: dict[int, list[tuple[str, bytes]]] = defaultdict(list)

    def run(self, earlier: Sequence[bytes], *, first_log: bool) -> Report:
        checkpoint = self._checkpoint()
        if checkpoint is None:
            return self.report
        for number, raw in enumerate(earlier, start=1):
            self._expect(f"earlier checkpoint {number}", raw, checkpoint)
        for part in layout.bundles_of(checkpoint.size):
            self._bundle(part)
            self.progress(part.n * TILE_WIDTH + part.width, checkpoint.size)
        self._right_edge()
        self._root(checkpoint)
        self._openings()
        self._completeness(first_log=first_log)
        for where, what in self.decisions.problems(first_log=first_log):
            self._add("decision", where, what)
        self._strays(checkpoint.size)
        return self.report

    def _add(self, code: str, where: str, what: str) -> None:
        self.report.problems.append(Problem(code, where, what))

    def _read(self, code: str, path: str) -> bytes | None:
        try:
            return (self.export / path).read_bytes()
        except OSError as error:
            self._add(code, path, f"cannot be read: {error.strerror}")
            return None

    # What was signed

    def _checkpoint(self) -> Checkpoint | None:
        raw = self._read("checkpoint", CHECKPOINT)
        if raw is None:
            return None
        try:
            note = Note.parse(raw)
            checkpoint = Checkpoint.parse(note.text)
        except NoteError as error:
            self._add("checkpoint", CHECKPOINT, str(error))
            return None
        self.report.origin, self.report.size = checkpoint.origin, checkpoint.size
        self.report.root = checkpoint.root
        self._signatures(note, checkpoint.origin)
        return checkpoint

    def _signatures(self, note: Note, origin: str) -> None:
        try:
            signed_by = note.signed_by(self.keys)
        except NoteError as error:
            self._add("signature", CHECKPOINT, str(error))
            return
        self.report.signed_by = [item.label for item in signed_by if isinstance(item, KeyVerifier)]
        if all(item.name != origin for item in signed_by):
            self._add("signature", CHECKPOINT, f"not signed by {origin}")

    def _expect(self, where: str, raw: bytes, checkpoint: Checkpoint) -> None:
        """A checkpoint seen before: the log must have had that root at that size."""
        try:
            note = Note.parse(raw)
            note.signed_by(self.keys)
            seen = Checkpoint.parse(note.text)
        except NoteError as error:
            self._add("earlier", where, str(error))
            return
        if seen.origin != checkpoint.origin:
            self._add("earlier", where, f"is of {seen.origin}")
        elif seen.size > checkpoint.size:
            what = f"has {seen.size} entries, the export {checkpoint.size}: the log was cut"
            self._add("truncated", where, what)
        else:
            self.earlier[seen.size].append((where, seen.root))

    # Entries and tiles

    def _bundle(self, part: Part) -> None:
        """A bundle against its lowest tile; then that tile joins the tree."""
        leaves = self._leaves_of(part)
        hashes = b"".join(map(merkle.leaf_hash, leaves))
        path = layout.tile_path(TileId(0, part.n), part.width)
        stored = self._read("tile", path)
        if stored is not None and len(stored) != part.width * HASH_BYTES:
            self._add("tile", path, f"{len(stored)} bytes, not {part.width * HASH_BYTES}")
            stored = None
        bundle = layout.bundle_path(part)
        for place in _differences(hashes, stored or b""):
            index = part.n * TILE_WIDTH + place
            self._add("leaf-hash", f"{bundle} entry {index}", f"is not what {path} says was logged")
        for place, data in enumerate(leaves):
            hashed = hashes[place * HASH_BYTES : (place + 1) * HASH_BYTES].hex()
            self._leaf(part.n * TILE_WIDTH + place, data, bundle, hashed)
        self._grow(hashes if stored is None else stored)

    def _leaves_of(self, part: Part) -> list[bytes]:
        path = layout.bundle_path(part)
        raw = self._read("bundle", path)
        if raw is None:
            return []
        try:
            leaves = layout.unpack(raw)
        except LayoutError as error:
            self._add("bundle", path, str(error))
            return []
        if len(leaves) != part.width:
            self._add("bundle", path, f"{len(leaves)} entries, not {part.width}")
        self.entries += len(leaves)
        return leaves

    def _leaf(self, index: int, data: bytes, bundle: str, hashed: str) -> None:
        where = f"{bundle} entry {index}"
        try:
            envelope = leaf.read(data)
        except canonical.NotCanonical as error:
            self._add("leaf", where, str(error))
            return
        if "data_sha256" in envelope:
            self.committed[index] = envelope["data_sha256"]
        self.decisions.take(where, envelope, hashed)
        event, stream, version = (envelope[name] for name in ("event_id", "stream_id", "version"))
        if (first := self.events.setdefault(event, index)) != index:
            self._add("doubled", where, f"event {event} stands at entry {first} too")
        if (first := self.streams[stream].setdefault(version, index)) != index:
            self._add("doubled", where, f"version {version} of stream {stream} is at {first} too")

    def _grow(self, run: bytes) -> None:
        before = self.head
        self.head, full = merkle.extend(before, run)
        for tile, computed in sorted(full.items()):
            if tile.level:
                self._tile(tile, computed)
        for size in [size for size in self.earlier if size <= self.head.size]:
            then, _ = merkle.extend(before, run[: (size - before.size) * HASH_BYTES])
            self._forks(size, then.root())

    def _forks(self, size: int, root: bytes) -> None:
        for where, seen in self.earlier.pop(size):
            if seen != root:
                what = f"at {size} entries the log had another root: it was forked"
                self._add("forked", where, what)

    def _right_edge(self) -> None:
        for level, run in enumerate(self.head.edge):
            if run and level:
                self._tile(TileId(level, self.head.size >> (merkle.TILE_HEIGHT * (level + 1))), run)

    def _tile(self, tile: TileId, computed: bytes) -> None:
        """A tile above the lowest against what the tiles below it give."""
        path = layout.tile_path(tile, len(computed) // HASH_BYTES)
        stored = self._read("tile", path)
        if stored is None:
            return
        if len(stored) != len(computed):
            self._add("tile", path, f"{len(stored)} bytes, not {len(computed)}")
        for place in _differences(computed, stored):
            first = (tile.n * TILE_WIDTH + place) << (merkle.TILE_HEIGHT * tile.level)
            self._add("tile-hash", path, f"hash {place}, over the entries from {first} on, differs")

    def _root(self, checkpoint: Checkpoint) -> None:
        if self.entries != checkpoint.size:
            what = f"{checkpoint.size} entries were signed, {self.entries} are here"
            self._add("size", CHECKPOINT, what)
        if self.head.root() != checkpoint.root:
            found = self.head.root().hex()
            self._add(
                "root", CHECKPOINT, f"signed: {checkpoint.root.hex()}; the tiles give {found}"
            )

    # What stands beside

    def _openings(self) -> None:
        """Every commitment must be opened by what stands beside it."""
        opened: set[int] = set()
        for where, index, opening in self._read_openings():
            if self.committed.get(index) != opening.commitment():
                self._add("opening", where, f"is not what entry {index} committed to")
            opened.add(index)
        for index in sorted(self.committed.keys() - opened):
            self._add("opening", OPENINGS, f"the data of entry {index} is missing")

    def _read_openings(self) -> Iterator[tuple[str, int, Opening]]:
        for number, line in enumerate((self._read("opening", OPENINGS) or b"").split(b"\n"), 1):
            where = f"{OPENINGS} line {number}"
            if not line:
                continue
            try:
                yield where, *_opening(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                self._add("opening", where, f"cannot be read: {error}")

    def _completeness(self, *, first_log: bool) -> None:
        self.report.streams = len(self.streams)
        for stream, versions in self.streams.items():
            lowest = min(versions)
            self.report.continued += lowest > 1 and not first_log
            first = 1 if first_log else lowest
            missing = [v for v in range(first, max(versions)) if v not in versions]
            if missing:
                shown = ", ".join(map(str, missing[:10]))
                self._add("stream-gap", f"stream {stream}", f"versions missing: {shown}")

    def _strays(self, size: int) -> None:
        """Files below ``tile`` that no log of that size has, partial ones of older sizes aside."""
        expected = {layout.bundle_path(part) for part in layout.bundles_of(size)}
        expected |= {layout.tile_path(tile, width) for tile, width in merkle.tiles_of(size)}
        for path in sorted((self.export / "tile").rglob("*")):
            name = path.relative_to(self.export).as_posix()
            if path.is_file() and name not in expected and ".p/" not in name:
                self._add("stray", name, f"does not belong to a log of {size} entries")


def _differences(computed: bytes, stored: bytes) -> list[int]:
    """The numbers of the hashes that differ, as far as both go."""
    return [
        at // HASH_BYTES
        for at in range(0, min(len(computed), len(stored)), HASH_BYTES)
        if computed[at : at + HASH_BYTES] != stored[at : at + HASH_BYTES]
    ]


def _opening(line: dict[str, Any]) -> tuple[int, Opening]:
    value = canonical.encode(line["value"])
    return int(line["index"]), Opening(str(line["field"]), bytes.fromhex(line["salt"]), value)
