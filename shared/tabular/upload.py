"""A file on its way in: streamed to disk, bounded, never held in memory."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import IO, TypeVar

from shared.tabular.faults import TooLarge
from shared.tabular.table import Limits

T = TypeVar("T")
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Upload:
    """A file that has come in whole."""

    file: IO[bytes]
    size: int
    sha256: bytes


@asynccontextmanager
async def received(
    stream: AsyncIterator[bytes], *, limit: int = Limits.packed
) -> AsyncIterator[Upload]:
    """The body that ``stream`` brings (``request.stream()``), in a file gone on leaving.

    Raises ``TooLarge`` as soon as ``limit`` is passed.
    """
    with tempfile.TemporaryFile(prefix="dixian-upload-") as file:
        digest, size = sha256(), 0
        async for block in blocks(stream):
            size += len(block)
            if size > limit:
                raise TooLarge(
                    "file-too-large", f"文件超过上限{limit}字节", f"it is over {limit} bytes"
                )
            digest.update(block)
            await asyncio.to_thread(file.write, block)
        file.seek(0)
        yield Upload(file, size, digest.digest())


async def blocks(stream: AsyncIterator[bytes], size: int = _BLOCK) -> AsyncIterator[bytes]:
    """The same bytes in blocks of ``size``, the last one shorter."""
    waiting = bytearray()
    async for piece in stream:
        waiting += piece
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
    if waiting:
        yield bytes(waiting)


async def in_batches(items: Iterator[T], size: int) -> AsyncIterator[list[T]]:
    """The items, ``size`` at a time, each batch made in a thread: requests are answered meanwhile.

    For ``table.rows()``; also ``await asyncio.to_thread(open_table, upload.file)`` to open it.
    """
    while batch := await asyncio.to_thread(lambda: list(islice(items, size))):
        yield batch
