"""The steps of an identification case, one event each.

The stream is the case, the key its household. What crosses to other services stands in
``shared.contracts.identification``, which brings these in.
"""

from datetime import date
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.contracts.assessment import Accounts, Advice, Findings
from shared.contracts.members import Member
from shared.contracts.registry import contract
from shared.contracts.values import Category, EliminationMode, Gap, MeetingForm, Risk
from shared.kernel.deadline import Deadline
from shared.kernel.division import DivisionCode, Level
from shared.kernel.event import Event
from shared.kernel.money import Fen


class IdentificationEvent(Event):
    """Base of this service's events."""

    service: ClassVar[str] = "identification"


class StepEvent(IdentificationEvent):
    """Base of the acts on a case."""

    on: date
    """The legal date of the act, the same as ``Recorded.occurred_on`` (K6)."""
    entered_on: date | None = None
    """The day of entry, where it lies more than a day after: the act is back-dated (K6)."""


class LateReason(StrEnum):
    """Why an act came after its last day; without one it is not taken (R54, K5)."""

    HOUSEHOLD_ABSENT = "HOUSEHOLD_ABSENT"
    """农户外出"""
    DISASTER = "DISASTER"
    """灾害等不可抗力"""
    OBJECTION = "OBJECTION"
    """异议复核"""
    REWORK = "REWORK"
    """退回重办"""
    DATA_DELAY = "DATA_DELAY"
    """部门比对延迟"""
    WORKLOAD = "WORKLOAD"
    """人手不足"""
    OTHER = "OTHER"


@contract
class OfficersNamed(StepEvent):
    """Village and town named who answers for the case; a second naming is a handover (R5)."""

    village_officer: str
    """The officer's pseudonym, as tokens carry it."""
    town_officer: str


class QueryScope(StrEnum):
    """What the household lets be looked up (R52)."""

    BANK = "BANK"
    VEHICLE = "VEHICLE"
    PROPERTY = "PROPERTY"
    BUSINESS = "BUSINESS"
    BENEFITS = "BENEFITS"
    MEDICAL = "MEDICAL"


@contract
class AuthorizationSigned(StepEvent):
    """The household signed the commitment and let its assets be looked up (R52)."""

    signer_id: UUID
    """The member who signed, or for whom the agent signed."""
    by_agent: bool = False
    scope: tuple[QueryScope, ...]
    evidence: tuple[str, ...]
    """SHA-256 of the signed paper."""


@contract
class AuthorizationRevoked(StepEvent):
    """The household took its authorisation back; nothing more is looked up (R52; PROPOSED)."""


@contract
class Verified(StepEvent):
    """Village and town looked at the household: accounts, gaps, coping; with the advice (R14)."""

    members: tuple[Member, ...]
    """The members as found, those not counted included."""
    counted: tuple[UUID, ...]
    """Who makes up the household for this purpose (R22)."""
    form_version: str
    """Of the collection form (R34)."""
    signer_id: UUID
    accounts: Accounts
    findings: Findings
    advice: Advice
    late_reason: LateReason | None = None
    note_id: UUID | None = None


class Source(StrEnum):
    """Who answered a comparison query."""

    CIVIL_AFFAIRS = "CIVIL_AFFAIRS"
    MEDICAL_INSURANCE = "MEDICAL_INSURANCE"
    EDUCATION = "EDUCATION"
    HUMAN_RESOURCES = "HUMAN_RESOURCES"
    MARKET_REGULATION = "MARKET_REGULATION"
    NATURAL_RESOURCES = "NATURAL_RESOURCES"
    PUBLIC_SECURITY = "PUBLIC_SECURITY"
    DISABLED_FEDERATION = "DISABLED_FEDERATION"

    @property
    def department(self) -> str:
        """What the department's systems are let in for: the name that their keys carry."""
        return "police" if self is Source.PUBLIC_SECURITY else self.lower().replace("_", "-")


class Hit(StrEnum):
    """What a comparison may turn up."""

    VEHICLE = "VEHICLE"
    """车辆"""
    PROPERTY = "PROPERTY"
    """商品房等不动产"""
    BUSINESS = "BUSINESS"
    """工商登记"""
    PUBLIC_PAYROLL = "PUBLIC_PAYROLL"
    """财政供养"""
    URBAN_BENEFIT = "URBAN_BENEFIT"
    """城镇保障"""


class SourceResult(BaseModel):
    """One department's answer: what it found, or nothing."""

    model_config = ConfigDict(frozen=True)

    source: Source
    hits: tuple[Hit, ...] = ()


@contract
class ComparisonAnswered(StepEvent):
    """A department answered about one member, before the county concludes (R52, R57)."""

    source: Source
    member_id: UUID
    hits: tuple[Hit, ...] = ()
    """Nothing: the department holds nothing of that kind."""


@contract
class Compared(StepEvent):
    """The county compared the household's data with the departments' (R52, R57)."""

    results: tuple[SourceResult, ...]
    note_id: UUID | None = None


class ExemptionGround(StrEnum):
    """Whose earlier comparison may stand for a new one (R58)."""

    POLICY_BENEFICIARY = "POLICY_BENEFICIARY"
    """脱贫享受政策户"""
    RURAL_DIBAO = "RURAL_DIBAO"
    """已开展过信息比对的低保对象"""
    SCATTERED_SUPPORT = "SCATTERED_SUPPORT"
    """分散供养特困人员"""


@contract
class ComparisonExempted(StepEvent):
    """An earlier comparison is reused by reference (R58)."""

    ground: ExemptionGround
    reference: str
    """The earlier comparison's number."""
    compared_on: date


