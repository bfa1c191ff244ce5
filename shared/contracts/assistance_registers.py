"""Events of the flag, the ledger, help outside, the policy book, clocks, corrections."""

from datetime import date
from uuid import UUID

from shared.contracts.assistance_base import AssistanceEvent
from shared.contracts.help import (
    ComparedBenefit,
    FundSource,
    HelpBasis,
    LedgerEntry,
    MeasureKind,
    Mismatch,
    NoLabourBasis,
    VillagePopulation,
)
from shared.contracts.registry import contract
from shared.kernel.deadline import Deadline
from shared.kernel.decider import RollsBack
from shared.kernel.division import DivisionCode
from shared.policy.parameters import PolicyVersion


@contract
class UniversalHelpRecorded(AssistanceEvent):
    """A universal policy of a department reached a household; no plan is needed (R103)."""

    household_id: UUID
    division: DivisionCode
    kind: MeasureKind
    fund: FundSource
    on: date
    basis: HelpBasis = HelpBasis.UNIVERSAL
    """Or a policy that an eliminated, formerly poor household keeps (R104)."""


@contract
class OffRegisterHelpRefused(AssistanceEvent):
    """Help for a household that is neither identified nor in the green channel: 体外循环 (R49)."""

    household_id: UUID
    division: DivisionCode
    kind: MeasureKind
    fund: FundSource
    on: date


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
    deadlines: tuple[Deadline, ...] = ()
    """``compare``: the quarter's comparison (R99)."""


@contract
class NoLabourDeclined(AssistanceEvent):
    """The town does not confirm it; the village may put it forward anew (R98)."""

    household_id: UUID


@contract
class FlagChanged(AssistanceEvent):
    """The flag was set or taken off through the gates, nationally filed (R100, R108)."""

    household_id: UUID
    flagged: bool
    correction_id: UUID
    deadlines: tuple[Deadline, ...] = ()


@contract
class FlagMismatchFound(AssistanceEvent):
    """The quarterly comparison and the flag do not agree: a task for whom it concerns (R99)."""

    household_id: UUID
    division: DivisionCode
    quarter: str
    benefit: ComparedBenefit
    mismatch: Mismatch
    deadlines: tuple[Deadline, ...] = ()
    """``compare``: the next quarter's, where the household is flagged."""


@contract
class FlagMismatchSettled(AssistanceEvent):
    """A later quarter's comparison agrees with the flag again (R99)."""

    household_id: UUID
    quarter: str
    deadlines: tuple[Deadline, ...] = ()


@contract
class FlagUpheld(AssistanceEvent):
    """The quarter's comparison agrees with a flagged household's flag (R99)."""

    household_id: UUID
    quarter: str
    benefit: ComparedBenefit
    deadlines: tuple[Deadline, ...]


@contract
class PopulationRecorded(AssistanceEvent):
    """The rural registered population of a town's villages, for one year (R110)."""

    town: DivisionCode
    year: int
    villages: tuple[VillagePopulation, ...]


@contract
class LedgerEntered(AssistanceEvent):
    """A town or village is strictly over the share: a work ledger is kept (R110, R111)."""

    town: DivisionCode
    entry: LedgerEntry
    on: date
    deadlines: tuple[Deadline, ...] = ()
    """``ledger``: the county goes through the town's ledger (R111)."""


@contract
class LedgerReviewed(AssistanceEvent):
    """The county went through a town's ledger: everybody is helped (R111)."""

    town: DivisionCode
    entries: tuple[LedgerEntry, ...]
    """What stands in the ledger, with the figures of that day."""
    mass_relapse_risk: bool
    """Whether 规模性返贫 was found to threaten."""
    escalated_to: DivisionCode | None
    """The city, where it was."""
    evidence: tuple[str, ...]
    on: date
    deadlines: tuple[Deadline, ...]


@contract
class LedgerLeft(AssistanceEvent):
    """A town or village is not over the share any more (R110)."""

    town: DivisionCode
    entry: LedgerEntry
    on: date


@contract
class DelegationKnown(AssistanceEvent):
    """This service knows who may approve in the committee's place, and until when (R53)."""

    delegation_id: UUID
    county: DivisionCode
    holder: str
    document: str
    valid_from: date
    valid_until: date


@contract
class DelegationLapsed(AssistanceEvent):
    """The committee took the delegation back: from that day on it holds no more (R53)."""

    delegation_id: UUID
    on: date


@contract
class PolicyAdopted(AssistanceEvent):
    """This service's own copy of a published policy (K7)."""

    policy: PolicyVersion


@contract
class PersonalDataRevealed(AssistanceEvent):
    """Somebody read notes about a household in full, for a purpose; never what they say."""

    reveal_id: UUID
    household_id: UUID
    division: DivisionCode
    purpose: str
    records: tuple[UUID, ...]
    """The notes."""
    fields: tuple[str, ...]


@contract
class EvidenceKept(AssistanceEvent):
    """A file is kept, sealed under the household's key; acts cite it by its hash."""

    owner_id: UUID
    """The household."""
    division: DivisionCode
    sha256: str
    media_type: str
    size: int
    """Bytes."""


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
