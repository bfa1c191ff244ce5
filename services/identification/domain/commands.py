"""Everything one can ask of this service that changes something.

The acts on a case carry its id; who acts is the token's subject, never a field. ``occurred_on`` is
the legal date of the act (K6). Free text goes to the vault; events keep its note's id.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from services.identification.domain.collection import (
    Coping,
    Count,
    DeclineReason,
    DocumentNumber,
    ExpenseItem,
    FreeText,
    GivenClaim,
    GivenIncome,
    Officer,
    Phone,
    Reference,
    VerifiedMember,
)
from shared.contracts.assessment import Shock, Watch
from shared.contracts.findings import FindingAnswer
from shared.contracts.identification import LateReason
from shared.contracts.identification_steps import (
    BackTo,
    Conclusion,
    ExemptionGround,
    Hit,
    QueryScope,
    Source,
    SourceResult,
    Told,
)
from shared.contracts.values import AuthorityKind, Category, Gap, MeetingForm, Risk, Sha256
from shared.kernel.decider import Act
from shared.kernel.division import Level
from shared.kernel.document_number import no_document_number
from shared.kernel.principal import Permission, Role, may
from shared.policy.parameters import PolicyVersion

_VILLAGE = may(Role.OFFICER, at=Level.VILLAGE)
_TOWN = may(Role.OFFICER, at=Level.TOWN)
_COUNTY = may(Role.OFFICER, at=Level.COUNTY)
_FIELD = may(Role.OFFICER, at=(Level.VILLAGE, Level.TOWN))
_APPROVER = may(Role.OFFICER, Role.COMMITTEE, at=Level.COUNTY)


def _nobody_s(policy: PolicyVersion) -> PolicyVersion:
    no_document_number(f"{policy.document} {policy.version}")
    return policy


class PublishPolicy(Act):
    """Publish a version of the parameters (R2, R28); a city only tightens (R29, R120)."""

    permission: ClassVar[Permission] = may(Role.OFFICER, at=(Level.CITY, Level.PROVINCE))

    policy: Annotated[PolicyVersion, AfterValidator(_nobody_s)]


class CaseAct(Act):
    """An act on a case."""

    case_id: UUID
    note: FreeText | None = None
    """What the officer has to say, for the vault."""


class TimedAct(CaseAct):
    """An act with a clock: after its last day it needs a reason (R54, K5)."""

    late_reason: LateReason | None = None


class NameOfficers(CaseAct):
    """Name who answers for the case in village and town; again: a handover (R5)."""

    permission: ClassVar[Permission] = _TOWN

    village_officer: Officer
    town_officer: Officer


class SignAuthorization(CaseAct):
    """Record the household's signed commitment and authorisation (R52)."""

    permission: ClassVar[Permission] = _FIELD

    signer_id: UUID
    by_agent: bool = False
    scope: Annotated[tuple[QueryScope, ...], Field(min_length=1)]
    evidence: Annotated[tuple[Sha256, ...], Field(min_length=1, max_length=20)]


class RevokeAuthorization(CaseAct):
    """Record that the household takes its authorisation back (R52; PROPOSED)."""

    permission: ClassVar[Permission] = _FIELD


class VerifyHousehold(TimedAct):
    """Record what village and town found in the household's home (R14, R34, R55)."""

    permission: ClassVar[Permission] = _FIELD

    form_version: Reference
    signer_id: UUID
    """The member who signed the collection form (R34)."""
    members: tuple[VerifiedMember, ...] = ()
    """Members found otherwise than registered."""
    incomes: tuple[GivenIncome, ...] | None = None
    claims: tuple[GivenClaim, ...] = ()
    expenses: tuple[ExpenseItem, ...] | None = None
    gaps: Mapping[Gap, bool] = {}
    """The checklist: each guarantee, and whether it is missing (R16)."""
    watch: Mapping[Watch, bool] = {}
    """The checklist: each watch item, and whether it is in difficulty (R16)."""
    risks: tuple[Risk, ...] = ()
    hardship: bool = False
    shock: Shock | None = None
    income_stable: bool = False
    coping: Coping | None = None


class CompareData(CaseAct):
    """Conclude the comparison: what came in from the departments, and what is added (R52, R57)."""

    permission: ClassVar[Permission] = _COUNTY

    results: Annotated[tuple[SourceResult, ...], Field(max_length=20)] = ()
    """Answers that did not come by the departments' own way."""


class ReportComparison(Act):
    """A department's answer about one person, by the number; from a machine or a file (R52)."""

    permission: ClassVar[Permission] = may(
        Role.OFFICER, Role.DEPARTMENT, Role.FEED, at=(Level.COUNTY, Level.CITY, Level.PROVINCE)
    )

    source: Source
    document_number: DocumentNumber
    hits: Annotated[tuple[Hit, ...], Field(max_length=5)] = ()


