"""What a case is, folded from its events. Never refuses: what is recorded has happened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.identification.domain.procedure import IDENTIFICATION
from shared.contracts import identification as events
from shared.contracts.identification_steps import BackTo, Told
from shared.contracts.values import Category, Gap, History, LeadSource, Risk
from shared.kernel import deadline as clock
from shared.kernel.deadline import Clocks
from shared.kernel.division import Level
from shared.kernel.event import Event

NOBODY = UUID(int=0)


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
    entered_on: date | None = None
    eligible: bool | None = None

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
    authorized: bool = False
    """Whether the household's authorisation holds (R52)."""
    verified: events.Verified | None = None
    deliberated: events.Deliberated | None = None
    notice: Notice | None = None
    open_objections: frozenset[UUID] = frozenset()
    channel: Channel = Channel()
    measures: frozenset[UUID] = frozenset()
    """The measures that run although the household is not identified (R49, R73)."""
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
    open_gaps: tuple[Gap, ...] = ()
    departed: bool = False
    """Whether the outcome departs from the advice: for the city's sampling."""
    clocks: Clocks = field(default_factory=dict)
    last_on: date = date.min
    """The legal date of the latest act."""

    @property
    def open(self) -> bool:
        """Whether the procedure is still going on."""
        return self.exists and self.status is Status.OPEN

    @property
    def monitored(self) -> bool:
        """Whether the household is identified and not eliminated."""
        return self.exists and self.status is Status.IDENTIFIED


def evolve(case: Case, event: Event) -> Case:
    """The case after ``event``."""
    after = _APPLY.get(type(event), _unchanged)(case, event)
    return _step_done(after, event) if isinstance(event, events.StepEvent) else after


def _step_done(case: Case, event: events.StepEvent) -> Case:
    """The step that ``event`` completes is done, and its clock stands still."""
    after = replace(case, last_on=max(case.last_on, event.on))
    step = IDENTIFICATION.completed_by(event)
    if step is None or _gives_back(event):
        return after
    clocks = clock.stop(after.clocks, step.clock) if step.clock else after.clocks
    # A handover names officers again; the step keeps its first day.
    return replace(after, done={step.name: event.on, **after.done}, clocks=clocks)


def _gives_back(event: Event) -> bool:
    return isinstance(event, events.TownReviewed) and not event.passed


def _unchanged(case: Case, _event: Any) -> Case:
    return case


def _opened(case: Case, event: events.CaseOpened) -> Case:
    return replace(
        case,
        exists=True,
        case_id=event.case_id,
        household_id=event.household_id,
        division=event.division,
        moved_from=event.moved_from,
        history=event.history,
        relocated=event.relocated,
        policy=event.policy,
        leads=frozenset({event.lead_id}),
        source=event.source,
        opened_on=event.discovered_on,
        risks=event.risks,
        previous_case_id=event.previous_case_id,
        clocks=clock.start({}, *event.deadlines),
        floor=event.discovered_on,
        last_on=event.discovered_on,
    )


def _lead_joined(case: Case, event: events.LeadJoined) -> Case:
    return replace(
        case,
        leads=case.leads | {event.lead_id},
        opened_on=min(case.opened_on, event.discovered_on),
        risks=_together(case.risks, event.risks),
        clocks=clock.start(case.clocks, *event.deadlines),
    )


def _risk_added(case: Case, event: events.RiskAdded) -> Case:
    return replace(
        case,
        leads=case.leads | {event.lead_id},
        risks=_together(case.risks, event.risks),
    )


def _officers_named(case: Case, event: events.OfficersNamed) -> Case:
    return replace(case, officers=(event.village_officer, event.town_officer))


def _authorization_signed(case: Case, _event: events.AuthorizationSigned) -> Case:
    return replace(case, authorized=True)


def _authorization_revoked(case: Case, _event: events.AuthorizationRevoked) -> Case:
    # What was looked up while it held stays looked up; only what is still to come is stopped.
    gone = () if "comparison" in case.done else ("authorization",)
    return replace(case, authorized=False, done=_without(case.done, *gone))


def _verified(case: Case, event: events.Verified) -> Case:
    return replace(case, verified=event, risks=_together(case.risks, event.findings.risks))


def _deliberated(case: Case, event: events.Deliberated) -> Case:
    return replace(case, deliberated=event)


def _town_reviewed(case: Case, event: events.TownReviewed) -> Case:
    if event.passed:
        return case
    return _again(case, event.back_to or BackTo.DELIBERATION, event.on)


def _notice_posted(case: Case, event: events.NoticePosted) -> Case:
    notice = Notice(event.number, event.on, event.last_day, event.category)
    return replace(case, notice=notice)


def _objection_raised(case: Case, event: events.ObjectionRaised) -> Case:
    return replace(case, open_objections=case.open_objections | {event.objection_id})


def _objection_answered(case: Case, event: events.ObjectionAnswered) -> Case:
    after = replace(case, open_objections=case.open_objections - {event.objection_id})
    return _again(after, BackTo.VERIFICATION, event.on) if event.upheld else after


