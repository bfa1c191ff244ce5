"""Events of plans and measures, and of the after-care that follows."""

from datetime import date
from uuid import UUID

from shared.contracts.assistance_base import CaseEvent
from shared.contracts.help import (
    Identified,
    MeasureKind,
    MeasureTerms,
    NoMeasureReason,
    PlanCloseReason,
    RiskClass,
    RiskResponse,
    StopReason,
)
from shared.contracts.registry import contract
from shared.contracts.values import Risk
from shared.kernel.deadline import Deadline
from shared.kernel.division import DivisionCode
from shared.kernel.money import Fen, FenAmount


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
class CaseConcluded(CaseEvent):
    """The case ended without identification: no plan is drafted for it any more (R59)."""


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
class RiskSeenAfterElimination(CaseEvent):
    """A risk that crossed its household's elimination on the way: it is a new lead (R101, R105)."""

    lead_id: UUID
    """The lead that was added to the case which has ended."""
    risks: tuple[Risk, ...]


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
    submitted_on: date | None = None


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
