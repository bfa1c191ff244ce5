"""What the log knows of the streams and events that a correction speaks of."""

from dataclasses import dataclass
from uuid import UUID


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
