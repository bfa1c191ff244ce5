"""Events of the identification service: the register, the procedure, the policy book."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.contracts.registry import contract
from shared.contracts.values import Benefit, Category, Gap, History, Hukou, Labour, LeadSource, Risk
from shared.kernel.deadline import Deadline
from shared.kernel.decider import RollsBack
from shared.kernel.division import DivisionCode
from shared.kernel.event import Event
from shared.kernel.money import Fen
from shared.policy.parameters import PolicyVersion


class IdentificationEvent(Event):
    """Base of this service's events."""

    service: ClassVar[str] = "identification"


class Member(BaseModel):
    """A member as events know them: codes only; the person is in the vault under the same id."""

    model_config = ConfigDict(frozen=True)

    member_id: UUID
    is_head: bool = False
    labour: Labour
    hukou: Hukou
    co_living: bool = True
    """Lives with and shares the income of the household (R22, R23)."""
    benefits: tuple[Benefit, ...] = ()


class IndexToken(BaseModel):
    """The keyed blind index of one document number; says nothing without the key."""

    model_config = ConfigDict(frozen=True)

    member_id: UUID
    token: str
    """Hex HMAC of the normalised number."""


@contract
class HouseholdRegistered(IdentificationEvent):
    """A household stands in the register."""

    household_id: UUID
    division: DivisionCode
    """The village that owns it (R24–R26)."""
    residence: DivisionCode
    """Where it lives."""
    history: History
    relocated: bool = False
    """易地扶贫搬迁(含同步搬迁); owned by the place it moved to (R26)."""
    moved_from: DivisionCode | None = None
    members: tuple[Member, ...]


@contract
class HouseholdIndexed(IdentificationEvent):
    """The document numbers of a household can be matched: keyed tokens, no numbers."""

    household_id: UUID
    division: DivisionCode
    key_id: str
    """Which index key made the tokens; all of the household's earlier tokens are void."""
    tokens: tuple[IndexToken, ...]


@contract
class CaseOpened(IdentificationEvent):
    """The first lead of a household without an open case opened one; the clocks run (R54, R55)."""

    case_id: UUID
    household_id: UUID
    division: DivisionCode
    lead_id: UUID
    source: LeadSource
    discovered_on: date
    risks: tuple[Risk, ...] = ()
    deadlines: tuple[Deadline, ...]
    previous_case_id: UUID | None = None
    """The household's last case, when it was monitored before (R105)."""


@contract
class LeadJoined(IdentificationEvent):
    """A further lead about a household whose case is open."""

    case_id: UUID
    household_id: UUID
    lead_id: UUID
    source: LeadSource
    discovered_on: date
    risks: tuple[Risk, ...] = ()


@contract
class RiskAdded(IdentificationEvent):
    """A lead about a household that is identified already: a new risk to be helped with."""

    case_id: UUID
    household_id: UUID
    lead_id: UUID
    risks: tuple[Risk, ...]


@contract
class Approved(IdentificationEvent):
    """The county approved: the household is identified (R53, R62, R64)."""

    case_id: UUID
    household_id: UUID
    division: DivisionCode
    category: Category
    risks: tuple[Risk, ...]
    gaps: tuple[Gap, ...]
    identified_on: date
    """The approval's day, or the day of entry into the green channel (R64)."""
    authority: str
    """The committee's or the delegation's document (R53)."""
    members: int
    """Heads counted (R22)."""
    labour_capable: bool
    """Whether any counted member can work."""
    per_capita_net: Fen
    """分 per head."""
    history: History
    deadlines: tuple[Deadline, ...]
    """Entry into the national system (R63)."""


@contract
class NotIdentified(IdentificationEvent):
    """After deliberation and approval: not identified, with the reason's code (R30, R32, R67)."""

    case_id: UUID
    household_id: UUID
    reason: str
    tracked: bool = False
    """Followed until the gap closes (R33)."""
    deadlines: tuple[Deadline, ...] = ()


@contract
class GreenChannelEntered(IdentificationEvent):
    """Sudden and severe: the county entered the household for help before the procedure (R69)."""

    case_id: UUID
    household_id: UUID
    division: DivisionCode
    risks: tuple[Risk, ...]
    entered_on: date
    deadlines: tuple[Deadline, ...]


@contract
class GreenChannelExited(IdentificationEvent):
    """Not eligible: noted, told, and its provisional measures are stopped (R73)."""

    case_id: UUID
    household_id: UUID
    note_id: UUID


@contract
class PolicyPublished(IdentificationEvent):
    """A set of parameters with its document; in-flight cases keep the one they started with."""

    policy: PolicyVersion


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
class Purged(IdentificationEvent):
    """The case was withdrawn (清退) through the gates; its history stays (R107, R108)."""

    correction_id: UUID


@contract
class RolledBack(IdentificationEvent, RollsBack):
    """The case is as of an earlier version again (回退) through the gates (R107, R108)."""

    correction_id: UUID
