"""Identifiers: random ones that sort by time, and ones that follow from a natural key."""

from uuid import UUID, uuid5

from uuid_utils.compat import uuid7

# Fixed for ever: every derived id in every database depends on it.
_NAMESPACE = UUID("6d0b4f2e-5c1a-5e3b-9a77-d1c1a4d1c1a4")


def new_id() -> UUID:
    """A UUIDv7: unique, and ordered by the time it was made."""
    return uuid7()


def named_id(kind: str, *parts: str) -> UUID:
    """The UUIDv5 of a natural key: the same key always gives the same id.

    Used where the outside world already has a unique name for a thing (a hotline order number, a
    department's own row id), so that a second report of it meets the first one's stream.
    """
    return uuid5(_NAMESPACE, "\x1f".join((kind, *parts)))
