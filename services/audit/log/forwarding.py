"""Forwards the log to somebody's monitoring (SIEM): OCSF events over syslog, over TLS.

RFC 5424 messages in RFC 5425 frames. The cursor moves once the messages have left this process; a
connection that breaks is made anew and what was not counted is sent again, so that the other side
may see an event twice and recognises it by its id, and misses none that it acknowledged by TCP.
"""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import structlog

from services.audit.domain import canonical, ocsf
from services.audit.log import reader
from services.audit.log.reader import Log
from shared.store.database import Database

_BATCH = 500
_REST = 1.0
_LONGEST_REST = 60.0
_PRIORITY = 13 * 8 + 6
"""Facility 13 (log audit), severity 6 (informational)."""
_APP = "dixian-audit"
_log = structlog.get_logger("dixian.audit.forwarding")

_SENT = "select size from audit.forwarded where receiver = $1 and log_id = $2"
_ENTRIES = """
select idx, leaf from audit.entry where log_id = $1 and idx >= $2 order by idx limit $3
"""
_MOVE = """
insert into audit.forwarded (receiver, log_id, size) values ($1, $2, $3)
on conflict (receiver, log_id) do update set size = excluded.size
"""


@dataclass(frozen=True)
class Receiver:
    """Where to, and how the two know each other."""

    host: str
    port: int
    ca_file: Path | None = None
    """Who signed the receiver's certificate; the system's own authorities without it."""
    certificate_file: Path | None = None
    """Ours, with its key, where the receiver asks for one."""

    @property
    def name(self) -> str:
        """What the cursor is kept under."""
        return f"{self.host}:{self.port}"

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or later; the receiver's name is checked."""
        made = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file is not None:
            made.load_cert_chain(self.certificate_file)
        return made


class Forwarder:
    """Sends every entry of every log, the oldest first."""

    def __init__(self, database: Database, receiver: Receiver) -> None:
        self._database, self._receiver = database, receiver

    async def run(self) -> None:
        """Forward until cancelled; a receiver that is away is tried again, ever more slowly."""
        rest = _REST
        while True:
            try:
                await self.catch_up()
            except (OSError, ssl.SSLError) as error:
                _log.warning("forwarding.away", receiver=self._receiver.name, error=str(error))
                await asyncio.sleep(rest)
                rest = min(rest * 2, _LONGEST_REST)
            else:
                rest = _REST
                await asyncio.sleep(rest)

    async def catch_up(self) -> None:
        """Send over one connection until nothing is left.

        Raises ``OSError`` or ``SSLError`` when the receiver is away or not who it should be.
        """
        if not await self._anything():
            return
        receiver = self._receiver
        _, writer = await asyncio.open_connection(
            receiver.host, receiver.port, ssl=receiver.context()
        )
        writer.transport.set_write_buffer_limits(high=1, low=0)
        try:
            while await self.once(writer):
                pass
        finally:
            writer.close()
            await writer.wait_closed()

    async def _anything(self) -> bool:
        async with self._database.reading() as tx:
            for source in await reader.logs(tx.raw):
                if (await self._sent(tx.raw, source)) < source.size:
                    return True
        return False

    async def once(self, writer: asyncio.StreamWriter) -> int:
        """Send the next batch of each log; how many entries that were."""
        async with self._database.reading() as tx:
            logs = await reader.logs(tx.raw)
        return sum([await self._next(writer, source) for source in reversed(logs)])

    async def _next(self, writer: asyncio.StreamWriter, source: Log) -> int:
        async with self._database.reading() as tx:
            start = await self._sent(tx.raw, source)
            rows = await tx.raw.fetch(_ENTRIES, source.log_id, start, _BATCH)
        if not rows:
            return 0
        writer.write(b"".join(frame(source.origin, row["idx"], row["leaf"]) for row in rows))
        # With a buffer of one byte, this returns when all of it has left the process.
        await writer.drain()
        async with self._database.transaction() as tx:
            await tx.raw.execute(_MOVE, self._receiver.name, source.log_id, start + len(rows))
        return len(rows)

    async def _sent(self, raw: Any, source: Log) -> int:
        sent: int | None = await raw.fetchval(_SENT, self._receiver.name, source.log_id)
        return sent or 0


def frame(origin: str, index: int, leaf: bytes) -> bytes:
    """One entry as an octet-counted syslog message."""
    envelope = canonical.decode(leaf)
    body = orjson.dumps(ocsf.event_of(origin, index, envelope))
    header = (
        f"<{_PRIORITY}>1 {envelope['recorded_at']} {socket.gethostname()[:255]} {_APP} -"
        f" {envelope['type'][:32]} -"
    )
    message = header.encode() + b" \xef\xbb\xbf" + body
    return b"%d %s" % (len(message), message)
