"""The steps of an elimination."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from services.assistance.domain.commands.common import (
    APPROVER,
    COUNTY,
    FIELD,
    TOWN,
    VILLAGE,
    VILLAGE_OR_TOWN,
    Evidence,
    GuaranteeEvidence,
    Income,
    Note,
    Officers,
    RiskEvidence,
)
from shared.contracts.help import Document, NaturalCause
from shared.contracts.values import AuthorityKind, EliminationMode, MeetingForm, Sha256
from shared.kernel.decider import Act
from shared.kernel.principal import Permission


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

    permission: ClassVar[Permission] = APPROVER

    elimination_id: UUID
    by: AuthorityKind = AuthorityKind.COMMITTEE
    authority: Document
    """The number of the committee's minutes, or of the delegation that the caller holds."""
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
