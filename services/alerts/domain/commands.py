"""Everything one can ask of this service that changes something.

Who acts is the token's subject, never a field. ``occurred_on`` is the legal date of an act (K6).
What people say and who they are goes to the vault; events keep its records' ids.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.contracts.alerts import (
    AlertType,
    Channel,
    ExtensionReason,
    Fate,
    OrderKind,
    OrderResult,
    Rating,
    ReturnReason,
    SupervisionGround,
    Threshold,
)
from shared.contracts.values import LeadDisposition, LeadSource, Risk, Sha256
from shared.kernel.decider import Act
from shared.kernel.division import DivisionCode, Level
from shared.kernel.document_number import NoDocumentNumber
from shared.kernel.event import Command
from shared.kernel.money import FenAmount
from shared.kernel.principal import Permission, Role, may

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
"""What a person says or writes: kept in the vault."""
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
Phone = Annotated[str, StringConstraints(pattern=r"^[0-9+-]{5,20}$")]
Spoken = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
"""A document number as somebody said or typed it; a caller's may be misheard, and still counts."""
OrderNo = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{4,64}$")]
Feed = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,39}$")]
"""A department's feed: ``medical-insurance``; a machine key names the feeds it may post to."""
ExternalId = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,64}$")]
Reference = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{4,64}$"), NoDocumentNumber]
Period = Annotated[str, StringConstraints(pattern=r"^\d{4}(-(0[1-9]|1[0-2]))?$")]
"""A year or a month: ``2023``, ``2023-07``."""
Risks = Annotated[tuple[Risk, ...], Field(max_length=9)]

_LOCAL = (Level.VILLAGE, Level.TOWN, Level.COUNTY)
_ABOVE = (Level.COUNTY, Level.CITY, Level.PROVINCE)
_SYSTEM = Permission(frozenset({Role.SYSTEM}))


class Person(BaseModel):
    """Somebody as the caller or the officer names them; goes to the vault as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name | None = None
    document_number: Spoken | None = None
    phone: Phone | None = None


class Declarant(Person):
    """Somebody who declares for the own household: a portal has checked who they are."""

    name: Name
    document_number: Spoken


class AcceptOrder(Command):
    """The hotline passes a call on (受理; R116). The order number makes repeating it harmless."""

    permission: ClassVar[Permission] = may(Role.HOTLINE)

    order_no: OrderNo
    kind: OrderKind
    called_on: date
    """The day of the call: a lead's clocks run from it (R116)."""
    division: DivisionCode
    """The village, town or county the matter concerns."""
    caller: Person
    subject: Person | None = None
    """Whom it is about, where that is not the caller."""
    text: Text
    """What the caller said."""
    confidential: bool = False
    """The caller asks for confidentiality; a reporter always has it (R118)."""
    risks: Risks = ()


class OrderPart(StrEnum):
    """What of an order is in the vault."""

    CALLER = "CALLER"
    MATTER = "MATTER"
    """来电内容"""
    INSTRUCTION = "INSTRUCTION"
    """交办要求"""
    ANSWER = "ANSWER"
    """办理答复"""


class OrderAct(Act):
    """An act on an order."""

    order_id: UUID


class AssignOrder(OrderAct):
    """Give the order to a unit below (交办), or hand it further down."""

    permission: ClassVar[Permission] = may(Role.OFFICER, at=_ABOVE)

    assignee: DivisionCode
    instruction: Text | None = None
    """Required for a report: the unit does not read the reporter's own words (R118)."""


class ReturnOrder(OrderAct):
    """Give a misrouted order back, within two working days (回退; R117)."""

    permission: ClassVar[Permission] = may(Role.OFFICER, at=_LOCAL)

    reason: ReturnReason
    note: Text | None = None


class ExtendOrder(OrderAct):
    """Give the handling more time, once, before it is due (R117)."""

    permission: ClassVar[Permission] = may(Role.OFFICER, at=_ABOVE)

    reason: ExtensionReason
    note: Text | None = None


class HandleOrder(OrderAct):
    """Say what was done and what the caller is told (办理)."""

    permission: ClassVar[Permission] = may(Role.OFFICER, at=_LOCAL)

    result: OrderResult
    answer: Text


