"""Everything that can be asked of this service, and who may ask it."""

from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field, StringConstraints

from shared.contracts.help import (
    Document,
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
    Officer,
    PlanCloseReason,
    RiskEvidence,
    RiskResponse,
    Sha256,
    StopReason,
)
from shared.contracts.values import EliminationMode, Gap, Risk
from shared.kernel.decider import Act
from shared.kernel.division import DivisionCode, Level
from shared.kernel.event import Command
from shared.kernel.principal import Permission, Role, may
from shared.policy.parameters import PolicyVersion

VILLAGE_OR_TOWN = may(Role.OFFICER, at=(Level.VILLAGE, Level.TOWN))
VILLAGE = may(Role.OFFICER, at=Level.VILLAGE)
TOWN = may(Role.OFFICER, at=Level.TOWN)
COUNTY = may(Role.OFFICER, at=Level.COUNTY)
COMMITTEE = may(Role.COMMITTEE, at=Level.COUNTY)
FIELD = may(Role.OFFICER, Role.DEPARTMENT, at=(Level.VILLAGE, Level.TOWN, Level.COUNTY))
"""Village, town and the county's line departments: who carries measures out."""
SYSTEM = Permission(frozenset({Role.SYSTEM}))

Note = Annotated[str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True)]
"""Free text; it goes to the vault, and the event carries its id."""
Officers = Annotated[tuple[Officer, ...], Field(min_length=1, max_length=10)]
"""The officers responsible, by pseudonym (R5)."""
Evidence = Annotated[tuple[Sha256, ...], Field(min_length=1, max_length=20)]


# --- plans: what follows from neighbours' events --------------------------------------------------


class OpenPlan(Command):
    """A household was identified, or entered the green channel."""

    permission: ClassVar[Permission] = SYSTEM

    plan_id: UUID
    case_id: UUID
    household_id: UUID
    division: DivisionCode
    risks: tuple[Risk, ...]
    gaps: tuple[Gap, ...] = ()
    identified: Identified | None
    """``None`` before the approval."""
    green_channel: bool = False
    """Help starts at once, provisionally (R70)."""
    occurred_on: date


class KnowCase(Command):
    """A case was opened in identification."""

    permission: ClassVar[Permission] = SYSTEM

    case_id: UUID
    household_id: UUID
    division: DivisionCode
    risks: tuple[Risk, ...]
    previous_case_id: UUID | None
    occurred_on: date


class AddRisk(Command):
    """A new risk of an identified household."""

    permission: ClassVar[Permission] = SYSTEM

    plan_id: UUID
    lead_id: UUID
    risks: tuple[Risk, ...]
    occurred_on: date


class ClosePlan(Command):
    """The case ended without identification, or left the green channel."""

    permission: ClassVar[Permission] = SYSTEM

    plan_id: UUID
    reason: PlanCloseReason
    occurred_on: date


class StartAfterCare(Command):
    """The county approved the elimination; part of the same transaction."""

    permission: ClassVar[Permission] = SYSTEM

    plan_id: UUID
    elimination_id: UUID
    occurred_on: date


class AdoptPolicy(Command):
    """A policy was published."""

    permission: ClassVar[Permission] = SYSTEM

    policy: PolicyVersion
    occurred_on: date


# --- plans: what people do ------------------------------------------------------------------------


class BeginEarly(Act):
    """Begin the plan while identification goes on (R59)."""

    permission: ClassVar[Permission] = VILLAGE_OR_TOWN

    case_id: UUID


class RecordHelp(Act):
    """Record help that is no measure of a plan: a universal policy, or refused (R49, R103)."""

    permission: ClassVar[Permission] = FIELD

    household_id: UUID
    division: DivisionCode
    kind: MeasureKind
    fund: FundSource
    universal: bool
    """A department's policy for everybody, whatever the register says (R103)."""


class DraftPlan(Act):
    """Village and town say what is to be done about each risk (R77)."""

    permission: ClassVar[Permission] = VILLAGE_OR_TOWN

    plan_id: UUID
    willing: bool
    willingness_signed_on: date
    willingness_evidence: Sha256
    """The signed statement."""
    responses: Annotated[tuple[RiskResponse, ...], Field(min_length=1, max_length=9)]
    safety_net_reason: NoMeasureReason | None = None
    attempts: Annotated[tuple[MeasureKind, ...], Field(max_length=10)] = ()


class FileMeasure(Act):
    """Apply for a measure (申报)."""

    permission: ClassVar[Permission] = VILLAGE_OR_TOWN

    plan_id: UUID
    terms: MeasureTerms


class SubmitPlan(Act):
    """The plan is complete (R78)."""

    permission: ClassVar[Permission] = VILLAGE_OR_TOWN

    plan_id: UUID


class StartMeasure(Act):
    """The measure is being carried out."""

    permission: ClassVar[Permission] = FIELD

    plan_id: UUID
    measure_id: UUID


class RecordOutput(Act):
    """What came of a measure: output, and the money that follows from it (R86)."""

    permission: ClassVar[Permission] = FIELD

    plan_id: UUID
    measure_id: UUID
    quantity: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    amount: Annotated[int, Field(strict=True, ge=0, le=10**15)] | None = None
    """分 received; absent for a subsidy by output, whose amount is computed."""
    evidence: Evidence


class StopMeasure(Act):
    """End a measure before its time."""

    permission: ClassVar[Permission] = FIELD

    plan_id: UUID
    measure_id: UUID
    reason: StopReason
    note: Note


