"""Begins a service's side of the bus anew, when the bus was lost or stands at another time.

Every event is published again from the first one on, and every consumer reads again from each
partition's beginning. What was seen is skipped by its stream's version, so nothing takes effect
twice; what was sent and not yet received when the bus was lost is received now.
"""

from typing import Any

from shared.bus.reader import EMPTY, RELAY
from shared.bus.relay import LOCK


class RelayRuns(Exception):
    """A relay of the service is active: it would go on from where it is."""


async def begin_anew(raw: Any) -> int:
    """Set the relay and the consumers of one service's database back to the beginning.

    ``raw`` is an asyncpg connection. Returns how many events will be published. Raises
    ``RelayRuns`` while a worker of the service runs.
    """
    if not await raw.fetchval(LOCK):
        raise RelayRuns
    async with raw.transaction():
        await raw.execute(
            "update es.reader set done = $2::text::pg_snapshot, upto = null, pos = 0, sent = 0"
            " where name = $1",
            RELAY,
            EMPTY,
        )
        await raw.execute("update es.consumed_partition set next_offset = 0")
        return int(await raw.fetchval("select count(*) from es.event"))
