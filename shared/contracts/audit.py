"""What the audit service records: corrections on their way through the gates, and findings."""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.contracts.registry import contract
from shared.kernel.deadline import Deadline
from shared.kernel.division import DivisionCode
from shared.kernel.event import Event

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 in lower-case hex."""

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


class _Passed(AuditEvent):
    correction_id: UUID
    content_sha256: Sha256
    decided_by: str
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


@contract
class CorrectionAuthorized(AuditEvent):
    """Every gate is passed: the owning service executes it, if the targets have not moved."""

    correction_id: UUID
    city: DivisionCode
    kind: CorrectionKind
    targets: tuple[Target, ...]
    change: FlagChange | None = None
    reason: CorrectionReason
    filing: DocumentNumber
    """The national filing number."""
    content_sha256: Sha256


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
class CorrectionRefused(AuditEvent):
    """A gate said no, or let its time pass, or a target moved: final; a new request is needed."""

    correction_id: UUID
    gate: Gate
    because: RefusedBecause
    decided_by: str
    content_sha256: Sha256


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
