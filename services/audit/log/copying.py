"""Entries as PostgreSQL's binary COPY takes them, made row by row while the server stores others.

The driver would make the same bytes of records, but send them half a megabyte at a time, so that
the server waits for the first row until the service has made nearly all of them.
"""

import struct
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from services.audit.domain.leaf import Entry

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
"""The signature; no flags, nothing more in the header."""
TRAILER = b"\xff\xff"
COLUMNS = (
    "log_id",
    "idx",
    "leaf",
    "event_id",
    "service",
    "category",
    "type",
    "stream_id",
    "version",
    "key",
    "region",
    "recorded_at",
    "actor",
    "actor_roles",
    "correlation_id",
)

_TEXT_OID = 25
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLACE = struct.Struct(">hiiiqi").pack  # how many columns; log_id, idx; the length of the leaf
_VERSION = struct.Struct(">iii").pack  # version; the length of the key
_INSTANT = struct.Struct(">iq").pack
_UUID = struct.pack(">i", 16)


def row(log_id: int, index: int, entry: Entry, leaf: bytes) -> bytes:
    """An entry as a row of ``COLUMNS``: its leaf, and beside it what finds it.

    Every value stands behind its length in bytes.
    """
    return b"".join(
        (
            _PLACE(len(COLUMNS), 4, log_id, 8, index, len(leaf)),
            leaf,
            _UUID,
            entry.event_id.bytes,
            _text(entry.service),
            _text(entry.category),
            _text(entry.type),
            _UUID,
            entry.stream_id.bytes,
            _VERSION(4, entry.version, 16),
            entry.key.bytes,
            _text(entry.region),
            _INSTANT(8, (entry.recorded_at - _EPOCH) // _MICROSECOND),
            _text(entry.actor),
            _texts(entry.actor_roles),
            _UUID,
            entry.correlation_id.bytes,
        )
    )


@lru_cache(maxsize=1 << 14)
def _text(value: str) -> bytes:
    data = value.encode()
    return len(data).to_bytes(4, "big") + data


@lru_cache(maxsize=1 << 10)
def _texts(values: tuple[str, ...]) -> bytes:
    """A ``text[]``: how many dimensions, no nulls, what it is of; of each, its length and start."""
    data = struct.pack(">iii", bool(values), 0, _TEXT_OID)
    if values:
        data += struct.pack(">ii", len(values), 1) + b"".join(map(_text, values))
    return len(data).to_bytes(4, "big") + data
