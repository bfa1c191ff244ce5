"""What the log knows of the streams and events that a correction speaks of."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

Verify = Callable[[str, bytes, str], bool]
"""Whether a public key (hex) made, over a message, a signature (hex): Ed25519, handed in."""


Seal = Callable[[bytes], str]
"""The audit log's own signature (hex) over a message, handed in."""


@dataclass(frozen=True)
class KnownStream:
    """What the log says of a stream."""

    service: str
    category: str
    version: int
    region: str


@dataclass(frozen=True)
class Logged:
    """An event that stands in the log."""

    event_id: UUID
    leaf_sha256: str
    """Its RFC 6962 leaf hash, in hex."""


@dataclass(frozen=True)
class DecidersKey:
    """The active key of whoever decides."""

    key_id: UUID
    public_key: str
