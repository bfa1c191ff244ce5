"""The evidence room by itself: what is taken, who scans, where it lies, what shredding covers."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shared.evidence.blobs import Blobs, StoreAway
from shared.evidence.scanning import Clamd, ScannerAway
from shared.evidence.settings import EvidenceSettings, NotChosen
from shared.evidence.sniffing import media_type_of
from shared.kernel.refusal import Invalid

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + b"\x00" * 64
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64
PDF = b"%PDF-1.7\n" + b"x" * 64
HEIC = b"\x00\x00\x00\x18ftypheic" + b"\x00" * 64


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (JPEG, "image/jpeg"),
        (PNG, "image/png"),
        (PDF, "application/pdf"),
        (HEIC, "image/heif"),
    ],
)
def test_a_file_is_what_its_content_says(content: bytes, media_type: str) -> None:
    assert media_type_of(content) == media_type


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file-empty"),
        (b"hello", "file-type-not-allowed"),
        (b"MZ" + b"\x00" * 200, "file-type-not-allowed"),
        (b"PK\x03\x04" + b"\x00" * 200, "file-type-not-allowed"),
        (b"<html><script>alert(1)</script></html>", "file-type-not-allowed"),
        (b"#!/bin/sh\nrm -rf /\n", "file-type-not-allowed"),
        ("全是文字".encode(), "file-type-not-allowed"),
    ],
)
def test_nothing_else_is_taken(content: bytes, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        media_type_of(content)
    assert (refused.value.code, refused.value.field) == (code, "body")


# -- the scanner ------------------------------------------------------------------------------


@asynccontextmanager
async def daemon(answer: Callable[[bytes], bytes]) -> AsyncIterator[int]:
    """Speaks clamd's INSTREAM as its manual has it; gives its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readline() == b"nINSTREAM\n"
        content = b""
        while size := int.from_bytes(await reader.readexactly(4), "big"):
            content += await reader.readexactly(size)
        writer.write(answer(content))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def verdict(content: bytes) -> bytes:
    return b"stream: Eicar-Signature FOUND\n" if b"EICAR" in content else b"stream: OK\n"


async def test_the_daemon_says_what_is_clean() -> None:
    async with daemon(verdict) as port:
        scanner = Clamd("127.0.0.1", port)
        await scanner.must_be_clean(JPEG * 100)
        with pytest.raises(Invalid) as refused:
            await scanner.must_be_clean(JPEG + b"EICAR")
    assert refused.value.code == "file-infected"


@pytest.mark.parametrize(
    "answer", [b"", b"stream: weird ERROR\n", b"INSTREAM size limit exceeded. ERROR\n"]
)
async def test_what_nobody_can_vouch_for_is_not_kept(answer: bytes) -> None:
    async with daemon(lambda _content: answer) as port:
        with pytest.raises(ScannerAway):
            await Clamd("127.0.0.1", port).must_be_clean(JPEG)


async def test_a_daemon_that_is_away_is_said_so() -> None:
    async with daemon(verdict) as port:
        pass
    with pytest.raises(ScannerAway):
        await Clamd("127.0.0.1", port).must_be_clean(JPEG)


def test_production_chooses_in_so_many_words() -> None:
    with pytest.raises(NotChosen, match="DIXIAN_EVIDENCE_SCAN"):
        EvidenceSettings(scan="").clamd(production=True)
    with pytest.raises(NotChosen):
        EvidenceSettings(scan="http://scanner").clamd(production=False)
    assert EvidenceSettings(scan="").clamd(production=False) is None
    assert EvidenceSettings(scan="none").clamd(production=True) is None
    assert EvidenceSettings(scan="clamd://scan:3311").clamd(production=True) == ("scan", 3311)
    assert EvidenceSettings(scan="clamd://scan").clamd(production=True) == ("scan", 3310)


# -- the store --------------------------------------------------------------------------------


async def test_a_folder_keeps_files(tmp_path: Path) -> None:
    blobs = Blobs.at((tmp_path / "new").as_uri())
    await keeps_files(blobs)
    assert (tmp_path / "new" / "a" / "b").read_bytes() == b"second"


async def test_a_bucket_keeps_files(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bucket() as (port, objects):
        monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_REGION", "cn-east-1")
        await keeps_files(Blobs.at("s3://evidence/dixian"))
        assert objects == {"/evidence/dixian/a/b": b"second"}


async def keeps_files(blobs: Blobs) -> None:
    await blobs.put("a/b", b"first")
    await blobs.put("a/b", b"second")
    assert await blobs.get("a/b") == b"second"
    with pytest.raises(FileNotFoundError):
        await blobs.get("a/c")


async def test_a_bucket_that_refuses_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bucket(refuses=True) as (port, _objects):
        monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
        with pytest.raises(StoreAway):
            await Blobs.at("s3://evidence").put("a", b"x")


@asynccontextmanager
async def bucket(*, refuses: bool = False) -> AsyncIterator[tuple[int, dict[str, bytes]]]:
    """As much of S3's own protocol as putting and getting needs."""
    objects: dict[str, bytes] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        request, *lines = head.split("\r\n")
        method, path, _ = request.split(" ")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        status, content = "200 OK", b""
        if refuses:
            status = "403 Forbidden"
        elif method == "PUT":
            objects[path] = body
        elif path in objects:
            content = objects[path]
        else:
            status = "404 Not Found"
        tag = hashlib.md5(content or body).hexdigest()
        writer.write(
            f'HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\nETag: "{tag}"\r\n'
            "Last-Modified: Tue, 01 Aug 2023 00:00:00 GMT\r\n\r\n".encode()
            + content
        )
        await writer.drain()
        return True

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], objects
