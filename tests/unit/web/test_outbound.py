"""Where one posts to, and what comes of it: other people's addresses, never our own network's."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.web.outbound import Answer, Guard, NotAllowed, Outbound, OutboundSettings
from shared.web.settings import Mode

STRICT = Guard(Mode.PRODUCTION, OutboundSettings())
DEMO = Guard(Mode.DEMO, OutboundSettings())


@pytest.mark.parametrize(
    "url",
    [
        "http://hotline.example.cn/hook",
        "ftp://hotline.example.cn/hook",
        "https://user@hotline.example.cn/",
        "https://user:word@hotline.example.cn/",
        "https://hotline.example.cn/#part",
        "https://",
        "https://hotline.example.cn:99999/",
        "https://热线.cn/",
        "https://hotline.example.cn/a b",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://10.1.2.3/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://[fd00::1]/",
        "https://[fe80::1]/",
        "https://[::ffff:10.1.2.3]/",
    ],
)
def test_production_posts_to_nothing_of_the_kind(url: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        STRICT.must_allow(url)
    assert (refused.value.code, refused.value.field) == ("address-not-allowed", "url")


@pytest.mark.parametrize(
    "url", ["https://hotline.example.cn/hook?x=1", "https://1.1.1.1:8443/", "https://[2606::1]/"]
)
def test_production_posts_to_public_addresses(url: str) -> None:
    assert STRICT.must_allow(url).geturl() == url


def test_a_network_that_is_named_is_allowed_and_no_other() -> None:
    settings = OutboundSettings(networks=["10.20.0.0/16"])
    guard = Guard(Mode.PRODUCTION, settings)
    assert guard.must_allow("https://10.20.1.1/hook")
    with pytest.raises(NotAllowed):
        guard.must_allow("https://10.21.1.1/hook")
    with pytest.raises(NotAllowed):
        guard.must_allow("http://10.20.1.1/hook")


def test_the_demo_posts_to_this_machine_and_to_no_other_of_its_network() -> None:
    assert DEMO.must_allow("http://127.0.0.1:9000/hook")
    with pytest.raises(NotAllowed):
        DEMO.must_allow("http://192.168.1.1/hook")


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1"])
async def test_what_a_name_stands_for_is_looked_at_before_it_is_used(host: str) -> None:
    """Also spellings of this machine that no list of bad addresses knows."""
    outbound = Outbound(STRICT, OutboundSettings())
    answer = await outbound.post(f"https://{host}:1/", b"{}", {})
    await outbound.close()
    assert answer == Answer(None, "address-not-allowed")


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(
    answer: bytes, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that gives one answer to everything; its port, and what it was asked."""
    asked: list[bytes] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        asked.append(head + await reader.readexactly(length))
        if answer:
            writer.write(answer)
            await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1], asked
        for writer in writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def post(url: str, **settings: object) -> Answer:
    made = OutboundSettings(**settings)
    outbound = Outbound(Guard(Mode.DEMO, made), made)
    try:
        return await outbound.post(url, b'{"a":1}', {"webhook-id": "evt_1"})
    finally:
        await outbound.close()


async def test_it_posts_what_it_was_given() -> None:
    async with serving(b"HTTP/1.1 204 No Content\r\n\r\n") as (port, asked):
        assert await post(f"http://localhost:{port}/hook?key=1") == Answer(204)
    (request,) = asked
    assert request.startswith(b"POST /hook?key=1 HTTP/1.1\r\n")
    assert f"host: localhost:{port}".encode() in request.lower()
    assert b"webhook-id: evt_1" in request
    assert request.endswith(b'\r\n\r\n{"a":1}')


async def test_it_follows_no_redirection_and_reads_no_answer() -> None:
    endless = (
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 9999999\r\n\r\n"
    )
    async with serving(endless) as (port, asked):
        assert await post(f"http://127.0.0.1:{port}/") == Answer(302)
    assert len(asked) == 1


async def test_what_the_receiver_asks_for_is_heard() -> None:
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n"
    async with serving(busy) as (port, _):
        answer = await post(f"http://127.0.0.1:{port}/")
    assert (answer.status, answer.retry_after.total_seconds()) == (503, 120)


async def test_one_who_does_not_answer_has_so_much_time() -> None:
    async with serving(b"") as (port, _):
        assert await post(f"http://127.0.0.1:{port}/", timeout=0.05) == Answer(None, "timeout")
        closed = port
    assert await post(f"http://127.0.0.1:{closed}/") == Answer(None, "unreachable")
    assert await post("http://no-such-name.invalid/") == Answer(None, "name-not-found")


def certificate(directory: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS with a certificate of its own for ``name``; the certificate to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, key_pem = directory / "cert.pem", directory / "key.pem"
    pem.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    key_pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem, key_pem)
    return tls, pem


async def test_a_certificate_is_the_name_s_not_the_address_s(
    tmp_path: Path,
) -> None:
    tls, pem = certificate(tmp_path, "localhost")
    async with serving(b"HTTP/1.1 204 No Content\r\n\r\n", tls) as (port, asked):
        assert await post(f"https://localhost:{port}/", ca_file=pem) == Answer(204)
        assert await post(f"https://localhost:{port}/") == Answer(None, "tls")
        assert await post(f"https://127.0.0.1:{port}/", ca_file=pem) == Answer(None, "tls")
    assert len(asked) == 1