class SuperviseOrder(OrderAct):
    """Press for an order that is overdue or twice rated unsatisfying (督办; R117)."""

    permission: ClassVar[Permission] = may(Role.OFFICER, at=_ABOVE)

    ground: SupervisionGround
    note: Text


class CloseOrder(OrderAct):
    """Take the handling as sufficient (办结)."""

    permission: ClassVar[Permission] = may(Role.OFFICER, at=_ABOVE)

    note: Text | None = None


class RateOrder(OrderAct):
    """Record what the caller said on the return visit (评价)."""

    permission: ClassVar[Permission] = may(Role.HOTLINE)

    rating: Rating
    note: Text | None = None


class RegisterLead(Act):
    """Enter a household's own declaration or what a cadre found (R54). Dated ``occurred_on``."""

    permission: ClassVar[Permission] = may(Role.OFFICER, at=_LOCAL)

    source: Literal[LeadSource.SELF_DECLARATION, LeadSource.CADRE_SCREENING]
    channel: Channel | None = None
    """Of a self-declaration, which has one."""
    agent: Person | None = None
    """Who brings the declaration for the household (代办)."""
    division: DivisionCode
    household_id: UUID | None = None
    """The household, where the officer knows it."""
    person: Person | None = None
    """Somebody of the household, where not."""
    risks: Risks = ()
    text: Text | None = None
    evidence: Annotated[tuple[Sha256, ...], Field(max_length=20)] = ()
    reference: Reference | None = None
    """The paper's own number: entered twice, it is one lead."""


class DeclareRisk(Command):
    """A household declares its risk itself, on a portal (线上申报)."""

    permission: ClassVar[Permission] = may(Role.PORTAL)

    reference: Reference
    """The portal's own number: sent twice, it is one lead."""
    declared_on: date
    """The day of the declaration: the lead's clocks run from it (R54)."""
    division: DivisionCode
    """The village, town or county where the household lives."""
    person: Declarant
    agent: Person | None = None
    """Who declares it for the household."""
    risks: Risks = ()
    text: Text
    evidence: Annotated[tuple[Sha256, ...], Field(max_length=20)] = ()


class ReportRisk(Command):
    """Make a lead. Comes from this service's own handlers only."""

    permission: ClassVar[Permission] = _SYSTEM

    lead_id: UUID
    source: LeadSource
    discovered_on: date
    division: DivisionCode
    reported_in: DivisionCode
    household_id: UUID | None
    risks: Risks = ()
    order_id: UUID | None = None
    alert_id: UUID | None = None
    evidence: tuple[Sha256, ...] = ()
    clue: bool = False
    person_id: UUID | None = None
    channel: Channel | None = None
    agent_id: UUID | None = None
    text_id: UUID | None = None


class MatchLead(Act):
    """Say which household a lead is about. Nothing is ever merged by itself on less than that."""

    permission: ClassVar[Permission] = may(Role.OFFICER, at=_LOCAL)

    lead_id: UUID
    household_id: UUID


class DisposalReason(StrEnum):
    """Why an officer ends a lead. Some are offered only to be refused, by their rule."""

    NO_RISK_FOUND = "NO_RISK_FOUND"
    """入户核查未发现风险 (UNFOUNDED)"""
    FALSE_REPORT = "FALSE_REPORT"
    """举报不实 (UNFOUNDED)"""
    WRONG_DATA = "WRONG_DATA"
    """部门数据有误 (UNFOUNDED)"""
    CAN_COPE = "CAN_COPE"
    """可依靠自身能力解决,持续跟踪 (TRACKED; R32, R33)"""
    NOT_RURAL = "NOT_RURAL"
    """不属农村户籍人口 (OUT_OF_SCOPE; R19)"""
    URBAN_BENEFITS = "URBAN_BENEFITS"
    """农转非且享受城镇保障 (OUT_OF_SCOPE; R21)"""
    OTHER_PROVINCE = "OTHER_PROVINCE"
    """户籍在外省 (OUT_OF_SCOPE; R24)"""
    URBAN_HUKOU = "URBAN_HUKOU"
    """城镇户籍 (OUT_OF_SCOPE; refused for the relocated: R20)"""
    HAS_DIBAO = "HAS_DIBAO"
    """已享受低保: refused, R43"""


