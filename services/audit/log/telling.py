"""Checkpoints also go to a topic of their own, which others may keep where we cannot reach.

Each in the order of its size, as signed; the cursor moves once the broker has acknowledged, so that
one may come twice and none is left out. A witness's lines come later and are not waited for.
"""

import asyncio
from uuid import UUID

import structlog

from services.audit.log import reader
from services.audit.log.reader import Log
from shared.bus.cloudevents import topic
from shared.bus.port import Broker, BrokerUnavailable, Message, Producer
from shared.kernel.ids import named_id
from shared.store.database import Database

TOPIC = topic("audit-checkpoints")
_BATCH = 500
_REST = 1.0
_log = structlog.get_logger("dixian.audit.checkpoints")

_NEW = """
select size, note from audit.checkpoint
 where log_id = $1 and size > coalesce((select size from audit.told where log_id = $1), 0)
 order by size limit $2
"""
_MOVE = """
insert into audit.told (log_id, size) values ($1, $2)
on conflict (log_id) do update set size = greatest(audit.told.size, excluded.size)
"""


class Teller:
    """Sends what has been signed since it was last asked."""

    def __init__(self, database: Database, broker: Broker) -> None:
        self._database, self._broker = database, broker

    async def run(self) -> None:
        """Tell until cancelled; a broker that is away is tried again."""
        while True:
            try:
                await self._broker.ensure_topics([TOPIC])
                producer = await self._broker.producer()
                while True:
                    if not await self.once(producer):
                        await asyncio.sleep(_REST)
            except BrokerUnavailable as error:
                _log.warning("checkpoints.away", error=str(error))
                await asyncio.sleep(_REST)

    async def once(self, producer: Producer) -> int:
        """Send the next checkpoints of each log; how many that were."""
        async with self._database.reading() as tx:
            logs = await reader.logs(tx.raw)
        return sum([await self._next(producer, source) for source in reversed(logs)])

    async def _next(self, producer: Producer, source: Log) -> int:
        async with self._database.reading() as tx:
            rows = await tx.raw.fetch(_NEW, source.log_id, _BATCH)
        if not rows:
            return 0
        await producer.send_batch([_message(source, row["size"], row["note"]) for row in rows])
        async with self._database.transaction() as tx:
            await tx.raw.execute(_MOVE, source.log_id, rows[-1]["size"])
        return len(rows)


def key_of(origin: str) -> UUID:
    """What keeps one log's checkpoints in order."""
    return named_id("log", origin)


def _message(source: Log, size: int, note: bytes) -> Message:
    headers = {"content-type": "text/plain; charset=utf-8", "log": source.origin, "size": str(size)}
    return Message(TOPIC, str(key_of(source.origin)).encode(), headers, note)
