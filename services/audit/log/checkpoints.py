"""Checkpoints: what the log's key has signed. Stored before served, one for each size.

Signed after the commit, by whoever runs the publisher; two publishers at once sign the same bytes,
because Ed25519 is deterministic, and the first one's stand. Before each signature the new head is
proved to be an extension of the last one signed, from the tiles in the database: a database that
was set back or rewritten gets no signature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from services.audit.domain import merkle
from services.audit.domain.merkle import ProofError
from services.audit.domain.note import Checkpoint, Note, Signature
from services.audit.log import completeness, reader
from services.audit.log.keys import LogSigner, SigningKey
from services.audit.log.reader import Log
from services.audit.log.sm2 import Sm2Key, Sm2Signer
from shared.kernel.clock import Clock
from shared.kernel.refusal import NotFound
from shared.store.database import Database

FORKED = "log-forked"
"""Finding: the log does not extend what was signed; nothing more is signed meanwhile."""

_LATEST = """
select size, root, note, vkey, signed_at,
       array(select line from audit.cosignature w
              where w.log_id = c.log_id and w.size = c.size order by witness) as lines
  from audit.checkpoint c
 where log_id = $1 and size <= coalesce($2, size) order by size desc limit 1
"""
_INSERT = """
insert into audit.checkpoint (log_id, size, root, note, vkey, signed_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (log_id, size) do nothing
"""


class LogForked(RuntimeError):
    """The log does not extend the checkpoint signed last; it must not be signed any further."""


class NoCheckpoint(NotFound):
    """Nothing of this log has been signed yet, or nothing that old."""

    def __init__(self) -> None:
        super().__init__("检查点", "checkpoint", field="log")


@dataclass(frozen=True)
class Signed:
    """A checkpoint as it is served."""

    size: int
    root: bytes
    note: bytes
    vkey: str
    """The public key of the log's own signature; compare it with the one known from elsewhere."""
    signed_at: datetime


async def latest(raw: "asyncpg.Connection[Any]", source: Log, at_most: int | None = None) -> Signed:
    """The newest checkpoint of a log (of at most that size), with its witnesses' lines.

    Raises ``NoCheckpoint``.
    """
    row = await raw.fetchrow(_LATEST, source.log_id, at_most)
    if row is None:
        raise NoCheckpoint
    known = dict(row)
    lines = known.pop("lines")
    return Signed(**{**known, "note": witnessed(known["note"], lines)})


def witnessed(note: bytes, lines: Sequence[str]) -> bytes:
    """The signed note with the lines of its witnesses."""
    if not lines:
        return note
    return Note.parse(note).with_lines([Signature.parse(line) for line in lines]).render()


class Publisher:
    """Signs what has grown since it was last signed."""

    def __init__(
        self, database: Database, key: SigningKey, clock: Clock, second: Sm2Key | None = None
    ) -> None:
        self._database = database
        self._key = key
        self._clock = clock
        self._second = second

    def signer(self, origin: str) -> LogSigner:
        """The log's own signer: the key's name is the log's origin."""
        return LogSigner(origin, self._key)

    def vkeys(self, origin: str) -> list[str]:
        """The public keys of all lines of the log's own."""
        return [signer.vkey() for signer in self._signers(origin)]

    def _signers(self, origin: str) -> list[LogSigner | Sm2Signer]:
        second = [] if self._second is None else [self._second.signer(origin)]
        return [self.signer(origin), *second]

    async def publish(self) -> list[Checkpoint]:
        """Sign every log that has grown; return the new checkpoints.

        Raises ``LogForked``, having raised a finding, when a log does not extend what was signed.
        """
        async with self._database.reading() as tx:
            origins = [source.origin for source in await reader.logs(tx.raw)]
        return [new for origin in origins if (new := await self._publish(origin)) is not None]

    async def _publish(self, origin: str) -> Checkpoint | None:
        try:
            async with self._database.transaction() as tx:
                return await self._sign(tx.raw, origin)
        except LogForked as error:
            async with self._database.transaction() as tx:
                await completeness.raise_finding(
                    tx.raw, FORKED, origin, {"reason": str(error)}, self._clock.now()
                )
            raise

    async def _sign(self, raw: "asyncpg.Connection[Any]", origin: str) -> Checkpoint | None:
        # The head is read after the checkpoint it must extend: what another publisher signs
        # meanwhile can then never look like a log that was cut.
        signed = await raw.fetchrow(_LATEST, (await reader.log(raw, origin)).log_id, None)
        source = await reader.log(raw, origin)
        made = Checkpoint(origin, source.size, source.head.root())
        if signed is not None:
            await _must_extend(raw, source, signed["size"], signed["root"])
            if signed["size"] == made.size:
                return None
        await raw.execute(
            _INSERT,
            source.log_id,
            made.size,
            made.root,
            made.signed(self._signers(origin)).render(),
            self.signer(origin).vkey(),
            self._clock.now(),
        )
        return made


async def _must_extend(
    raw: "asyncpg.Connection[Any]", source: Log, old_size: int, old_root: bytes
) -> None:
    if source.size < old_size:
        raise LogForked(f"{source.origin} has {source.size} entries; {old_size} were signed")
    try:
        proof = await reader.consistency(raw, source, old_size, source.size)
        merkle.verify_consistency(old_size, source.size, proof, old_root, source.head.root())
    except ProofError as error:
        raise LogForked(f"{source.origin} at {source.size}: {error}") from error
