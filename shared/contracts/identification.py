"""Events of the identification service: the register, the procedure, the policy book.

Here is what crosses to other services; the single steps of a case stand in
``identification_steps`` and are brought in below, so that importing this module knows them all.
"""

from datetime import date
from uuid import UUID

from shared.contracts.findings import FindingAnswered, FindingRaised
from shared.contracts.governance import (
    DelegationGranted,
    DelegationRevoked,
    JointMeetingHeld,
    OfficerKnown,
    PolicyMergingRecorded,
)
from shared.contracts.identification_steps import (
    Announced,
    AuthorizationRevoked,
    AuthorizationSigned,
    Compared,
    ComparisonAnswered,
    ComparisonExempted,
    DeadlineEscalated,
    DeadlineMissed,
    DeadlineWarned,
    Deliberated,
    FollowedUp,
    FollowingHandedOver,
    GreenChannelConfirmed,
    GreenChannelVerified,
    HouseholdTold,
    IdentificationEvent,
    LateReason,
    MeasureNoted,
    MonitoringEnded,
    NationalEntryRecorded,
    NoticePosted,
    ObjectionAnswered,
    ObjectionRaised,
    OfficersNamed,
    Publicized,
    StepEvent,
    TownReviewed,
    Verified,
)
from shared.contracts.members import IndexToken, Member, MovedMember, RemovedMember
from shared.contracts.registry import contract
from shared.contracts.values import Category, Gap, History, LeadSource, Risk
from shared.kernel.deadline import Deadline
from shared.kernel.decider import RollsBack
from shared.kernel.division import DivisionCode
from shared.kernel.money import Fen
from shared.policy.parameters import PolicyVersion


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
    hukou_place: DivisionCode | None = None
    """Where it is registered: the owner, unless a reason says otherwise (R24)."""
    residence_leads: str = ""
    """Why the residence place owns it instead, as a code (R25)."""


@contract
class HouseholdRevised(IdentificationEvent):
    """Members came, went or changed; the household's members are these now (R22, R23)."""

    household_id: UUID
    division: DivisionCode
    members: tuple[Member, ...]
    added: tuple[UUID, ...] = ()
    removed: tuple[RemovedMember, ...] = ()
    home_id: UUID | None = None
    """The vault's record of its address and phone, when they changed."""


@contract
class HouseholdSplit(IdentificationEvent):
    """Members left to be a household of their own; the cases and plans stay here (R7, R25)."""

    household_id: UUID
    division: DivisionCode
    members: tuple[Member, ...]
    """Who is left."""
    new_household_id: UUID
    moved: tuple[MovedMember, ...]


@contract
class HouseholdSplitOff(IdentificationEvent):
    """A household comes out of another one; its registration follows at once."""

    household_id: UUID
    division: DivisionCode
    from_household_id: UUID
    case_id: UUID | None = None
    """The open or active case of the household it leaves: its own need is looked at anew (R42)."""
    risks: tuple[Risk, ...] = ()
    """Of that case."""


@contract
class HouseholdMerged(IdentificationEvent):
    """Another household's members belong to this one now (R7, R11, R25)."""

    household_id: UUID
    division: DivisionCode
    members: tuple[Member, ...]
    """All of them now."""
    absorbed_household_id: UUID
    moved: tuple[MovedMember, ...]
    history: History
    """Formerly poor when either was (R104)."""


@contract
class HouseholdAbsorbed(IdentificationEvent):
    """The household is part of another one now; a lead about it is a lead about that one."""

    household_id: UUID
    division: DivisionCode
    into_household_id: UUID


@contract
class HouseholdMoved(IdentificationEvent):
    """Another village owns the household from now on (R24–R26)."""

    household_id: UUID
    from_division: DivisionCode
    division: DivisionCode
    residence: DivisionCode
    hukou_place: DivisionCode | None = None
    """Where it is registered from then on; absent where that did not change."""
    residence_leads: str = ""
    """Why the residence place owns it instead, as a code (R25)."""


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
    moved_from: DivisionCode | None = None
    """The place a relocated household left: it collaborates (R26)."""
    history: History = History.ORDINARY
    relocated: bool = False
    policy: str = ""
    """The policy version that governs the case to its end (K7)."""


