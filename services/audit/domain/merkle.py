"""The RFC 6962 Merkle tree over SHA-256, kept as C2SP ``tlog-tiles`` (256 hashes wide).

Hashes are 32 bytes. A run of hashes is their plain concatenation, so that a tile of the standard
is exactly the bytes kept here. Reading is by tile: a proof names the tiles it needs, whoever holds
them fetches them in one go, and the proof is computed from their bytes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

HASH_BYTES = 32
TILE_WIDTH = 256
TILE_BYTES = HASH_BYTES * TILE_WIDTH
TILE_HEIGHT = 8
EMPTY_ROOT = sha256(b"").digest()


class ProofError(ValueError):
    """A proof, tile or hash that does not hold together. The message says what is wrong."""


class TileId(NamedTuple):
    """Where a tile stands: its level (0 holds leaf hashes) and its number from the left."""

    level: int
    n: int


class Range(NamedTuple):
    """A subtree by the leaves under it: from ``start`` up to, not including, ``end``."""

    start: int
    end: int


@dataclass(frozen=True)
class Head:
    """A tree's size and its right edge: per level, the hashes not yet filling a tile.

    ``edge[level]`` is a run of fewer than 256 hashes; it is all that appending needs.
    """

    size: int = 0
    edge: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        for level, run in enumerate(self.edge):
            expected = (self.size >> (TILE_HEIGHT * level)) % TILE_WIDTH * HASH_BYTES
            if len(run) != expected:
                raise ProofError(f"edge level {level} has {len(run)} bytes, not {expected}")
        if self.size >> (TILE_HEIGHT * len(self.edge)):
            raise ProofError(f"an edge of {len(self.edge)} levels is too low for {self.size}")

    def root(self) -> bytes:
        """The root hash: the empty tree's is the hash of nothing."""
        below = b""
        for run in self.edge:
            hashes = run + below
            below = run_root(hashes) if hashes else b""
        return below or EMPTY_ROOT


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of one entry's exact bytes (RFC 6962 §2.1)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two children."""
    return sha256(b"\x01" + left + right).digest()


def run_root(hashes: bytes) -> bytes:
    """The root over a run of at least one hash, itself a tree of any size.

    Pairs are hashed level by level and an odd last one is carried up, which is the same tree as
    RFC 6962's split at the largest power of two.
    """
    while len(hashes) > HASH_BYTES:
        paired = len(hashes) - len(hashes) % (2 * HASH_BYTES)
        level = [
            sha256(b"\x01" + hashes[at : at + 2 * HASH_BYTES]).digest()
            for at in range(0, paired, 2 * HASH_BYTES)
        ]
        hashes = b"".join(level) + hashes[paired:]
    return hashes


_known_root = lru_cache(maxsize=1 << 15)(run_root)
"""For proofs, which ask for the same runs high up in the tree again and again."""


