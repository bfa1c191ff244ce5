"""What the audit service records: corrections on their way through the gates, and findings."""

from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.contracts.registry import contract
from shared.contracts.values import Sha256
from shared.kernel.deadline import Deadline
from shared.kernel.division import DivisionCode
from shared.kernel.event import Event

Ed25519Key = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""An Ed25519 public key in lower-case hex."""

Ed25519Signature = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]
"""An Ed25519 signature in lower-case hex."""

DocumentNumber = Annotated[str, StringConstraints(pattern=r"^[^\s\x00-\x1f]{1,60}$")]
"""An official document's number, such as ``鲁农函〔2026〕12号``; never a person's name."""


class AuditEvent(Event):
    """Base of this service's events."""

    service: ClassVar[str] = "audit"


class CorrectionKind(StrEnum):
    """What a correction asks for (R100, R107)."""

    PURGE = "PURGE"
    """清退"""
    ROLLBACK = "ROLLBACK"
    """回退 to an earlier version"""
    FLAG_CHANGE = "FLAG_CHANGE"
    """标识调整: 整户无劳动能力兜底保障户 (R100)"""
    ERASURE = "ERASURE"
    """销毁个人信息: the key of a household's personal data; what was decided stays"""


class CorrectionReason(StrEnum):
    """Why, as a code; the words are a note in the vault."""

    MISIDENTIFIED = "MISIDENTIFIED"
    """识别不准"""
    DUPLICATE = "DUPLICATE"
    """重复录入"""
    WRONG_ENTRY = "WRONG_ENTRY"
    """录入错误"""
    FALSE_DECLARATION = "FALSE_DECLARATION"
    """虚报瞒报"""
    PROCEDURE_BREACH = "PROCEDURE_BREACH"
    """程序不合规"""
    IDENTITY_CHANGED = "IDENTITY_CHANGED"
    """身份发生变化 (R100)"""
    RETENTION_ENDED = "RETENTION_ENDED"
    """保存期限届满: of an erasure"""
    SUBJECT_ASKED = "SUBJECT_ASKED"
    """本人请求删除: of an erasure (PIPL art. 47)"""


class Gate(StrEnum):
    """The gates in their order (R108)."""

    CITY = "CITY"
    """市汇总并经主要负责同志审核"""
    PROVINCE = "PROVINCE"
    """省审定"""
    NATION = "NATION"
    """国家书面申请、同意备案"""
    EXECUTION = "EXECUTION"
    """统一操作"""


class RefusedBecause(StrEnum):
    """Why a correction came to nothing, as a code."""

    NOT_JUSTIFIED = "NOT_JUSTIFIED"
    """理由不充分"""
    EVIDENCE_MISSING = "EVIDENCE_MISSING"
    """佐证不足"""
    WRONG_TARGET = "WRONG_TARGET"
    """对象有误"""
    NOT_FILED = "NOT_FILED"
    """国家未同意备案"""
    EXPIRED = "EXPIRED"
    """逾期未办"""
    TARGET_MOVED = "TARGET_MOVED"
    """对象已有新的办理,须重新申请"""


class Target(BaseModel):
    """One stream to be corrected, as it was when the request was filed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: Annotated[str, StringConstraints(pattern=r"^[a-z]{1,40}$")]
    stream_id: UUID
    version: Annotated[int, Field(ge=1)]
    """The stream's version the request is about; at any other one nothing is executed."""
    to_version: Annotated[int, Field(ge=1)] | None = None
    """Of a rollback: the version whose state is to be in force again."""


class FlagChange(BaseModel):
    """A flag to be set or taken off, in every target."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    flag: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
    """``no_labour_safety_net``"""
    value: bool


@contract
class CorrectionRequested(AuditEvent):
    """A city filed a withdrawal, a rollback or a change of flag (R107, R108)."""

    correction_id: UUID
    city: DivisionCode
    kind: CorrectionKind
    targets: tuple[Target, ...]
    change: FlagChange | None = None
    reason: CorrectionReason
    note_id: UUID
    """The reason in words, in the vault."""
    note_sha256: Sha256
    """Its commitment: SHA-256 over a random salt, kept with it, and the words."""
    evidence: tuple[Sha256, ...]
    """The hashes of the documents that speak for it."""
    requested_by: str
    requested_on: date
    contributors: tuple[str, ...] = ()
    """Who else worked on it; none of them decides."""
    content_sha256: Sha256
    """Over the canonical JSON of the request; every decision repeats it."""
    deadlines: tuple[Deadline, ...]
    content: str | None = None
    """That JSON itself: whoever decides reads and hashes these bytes. Absent from old requests."""
    requested_for: str | None = None
    """Whom the requester stood in for."""


class _Decided(AuditEvent):
    """A person's decision, signed with the person's own key over what it says."""

    correction_id: UUID
    content_sha256: Sha256
    decided_by: str
    """The person, also where somebody stood in for another."""
    decided_for: str | None = None
    """Whom the person stood in for."""
    key_id: UUID | None = None
    """The person's key; absent where the system decided."""
    signature: Ed25519Signature | None = None
    """Over the statement of this decision (``services/audit/domain/statement.py``)."""


