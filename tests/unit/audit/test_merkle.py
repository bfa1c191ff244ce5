"""The tree: reference vectors, tiles against a naive recomputation, proofs, refusals."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit.domain import merkle
from services.audit.domain.merkle import Head, ProofError, TileId

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive_root(hashes: list[bytes]) -> bytes:
    """RFC 6962 §2.1 word for word."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return merkle.node_hash(naive_root(hashes[:split]), naive_root(hashes[split:]))


def leaf_run(count: int) -> list[bytes]:
    return [merkle.leaf_hash(number.to_bytes(4, "big")) for number in range(count)]


def grown(hashes: list[bytes], cuts: list[int]) -> tuple[Head, dict[TileId, bytes]]:
    """The tree appended in batches that end at ``cuts``; the right edge stands among the tiles."""
    head, tiles, done = Head(), {}, 0
    for cut in [*sorted(cuts), len(hashes)]:
        head, full = merkle.extend(head, b"".join(hashes[done:cut]))
        tiles.update(full)
        done = max(done, cut)
    for level, run in enumerate(head.edge):
        if run:
            tiles[TileId(level, head.size >> (8 * (level + 1)))] = run
    return head, tiles


@pytest.mark.parametrize("size", range(9))
def test_reference_roots(size: int) -> None:
    hashes = [merkle.leaf_hash(leaf) for leaf in LEAVES[:size]]
    assert grown(hashes, [])[0].root().hex() == ROOTS[size]
    assert grown(hashes, list(range(size)))[0].root().hex() == ROOTS[size]


HASHES = leaf_run(70_000)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_batches_and_tiles_agree_with_the_naive_tree(data: st.DataObject) -> None:
    size = data.draw(st.integers(0, 1_500))
    cuts = data.draw(st.lists(st.integers(0, size), max_size=6))
    head, tiles = grown(HASHES[:size], cuts)
    assert (head.size, head.root()) == (size, naive_root(HASHES[:size]))
    assert {(tile, len(run) // 32) for tile, run in tiles.items()} == set(merkle.tiles_of(size))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_proofs_from_tiles_verify_at_every_older_size(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 1_500))
    _, tiles = grown(HASHES[:size], [])
    at = data.draw(st.integers(1, size))
    index = data.draw(st.integers(0, at - 1))
    old = data.draw(st.integers(0, at))
    root, old_root = naive_root(HASHES[:at]), naive_root(HASHES[:old])
    ranges = merkle.inclusion_ranges(index, at)
    wanted = {tile: tiles[tile] for tile in merkle.tiles_needed(ranges)}
    proof = merkle.proof_hashes(ranges, wanted)
    merkle.verify_inclusion(index, at, HASHES[index], proof, root)
    ranges = merkle.consistency_ranges(old, at)
    wanted = {tile: tiles[tile] for tile in merkle.tiles_needed(ranges)}
    merkle.verify_consistency(old, at, merkle.proof_hashes(ranges, wanted), old_root, root)


def test_a_tree_of_three_tile_levels() -> None:
    head, tiles = grown(HASHES, [1, 65_536, 65_537])
    assert head.root() == merkle.run_root(b"".join(HASHES))
    ranges = merkle.inclusion_ranges(65_535, 70_000)
    needed = merkle.tiles_needed(ranges)
    assert len(needed) <= 6
    proof = merkle.proof_hashes(ranges, {tile: tiles[tile] for tile in needed})
    merkle.verify_inclusion(65_535, 70_000, HASHES[65_535], proof, head.root())


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_changed_proof_is_refused(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 300))
    index = data.draw(st.integers(0, size - 1))
    _, tiles = grown(HASHES[:size], [])
    root = naive_root(HASHES[:size])
    proof = merkle.proof_hashes(merkle.inclusion_ranges(index, size), tiles)
    at = data.draw(st.integers(0, len(proof) - 1))
    flipped = [*proof[:at], bytes([proof[at][0] ^ 1]) + proof[at][1:], *proof[at + 1 :]]
    for wrong in (flipped, proof[:-1], [*proof, proof[0]], [*proof[:at], proof[at][:31]]):
        with pytest.raises(ProofError):
            merkle.verify_inclusion(index, size, HASHES[index], wrong, root)
    with pytest.raises(ProofError):
        merkle.verify_inclusion((index + 1) % size, size, HASHES[index], proof, root)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_rewritten_history_has_no_consistency_proof(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 300))
    old = data.draw(st.integers(1, size - 1))
    _, tiles = grown(HASHES[:size], [])
    root, old_root = naive_root(HASHES[:size]), naive_root(HASHES[:old])
    proof = merkle.proof_hashes(merkle.consistency_ranges(old, size), tiles)
    other = naive_root([*HASHES[: old - 1], HASHES[999]])
    for arguments in (
        (old, size, proof, other, root),
        (old, size, proof, old_root, other),
        (old, size, [*proof, proof[0]], old_root, root),
        (old, size, proof[:-1], old_root, root),
    ):
        with pytest.raises(ProofError):
            merkle.verify_consistency(*arguments)


def test_the_edge_cases_are_decided() -> None:
    root = naive_root(HASHES[:5])
    merkle.verify_consistency(0, 5, [], merkle.EMPTY_ROOT, root)
    merkle.verify_consistency(5, 5, [], root, root)
    for arguments in (
        (0, 5, [], root, root),
        (0, 5, [root], merkle.EMPTY_ROOT, root),
        (5, 5, [], merkle.EMPTY_ROOT, root),
        (6, 5, [], root, root),
        (2, 5, [root[:31]], root, root),
    ):
        with pytest.raises(ProofError):
            merkle.verify_consistency(*arguments)
    for index, size in ((-1, 5), (5, 5), (0, 0)):
        with pytest.raises(ProofError):
            merkle.inclusion_ranges(index, size)
        with pytest.raises(ProofError):
            merkle.verify_inclusion(index, size, root, [], root)
    with pytest.raises(ProofError, match="31"):
        Head(1, (b"x" * 31,))
    with pytest.raises(ProofError, match="too low"):
        Head(256, (b"",))
    with pytest.raises(ProofError, match="missing"):
        merkle.range_hash(merkle.Range(0, 2), {})
