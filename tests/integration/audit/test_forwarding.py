"""The log over syslog and TLS: every entry arrives, after whatever happened to the line."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import trustme

from dixian.broker import free_port
from services.audit.log.append import LogWriter
from services.audit.log.forwarding import Forwarder, Receiver
from services.audit.settings import AuditSettings
from shared.store.database import Database
from shared.testing.databases import Urls
from tests.integration.audit.door import assembled
from tests.integration.audit.support import NAME, append, entry, history

HEADER = re.compile(
    rb"<110>1 2026-03-01T\d\d:\d\d:\d\d\.\d{6}Z \S+ dixian-audit - Verified - \xef\xbb\xbf"
)


class Collector:
    """A syslog receiver over TLS that asks for a certificate; it can hang up."""

    def __init__(self, authority: trustme.CA) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self.context)
        authority.configure_trust(self.context)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.raw = b""
        self.came = asyncio.Event()
        self.dies_after: int | None = None
        """So many bytes are read of the next connection, and then it is gone."""

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while some := await reader.read(1 << 14):
            self.raw += some
            self.came.set()
            if self.dies_after is not None and len(self.raw) > self.dies_after:
                writer.transport.abort()
                return
        writer.close()

    @property
    def events(self) -> list[dict[str, Any]]:
        """The messages received whole, by their counts."""
        found, rest = [], self.raw
        while b" " in rest:
            length, _, rest = rest.partition(b" ")
            if len(rest) < int(length):
                break
            message, rest = rest[: int(length)], rest[int(length) :]
            header = HEADER.match(message)
            assert header is not None, message
            found.append(orjson.loads(message[header.end() :]))
        return found

    async def received(self, count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(20):
            while len(self.events) < count:
                self.came.clear()
                await self.came.wait()
        return self.events


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def collector(authority: trustme.CA) -> AsyncIterator[tuple[Collector, int]]:
    made = Collector(authority)
    server = await asyncio.start_server(made.take, "127.0.0.1", 0, ssl=made.context)
    async with server:
        yield made, server.sockets[0].getsockname()[1]


@pytest.fixture
def receiver(authority: trustme.CA, collector: tuple[Collector, int], tmp_path: Path) -> Receiver:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    ours = authority.issue_cert("audit.example")
    ours.private_key_and_cert_chain_pem.write_to_path(tmp_path / "ours.pem")
    return Receiver("127.0.0.1", collector[1], tmp_path / "ca.pem", tmp_path / "ours.pem")


async def forwarded(
    database: Database, receiver: Receiver, collector: Collector, count: int
) -> list[dict[str, Any]]:
    await Forwarder(database, receiver).catch_up()
    return await collector.received(count)


async def test_every_entry_is_forwarded_as_ocsf(
    database: Database,
    writer: LogWriter,
    collector: tuple[Collector, int],
    receiver: Receiver,
) -> None:
    made = history(30, 20)
    await append(database, writer, made)
    events = await forwarded(database, receiver, collector[0], 600)
    assert [event["metadata"]["uid"] for event in events] == [str(e.event_id) for e in made]
    first = events[0]
    assert first == {
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 3,
        "category_name": "Identity & Access Management",
        "class_uid": 3004,
        "class_name": "Entity Management",
        "type_uid": 300401,
        "severity_id": 1,
        "status_id": 1,
        "status_detail": "",
        "time": 1772323201000,
        "message": "Verified",
        "actor": {
            "user": {
                "uid": "p-0",
                "groups": [{"name": "officer"}],
                "org": {"uid": "370102"},
            }
        },
        "entity": {"uid": str(made[0].stream_id), "type": "case", "version": "1"},
        "metadata": {
            "uid": str(made[0].event_id),
            "version": "1.4.0",
            "correlation_uid": str(made[0].correlation_id),
            "log_name": NAME.origin(2026),
            "sequence": 0,
            "product": {
                "name": "Dixian",
                "vendor_name": "Dixian",
                "feature": {"name": "Verified"},
            },
        },
        "unmapped": {
            "service": "identification",
            "household": str(made[0].key),
            "region": "370102001001",
            "occurred_on": "2026-03-01",
        },
    }
    await append(database, writer, [entry(40, 1)])
    later = await forwarded(database, receiver, collector[0], 601)
    assert len(later) == 601, "what was sent is not sent again"


async def test_a_receiver_that_was_away_gets_each_entry_once(
    database: Database, writer: LogWriter, authority: trustme.CA, receiver: Receiver
) -> None:
    made, taking = history(4, 5), Collector(authority)
    there = replace(receiver, port=free_port())

    async def listening() -> asyncio.Server:
        return await asyncio.start_server(taking.take, there.host, there.port, ssl=taking.context)

    await append(database, writer, made[:6])
    async with await listening():
        await forwarded(database, there, taking, 6)
    await append(database, writer, made[6:])
    with pytest.raises(ConnectionRefusedError):
        await Forwarder(database, there).catch_up()
    async with await listening():
        await Forwarder(database, there).catch_up()
        events = await forwarded(database, there, taking, 20)
    assert [event["metadata"]["uid"] for event in events] == [str(e.event_id) for e in made]


async def test_a_line_that_breaks_loses_nothing(
    database: Database, writer: LogWriter, collector: tuple[Collector, int], receiver: Receiver
) -> None:
    """What the receiver's machine had taken and the receiver had not read comes again."""
    made = history(20, 20)
    await append(database, writer, made)
    taking = collector[0]
    taking.dies_after = 30_000
    with pytest.raises((OSError, ssl.SSLError)):
        await Forwarder(database, receiver).catch_up()
    assert 0 < len(taking.events) < len(made), "it broke in between"
    taking.dies_after, taking.raw = None, b""
    whole = await forwarded(database, receiver, taking, len(made))
    assert [event["metadata"]["uid"] for event in whole] == [str(e.event_id) for e in made]


async def test_nobody_else_is_told(
    database: Database,
    writer: LogWriter,
    collector: tuple[Collector, int],
    receiver: Receiver,
    tmp_path: Path,
) -> None:
    await append(database, writer, [entry(1, 1)])
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    stranger = Receiver("127.0.0.1", receiver.port, tmp_path / "other.pem")
    with pytest.raises(ssl.SSLCertVerificationError):
        await Forwarder(database, stranger).catch_up()
    misnamed = Receiver("localhost", receiver.port, receiver.ca_file, receiver.certificate_file)
    with pytest.raises(ssl.SSLCertVerificationError):
        await Forwarder(database, misnamed).catch_up()
    assert collector[0].raw == b""
    assert len(await forwarded(database, receiver, collector[0], 1)) == 1


@pytest.mark.parametrize("host", [None, "127.0.0.1"])
async def test_whoever_is_set_up_is_told(
    host: str | None, urls: Urls, database: Database, tmp_path: Path
) -> None:
    parts = assembled(urls, database, tmp_path, AuditSettings(siem_host=host))
    working = {worker.__qualname__ for worker in parts.service.workers}
    assert working >= {"Teller.run", "Exporter.run", "Indexer.run", "Watch.run"}
    assert ("Forwarder.run" in working) is (host is not None)
    await parts.service.stop()