class DisposeLead(Act):
    """End one lead, after looking at the household (R42). There is no command for many."""

    permission: ClassVar[Permission] = may(Role.OFFICER, at=Level.COUNTY)

    lead_id: UUID
    disposition: LeadDisposition
    reason: DisposalReason
    below_line: bool
    """Whether the household's net income was found at or below the line (K4, R30)."""
    relocated: bool
    """Whether the household was relocated (易地扶贫搬迁; R20)."""
    note: Text
    """Who went there, when, and what was found."""


class FollowLead(Act):
    """Look again at a tracked lead: go on, or find its gap closed (R33)."""

    permission: ClassVar[Permission] = may(Role.OFFICER, at=_LOCAL)

    lead_id: UUID
    gap_closed: bool
    note: Text


class SettleLead(Command):
    """The identification service said what became of a lead."""

    permission: ClassVar[Permission] = _SYSTEM

    lead_id: UUID
    disposition: LeadDisposition
    case_id: UUID
    reason: str = ""


class CorrectLead(Command):
    """Give a lead an authorised correction's compensating event, and nothing else (R107, R108)."""

    permission: ClassVar[Permission] = _SYSTEM

    lead_id: UUID
    correction_id: UUID
    to_version: int | None = None
    """Of a rollback; without it the lead is withdrawn (清退)."""


class OrderLook(BaseModel):
    """What of an order to see in full, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: Literal["ORDER_HANDLING", "CONTACT", "INSPECTION", "SUBJECT_REQUEST"]
    parts: Annotated[tuple[OrderPart, ...], Field(min_length=1, max_length=4)]


class RevealOrder(OrderLook, Command):
    """See what the caller said and who they are, in full, for a purpose; recorded (R118)."""

    permission: ClassVar[Permission] = may(Role.OFFICER, Role.HOTLINE, Role.INSPECTOR)

    order_id: UUID


class LeadPart(StrEnum):
    """What of a lead is in the vault."""

    PERSON = "PERSON"
    """Whom it is about, while the register does not know them."""
    AGENT = "AGENT"
    """代办人"""
    TEXT = "TEXT"
    """申报或排查内容"""
    NOTE = "NOTE"
    """最近一次处置或跟踪的说明"""


class LeadLook(BaseModel):
    """What of a lead to see in full, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: Literal["VERIFICATION", "CONTACT", "INSPECTION", "SUBJECT_REQUEST"]
    parts: Annotated[tuple[LeadPart, ...], Field(min_length=1, max_length=4)] = (LeadPart.PERSON,)


class RevealLead(LeadLook, Command):
    """See whom a lead is about, in full, for a purpose; recorded."""

    permission: ClassVar[Permission] = may(Role.OFFICER, Role.INSPECTOR)

    lead_id: UUID


class PersonAlerted(BaseModel):
    """Whom a department's alert is about."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    document_number: Spoken
    """18, 20 or 22 characters; checked on the way to the vault."""


class ReceiveAlert(Command):
    """A department's system reports something about one person."""

    permission: ClassVar[Permission] = may(Role.FEED)

    feed: Feed
    external_id: ExternalId | None = None
    """The department's own id of it; without one, the same content is the same alert."""
    type: AlertType
    happened_on: date
    period: Period | None = None
    amount: FenAmount | None = None
    """分; required where the type has a threshold."""
    division: DivisionCode
    """Where the person is registered, as far as the department knows: at least the county."""
    person: PersonAlerted
    details: Text | None = None
    """What else the department says: kept in the vault."""


class RecordAlert(Command):
    """Keep an alert with its fate. Comes from this service's own handlers only."""

    permission: ClassVar[Permission] = _SYSTEM

    alert_id: UUID
    received: ReceiveAlert
    household_id: UUID | None
    household_division: DivisionCode | None
    threshold: Threshold | None
    fate: Fate
    lead_id: UUID | None
    person_id: UUID | None
