"""What people and neighbours' events can wish of the corrections."""

from datetime import date
from hashlib import sha256
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.contracts.audit import (
    CorrectionKind,
    CorrectionReason,
    DocumentNumber,
    FlagChange,
    RefusedBecause,
    Sha256,
    Target,
)
from shared.kernel.decider import Act
from shared.kernel.division import Level
from shared.kernel.event import Command
from shared.kernel.principal import Permission, Role, may


class Note(BaseModel):
    """The reason in words, as people wrote it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
    salt: str
    """32 hex digits, random: keeps the words from being guessed out of their hash."""

    def sha256(self) -> str:
        """The commitment, in hex."""
        return sha256(bytes.fromhex(self.salt) + self.text.encode()).hexdigest()


class RequestCorrection(Act):
    """File a correction for the caller's own city (R107: no other level can)."""

    permission: ClassVar[Permission] = may(Role.OFFICER, at=Level.CITY)

    correction_id: UUID
    kind: CorrectionKind
    targets: tuple[Target, ...]
    change: FlagChange | None = None
    reason: CorrectionReason
    note_id: UUID
    note_sha256: Sha256
    """The note's commitment: SHA-256 over its salt and its words."""
    note: Note = Field(exclude=True, repr=False)
    """What goes into the vault, and nowhere else."""
    evidence: tuple[Sha256, ...]
    contributors: tuple[str, ...] = ()


class _GateAct(Act):
    correction_id: UUID
    content_sha256: Sha256
    """What the decider saw: the hash of the request's content."""
    document: DocumentNumber


class ReviewAtCity(_GateAct):
    """The city's principal responsible leader signs."""

    permission: ClassVar[Permission] = may(Role.PRINCIPAL, at=Level.CITY)


class ApproveAtProvince(_GateAct):
    """The province approves."""

    permission: ClassVar[Permission] = may(
        Role.OFFICER, Role.COMMITTEE, Role.PRINCIPAL, at=Level.PROVINCE
    )


class FileNationally(_GateAct):
    """The nation's agreement is recorded; ``document`` is the national filing number."""

    permission: ClassVar[Permission] = may(Role.OFFICER, at=(Level.PROVINCE, Level.NATION))

    letter: DocumentNumber
    filed_on: date


class RefuseCorrection(Act):
    """Say no at the gate whose turn it is."""

    permission: ClassVar[Permission] = may(
        Role.OFFICER,
        Role.COMMITTEE,
        Role.PRINCIPAL,
        at=(Level.CITY, Level.PROVINCE, Level.NATION),
    )

    correction_id: UUID
    content_sha256: Sha256
    because: RefusedBecause


class NoteExecution(Command):
    """A compensating event of the owning service has arrived in the log."""

    permission: ClassVar[Permission] = may(Role.SYSTEM)

    correction_id: UUID
    stream_id: UUID
    version: int
    event_id: UUID


class NoteMovedTarget(Command):
    """Something else happened to a target before the correction was executed."""

    permission: ClassVar[Permission] = may(Role.SYSTEM)

    correction_id: UUID
    stream_id: UUID
    version: int
