"""What a case is: its state, as its events make it (``folding``)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

from shared.contracts import identification as events
from shared.contracts.identification_steps import Hit, Source, Told
from shared.contracts.values import Category, Gap, History, LeadSource, Risk
from shared.kernel.deadline import Clocks
from shared.kernel.division import Level

NOBODY = UUID(int=0)

TELLING: Mapping[Told, str] = {
    Told.REFUSAL: "tell-applicant",
    Told.CHANNEL_ENTRY: "tell-entry",
    Told.CHANNEL_EXIT: "tell-exit",
}
"""The clock that each telling of the household settles (R67, R74)."""


class Status(StrEnum):
    """Where a case stands as a whole."""

    OPEN = "OPEN"
    IDENTIFIED = "IDENTIFIED"
    """Monitored: one such case a household (R7)."""
    NOT_IDENTIFIED = "NOT_IDENTIFIED"
    EXITED = "EXITED"
    """Out of the green channel, not eligible (R73)."""
    ELIMINATED = "ELIMINATED"
    """Risk eliminated; kept for ever (R106)."""
    PURGED = "PURGED"
    """Withdrawn through the gates (R107)."""


class LapseKind(StrEnum):
    """What was not as it should be about an act that was taken all the same."""

    LATE = "LATE"
    """After its last day, for a reason (K5)."""
    BACK_DATED = "BACK_DATED"
    """Entered more than a day after it happened (K6)."""


@dataclass(frozen=True)
class Lapse:
    """One of them."""

    kind: LapseKind
    act: str
    """The event's name."""
    on: date
    reason: str | None = None
    entered_on: date | None = None


@dataclass(frozen=True)
class Help:
    """A measure of the assistance service, as far as this service must know it."""

    kind: str = ""
    development: bool = False
    running: bool = False
    begun: bool = False
    """Whether it ever ran."""


@dataclass(frozen=True)
class Notice:
    """A posted notice."""

    number: str
    posted_on: date
    last_day: date
    category: Category


@dataclass(frozen=True)
class Channel:
    """The case's way through the green channel (R68–R73)."""

    confirmed: Mapping[Level, date] = field(default_factory=dict)
    confirmed_by: frozenset[str] = frozenset()
    cause: Risk | None = None
    """What the first confirmation says happened (R68)."""
    entered_on: date | None = None
    eligible: bool | None = None
    verified_on: date | None = None
    """The day its eligibility was last looked at."""

    @property
    def inside(self) -> bool:
        """Whether the household has been entered."""
        return self.entered_on is not None


@dataclass(frozen=True)
class Case:
    """One household's way through identification."""

    exists: bool = False
    case_id: UUID = NOBODY
    household_id: UUID = NOBODY
    division: str = ""
    moved_from: str | None = None
    history: History = History.ORDINARY
    relocated: bool = False
    policy: str = ""
    status: Status = Status.OPEN
    leads: frozenset[UUID] = frozenset()
    source: LeadSource | None = None
    opened_on: date = date.min
    """The earliest lead's day: where the fifteen days start (R54)."""
    risks: tuple[Risk, ...] = ()
    previous_case_id: UUID | None = None
    done: Mapping[str, date] = field(default_factory=dict)
    """The steps done, and the legal date of each."""
    floor: date = date.min
    """No act may be dated earlier: the opening, or the day the case was given back."""
    officers: tuple[str, str] | None = None
    handled_by: frozenset[str] = frozenset()
    """Everybody who was ever named for the case in village or town (R53)."""
    authorized: bool = False
    """Whether the household's authorisation holds (R52)."""
    answers: Mapping[tuple[Source, UUID], tuple[Hit, ...]] = field(default_factory=dict)
    """What departments have answered, by department and member; the latest word counts."""
    verified: events.Verified | None = None
    deliberated: events.Deliberated | None = None
    notice: Notice | None = None
    open_objections: Mapping[UUID, date] = field(default_factory=dict)
    """The objections not answered, and the day of each (R66)."""
    channel: Channel = Channel()
    measures: frozenset[UUID] = frozenset()
    """The measures that run although the household is not identified (R49, R73)."""
    helps: Mapping[UUID, Help] = field(default_factory=dict)
    """Every measure that was filed or began, the household identified or not (R76)."""
    elimination: events.MonitoringEnded | None = None
    category: Category | None = None
    concluded_on: date | None = None
    """The day of the approval, the refusal or the exit."""
    eliminated_on: date | None = None
    late: bool = False
    """Whether the conclusion came after its last day (R54)."""
    identified_on: date | None = None
    refusal: str | None = None
    told: frozenset[str] = frozenset()
    tracked: bool = False
    seen_on: date = date.min
    """The day a followed household was last looked at (R33)."""
    open_gaps: tuple[Gap, ...] = ()
    departed: bool = False
    """Whether the outcome departs from the advice: for the city's sampling."""
    clocks: Clocks = field(default_factory=dict)
    lapses: tuple[Lapse, ...] = ()
    """The acts that came late, with their reasons, or were entered later than they happened."""

    @property
    def open(self) -> bool:
        """Whether the procedure is still going on."""
        return self.exists and self.status is Status.OPEN

    @property
    def monitored(self) -> bool:
        """Whether the household is identified and not eliminated."""
        return self.exists and self.status is Status.IDENTIFIED
