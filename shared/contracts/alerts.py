"""Events of the alerts service: risk leads, department feeds, 12317 work orders."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from shared.contracts.registry import contract
from shared.contracts.values import LeadDisposition, LeadSource, Risk
from shared.kernel.deadline import Deadline
from shared.kernel.division import DivisionCode
from shared.kernel.event import Event


class AlertsEvent(Event):
    """Base of this service's events."""

    service: ClassVar[str] = "alerts"


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


@contract
class LeadMatched(AlertsEvent):
    """An officer, or a later registration, found the household a lead is about."""

    lead_id: UUID
    household_id: UUID
    division: DivisionCode
    source: LeadSource
    discovered_on: date
    risks: tuple[Risk, ...] = ()


@contract
class LeadDisposed(AlertsEvent):
    """What became of a lead, with its reason (R42); the only way a lead ends."""

    lead_id: UUID
    disposition: LeadDisposition
    case_id: UUID | None = None
    reason: str = ""
    """A code, for the dispositions that a person gives."""
    note_id: UUID | None = None
