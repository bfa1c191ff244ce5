"""Events of the alerts service: risk leads, department feeds, 12317 work orders, machines.

Leads stand here; orders, feeds, machines and webhooks have modules of their own, brought in below,
so that importing this module knows them all.
"""

from datetime import date
from enum import StrEnum
from uuid import UUID

from shared.contracts.alerts_feeds import (
    AlertField,
    AlertReceived,
    AlertType,
    Fate,
    FeedCompared,
    FeedFinished,
    FeedMapped,
    FeedMapping,
    FeedReceived,
    Population,
    RowFate,
    Tally,
    Threshold,
    ThresholdSet,
    Unit,
)
from shared.contracts.alerts_machines import (
    MachineKeyIssued,
    MachineKeysRevoked,
    MachineKind,
    MachineRegistered,
)
from shared.contracts.alerts_orders import (
    AlertsEvent,
    ExtensionReason,
    OrderAccepted,
    OrderAssigned,
    OrderClosed,
    OrderEvent,
    OrderExtended,
    OrderHandled,
    OrderKind,
    OrderRated,
    OrderResult,
    OrderReturned,
    OrderSupervised,
    Rating,
    ReturnReason,
    SupervisionGround,
)
from shared.contracts.alerts_webhooks import (
    WebhookMoved,
    WebhookRegistered,
    WebhookRemoved,
    WebhookReplayed,
    WebhookSecretRotated,
)
from shared.contracts.registry import contract
from shared.contracts.values import LeadDisposition, LeadSource, Risk
from shared.kernel.deadline import Deadline
from shared.kernel.decider import RollsBack
from shared.kernel.division import DivisionCode


class MatchedBy(StrEnum):
    """How a lead came to its household."""

    DOCUMENT_NUMBER = "DOCUMENT_NUMBER"
    """The number given was found in the register, now or when the household was entered."""
    OFFICER = "OFFICER"
    """Somebody looked and said so."""


class Channel(StrEnum):
    """How a self-declaration came."""

    PAPER = "PAPER"
    """纸质申报"""
    ONLINE = "ONLINE"
    """线上申报"""
    AGENT = "AGENT"
    """代办"""


@contract
class RiskReported(AlertsEvent):
    """Something that may mean risk was reported; the clocks of R54 and R55 run from its day."""

    lead_id: UUID
    source: LeadSource
    discovered_on: date
    """The legal date: of the call, the declaration, the screening, the alert (R116)."""
    division: DivisionCode
    """The village, town or county it concerns; the household's own village once it is known."""
    household_id: UUID | None
    """Absent while nobody knows which household it is about."""
    risks: tuple[Risk, ...] = ()
    order_id: UUID | None = None
    alert_id: UUID | None = None
    evidence: tuple[str, ...] = ()
    """SHA-256 of evidence files."""
    deadlines: tuple[Deadline, ...] = ()
    """A disposition within the month (R42)."""
    clue: bool = False
    """Somebody reported somebody else: no case before an officer has matched it (R116)."""
    person_id: UUID | None = None
    """Whom it is about, in this service's vault, while the register does not know them."""
    reported_in: DivisionCode | None = None
    """Where it was reported, where that is not in ``division``."""
    channel: Channel | None = None
    """Of a self-declaration."""
    agent_id: UUID | None = None
    """Who declared it for the household, in the vault."""
    text_id: UUID | None = None
    """What the household or the cadre said, in the vault."""


@contract
class LeadMatched(AlertsEvent):
    """An officer, or a later registration, found the household a lead is about."""

    lead_id: UUID
    household_id: UUID
    division: DivisionCode
    source: LeadSource
    discovered_on: date
    risks: tuple[Risk, ...] = ()
    by: MatchedBy = MatchedBy.OFFICER


@contract
class LeadDisposed(AlertsEvent):
    """What became of a lead, with its reason (R42); the only way a lead ends."""

    lead_id: UUID
    disposition: LeadDisposition
    case_id: UUID | None = None
    reason: str = ""
    """A code, for the dispositions that a person gives."""
    note_id: UUID | None = None
    deadlines: tuple[Deadline, ...] = ()
    """The next look at what is tracked (R33)."""


@contract
class LeadFollowedUp(AlertsEvent):
    """A tracked lead was looked at again; followed until its gap has closed (R33)."""

    lead_id: UUID
    gap_closed: bool
    note_id: UUID | None = None
    deadlines: tuple[Deadline, ...] = ()
    """The next look, a month on; none when the gap has closed."""


@contract
class PersonalDataRevealed(AlertsEvent):
    """Somebody saw personal data in full, for a purpose: what and why, never the data itself."""

    reveal_id: UUID
    owner_id: UUID
    """The order, the lead or the alert."""
    divisions: tuple[DivisionCode, ...]
    purpose: str
    records: tuple[UUID, ...]
    fields: tuple[str, ...]


@contract
class EvidenceKept(AlertsEvent):
    """A file is kept, sealed under the lead's key; acts cite it by its hash."""

    owner_id: UUID
    """The lead."""
    division: DivisionCode
    sha256: str
    media_type: str
    size: int
    """Bytes."""


@contract
class DeadlineWarned(AlertsEvent):
    """A clock's warning day has come; said once. Of an order: the yellow card (R117)."""

    kind: str
    rule: str
    due_on: date
    on: date


@contract
class DeadlineMissed(AlertsEvent):
    """A clock's last day has passed without the act; said once. Of an order: the red card."""

    kind: str
    rule: str
    due_on: date
    escalated_to: tuple[DivisionCode, ...]
    """Who is told: a lead's county and city (R42), an order's next level up."""


@contract
class Purged(AlertsEvent):
    """The lead was withdrawn (清退) through the gates; its history stays (R107, R108)."""

    correction_id: UUID


@contract
class RolledBack(AlertsEvent, RollsBack):
    """The lead is as of an earlier version again (回退) through the gates (R107, R108)."""

    correction_id: UUID


__all__ = [
    "AlertField",
    "AlertReceived",
    "AlertType",
    "AlertsEvent",
    "Channel",
    "DeadlineMissed",
    "DeadlineWarned",
    "EvidenceKept",
    "ExtensionReason",
    "Fate",
    "FeedCompared",
    "FeedFinished",
    "FeedMapped",
    "FeedMapping",
    "FeedReceived",
    "LeadDisposed",
    "LeadFollowedUp",
    "LeadMatched",
    "MachineKeyIssued",
    "MachineKeysRevoked",
    "MachineKind",
    "MachineRegistered",
    "MatchedBy",
    "OrderAccepted",
    "OrderAssigned",
    "OrderClosed",
    "OrderEvent",
    "OrderExtended",
    "OrderHandled",
    "OrderKind",
    "OrderRated",
    "OrderResult",
    "OrderReturned",
    "OrderSupervised",
    "PersonalDataRevealed",
    "Population",
    "Purged",
    "Rating",
    "ReturnReason",
    "RiskReported",
    "RolledBack",
    "RowFate",
    "SupervisionGround",
    "Tally",
    "Threshold",
    "ThresholdSet",
    "Unit",
    "WebhookMoved",
    "WebhookRegistered",
    "WebhookRemoved",
    "WebhookReplayed",
    "WebhookSecretRotated",
]
