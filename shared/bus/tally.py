"""How many events a service has recorded, counted from the events themselves."""

import time
from typing import Any

from shared.bus import reader

TALLY = "recorded"
"""The row in ``es.reader`` that keeps the count: ``sent`` events up to position ``pos``."""
SETTLING = 60.0
"""Seconds after which a position can have no late row behind it, open transactions apart."""


async def recorded(raw: Any) -> int:
    """How many events there are; counts only those after the last settled position."""
    found = await raw.fetchval(
        "select coalesce(max(t.sent), 0) + (select count(*) from es.event e"
        " where e.pos > coalesce((select pos from es.reader where name = $1), 0))"
        " from es.reader t where t.name = $1",
        TALLY,
    )
    return int(found)


class Tally:
    """Keeps the count of recorded events short, however many there are. The active relay runs it.

    A position is settled when every transaction that was open when it was seen has ended, and so
    much time has passed that no statement can be between taking a position and taking its
    transaction's number.
    """

    def __init__(self, settling: float = SETTLING) -> None:
        self._settling = settling
        self._candidate: tuple[int, str] | None = None
        self._since = 0.0

    async def settle(self, connection: Any) -> None:
        """Look at most once in the settling time; count what has settled since."""
        if self._candidate is not None and time.monotonic() - self._since < self._settling:
            return
        if self._candidate is not None and not await self._settled(connection, *self._candidate):
            return
        row = await connection.fetchrow(
            "select coalesce(max(pos), 0), pg_current_snapshot()::text from es.event"
        )
        self._candidate, self._since = (row[0], row[1]), time.monotonic()

    async def _settled(self, connection: Any, position: int, snapshot: str) -> bool:
        over = await connection.fetchval(
            "select pg_snapshot_xmin(pg_current_snapshot())"
            " >= pg_snapshot_xmax($1::text::pg_snapshot)",
            snapshot,
        )
        if over:
            await reader.load(connection, TALLY)
            await connection.execute(
                "update es.reader set pos = $2, sent = sent + (select count(*) from es.event e"
                " where e.pos > reader.pos and e.pos <= $2) where name = $1 and pos <= $2",
                TALLY,
                position,
            )
        return bool(over)


async def recount(connection: Any) -> int:
    """Count every event anew, from the first; the answer, which is kept for ``Tally``."""
    await connection.execute("delete from es.reader where name = $1", TALLY)
    return await recorded(connection)
