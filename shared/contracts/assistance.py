"""Events of the assistance service: plans and measures, risk elimination, after-care."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from shared.contracts.help import (
    DropReason,
    FundSource,
    GuaranteeEvidence,
    Identified,
    Income,
    MeasureKind,
    MeasureTerms,
    MeetingForm,
    NaturalCause,
    NoLabourBasis,
    NoMeasureReason,
    PlanCloseReason,
    RiskClass,
    RiskEvidence,
    RiskResponse,
    StopReason,
)
from shared.contracts.registry import contract
from shared.contracts.values import EliminationMode, History, Risk
from shared.kernel.deadline import Deadline
from shared.kernel.decider import RollsBack
from shared.kernel.division import DivisionCode
from shared.kernel.event import Event
from shared.kernel.money import Fen, FenAmount
from shared.policy.parameters import PolicyVersion


class AssistanceEvent(Event):
    """Base of this service's events."""

    service: ClassVar[str] = "assistance"


class CaseEvent(AssistanceEvent):
    """Base of the events about one identified household."""

    case_id: UUID
    household_id: UUID


# --- plans and measures ---------------------------------------------------------------------------


@contract
class PlanOpened(CaseEvent):
    """Help begins to be planned: after approval, or at once in the green channel (R70, R89).

    Neither provisional nor identified: drafted early, while identification goes on (R59).
    """

    division: DivisionCode
    risks: tuple[Risk, ...]
    provisional: bool
    """In the green channel, before the approval (R70)."""
    identified: Identified | None
    """Absent before the approval."""
    urgent: bool
    """First in the queue: below the former standard, a gap, or sudden (R113)."""
    deadlines: tuple[Deadline, ...]
    """``plan`` (R89), ``first_help`` (R70), or none yet."""


@contract
class CaseKnown(CaseEvent):
    """This service knows of a case under way, so that its plan may be drafted early (R59)."""

    division: DivisionCode
    risks: tuple[Risk, ...]
    previous_case_id: UUID | None
    """The household was monitored before: a new risk is a new case, linked (R105)."""


@contract
class PlanMadeProvisional(CaseEvent):
    """A plan drafted early became the green channel's: help starts at once (R70)."""

    risks: tuple[Risk, ...]
    deadlines: tuple[Deadline, ...]
    """``first_help`` (R70)."""


@contract
class PlanConfirmed(CaseEvent):
    """The household of an early or provisional plan was approved: an ordinary plan now (R72)."""

    risks: tuple[Risk, ...]
    identified: Identified
    urgent: bool
    deadlines: tuple[Deadline, ...]
    """``plan`` (R89), and ``start:…`` of the measures that were filed early (R90)."""


@contract
class PlanRiskAdded(CaseEvent):
    """A new risk of an identified household: the plan answers it too (R77)."""

    lead_id: UUID
    risks: tuple[Risk, ...]
    deadlines: tuple[Deadline, ...]


@contract
class PlanDrafted(CaseEvent):
    """The plan as village and town mean it; a later draft replaces it."""

    willing: bool
    """Whether the household is willing to work or produce (R78)."""
    willingness_signed_on: date
    willingness_evidence: str
    """SHA-256 of the signed statement."""
    responses: tuple[RiskResponse, ...]
    safety_net_reason: NoMeasureReason | None
    """Why a household without labour gets no safety net (R80)."""
    risk_class: RiskClass
    attempts: tuple[MeasureKind, ...]
    """Development tried for members with weak or half labour (R81)."""


@contract
class PlanSubmitted(CaseEvent):
    """The plan is complete and its measures are filed (R77, R78, R89)."""

    measures: int
    development_measures: int
    on_time: bool
    """By the plan's last day (R89)."""
    warnings: tuple[str, ...]
    """Rules that would have it otherwise, without refusing: ``R79``, ``R80``, ``R85``."""


@contract
class MeasureFiled(CaseEvent):
    """A measure was applied for (申报) for the household."""

    measure_id: UUID
    filed_on: date
    terms: MeasureTerms
    development: bool
    """Whether it counts as a development measure (R82, R83)."""
    provisional: bool
    deadlines: tuple[Deadline, ...]
    """``start:…``: its department starts it (R90)."""


