"""TLS and passwords on the way to PostgreSQL and Kafka, with certificates of a throwaway CA."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from dixian.broker import KafkaNode, Secured, free_port, missing
from dixian.composition import module
from dixian.home import Home
from dixian.postgres import Postgres
from dixian.provision import Tenant, provision
from shared.bus.cloudevents import topic
from shared.bus.connection import connector
from shared.bus.kafka import KafkaBroker
from shared.bus.port import BrokerUnavailable, Message
from shared.bus.settings import KafkaSettings
from shared.kernel.clock import ShiftedClock
from shared.store.database import Database
from shared.store.migrate import upgrade
from shared.testing.kafka import leave_out

ALERTS = Tenant("alerts")
_PATIENCE = 90
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def trusted(authority: trustme.CA, directory: Path, name: str = "ca.pem") -> Path:
    path = directory / name
    authority.cert_pem.write_to_path(str(path))
    return path


def pkcs8(made: trustme.LeafCert) -> bytes:
    """The key in the form that Java reads."""
    key = serialization.load_pem_private_key(made.private_key_pem.bytes(), password=None)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@dataclass
class Front:
    """TLS before the embedded server, whose build has none: it answers ``SSLRequest``."""

    certificate: ssl.SSLContext
    behind: int
    """The server's own port."""
    port: int = 0
    spoken: list[str] = field(default_factory=list)
    """The version of TLS of each connection."""

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(8) == _SSL_REQUEST
        writer.write(b"S")
        with suppress(ssl.SSLError, ConnectionError, OSError):
            await writer.start_tls(self.certificate)
            self.spoken.append(writer.get_extra_info("ssl_object").version())
            back, forth = await asyncio.open_connection("127.0.0.1", self.behind)
            await asyncio.gather(_pass_on(reader, forth), _pass_on(back, writer))
        writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, ssl.SSLError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture
async def front(home: Home, authority: trustme.CA) -> AsyncIterator[tuple[Front, Postgres]]:
    server = Postgres(home, port=free_port())
    await asyncio.to_thread(server.start)
    await provision(server.admin_url, [ALERTS], server.password_of)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    assert server._port is not None
    made = Front(context, server._port)
    listening = await asyncio.start_server(made.take, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    yield made, server
    listening.close()
    await asyncio.to_thread(server.stop)


async def test_a_service_s_whole_way_to_postgresql_is_encrypted_and_verified(
    front: tuple[Front, Postgres], authority: trustme.CA, tmp_path: Path
) -> None:
    tls, server = front

    def url(role: str, ca: Path, host: str = "127.0.0.1") -> str:
        plain = server.url(ALERTS, role).replace(f"127.0.0.1:{tls.behind}", f"{host}:{tls.port}")
        return f"{plain}&{urlencode({'sslmode': 'verify-full', 'sslrootcert': str(ca)})}"

    ca = trusted(authority, tmp_path)
    await upgrade(url(ALERTS.owner, ca), module("alerts").SCHEMA)
    database = Database(url(ALERTS.writer, ca), clock=ShiftedClock(timedelta()))
    async with database.transaction() as tx:
        assert await tx.raw.fetchval("select current_user::text") == ALERTS.writer
    await database.close()
    # The relay and the consumer hold connections of their own.
    connection = await connector(url(ALERTS.writer, ca))()
    ours = connection._transport.get_extra_info("socket")
    assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    await connection.close()
    assert tls.spoken == ["TLSv1.3"] * 3

    forged = trusted(trustme.CA(), tmp_path, "other.pem")
    for bad in (url(ALERTS.writer, forged), url(ALERTS.writer, ca, "localhost")):
        with pytest.raises(ssl.SSLCertVerificationError):
            await connector(bad)()
        database = Database(bad, clock=ShiftedClock(timedelta()))
        with pytest.raises(ssl.SSLCertVerificationError):
            async with database.reading():
                pass
        await database.close()
    # A server that speaks no TLS is not spoken to, rather than in the clear.
    plain = f"{server.url(ALERTS, ALERTS.writer)}&sslmode=require"
    with pytest.raises(ConnectionError):
        await connector(plain)()


@pytest.fixture(scope="module")
def kafka(
    authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[KafkaNode, Path]]:
    """A broker that lets nobody in without TLS and a password."""
    if lacking := missing():
        leave_out(f"TLS and SASL to Kafka are not tested here: this machine lacks {lacking}")
    directory = tmp_path_factory.mktemp("kafka")
    made = authority.issue_cert("127.0.0.1")
    pem = directory / "broker.pem"
    pem.write_bytes(pkcs8(made) + b"".join(item.bytes() for item in made.cert_chain_pems))
    ca = trusted(authority, directory)
    node = KafkaNode(directory / "node", secured=Secured(pem, "dixian", "correct-horse"))
    node.start()
    until = time.monotonic() + _PATIENCE
    while not node.is_ready():
        assert node.exit_code() is None, node.log.read_text()[-4000:]
        assert time.monotonic() < until, node.log.read_text()[-4000:]
        time.sleep(0.1)
    yield node, ca
    node.stop()


def reaching(node: KafkaNode, ca: Path, password: str = "correct-horse") -> KafkaSettings:
    secret = ca.with_name(f"{password}.secret")
    secret.touch(mode=0o600)
    secret.write_text(f"{password}\n")
    return KafkaSettings(
        bootstrap_servers=node.bootstrap,
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="dixian",
        sasl_password_file=secret,
        ssl_cafile=ca,
        request_timeout_ms=3000,
    )


@pytest.mark.kafka
async def test_the_bus_goes_over_tls_with_a_password(
    kafka: tuple[KafkaNode, Path], tmp_path: Path
) -> None:
    node, ca = kafka
    settings = reaching(node, ca)
    assert "correct-horse" not in repr(KafkaSettings(sasl_password="correct-horse"))
    name = topic("alerts")
    broker = KafkaBroker(settings)
    await broker.ensure_topics([name])
    producer = await broker.producer()
    await producer.send_batch([Message(name, b"key", {"ce_id": "1"}, b"{}")])
    assert sum((await broker.end_offsets([name])).values()) == 1
    await broker.close()
    forged = trusted(trustme.CA(), tmp_path)
    for bad in (
        reaching(node, ca, "guessed"),
        reaching(node, forged),
        KafkaSettings(bootstrap_servers=node.bootstrap, request_timeout_ms=2000),
    ):
        refused = KafkaBroker(bad)
        with pytest.raises(BrokerUnavailable):
            await refused.producer()
        await refused.close()
