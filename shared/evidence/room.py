"""Keeps evidence files and gives them back: sniffed, scanned, sealed, addressed by their SHA-256.

A file is sealed whole under its owner's vault key and lies in the store as
``service/owner/sha256``: what a household's key is destroyed for goes with it, and one household's
file is nobody else's, whatever it holds.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from uuid import UUID

from shared.evidence.blobs import Blobs
from shared.evidence.scanning import Clamd, NoScanner, Scanner
from shared.evidence.settings import EvidenceSettings
from shared.evidence.sniffing import media_type_of
from shared.evidence.stream import KeepEvidence, evidence_id
from shared.kernel.event import Cause
from shared.kernel.principal import Principal
from shared.store.application import Application, Receipt
from shared.vault.vault import Connection, Vault


class Lost(Exception):
    """A file that was kept is not in the store, or is another one: somebody must look."""


@dataclass(frozen=True)
class EvidenceRoom:
    """The room of one service."""

    blobs: Blobs
    scanner: Scanner
    vault: Vault
    service: str
    """Whose part of the store it is: the same household has another key in each service."""

    @classmethod
    def open(
        cls, settings: EvidenceSettings, service: str, vault: Vault, *, production: bool
    ) -> "EvidenceRoom":
        """The room that the settings describe. Raises ``NotChosen``, ``ValueError``."""
        clamd = settings.clamd(production=production)
        scanner = NoScanner() if clamd is None else Clamd(*clamd)
        return cls(Blobs.at(settings.url), scanner, vault, service)

    async def keep(
        self,
        application: Application,
        content: bytes,
        *,
        owner: UUID,
        division: str,
        principal: Principal,
        cause: Cause,
    ) -> Receipt:
        """Take a file in; twice is once. The caller has checked who may.

        Raises ``Invalid`` for what is no evidence, ``ScannerAway``, ``StoreAway``, ``Destroyed``.
        """
        media_type = media_type_of(content)
        await self.scanner.must_be_clean(content)
        sha256 = await asyncio.to_thread(_digest, content)
        # The key is committed before anything is sealed with it for good, the file is in its place
        # before anybody is told of it.
        async with application.database.transaction() as tx:
            sealed = await self.vault.seal(
                tx.raw, owner, evidence_id(owner, sha256), content, at=tx.clock.now()
            )
        await self.blobs.put(self._name(owner, sha256), sealed)
        command = KeepEvidence(
            owner_id=owner,
            division=division,
            sha256=sha256,
            media_type=media_type,
            size=len(content),
        )
        return await application.execute(command, principal, cause)

    async def fetch(self, connection: Connection, owner: UUID, sha256: str) -> bytes:
        """The file; whoever looks is recorded by the caller.

        Raises ``Destroyed``, ``StoreAway``, ``Lost``.
        """
        try:
            sealed = await self.blobs.get(self._name(owner, sha256))
        except FileNotFoundError as error:
            raise Lost from error
        content = await self.vault.unseal(connection, owner, evidence_id(owner, sha256), sealed)
        if await asyncio.to_thread(_digest, content) != sha256:
            raise Lost
        return content

    def _name(self, owner: UUID, sha256: str) -> str:
        return f"{self.service}/{owner}/{sha256}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
