"""How C2SP ``tlog-tiles`` names and fills its files: tiles of hashes and bundles of entries."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from services.audit.domain.merkle import TILE_WIDTH, TileId

MAX_LEVEL = 5
_LENGTH_BYTES = 2
_NUMBER = re.compile(r"^((?:x[0-9]{3}/)*)([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?$")


class LayoutError(ValueError):
    """A path or a bundle that is not of the layout."""


class Part(NamedTuple):
    """A tile or bundle by its number, and how many of its 256 places are filled."""

    n: int
    width: int = TILE_WIDTH


def number(part: Part) -> str:
    """``1234067`` → ``x001/x234/067``; a partial one with its width: ``067.p/112``."""
    digits = f"{part.n % 1000:03d}"
    rest = part.n // 1000
    while rest:
        digits = f"x{rest % 1000:03d}/{digits}"
        rest //= 1000
    return digits if part.width == TILE_WIDTH else f"{digits}.p/{part.width}"


def parse_number(path: str) -> Part:
    """The inverse of ``number``. Raises ``LayoutError`` for any other spelling."""
    match = _NUMBER.match(path)
    if match is None or len(path) > 40:
        raise LayoutError(f"not a tile number: {path[:60]!r}")
    digits = match[1].replace("x", "").replace("/", "") + match[2]
    part = Part(int(digits), int(match[3] or TILE_WIDTH))
    if number(part) != path:
        raise LayoutError(f"not a tile number: {path[:60]!r}")
    return part


def tile_path(tile: TileId, width: int = TILE_WIDTH) -> str:
    """``tile/1/000.p/7``: where a tile stands in an export or below a log's address."""
    return f"tile/{tile.level}/{number(Part(tile.n, width))}"


def bundle_path(part: Part) -> str:
    """``tile/entries/000``: where a bundle of entries stands."""
    return f"tile/entries/{number(part)}"


def bundles_of(size: int) -> list[Part]:
    """The bundles of a log of ``size`` entries."""
    full, rest = divmod(size, TILE_WIDTH)
    return [Part(n) for n in range(full)] + ([Part(full, rest)] if rest else [])


def pack(leaves: Sequence[bytes]) -> bytes:
    """A bundle: each entry behind its length in two bytes, the higher first."""
    return b"".join(len(leaf).to_bytes(_LENGTH_BYTES, "big") + leaf for leaf in leaves)


def unpack(bundle: bytes) -> list[bytes]:
    """The inverse of ``pack``. Raises ``LayoutError`` when the lengths do not add up."""
    leaves: list[bytes] = []
    at = 0
    while at < len(bundle):
        start = at + _LENGTH_BYTES
        end = start + int.from_bytes(bundle[at:start], "big")
        if end > len(bundle) or start > len(bundle):
            raise LayoutError(f"entry {len(leaves)} of the bundle runs past its end")
        leaves.append(bundle[start:end])
        at = end
    return leaves
