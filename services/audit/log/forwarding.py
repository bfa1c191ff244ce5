"""Forwards the log to somebody's monitoring (SIEM): OCSF events over syslog, over TLS.

RFC 5424 messages in RFC 5425 frames. Syslog acknowledges nothing, but TLS closes in order: who
answers our closing has read all that came before it. So entries go out over connections that are
closed after so many, and the cursor moves when the closing was answered. A connection that breaks
is made anew and what it carried is sent again: nothing is missed, and what comes twice is known by
its id.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import structlog

from services.audit.domain import canonical, ocsf
from services.audit.log import reader
from services.audit.log.reader import Log
from shared.store.database import Database

_BATCH = 2000
"""Entries of a log that one connection carries at most."""
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
        """Send until nothing is left.

        Raises ``OSError`` or ``SSLError`` when the receiver is away or not who it should be.
        """
        while carried := await self._waiting():
            await self._deliver(carried)
            async with self._database.transaction() as tx:
                for source, rows in carried:
                    end = rows[-1]["idx"] + 1
                    await tx.raw.execute(_MOVE, self._receiver.name, source.log_id, end)

    async def _waiting(self) -> Sequence[tuple[Log, Sequence[Any]]]:
        """The next entries of each log, the oldest log first."""
        async with self._database.reading() as tx:
            found = [
                (source, await self._next(tx.raw, source))
                for source in reversed(await reader.logs(tx.raw))
            ]
        return [(source, rows) for source, rows in found if rows]

    async def _next(self, raw: Any, source: Log) -> Sequence[Any]:
        rows: Sequence[Any] = await raw.fetch(
            _ENTRIES, source.log_id, await self._sent(raw, source), _BATCH
        )
        return rows

    async def _deliver(self, carried: Sequence[tuple[Log, Sequence[Any]]]) -> None:
        """Over one connection, whose closing the receiver answers."""
        receiver = self._receiver
        _, writer = await asyncio.open_connection(
            receiver.host, receiver.port, ssl=receiver.context()
        )
        try:
            for source, rows in carried:
                for row in rows:
                    writer.write(frame(source.origin, row["idx"], row["leaf"]))
                await writer.drain()
            writer.close()
            await writer.wait_closed()
        except BaseException:
            writer.transport.abort()
            raise

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
