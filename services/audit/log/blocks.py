"""Blocks of entries, and where in a block a word stands: small sets, kept as bytes.

Few places are kept one after the other, two bytes each; many as a bit for each entry.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

BLOCK = 4096
"""Entries in a block; at most 65,536."""
_BITMAP = BLOCK // 8
_PLACE = 2


def postings(entries: Iterable[tuple[int, Iterable[int]]]) -> Mapping[int, bytes]:
    """Where each word stands, of a block's entries: their places in it, ascending, and words."""
    found: dict[int, list[int]] = defaultdict(list)
    for place, words in entries:
        for word in words:
            found[word].append(place)
    return {word: pack(places) for word, places in found.items()}


def pack(places: list[int]) -> bytes:
    """The bytes of a set of places."""
    if len(places) * _PLACE < _BITMAP:
        return b"".join(place.to_bytes(_PLACE, "big") for place in places)
    return _set_of(places).to_bytes(_BITMAP, "big")


def common(packed: Iterable[bytes]) -> int:
    """The places that are in all of the sets, as a set of bits."""
    both = -1
    for raw in packed:
        both &= _unpack(raw)
    return both


def in_order(bits: int, *, ascending: bool) -> Iterator[int]:
    """The places of a set of bits."""
    while bits:
        place = (bits & -bits if ascending else bits).bit_length() - 1
        yield place
        bits ^= 1 << place


def _unpack(raw: bytes) -> int:
    if len(raw) == _BITMAP:
        return int.from_bytes(raw, "big")
    pairs = (raw[at : at + _PLACE] for at in range(0, len(raw), _PLACE))
    return _set_of(int.from_bytes(pair, "big") for pair in pairs)


def _set_of(places: Iterable[int]) -> int:
    bits = 0
    for place in places:
        bits |= 1 << place
    return bits