def _approved(case: Case, event: events.Approved) -> Case:
    return replace(
        case,
        status=Status.IDENTIFIED,
        category=event.category,
        identified_on=event.identified_on,
        concluded_on=event.on,
        late=event.late_reason is not None,
        measures=frozenset(),
        departed=event.departs_from_advice,
        clocks=clock.start(clock.stop(case.clocks, *case.clocks), *event.deadlines),
    )


def _not_identified(case: Case, event: events.NotIdentified) -> Case:
    return replace(
        case,
        status=Status.NOT_IDENTIFIED,
        refusal=event.reason,
        concluded_on=event.on,
        late=event.late_reason is not None,
        tracked=event.tracked,
        open_gaps=case.verified.findings.gaps if case.verified else (),
        departed=event.departs_from_advice,
        clocks=clock.start({}, *event.deadlines),
    )


def _told(case: Case, event: events.HouseholdTold) -> Case:
    settled = ("tell-applicant",) if event.about is Told.REFUSAL else ()
    clocks = clock.stop(case.clocks, *settled)
    return replace(case, told=case.told | {event.about}, clocks=clocks)


def _followed_up(case: Case, event: events.FollowedUp) -> Case:
    return replace(
        case,
        tracked=bool(event.deadlines),
        open_gaps=event.open_gaps,
        clocks=clock.start(clock.stop(case.clocks, "follow-up"), *event.deadlines),
    )


def _channel_confirmed(case: Case, event: events.GreenChannelConfirmed) -> Case:
    confirmed = {**case.channel.confirmed, event.level: event.on}
    return replace(case, channel=replace(case.channel, confirmed=confirmed))


def _channel_entered(case: Case, event: events.GreenChannelEntered) -> Case:
    return replace(
        case,
        channel=replace(case.channel, entered_on=event.entered_on),
        risks=_together(case.risks, event.risks),
        clocks=clock.start(case.clocks, *event.deadlines),
    )


def _channel_verified(case: Case, event: events.GreenChannelVerified) -> Case:
    return replace(
        case,
        channel=replace(case.channel, eligible=event.eligible),
        clocks=clock.stop(case.clocks, "green-channel"),
    )


def _channel_exited(case: Case, event: events.GreenChannelExited) -> Case:
    return replace(case, status=Status.EXITED, concluded_on=event.on, clocks={})


def _measure_noted(case: Case, event: events.MeasureNoted) -> Case:
    one = {event.measure_id}
    return replace(case, measures=case.measures | one if event.running else case.measures - one)


def _monitoring_ended(case: Case, event: events.MonitoringEnded) -> Case:
    return replace(
        case,
        status=Status.ELIMINATED,
        eliminated_on=event.eliminated_on,
        last_on=event.eliminated_on,
        clocks={},
    )


def _purged(case: Case, _event: events.Purged) -> Case:
    return replace(case, status=Status.PURGED, clocks={})


def _warned(case: Case, event: events.DeadlineWarned) -> Case:
    return replace(case, clocks=clock.warned(case.clocks, event.kind))


def _missed(case: Case, event: events.DeadlineMissed) -> Case:
    return replace(case, clocks=clock.missed(case.clocks, event.kind))


_AGAIN = {
    BackTo.VERIFICATION: ("verification", "deliberation", "town-review", "notice", "publicity"),
    BackTo.DELIBERATION: ("deliberation", "town-review", "notice", "publicity"),
}


def _again(case: Case, back_to: BackTo, on: date) -> Case:
    """The steps from ``back_to`` on are to be done again; a notice that hangs is void."""
    return replace(case, done=_without(case.done, *_AGAIN[back_to]), notice=None, floor=on)


def _without(done: Mapping[str, date], *names: str) -> Mapping[str, date]:
    return {name: on for name, on in done.items() if name not in names}


def _together(some: tuple[Risk, ...], more: tuple[Risk, ...]) -> tuple[Risk, ...]:
    return (*some, *(risk for risk in more if risk not in some))


_APPLY: Mapping[type[Event], Callable[[Case, Any], Case]] = {
    events.CaseOpened: _opened,
    events.LeadJoined: _lead_joined,
    events.RiskAdded: _risk_added,
    events.OfficersNamed: _officers_named,
    events.AuthorizationSigned: _authorization_signed,
    events.AuthorizationRevoked: _authorization_revoked,
    events.Verified: _verified,
    events.Deliberated: _deliberated,
    events.TownReviewed: _town_reviewed,
    events.NoticePosted: _notice_posted,
    events.ObjectionRaised: _objection_raised,
    events.ObjectionAnswered: _objection_answered,
    events.Approved: _approved,
    events.NotIdentified: _not_identified,
    events.HouseholdTold: _told,
    events.FollowedUp: _followed_up,
    events.GreenChannelConfirmed: _channel_confirmed,
    events.GreenChannelEntered: _channel_entered,
    events.GreenChannelVerified: _channel_verified,
    events.GreenChannelExited: _channel_exited,
    events.MeasureNoted: _measure_noted,
    events.MonitoringEnded: _monitoring_ended,
    events.Purged: _purged,
    events.DeadlineWarned: _warned,
    events.DeadlineMissed: _missed,
}
