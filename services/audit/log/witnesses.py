"""Witnesses: others who sign, each for itself, that our log only ever grew (C2SP ``tlog-witness``).

A witness remembers the last checkpoint of ours that it cosigned and signs a later one only with a
proof that it extends that one. Whoever trusts some witness need not trust us: a log that was cut,
forked or restored from an old backup gets no further cosignature.
"""

import base64
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import structlog

from services.audit.domain.merkle import EMPTY_ROOT
from services.audit.domain.note import Checkpoint, Note, NoteError, Signature
from services.audit.log import checkpoints, completeness, reader
from services.audit.log.checkpoints import NoCheckpoint, Publisher, Signed
from services.audit.log.keys import KeyVerifier
from services.audit.log.reader import Log
from shared.kernel.clock import Clock
from shared.store.database import Database

AHEAD = "witness-ahead"
"""Finding: a witness has seen more of a log than there is."""
REFUSED = "witness-refused"
"""Finding: a witness does not sign what we say."""

_TRIES = 3
_KNOWN = "select max(size) from audit.cosignature where log_id = $1 and witness = $2"
_INSERT = """
insert into audit.cosignature (log_id, size, witness, line) values ($1, $2, $3, $4)
on conflict do nothing
"""
_log = structlog.get_logger("dixian.audit.witness")


class WitnessAhead(RuntimeError):
    """A witness has seen more than we have: what it saw is lost here, or withheld. Do not write."""


class WitnessRefused(RuntimeError):
    """A witness answered something else than a cosignature."""


@dataclass(frozen=True)
class Witness:
    """One witness: its key, and where it takes checkpoints."""

    verifier: KeyVerifier
    url: str

    @property
    def name(self) -> str:
        """The name of its key."""
        return self.verifier.name


def read_witnesses(path: Path) -> list[Witness]:
    """The witnesses of a policy file: lines ``witness NAME VKEY URL``; ``#`` begins a comment.

    Raises ``NoteError`` naming the line that cannot be read.
    """
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 4 or words[0] != "witness":
            raise NoteError(f"{path} line {number}: not `witness NAME VKEY URL`")
        found.append(Witness(KeyVerifier.parse(words[2]), words[3].rstrip("/")))
    return found