@contract
class MeasureStarted(CaseEvent):
    """The department or the town carries the measure out."""

    measure_id: UUID
    started_on: date
    deadlines: tuple[Deadline, ...]
    """``end:…``: its end date is near (R102)."""


@contract
class OutputRecorded(CaseEvent):
    """What the household produced or worked, or what it received (R86)."""

    measure_id: UUID
    quantity: int
    """Units of output; 0 where the measure pays without output."""
    amount: FenAmount
    """分 that follow from it."""
    evidence: tuple[str, ...]


@contract
class MeasureStopped(CaseEvent):
    """The measure ended before its time."""

    measure_id: UUID
    stopped_on: date
    reason: StopReason
    note_id: UUID | None


@contract
class MeasureEnded(CaseEvent):
    """The measure ran to its end."""

    measure_id: UUID
    ended_on: date


@contract
class PlanClosed(CaseEvent):
    """The plan ended without an elimination."""

    reason: PlanCloseReason


@contract
class EarlyEliminationAllowed(CaseEvent):
    """The county lets an assisted elimination come before the half-year; it is listed (R93)."""

    authority: str
    note_id: UUID


# --- help outside a plan --------------------------------------------------------------------------


@contract
class UniversalHelpRecorded(AssistanceEvent):
    """A universal policy of a department reached a household; no plan is needed (R103)."""

    household_id: UUID
    division: DivisionCode
    kind: MeasureKind
    fund: FundSource


@contract
class OffRegisterHelpRefused(AssistanceEvent):
    """Help for a household that is neither identified nor in the green channel: 体外循环 (R49)."""

    household_id: UUID
    division: DivisionCode
    kind: MeasureKind
    fund: FundSource


# --- elimination ----------------------------------------------------------------------------------


@contract
class EliminationProposed(CaseEvent):
    """The village holds that the four conditions are met, and says on what evidence (R91)."""

    plan_id: UUID
    division: DivisionCode
    number: int
    """1 for the case's first proposal."""
    mode: EliminationMode
    cause: NaturalCause | None
    income: Income | None
    """Absent only when nobody is left (R94)."""
    per_capita_net: Fen | None
    """分 per head, computed."""
    period_from: date
    period_to: date
    """The 12 full months before the proposal (R36)."""
    proposed_on: date
    line: FenAmount | None
    """The monitoring line it was held against, 分 (R91)."""
    line_is_the_years: bool
    """Whether the province had published that year's line; otherwise the former one (R28)."""
    guarantees: tuple[GuaranteeEvidence, ...]
    risks: tuple[RiskEvidence, ...]
    early: bool
    """Before the half-year, by the county's leave (R93)."""
    returns_to: History
    """The status the household has when it is eliminated (R104)."""
    policy: str
    warnings: tuple[str, ...]


@contract
class EliminationVerified(CaseEvent):
    """Town and village visited and confirm the four conditions (R95)."""

    visited_on: date
    officers: tuple[str, ...]
    evidence: tuple[str, ...]


@contract
class EliminationDeliberated(CaseEvent):
    """The village deliberated and agreed (R61, R95)."""

    held_on: date
    form: MeetingForm
    due: int
    present: int
    in_favour: int
    against: int
    quorum_met: bool
    """At least two thirds present; a shortfall is noticed, not refused (R61)."""
    note_id: UUID | None
    """The minutes."""


@contract
class EliminationReviewed(CaseEvent):
    """The town reviewed and passed it on (R95)."""

    reviewed_on: date
    officers: tuple[str, ...]
    note_id: UUID | None


@contract
class EliminationNoticePosted(CaseEvent):
    """The notice hangs in the village; five whole days from the next one (R56, K2)."""

    notice_no: str
    posted_on: date
    last_day: date
    photo: str
    note_id: UUID
    """The text as posted, scanned (R65)."""


@contract
class EliminationObjectionRaised(CaseEvent):
    """Somebody objects: approval waits (R66)."""

    objection_id: UUID
    note_id: UUID