@contract
class LeadJoined(IdentificationEvent):
    """A further lead about a household whose case is open."""

    case_id: UUID
    household_id: UUID
    lead_id: UUID
    source: LeadSource
    discovered_on: date
    risks: tuple[Risk, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    """Clocks that run from this lead, because it is earlier than those before it (R54)."""


@contract
class RiskAdded(IdentificationEvent):
    """A lead about a household that is identified already: a new risk to be helped with."""

    case_id: UUID
    household_id: UUID
    lead_id: UUID
    risks: tuple[Risk, ...]


@contract
class Approved(StepEvent):
    """The county approved: the household is identified (R53, R62, R64)."""

    case_id: UUID
    household_id: UUID
    division: DivisionCode
    category: Category
    risks: tuple[Risk, ...]
    gaps: tuple[Gap, ...]
    identified_on: date
    """The approval's day (``on``), or the day of entry into the green channel (R64)."""
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
    whole_household_no_labour: bool = False
    """No member can work at all: not even weak labour (R97)."""
    departs_from_advice: bool = False
    """Not what the decision table advised: listed for the city's sampling."""
    note_id: UUID | None = None
    """The reason for departing, in the vault."""
    late_reason: LateReason | None = None
    """Why it came after the fifteenth day (R54)."""
    green_channel: bool = False
    """Entered by the green channel, and dated from it (R64)."""
    approved_by: str = ""
    """The person who approved, as a pseudonym (R53)."""
    delegation_id: UUID | None = None
    """The delegation that person held; none for the committee itself (R53)."""


@contract
class NotIdentified(StepEvent):
    """After deliberation and approval: not identified, with the reason's code (R30, R32, R67)."""

    case_id: UUID
    household_id: UUID
    reason: str
    tracked: bool = False
    """Followed until the gap closes (R33)."""
    deadlines: tuple[Deadline, ...] = ()
    """Telling the applicant (R67), and the next look at what is followed (R33)."""
    departs_from_advice: bool = False
    note_id: UUID | None = None
    late_reason: LateReason | None = None


@contract
class GreenChannelEntered(StepEvent):
    """Sudden and severe: the county entered the household for help before the procedure (R69)."""

    case_id: UUID
    household_id: UUID
    division: DivisionCode
    risks: tuple[Risk, ...]
    entered_on: date
    """The identification date, should it come to that (R64)."""
    deadlines: tuple[Deadline, ...]
    """Eligibility within the month (R71), first help at once (R70)."""
    facts_id: UUID | None = None
    """The statement of facts, in the vault (R68)."""


@contract
class GreenChannelExited(StepEvent):
    """Not eligible: noted, told, and its provisional measures are stopped (R73)."""

    case_id: UUID
    household_id: UUID
    note_id: UUID
    tracked: bool = False
    """Followed until its gap closes (R33)."""
    deadlines: tuple[Deadline, ...] = ()
    """Telling the household (R74), and the next look at what is followed (R33)."""


@contract
class PersonalDataRevealed(IdentificationEvent):
    """Somebody saw personal data in full, for a purpose: what and why, never the data itself."""

    reveal_id: UUID
    household_id: UUID
    division: DivisionCode
    purpose: str
    records: tuple[UUID, ...]
    """The vault's records: members, or the household's own."""
    fields: tuple[str, ...]


@contract
class EvidenceKept(IdentificationEvent):
    """A file is kept, sealed under the household's key; acts cite it by its hash."""

    owner_id: UUID
    """The household."""
    division: DivisionCode
    sha256: str
    media_type: str
    size: int
    """Bytes."""


@contract
class PolicyPublished(IdentificationEvent):
    """A set of parameters with its document; in-flight cases keep the one they started with."""

    policy: PolicyVersion


@contract
class PersonalDataErased(IdentificationEvent):
    """The key of the household's personal data was destroyed through the gates (R107, R108).

    Whoever keeps more of the household's personal data destroys it as well.
    """

    household_id: UUID
    division: DivisionCode
    correction_id: UUID


@contract
class Purged(IdentificationEvent):
    """The case was withdrawn (清退) through the gates; its history stays (R107, R108)."""

    correction_id: UUID


@contract
class RolledBack(IdentificationEvent, RollsBack):
    """The case is as of an earlier version again (回退) through the gates (R107, R108)."""

    correction_id: UUID


__all__ = [
    "Announced",
    "Approved",
    "AuthorizationRevoked",
    "AuthorizationSigned",
    "CaseOpened",
    "Compared",
    "ComparisonAnswered",
    "ComparisonExempted",
    "DeadlineEscalated",
    "DeadlineMissed",
    "DeadlineWarned",
    "DelegationGranted",
    "DelegationRevoked",
    "Deliberated",
    "EvidenceKept",
    "FindingAnswered",
    "FindingRaised",
    "FollowedUp",
    "FollowingHandedOver",
    "GreenChannelConfirmed",
    "GreenChannelEntered",
    "GreenChannelExited",
    "GreenChannelVerified",
    "HouseholdAbsorbed",
    "HouseholdIndexed",
    "HouseholdMerged",
    "HouseholdMoved",
    "HouseholdRegistered",
    "HouseholdRevised",
    "HouseholdSplit",
    "HouseholdSplitOff",
    "HouseholdTold",
    "IdentificationEvent",
    "IndexToken",
    "JointMeetingHeld",
    "LateReason",
    "LeadJoined",
    "MeasureNoted",
    "Member",
    "MonitoringEnded",
    "MovedMember",
    "NationalEntryRecorded",
    "NotIdentified",
    "NoticePosted",
    "ObjectionAnswered",
    "ObjectionRaised",
    "OfficerKnown",
    "OfficersNamed",
    "PersonalDataErased",
    "PersonalDataRevealed",
    "PolicyMergingRecorded",
    "PolicyPublished",
    "Publicized",
    "Purged",
    "RiskAdded",
    "RolledBack",
    "StepEvent",
    "TownReviewed",
    "Verified",
]
