"""Events by the million, put where the store would have put them, for what only reads them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from shared.kernel.event import Cause
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal, Role

COLUMNS = (
    *("stream_id", "version", "event_id", "category", "type", "schema_version", "key", "region"),
    *("occurred_on", "recorded_at", "data", "meta"),
)
DAY = date(2023, 8, 1)
VILLAGE = "370114101200"
_CLERK = Principal("person:county-officer", frozenset({Role.OFFICER}), "370114")
_DEADLINE = {
    "kind": "close",
    "rule": "R54",
    "starts_on": "2023-08-01",
    "length": "15d",
    "due_on": "2023-08-16",
    "warn_on": ["2023-08-13"],
    "policy": "37/2023-1",
}


async def errands(url: str, streams: int, *, events: int = 5) -> int:
    """Fill ``es.event`` of the example service with ``streams`` errands; how many events it was.

    ``url`` is the superuser's. The rows are what ``execute`` writes: an opening with its clock,
    then notes.
    """
    connection = await asyncpg.connect(url)
    try:
        await connection.copy_records_to_table(
            "event", schema_name="es", columns=COLUMNS, records=_rows(streams, events)
        )
        await connection.execute("analyze es.event")
    finally:
        await connection.close()
    return streams * events


def _rows(streams: int, events: int) -> Iterator[tuple[Any, ...]]:
    meta = orjson.dumps(Cause(new_id(), new_id()).metadata(_CLERK).as_json()).decode()
    began = datetime.now(UTC)
    for number in range(streams):
        stream, household = new_id(), new_id()
        at = began + timedelta(milliseconds=number)
        for version in range(1, events + 1):
            kind, data = ("ErrandOpened", _opened(household)) if version == 1 else _NOTED
            yield (
                *(stream, version, new_id(), "errand", kind, 1, household, VILLAGE, DAY, at),
                *(data, meta),
            )


def _opened(household: UUID) -> str:
    opened = {"household_id": str(household), "division": VILLAGE, "deadline": _DEADLINE}
    return orjson.dumps(opened).decode()


_NOTED = ("ErrandNoted", '{"amount": 5}')
