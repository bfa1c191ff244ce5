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
    Ed25519Key,
    Ed25519Signature,
    FlagChange,
    RefusedBecause,
    Target,
)
from shared.contracts.values import Sha256
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

    permission: ClassVar[Permission] = may(Role.OFFICER, at=Level.CITY, rule="R107")

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
    signature: Ed25519Signature
    """The decider's own, over the decision's statement."""


class ReviewAtCity(_GateAct):
    """The city's principal responsible leader signs."""

    permission: ClassVar[Permission] = may(Role.PRINCIPAL, at=Level.CITY, rule="R108")


class ApproveAtProvince(_GateAct):
    """The province approves."""

    permission: ClassVar[Permission] = may(
        Role.OFFICER, Role.COMMITTEE, Role.PRINCIPAL, at=Level.PROVINCE, rule="R108"
    )


class FileNationally(_GateAct):
    """The nation's agreement is recorded; ``document`` is the national filing number."""

    permission: ClassVar[Permission] = may(
        Role.OFFICER, at=(Level.PROVINCE, Level.NATION), rule="R108"
    )

    letter: DocumentNumber
    filed_on: date


class RefuseCorrection(Act):
    """Say no at the gate whose turn it is."""

    permission: ClassVar[Permission] = may(
        Role.OFFICER,
        Role.COMMITTEE,
        Role.PRINCIPAL,
        at=(Level.CITY, Level.PROVINCE, Level.NATION),
        rule="R108",
    )

    correction_id: UUID
    content_sha256: Sha256
    because: RefusedBecause
    signature: Ed25519Signature


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


SIGNS = may(
    Role.OFFICER,
    Role.COMMITTEE,
    Role.PRINCIPAL,
    at=(Level.CITY, Level.PROVINCE, Level.NATION),
)
"""Who may ever decide at a gate, and therefore has a key."""

_CONFIRMS = (Level.CITY, Level.PROVINCE, Level.NATION)


class EnrolKey(Command):
    """Show a public key as one's own; ``proof`` is its signature over the enrolment's statement."""

    permission: ClassVar[Permission] = SIGNS

    key_id: UUID
    public_key: Ed25519Key
    proof: Ed25519Signature


class ConfirmKey(Command):
    """Confirm whose key it is, having compared it with the owner face to face."""

    permission: ClassVar[Permission] = may(Role.ADMINISTRATOR, at=_CONFIRMS)

    key_id: UUID


class RevokeKey(Command):
    """Take a key out of use: its owner, or an administrator."""

    permission: ClassVar[Permission] = Permission(
        SIGNS.roles | {Role.ADMINISTRATOR}, frozenset(_CONFIRMS)
    )

    key_id: UUID