class Cosigner:
    """Takes each new checkpoint to every witness and keeps what they sign."""

    def __init__(
        self,
        database: Database,
        publisher: Publisher,
        witnesses: Sequence[Witness],
        client: httpx.AsyncClient,
        *,
        clock: Clock,
    ) -> None:
        self._database, self._publisher, self._witnesses = database, publisher, witnesses
        self._client, self._clock = client, clock

    async def must_not_be_ahead(self, origin: str) -> None:
        """Ask every witness how much it has seen of our logs, and of ``origin``, the one to write.

        Raises ``WitnessAhead``: a database set back, or a new one, must not go on beside what was
        signed. A witness that cannot be asked says nothing either way, and is logged.
        """
        for name, size, note in await self._heads(origin):
            for witness in self._witnesses:
                try:
                    answer = await self._post(witness, _request(size, [], note))
                    if answer.status_code == httpx.codes.CONFLICT:
                        await self._seen_by(witness, name, size, answer.text)
                except (httpx.HTTPError, WitnessRefused) as error:
                    _log.warning("witness.silent", witness=witness.name, error=str(error))

    async def round(self) -> int:
        """Take every checkpoint not yet cosigned to the witnesses; return how many lines came.

        Raises ``WitnessAhead``. A witness that refuses is a finding; one that is away comes later.
        """
        came = 0
        for source in await self._logs():
            for witness in self._witnesses:
                came += await self._patiently(witness, source)
        return came

    async def _patiently(self, witness: Witness, source: Log) -> bool:
        try:
            return await self._cosign(witness, source)
        except httpx.HTTPError as error:
            _log.warning("witness.away", witness=witness.name, error=str(error))
        except WitnessRefused as error:
            await self._find(REFUSED, witness, source.origin, str(error))
        return False

    async def _heads(self, origin: str) -> list[tuple[str, int, bytes]]:
        """Name, size and signed head of every log; the empty tree's for one not yet begun."""
        heads = []
        async with self._database.reading() as tx:
            for source in await reader.logs(tx.raw):
                with suppress(NoCheckpoint):
                    signed = await checkpoints.latest(tx.raw, source)
                    heads.append((source.origin, signed.size, signed.note))
        if all(name != origin for name, _, _ in heads):
            empty = Checkpoint(origin, 0, EMPTY_ROOT).signed([self._publisher.signer(origin)])
            heads.append((origin, 0, empty.render()))
        return heads

    async def _post(self, witness: Witness, body: bytes) -> httpx.Response:
        return await self._client.post(f"{witness.url}/add-checkpoint", content=body)

    async def _logs(self) -> list[Log]:
        async with self._database.reading() as tx:
            return await reader.logs(tx.raw)

    async def _cosign(self, witness: Witness, source: Log) -> bool:
        """Whether a new line came. Raises ``WitnessAhead``, ``WitnessRefused``, ``HTTPError``."""
        async with self._database.reading() as tx:
            try:
                signed = await checkpoints.latest(tx.raw, source)
            except NoCheckpoint:
                return False
            known = await tx.raw.fetchval(_KNOWN, source.log_id, witness.name) or 0
            if known == signed.size:
                return False
            await self._submit(tx.raw, witness, source, signed, known)
            return True

    async def _submit(
        self,
        raw: "asyncpg.Connection[Any]",
        witness: Witness,
        source: Log,
        signed: Signed,
        old: int,
    ) -> None:
        for _ in range(_TRIES):
            proof = await reader.consistency(raw, source, old, signed.size)
            answer = await self._post(witness, _request(old, proof, signed.note))
            if answer.status_code == httpx.codes.OK:
                await self._keep(raw, witness, source, signed, answer.text)
                return
            if answer.status_code != httpx.codes.CONFLICT:
                raise WitnessRefused(f"{answer.status_code} {answer.text[:200]}")
            old = await self._seen_by(witness, source.origin, signed.size, answer.text)
        raise WitnessRefused(f"will not take {signed.size} on top of {old}")

    async def _seen_by(self, witness: Witness, origin: str, ours: int, text: str) -> int:
        """The size the witness stands at, from its answer to another one."""
        if not text.strip().isdecimal():
            raise WitnessRefused(f"409 without a size: {text[:200]}")
        size = int(text)
        if size > ours:
            why = f"{witness.name} has seen {size} entries of {origin}; here {ours} are signed"
            await self._find(AHEAD, witness, origin, why)
            raise WitnessAhead(why)
        return size

    async def _keep(
        self,
        raw: "asyncpg.Connection[Any]",
        witness: Witness,
        source: Log,
        signed: Signed,
        text: str,
    ) -> None:
        """Verify and store the witness's own line; lines of keys we do not know are left out."""
        body = Note.parse(signed.note).text
        for line in text.splitlines():
            try:
                signature = Signature.parse(line)
                Note(body, (signature,)).signed_by([witness.verifier])
            except NoteError as error:
                _log.info("witness.line-ignored", witness=witness.name, error=str(error))
                continue
            await raw.execute(
                _INSERT, source.log_id, signed.size, witness.name, signature.line().rstrip("\n")
            )
            return
        raise WitnessRefused("an answer without a line of its own key")

    async def _find(self, kind: str, witness: Witness, origin: str, why: str) -> None:
        subject = f"{origin} {witness.name}"
        async with self._database.transaction() as tx:
            await completeness.raise_finding(
                tx.raw, kind, subject, {"reason": why}, self._clock.now()
            )


def _request(old: int, proof: Sequence[bytes], note: bytes) -> bytes:
    lines = [f"old {old}", *(base64.b64encode(value).decode() for value in proof), ""]
    return "".join(f"{line}\n" for line in lines).encode() + note
