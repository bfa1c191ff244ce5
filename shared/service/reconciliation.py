"""Recorded = sent = received: counted from the tables, by each service for itself.

What was audited, the audit service adds; who compares all services asks each one's ``/health``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.store.database import Database

# Everything that became visible between two snapshots; the events themselves are counted, not a
# counter that somebody might forget to raise.
_SINCE = """
select count(*) from es.event
 where (tx >= pg_snapshot_xmax($1::text::pg_snapshot)
        or tx = any (array(select pg_snapshot_xip($1::text::pg_snapshot))))
   and pg_visible_in_snapshot(tx, $2::text::pg_snapshot)
"""
_ALL = "select count(*) from es.event where pg_visible_in_snapshot(tx, $1::text::pg_snapshot)"
_SENT = "select sent from es.reader where name = 'relay'"
_OLDEST = """
select extract(epoch from clock_timestamp() - min(e.recorded_at)) from es.reader r, es.event e
 where r.name = 'relay'
   and (e.tx >= pg_snapshot_xmax(r.done) or e.tx = any (array(select pg_snapshot_xip(r.done))))
"""
_RECEIVED = """
select topic, sum(received)::bigint as received from es.consumed_partition
 where consumer = $1 group by topic
"""
_PARKED = """
select topic, count(*) as parked from es.parked
 where consumer = $1 and replayed_at is null group by topic
"""
_POSITIONS = "select topic, part, next_offset from es.consumed_partition where consumer = $1"


@dataclass
class _Counted:
    snapshot: str = ""
    count: int = 0


class Reconciliation:
    """One service's numbers. Asking costs little however many events there are."""

    def __init__(
        self,
        service: str,
        database: Database,
        more: Callable[[], Awaitable[Mapping[str, Any]]],
    ) -> None:
        self.service = service
        self._database, self._more = database, more
        self._counted = _Counted()
        self._counting = asyncio.Lock()

    async def numbers(self) -> Mapping[str, Any]:
        """``{"recorded": 7, "sent": 7, "unsent": 0, "received": {"dixian.alerts": {…}}, …}``."""
        recorded, sent = await self.recorded(), await self.sent()
        return {
            "recorded": recorded,
            "sent": sent,
            "unsent": recorded - sent,
            "received": await self.received(),
            **await self._more(),
        }

    async def recorded(self) -> int:
        """Events in the store."""
        async with self._counting, self._database.reading() as tx:
            now: str = await tx.raw.fetchval("select pg_current_snapshot()::text")
            known = self._counted
            if known.snapshot:
                count = known.count + await tx.raw.fetchval(_SINCE, known.snapshot, now)
            else:
                count = await tx.raw.fetchval(_ALL, now)
            self._counted = _Counted(now, count)
            return int(count)

    async def sent(self) -> int:
        """Events that the bus has acknowledged."""
        async with self._database.reading() as tx:
            return int(await tx.raw.fetchval(_SENT) or 0)

    async def age_of_unsent(self) -> float:
        """Seconds since the oldest unsent event was recorded, by the database's clock; 0 if none.

        In demo mode the event's time is the demo's, so the number means nothing there.
        """
        async with self._database.reading() as tx:
            return max(0.0, float(await tx.raw.fetchval(_OLDEST) or 0.0))

    async def received(self) -> dict[str, dict[str, int]]:
        """By topic: the different events taken in, and how many of them are parked."""
        async with self._database.reading() as tx:
            taken = await tx.raw.fetch(_RECEIVED, self.service)
            parked = {
                row["topic"]: row["parked"] for row in await tx.raw.fetch(_PARKED, self.service)
            }
        return {
            row["topic"]: {"events": row["received"], "parked": parked.get(row["topic"], 0)}
            for row in taken
        }

    async def positions(self) -> dict[tuple[str, int], int]:
        """The next offset of each partition this service takes in."""
        async with self._database.reading() as tx:
            rows = await tx.raw.fetch(_POSITIONS, self.service)
        return {(row["topic"], row["part"]): row["next_offset"] for row in rows}