class _Passed(_Decided):
    document: DocumentNumber
    """The gate's own document."""
    previous_event_id: UUID
    """The event of the gate before."""
    previous_leaf_sha256: Sha256
    """Its leaf hash in the log: this decision stands on that one being recorded."""
    deadlines: tuple[Deadline, ...] = ()


@contract
class CityReviewed(_Passed):
    """The city's principal responsible leader signed (R108)."""


@contract
class ProvinceApproved(_Passed):
    """The province examined and approved (R108)."""


@contract
class NationallyFiled(_Passed):
    """The province applied to the nation in writing, which agreed and filed it (R108)."""

    letter: DocumentNumber
    """The province's written application."""
    filed_on: date


class SignedDecision(BaseModel):
    """A gate's decision as its decider signed it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gate: Gate
    statement: str
    """What was signed, to the byte."""
    public_key: Ed25519Key
    """The decider's."""
    signature: Ed25519Signature


@contract
class CorrectionAuthorized(AuditEvent):
    """Every gate is passed: the owning service executes it, if the targets have not moved.

    It proves itself (``shared/service/authority.py``); one without ``seal`` is not executed.
    """

    correction_id: UUID
    city: DivisionCode
    kind: CorrectionKind
    targets: tuple[Target, ...]
    change: FlagChange | None = None
    reason: CorrectionReason
    filing: DocumentNumber
    """The national filing number."""
    content_sha256: Sha256
    deadlines: tuple[Deadline, ...] = ()
    """Until when it may be executed: at most one, ``correction-execution``."""
    content: str | None = None
    """The request's canonical JSON, which ``content_sha256`` is over."""
    decisions: tuple[SignedDecision, ...] = ()
    """Every gate's, in order."""
    seal: Ed25519Signature | None = None
    """The audit log's key over ``sealed()``: these are the decisions, and the deciders' keys."""

    def sealed(self) -> bytes:
        """What the audit log signs: a line each for what is authorized and for every decision."""
        due = [deadline.due_on.isoformat() for deadline in self.deadlines]
        decisions = [
            f"{item.gate} {item.public_key} {sha256(item.statement.encode()).hexdigest()}"
            f" {item.signature}"
            for item in self.decisions
        ]
        known = ["dixian-correction-authorization/1", str(self.correction_id), self.content_sha256]
        return "\n".join([*known, self.filing, " ".join(due), *decisions, ""]).encode()


@contract
class CorrectionExecuted(AuditEvent):
    """The owning service's compensating event of one target is in the log."""

    correction_id: UUID
    stream_id: UUID
    version: int
    """The compensating event's version."""
    event_id: UUID
    remaining: int
    """Targets still to come; 0 completes the correction."""


@contract
class CorrectionRefused(_Decided):
    """A gate said no, or let its time pass, or a target moved: final; a new request is needed."""

    gate: Gate
    because: RefusedBecause
    previous_event_id: UUID | None = None
    """Of a person's no: the event of the step before, and its leaf hash."""
    previous_leaf_sha256: Sha256 | None = None


class _KeyEvent(AuditEvent):
    key_id: UUID
    owner: str
    """Whose key it is: one person's, for good."""


@contract
class SigningKeyEnrolled(_KeyEvent):
    """A person showed a public key and that the private one is at hand (R108)."""

    division: DivisionCode
    public_key: Ed25519Key
    proof: Ed25519Signature
    """The key's own signature over the enrolment's statement."""


@contract
class SigningKeyConfirmed(_KeyEvent):
    """An administrator, another person, confirmed whose key it is: it signs decisions now."""

    confirmed_by: str


@contract
class SigningKeyRevoked(_KeyEvent):
    """The key signs nothing any more; what it signed before stands."""

    revoked_by: str


@contract
class EvidenceKept(AuditEvent):
    """A document that speaks for a correction is kept, sealed under the correction's key (R108)."""

    owner_id: UUID
    """The correction."""
    division: DivisionCode
    """The city that filed it."""
    sha256: Sha256
    media_type: str
    size: int
    """Bytes."""