def extend(head: Head, leaf_hashes: bytes) -> tuple[Head, dict[TileId, bytes]]:
    """The head after appending a run of leaf hashes, and the tiles that became full."""
    if len(leaf_hashes) % HASH_BYTES:
        raise ProofError("leaf hashes must be 32 bytes each")
    full: dict[TileId, bytes] = {}
    edge: list[bytes] = []
    arriving = leaf_hashes
    while arriving or len(edge) < len(head.edge):
        level = len(edge)
        run = (head.edge[level] if level < len(head.edge) else b"") + arriving
        tiles = [run[at : at + TILE_BYTES] for at in range(0, len(run), TILE_BYTES)]
        edge.append(tiles.pop() if len(run) % TILE_BYTES else b"")
        first = head.size >> (TILE_HEIGHT * (level + 1))
        full.update({TileId(level, first + i): tile for i, tile in enumerate(tiles)})
        arriving = b"".join(map(run_root, tiles))
    return Head(head.size + len(leaf_hashes) // HASH_BYTES, tuple(edge)), full


def edge_tiles(head: Head) -> Iterable[tuple[TileId, bytes]]:
    """The tiles not yet full, each with the hashes it has so far."""
    for level, run in enumerate(head.edge):
        if run:
            yield TileId(level, head.size >> (TILE_HEIGHT * (level + 1))), run


def tiles_of(size: int) -> Iterable[tuple[TileId, int]]:
    """Every tile of a tree of ``size`` leaves, with its width, lowest level first."""
    level = 0
    while (hashes := size >> (TILE_HEIGHT * level)) > 0:
        full, rest = divmod(hashes, TILE_WIDTH)
        for n in range(full):
            yield TileId(level, n), TILE_WIDTH
        if rest:
            yield TileId(level, full), rest
        level += 1


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The subtrees whose hashes prove leaf ``index`` in a tree of ``size``, leaf to root."""
    if not 0 <= index < size:
        raise ProofError(f"no leaf {index} in a tree of {size}")
    start, end = 0, size
    siblings: list[Range] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            siblings.append(Range(middle, end))
            end = middle
        else:
            siblings.append(Range(start, middle))
            start = middle
    return siblings[::-1]


def consistency_ranges(old: int, size: int) -> list[Range]:
    """The subtrees whose hashes prove that the tree of ``old`` leaves is a prefix of ``size``."""
    if not 0 <= old <= size:
        raise ProofError(f"{old} is not between 0 and {size}")
    if old in {0, size}:
        return []
    start, end, whole = 0, size, True
    found: list[Range] = []
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            found.append(Range(middle, end))
            end = middle
        else:
            found.append(Range(start, middle))
            start, whole = middle, False
    if not whole:
        found.append(Range(start, end))
    return found[::-1]


def tiles_needed(ranges: Iterable[Range]) -> set[TileId]:
    """The tiles from which the hashes of these subtrees are computed."""
    return {_tile_of(part)[0] for wanted in ranges for part in _perfect_parts(wanted)}


def range_hash(wanted: Range, tiles: Mapping[TileId, bytes]) -> bytes:
    """The hash of one subtree. Raises ``ProofError`` when a tile is absent or too short."""
    result = b""
    for part in reversed(_perfect_parts(wanted)):
        tile_id, first, count = _tile_of(part)
        tile = tiles.get(tile_id, b"")
        run = tile[first * HASH_BYTES : (first + count) * HASH_BYTES]
        if len(run) != count * HASH_BYTES:
            raise ProofError(f"tile {tile_id.level}/{tile_id.n} is missing or too short")
        # A full tile of leaves is asked for by the proofs of its own leaves only.
        once = tile_id.level == 0 and len(tile) == TILE_BYTES
        part_root = run_root(run) if once or count == 1 else _known_root(run)
        result = node_hash(part_root, result) if result else part_root
    return result


def proof_hashes(ranges: Sequence[Range], tiles: Mapping[TileId, bytes]) -> list[bytes]:
    """The proof itself: the hash of each of ``ranges``, in order."""
    return [range_hash(wanted, tiles) for wanted in ranges]


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that the leaf whose hash is ``leaf`` stands at ``index`` (RFC 9162 §2.1.3.2).

    Raises ``ProofError`` when it does not.
    """
    _hashes_are_whole(leaf, root, *proof)
    if not 0 <= index < size:
        raise ProofError(f"no leaf {index} in a tree of {size}")
    computed = leaf
    for sibling, on_the_left in _climb(index, size - 1, proof):
        computed = node_hash(sibling, computed) if on_the_left else node_hash(computed, sibling)
    if computed != root:
        raise ProofError("the proof leads to another root")


def verify_consistency(
    old: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes
) -> None:
    """Check that the tree of ``old`` leaves is a prefix of the one of ``size`` (RFC 9162 §2.1.4.2).

    From the empty tree only its own root and an empty proof are accepted. Raises ``ProofError``.
    """
    _hashes_are_whole(old_root, root, *proof)
    if not 0 <= old <= size:
        raise ProofError(f"{old} is not between 0 and {size}")
    if old in {0, size}:
        _trivially_consistent(old, size, proof, old_root, root)
        return
    nodes = list(proof)
    if old & (old - 1) == 0:
        nodes.insert(0, old_root)
    if not nodes:
        raise ProofError("the proof is too short")
    place, last = old - 1, size - 1
    while place % 2:
        place, last = place >> 1, last >> 1
    before = after = nodes[0]
    for node, on_the_left in _climb(place, last, nodes[1:]):
        before = node_hash(node, before) if on_the_left else before
        after = node_hash(node, after) if on_the_left else node_hash(after, node)
    if before != old_root or after != root:
        raise ProofError("the proof leads to other roots")


def _climb(place: int, last: int, proof: Sequence[bytes]) -> Iterable[tuple[bytes, bool]]:
    """The hashes of a proof from leaf to root, each with whether it stands on the left.

    Raises ``ProofError`` when the proof ends before the root or goes on past it.
    """
    for node in proof:
        if last == 0:
            raise ProofError("the proof is too long")
        on_the_left = place % 2 == 1 or place == last
        yield node, on_the_left
        while on_the_left and place and place % 2 == 0:
            place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
    if last:
        raise ProofError("the proof is too short")


def _trivially_consistent(
    old: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes
) -> None:
    if proof:
        raise ProofError("equal sizes and the empty tree need an empty proof")
    if old == 0 and old_root != EMPTY_ROOT:
        raise ProofError("the empty tree has another root")
    if old == size and old_root != root:
        raise ProofError("two roots for one size")


def _hashes_are_whole(*hashes: bytes) -> None:
    if any(len(value) != HASH_BYTES for value in hashes):
        raise ProofError("a hash is not 32 bytes long")


def _split(count: int) -> int:
    """The largest power of two below ``count`` (≥ 2)."""
    return 1 << ((count - 1).bit_length() - 1)


def _perfect_parts(wanted: Range) -> list[Range]:
    """A subtree cut into perfect ones, left to right; the rightmost ones hang together deepest."""
    parts: list[Range] = []
    start, end = wanted
    while (count := end - start) & (count - 1):
        middle = start + _split(count)
        parts.append(Range(start, middle))
        start = middle
    parts.append(Range(start, end))
    return parts


def _tile_of(perfect: Range) -> tuple[TileId, int, int]:
    """The tile holding a perfect subtree, the first of its hashes there, and how many."""
    height = (perfect.end - perfect.start).bit_length() - 1
    level, within = divmod(height, TILE_HEIGHT)
    n, first = divmod(perfect.start >> (TILE_HEIGHT * level), TILE_WIDTH)
    return TileId(level, n), first, 1 << within