@contract
class EliminationObjectionAnswered(CaseEvent):
    """The objection was looked into (R66)."""

    objection_id: UUID
    upheld: bool
    changed: bool
    """What was posted changed: it is posted again, for the full time."""
    note_id: UUID


@contract
class EliminationPublicized(CaseEvent):
    """The publicity is over, with every objection answered (R56, R66)."""

    posted_on: date
    last_day: date
    closed_on: date


@contract
class RiskEliminated(CaseEvent):
    """The county approved the elimination: the risk is stably or naturally gone (R91)."""

    mode: EliminationMode
    eliminated_on: date
    division: DivisionCode
    authority: str
    """The committee's or the delegation's document (R53)."""
    early: bool = False
    """Before the half-year (R93): listed as 突击消除 (R114)."""
    returns_to: History = History.ORDINARY
    """A formerly poor household keeps the policy of the formerly poor (R104)."""
    deadlines: tuple[Deadline, ...] = ()
    """``mark``: the label in the national system (R95)."""


@contract
class EliminationAnnounced(CaseEvent):
    """The result was announced (R65, R95)."""

    notice_no: str
    announced_on: date
    note_id: UUID


@contract
class EliminationMarked(CaseEvent):
    """The national system carries the label 风险消除 (R95)."""

    receipt: str
    marked_on: date


@contract
class EliminationDropped(CaseEvent):
    """The proposal went no further; it may be made anew."""

    step: str
    reason: DropReason
    note_id: UUID | None


# --- after-care -----------------------------------------------------------------------------------


@contract
class AfterCareStarted(CaseEvent):
    """The plan of an eliminated household goes on: measures run to their end, data stay (R101)."""

    elimination_id: UUID
    eliminated_on: date
    continuing: tuple[UUID, ...]
    """Measures that were filed or running; none of them was stopped (R102)."""
    deadlines: tuple[Deadline, ...]
    """``refresh``: the yearly refresh (R106)."""


@contract
class AfterCareEnded(CaseEvent):
    """A correction took the elimination back: the household is under help again (R108)."""

    correction_id: UUID


@contract
class RefreshRecorded(CaseEvent):
    """The yearly refresh of an eliminated household's basic data (R106)."""

    year: int
    per_capita_net: Fen
    members: int
    new_risk: bool
    """Seen at the refresh: reported as a lead; the household is identified anew (R105)."""
    deadlines: tuple[Deadline, ...]


# --- the no-labour flag ---------------------------------------------------------------------------


@contract
class NoLabourProposed(AssistanceEvent):
    """The village holds that nobody in the household can work (R97, R98)."""

    household_id: UUID
    division: DivisionCode
    basis: NoLabourBasis
    evidence: tuple[str, ...]


@contract
class NoLabourFlagged(AssistanceEvent):
    """The town confirmed it: the household is 整户无劳动能力兜底保障户 (R96–R98)."""

    household_id: UUID
    division: DivisionCode
    basis: NoLabourBasis


@contract
class FlagChanged(AssistanceEvent):
    """The flag was set or taken off through the gates, nationally filed (R100, R108)."""

    household_id: UUID
    flagged: bool
    correction_id: UUID


# --- the policy book, clocks, corrections ---------------------------------------------------------


@contract
class PolicyAdopted(AssistanceEvent):
    """This service's own copy of a published policy (K7)."""

    policy: PolicyVersion


@contract
class DeadlineWarned(AssistanceEvent):
    """A clock's warning day has come; said once."""

    kind: str
    rule: str
    due_on: date
    on: date


@contract
class DeadlineMissed(AssistanceEvent):
    """A clock's last day has passed without the act; said once, to the level above."""

    kind: str
    rule: str
    due_on: date
    escalated_to: DivisionCode


@contract
class Purged(AssistanceEvent):
    """The stream was withdrawn (清退) through the gates; its history stays (R107, R108)."""

    correction_id: UUID


@contract
class RolledBack(AssistanceEvent, RollsBack):
    """The stream is as of an earlier version again (回退) through the gates (R107, R108)."""

    correction_id: UUID
