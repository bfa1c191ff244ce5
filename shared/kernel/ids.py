"""Identifiers: random ones that sort by time, and ones that follow from a natural key."""

from collections.abc import Iterable, Iterator
from hashlib import sha1
from uuid import UUID

from uuid_utils.compat import uuid7

# Fixed for ever: every derived id in every database depends on it.
_NAMESPACE = UUID("6d0b4f2e-5c1a-5e3b-9a77-d1c1a4d1c1a4")
_BEGUN = sha1(_NAMESPACE.bytes, usedforsecurity=False)


def new_id() -> UUID:
    """A UUIDv7: unique, and ordered by the time it was made."""
    return uuid7()


def named_id(kind: str, *parts: str) -> UUID:
    """The UUIDv5 of a natural key: the same key always gives the same id.

    Used where the outside world already has a unique name for a thing (a hotline order number, a
    department's own row id), so that a second report of it meets the first one's stream.
    """
    return UUID(bytes=named_bytes(kind, *parts))


def named_bytes(kind: str, *parts: str) -> bytes:
    """The 16 bytes of ``named_id``, for whoever makes a million of them."""
    digest = _BEGUN.copy()
    digest.update("\x1f".join((kind, *parts)).encode())
    made = bytearray(digest.digest()[:16])
    made[6] = made[6] & 0x0F | 0x50
    made[8] = made[8] & 0x3F | 0x80
    return bytes(made)


def named_digests(first: Iterable[str], lasts: Iterable[bytes]) -> Iterator[bytes]:
    """What ``named_bytes`` is made of, for many keys that differ in their last part only.

    The first 16 bytes of each, before version and variant are set in bytes 6 and 8.
    """
    begun = _BEGUN.copy()
    begun.update("".join(f"{part}\x1f" for part in first).encode())
    for last in lasts:
        digest = begun.copy()
        digest.update(last)
        yield digest.digest()