class ExemptComparison(CaseAct):
    """Reuse an earlier comparison by reference (R58)."""

    permission: ClassVar[Permission] = _COUNTY

    ground: ExemptionGround
    reference: Reference
    compared_on: date


class Deliberate(CaseAct):
    """Record the village's deliberation (R61)."""

    permission: ClassVar[Permission] = _VILLAGE

    form: MeetingForm
    due: Count
    present: Count
    recused: Count = 0
    in_favour: Count
    against: Count
    abstained: Count = 0
    conclusion: Conclusion
    category: Category | None = None
    """What the meeting proposes; required with IDENTIFY."""
    town_officers: Annotated[tuple[Officer, ...], Field(max_length=20)] = ()
    """Who of the town was there; nobody is noticed, not refused."""
    minutes: FreeText
    evidence: tuple[Sha256, ...] = ()


class ReviewTown(CaseAct):
    """Pass the case, or give it back (R57)."""

    permission: ClassVar[Permission] = _TOWN

    passed: bool
    back_to: BackTo | None = None


class PostNotice(CaseAct):
    """Post the notice in the village: its fields are a whitelist, the rest is derived (R65)."""

    permission: ClassVar[Permission] = _VILLAGE

    number: Reference
    objection_phone: Phone
    remark: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    """Free text on the notice; scanned."""
    evidence: Annotated[tuple[Sha256, ...], Field(min_length=1, max_length=20)]


class RaiseObjection(CaseAct):
    """Record an objection (R66); its text goes to the vault."""

    permission: ClassVar[Permission] = may(
        Role.OFFICER, at=(Level.VILLAGE, Level.TOWN, Level.COUNTY)
    )

    objection: FreeText


class AnswerObjection(CaseAct):
    """Dismiss an objection, or uphold it and begin again (R66)."""

    permission: ClassVar[Permission] = may(Role.OFFICER, at=(Level.TOWN, Level.COUNTY))

    objection_id: UUID
    upheld: bool
    answer: FreeText


class CloseNotice(CaseAct):
    """Take the notice down after the whole publicity (R56)."""

    permission: ClassVar[Permission] = _VILLAGE


class Approve(TimedAct):
    """The county identifies the household (R53, R56, R62)."""

    permission: ClassVar[Permission] = _APPROVER

    category: Category
    authority: AuthorityKind
    document: Reference
    """The committee's minutes, or the delegation."""
    valid_from: date
    valid_until: date
    """Of the delegation; for the committee's own decision the day it was taken, twice."""


class DeclineIdentification(TimedAct):
    """The county does not identify the household (R30–R33, R43)."""

    permission: ClassVar[Permission] = _APPROVER

    reason: DeclineReason


class Announce(CaseAct):
    """Announce the result (R51, R65)."""

    permission: ClassVar[Permission] = _COUNTY

    number: Reference
    objection_phone: Phone


class RecordNationalEntry(TimedAct):
    """Record the receipt of the national system (R63)."""

    permission: ClassVar[Permission] = may(Role.OFFICER, at=(Level.TOWN, Level.COUNTY))

    receipt: Reference


class TellHousehold(TimedAct):
    """Record that the household was told (R67, R74)."""

    permission: ClassVar[Permission] = may(
        Role.OFFICER, at=(Level.VILLAGE, Level.TOWN, Level.COUNTY)
    )

    about: Told


class FollowUp(CaseAct):
    """Look again at a household that was not identified but is followed (R33)."""

    permission: ClassVar[Permission] = _FIELD

    open_gaps: tuple[Gap, ...] = ()


class ConfirmGreenChannel(CaseAct):
    """Village or town confirms sudden, severe, clear facts (R68, R69)."""

    permission: ClassVar[Permission] = _FIELD

    cause: Risk


class EnterGreenChannel(CaseAct):
    """The county enters the household, on both confirmations (R69)."""

    permission: ClassVar[Permission] = _COUNTY

    cause: Risk
    facts: FreeText
    """What happened (R68)."""


class VerifyGreenChannel(TimedAct):
    """The county records whether the household is eligible (R71)."""

    permission: ClassVar[Permission] = _COUNTY

    eligible: bool


class ExitGreenChannel(CaseAct):
    """The county takes an ineligible household out, with its note (R73)."""

    permission: ClassVar[Permission] = _COUNTY


class AnswerFinding(Act):
    """Say what a finding was (R50); no finding is ever deleted."""

    permission: ClassVar[Permission] = may(Role.OFFICER, at=(Level.COUNTY, Level.CITY))

    finding_id: UUID
    answer: FindingAnswer
    note: FreeText
