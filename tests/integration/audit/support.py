"""Builders for the audit tests."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from services.audit.domain.leaf import Entry
from services.audit.log.append import Appended, LogName, LogWriter
from shared.kernel.clock import legal_date
from shared.store.database import Database

NAME = LogName("dixian.example", "37")
KEY_SEED = bytes(range(32))
_SPACE = UUID("00000000-0000-0000-0000-0000000000aa")


class Stopped:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.instant = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.instant

    def today(self) -> date:
        return legal_date(self.instant)


def identified(*parts: Any) -> UUID:
    return uuid5(_SPACE, "/".join(map(str, parts)))


def entry(stream: int, version: int, **changes: Any) -> Entry:
    """Event ``version`` of stream ``stream``, the same one whenever asked for."""
    made: dict[str, Any] = {
        "service": "identification",
        "event_id": identified("event", stream, version),
        "stream_id": identified("stream", stream),
        "category": "case",
        "version": version,
        "type": "Verified",
        "schema_version": 1,
        "key": identified("household", stream % 10),
        "region": "370102001001",
        "occurred_on": date(2026, 3, 1),
        "recorded_at": datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=stream * 50 + version),
        "actor": f"p-{stream % 3}",
        "actor_division": "370102",
        "actor_roles": ("officer",),
        "correlation_id": identified("request", stream),
        "causation_id": identified("cause", stream, version),
        "data": {"step": version, "amount": 775_000, "note_id": str(identified("note", stream))},
    }
    return Entry(**{**made, **changes})


def history(streams: int, versions: int) -> list[Entry]:
    """Every stream's events, the streams interleaved."""
    return [
        entry(stream, version) for version in range(1, versions + 1) for stream in range(streams)
    ]


async def append(database: Database, writer: LogWriter, entries: Sequence[Entry]) -> Appended:
    """One batch in one transaction, as the consumer does it."""
    async with database.transaction() as tx:
        return await writer.append(tx, entries)
