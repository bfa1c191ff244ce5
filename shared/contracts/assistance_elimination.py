"""Events of a risk elimination on its way through the procedure."""

from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from shared.contracts.assistance_base import CaseEvent
from shared.contracts.help import (
    DropReason,
    GuaranteeEvidence,
    Income,
    NaturalCause,
    RiskEvidence,
)
from shared.contracts.registry import contract, upcast
from shared.contracts.values import AuthorityKind, EliminationMode, History, MeetingForm
from shared.kernel.deadline import Deadline
from shared.kernel.division import DivisionCode
from shared.kernel.money import Fen, FenAmount


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

    schema_version: ClassVar[int] = 2

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


@upcast("assistance", "EliminationDeliberated", 1)
def form_by_its_one_name(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 called one form of meeting otherwise than identification does."""
    if data["form"] == "COMMITTEES_ENLARGED":
        return {**data, "form": MeetingForm.ENLARGED_COMMITTEE}
    return data


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
    by: AuthorityKind = AuthorityKind.COMMITTEE
    delegation_id: UUID | None = None
    """The delegation that the approver holds (R53)."""
    deadlines: tuple[Deadline, ...] = ()
    """``mark``: the label in the national system (R95)."""
    per_capita_net: Fen | None = None
    """What the proposal stands on, 分 per head; absent when nobody is left (R91, R94)."""


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
