"""A file as it came, in sealed parts, for as long as its rows are being compared."""

from collections.abc import AsyncIterator
from uuid import UUID

from services.alerts.read_models.register import Connection
from shared.kernel.clock import Clock
from shared.vault.ciphers import new_nonce
from shared.vault.vault import Vault

_PLACE = b"dixian/feed-part/1/"
_PUT = "insert into feeds.part (file_id, n, nonce, content) values ($1, $2, $3, $4)"
_GET = "select nonce, content from feeds.part where file_id = $1 and n = $2"


async def put(
    connection: Connection,
    vault: Vault,
    file_id: UUID,
    parts: AsyncIterator[bytes],
    clock: Clock,
) -> None:
    """Keep a file, each part sealed under the file's own key and bound to its place."""
    key = await vault.key_of(connection, file_id, at=clock.now())
    n = 0
    async for part in parts:
        nonce = new_nonce()
        sealed = key.seal(nonce, part, _place(file_id, n))
        await connection.execute(_PUT, file_id, n, nonce, sealed)
        n += 1


async def each(
    connection: Connection, vault: Vault, file_id: UUID, clock: Clock
) -> AsyncIterator[bytes]:
    """The parts in clear, in their order."""
    key = await vault.key_of(connection, file_id, at=clock.now())
    n = 0
    while row := await connection.fetchrow(_GET, file_id, n):
        yield key.open(row["nonce"], row["content"], _place(file_id, n))
        n += 1


async def discard(connection: Connection, vault: Vault, file_id: UUID, clock: Clock) -> None:
    """Forget a file that is done: its parts, and the key they were sealed under."""
    await connection.execute("delete from feeds.part where file_id = $1", file_id)
    await vault.shred(connection, file_id, at=clock.now())


def _place(file_id: UUID, n: int) -> bytes:
    return _PLACE + file_id.bytes + n.to_bytes(4)
