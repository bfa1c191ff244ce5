"""What people do about plans and measures."""

from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from services.assistance.domain.commands.common import (
    COMMITTEE,
    FIELD,
    VILLAGE_OR_TOWN,
    Evidence,
    MeasureTerms,
    Note,
    RiskResponse,
)
from shared.contracts.help import Document, FundSource, MeasureKind, NoMeasureReason, StopReason
from shared.contracts.values import Sha256
from shared.kernel.decider import Act
from shared.kernel.division import DivisionCode
from shared.kernel.principal import Permission


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