class Conclusion(StrEnum):
    """What the meeting concluded."""

    IDENTIFY = "IDENTIFY"
    DECLINE = "DECLINE"


class Doubt(StrEnum):
    """What is odd about a deliberation: shown to the town and the county, never blocking (R61)."""

    QUORUM = "QUORUM"
    """Fewer than two thirds of those due were present, or what the policy asks instead."""
    MAJORITY = "MAJORITY"
    """The conclusion is not what more than half of those present voted for."""
    NO_TOWN_OFFICER = "NO_TOWN_OFFICER"
    """Nobody of the town was there."""
    AGAINST_ADVICE = "AGAINST_ADVICE"
    """The conclusion departs from the decision table's advice."""


@contract
class Deliberated(StepEvent):
    """The village deliberated (R61); its minutes lie in the vault."""

    form: MeetingForm
    due: int
    present: int
    recused: int
    in_favour: int
    against: int
    abstained: int
    conclusion: Conclusion
    category: Category | None
    minutes_id: UUID
    evidence: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    town_officers: tuple[str, ...] = ()
    """Who of the town was there, as pseudonyms."""


class BackTo(StrEnum):
    """Where a case goes again."""

    VERIFICATION = "VERIFICATION"
    DELIBERATION = "DELIBERATION"


@contract
class TownReviewed(StepEvent):
    """The town passed the case, or gave it back to be done again (R57)."""

    passed: bool
    back_to: BackTo | None = None
    note_id: UUID | None = None


@contract
class NoticePosted(StepEvent):
    """The notice hangs in the village, its content frozen (R56, R65)."""

    number: str
    content_hash: str
    """SHA-256, hex, of the notice's exact text in the vault; salted there."""
    content_id: UUID
    category: Category
    members: int
    last_day: date
    """The last of the whole days of publicity (K2); approval from the day after."""
    evidence: tuple[str, ...]
    """SHA-256 of the photographs of the posting."""


@contract
class ObjectionRaised(StepEvent):
    """Somebody objects: approval waits for the answer (R66)."""

    objection_id: UUID
    note_id: UUID


@contract
class ObjectionAnswered(StepEvent):
    """Answered: dismissed, or upheld, and then the case is verified and posted anew (R66)."""

    objection_id: UUID
    upheld: bool
    note_id: UUID


@contract
class Publicized(StepEvent):
    """The whole publicity passed without an open objection (R56)."""

    posted_on: date
    last_day: date


@contract
class Announced(StepEvent):
    """The county announced the result, in the same whitelisted fields (R51, R65)."""

    number: str
    content_hash: str
    content_id: UUID


@contract
class NationalEntryRecorded(StepEvent):
    """The case stands in the national system (R63)."""

    receipt: str
    """The national system's number."""
    late_reason: LateReason | None = None


class Told(StrEnum):
    """What a household was told about."""

    REFUSAL = "REFUSAL"
    """Not identified, and why (R67)"""
    CHANNEL_ENTRY = "CHANNEL_ENTRY"
    """In the green channel, and with which help (R74)"""
    CHANNEL_EXIT = "CHANNEL_EXIT"
    """Out of the green channel, and why (R74)"""


@contract
class HouseholdTold(StepEvent):
    """The household was told (R67, R74)."""

    about: Told
    late_reason: LateReason | None = None


@contract
class FollowedUp(StepEvent):
    """A household not identified was looked at again; followed until its gap closes (R33)."""

    open_gaps: tuple[Gap, ...]
    deadlines: tuple[Deadline, ...] = ()
    """The next look, a month on; none when the following ends."""


@contract
class FollowingHandedOver(IdentificationEvent):
    """A new lead opened a new case of a followed household: that one goes on instead (R33)."""

    to_case_id: UUID


@contract
class GreenChannelConfirmed(StepEvent):
    """Village or town confirmed that the facts are sudden, severe and clear (R68, R69)."""

    level: Level
    cause: Risk
    note_id: UUID | None = None
    by: str = ""
    """Who confirmed, as a pseudonym: village and town are two people."""


@contract
class GreenChannelVerified(StepEvent):
    """Whether a household in the green channel is eligible (R71)."""

    eligible: bool
    late_reason: LateReason | None = None
    note_id: UUID | None = None


@contract
class MeasureNoted(IdentificationEvent):
    """A measure was filed for the household, runs, or runs no more (R49, R70, R73, R76)."""

    measure_id: UUID
    running: bool
    kind: str = ""
    """What it is, as its filing says; later notes leave it out."""
    development: bool = False
    """Whether it counts as a development measure (R82, R83)."""


@contract
class MonitoringEnded(IdentificationEvent):
    """The household's risk is eliminated; its case is closed and kept (R91, R106)."""

    eliminated_on: date
    elimination_id: UUID
    """The assistance service's event that says so."""
    mode: EliminationMode | None = None
    early: bool = False
    """Before the half-year, by the county's leave (R93)."""
    per_capita_net: Fen | None = None
    """What the elimination stood on, 分 a head (R91)."""


@contract
class DeadlineWarned(IdentificationEvent):
    """A clock's warning day has come; said once (R54)."""

    kind: str
    rule: str
    due_on: date
    on: date


@contract
class DeadlineMissed(IdentificationEvent):
    """A clock's last day has passed without the act; said once, to the level above."""

    kind: str
    rule: str
    due_on: date
    escalated_to: DivisionCode


@contract
class DeadlineEscalated(IdentificationEvent):
    """A missed act is still not done: one level higher hears of it, each once (R54)."""

    kind: str
    rule: str
    due_on: date
    on: date
    escalated_to: DivisionCode