class EndMeasure(Act):
    """The measure has run to its end."""

    permission: ClassVar[Permission] = FIELD

    plan_id: UUID
    measure_id: UUID


class AllowEarlyElimination(Act):
    """The county lets an assisted elimination come before the half-year, with a reason (R93)."""

    permission: ClassVar[Permission] = COMMITTEE

    plan_id: UUID
    authority: Document
    note: Note


# --- elimination ----------------------------------------------------------------------------------


class ProposeElimination(Act):
    """The village holds that the four conditions are met (R91)."""

    permission: ClassVar[Permission] = VILLAGE

    plan_id: UUID
    mode: EliminationMode
    cause: NaturalCause | None = None
    income: Income | None = None
    guarantees: Annotated[tuple[GuaranteeEvidence, ...], Field(max_length=4)] = ()
    risks: Annotated[tuple[RiskEvidence, ...], Field(min_length=1, max_length=9)]
    no_new_risk: bool


class VerifyElimination(Act):
    """Town and village visited the household (R95)."""

    permission: ClassVar[Permission] = VILLAGE_OR_TOWN

    elimination_id: UUID
    officers: Officers
    confirmed: bool
    evidence: Evidence


class DeliberateElimination(Act):
    """The village deliberated (R61, R95)."""

    permission: ClassVar[Permission] = VILLAGE

    elimination_id: UUID
    form: MeetingForm
    due: Annotated[int, Field(ge=1, le=100_000)]
    present: Annotated[int, Field(ge=1, le=100_000)]
    in_favour: Annotated[int, Field(ge=0, le=100_000)]
    against: Annotated[int, Field(ge=0, le=100_000)]
    minutes: Note


class ReviewElimination(Act):
    """The town reviewed (R95)."""

    permission: ClassVar[Permission] = TOWN

    elimination_id: UUID
    officers: Officers
    passed: bool
    feedback: Note


class PostEliminationNotice(Act):
    """The village posts the notice (R56, R65)."""

    permission: ClassVar[Permission] = VILLAGE

    elimination_id: UUID
    notice_no: Document
    text: Note
    photo: Sha256


class RaiseEliminationObjection(Act):
    """Somebody objects (R66)."""

    permission: ClassVar[Permission] = FIELD

    elimination_id: UUID
    statement: Note


class AnswerEliminationObjection(Act):
    """The objection was looked into (R66)."""

    permission: ClassVar[Permission] = TOWN

    elimination_id: UUID
    objection_id: UUID
    upheld: bool
    changed: bool = False
    answer: Note


class CloseEliminationNotice(Act):
    """The five days are over (R56)."""

    permission: ClassVar[Permission] = VILLAGE

    elimination_id: UUID


class ApproveElimination(Act):
    """The county decides (R53, R93, R95, R96)."""

    permission: ClassVar[Permission] = COMMITTEE

    elimination_id: UUID
    authority: Document
    approved: bool = True
    note: Note | None = None
    """Why not, when it is not."""


class AnnounceElimination(Act):
    """The county announces the result (R65, R95)."""

    permission: ClassVar[Permission] = COUNTY

    elimination_id: UUID
    notice_no: Document
    text: Note


class MarkElimination(Act):
    """The label stands in the national system (R95)."""

    permission: ClassVar[Permission] = COUNTY

    elimination_id: UUID
    receipt: Document


class WithdrawElimination(Act):
    """The village takes its proposal back before the county decided."""

    permission: ClassVar[Permission] = VILLAGE_OR_TOWN

    elimination_id: UUID
    note: Note


# --- after-care and the flag ----------------------------------------------------------------------


class RecordRefresh(Act):
    """The yearly refresh of an eliminated household (R106)."""

    permission: ClassVar[Permission] = VILLAGE_OR_TOWN

    plan_id: UUID
    year: Annotated[int, Field(ge=2021, le=2100)]
    income: Income
    new_risk: bool


class ProposeNoLabour(Act):
    """The village holds that nobody in the household can work (R97)."""

    permission: ClassVar[Permission] = VILLAGE

    plan_id: UUID
    basis: NoLabourBasis
    nobody_can_work: bool
    evidence: Evidence


class FlagNoLabour(Act):
    """The town confirms it (R98)."""

    permission: ClassVar[Permission] = TOWN

    plan_id: UUID


class UnflagNoLabour(Act):
    """Lift the flag locally: always refused (R100)."""

    permission: ClassVar[Permission] = may(Role.OFFICER)

    plan_id: UUID


class Correct(Command):
    """The gates have authorised a withdrawal or a rollback of one stream (R107, R108)."""

    permission: ClassVar[Permission] = SYSTEM

    stream_id: UUID
    correction_id: UUID
    at_version: int
    """The version the request was about; at any other nothing is done."""
    to_version: int | None
    """``None`` withdraws the whole stream."""
    occurred_on: date


class EndAfterCare(Command):
    """The elimination was taken back by a correction; part of the same transaction."""

    permission: ClassVar[Permission] = SYSTEM

    plan_id: UUID
    correction_id: UUID
    occurred_on: date


class ChangeFlag(Command):
    """The gates have authorised the change (R100, R108)."""

    permission: ClassVar[Permission] = SYSTEM

    flag_id: UUID
    flagged: bool
    correction_id: UUID
    at_version: int
    occurred_on: date
