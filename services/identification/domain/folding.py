"""How a case follows from its events. Never refuses: what is recorded has happened."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from services.identification.domain.case_state import (
    TELLING,
    Case,
    Help,
    Lapse,
    LapseKind,
    Notice,
    Status,
)
from services.identification.domain.procedure import IDENTIFICATION
from shared.contracts import identification as events
from shared.contracts.identification_steps import BackTo
from shared.contracts.values import Risk
from shared.kernel import deadline as clock
from shared.kernel.event import Event


def evolve(case: Case, event: Event) -> Case:
    """The case after ``event``."""
    after = _APPLY.get(type(event), _unchanged)(case, event)
    return _step_done(after, event) if isinstance(event, events.StepEvent) else after


def _step_done(case: Case, event: events.StepEvent) -> Case:
    """The step that ``event`` completes is done, and its clock stands still."""
    after = replace(case, lapses=(*case.lapses, *_lapses(event)))
    step = IDENTIFICATION.completed_by(event)
    if step is None or _gives_back(event):
        return after
    clocks = clock.stop(after.clocks, step.clock) if step.clock else after.clocks
    # A handover names officers again; the step keeps its first day.
    return replace(after, done={step.name: event.on, **after.done}, clocks=clocks)


def _lapses(event: events.StepEvent) -> list[Lapse]:
    """What somebody above should know of how an act was done: late, or entered later (K5, K6)."""
    name, on = type(event).__name__, event.on
    late = getattr(event, "late_reason", None)
    found = [Lapse(LapseKind.LATE, name, on, reason=late)] if late is not None else []
    if event.entered_on is not None:
        found.append(Lapse(LapseKind.BACK_DATED, name, on, entered_on=event.entered_on))
    return found


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
    officers = (event.village_officer, event.town_officer)
    return replace(case, officers=officers, handled_by=case.handled_by.union(officers))


def _authorization_signed(case: Case, _event: events.AuthorizationSigned) -> Case:
    return replace(case, authorized=True)


def _authorization_revoked(case: Case, _event: events.AuthorizationRevoked) -> Case:
    # What was looked up while it held stays looked up; only what is still to come is stopped.
    gone = () if "comparison" in case.done else ("authorization",)
    return replace(case, authorized=False, done=_without(case.done, *gone))


def _comparison_answered(case: Case, event: events.ComparisonAnswered) -> Case:
    answers = {**case.answers, (event.source, event.member_id): event.hits}
    return replace(case, answers=answers)


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
    return replace(case, open_objections={**case.open_objections, event.objection_id: event.on})


def _objection_answered(case: Case, event: events.ObjectionAnswered) -> Case:
    still = {id_: on for id_, on in case.open_objections.items() if id_ != event.objection_id}
    after = replace(case, open_objections=still, floor=max(case.floor, event.on))
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
        seen_on=event.on,
        open_gaps=case.verified.findings.gaps if case.verified else (),
        departed=event.departs_from_advice,
        clocks=clock.start({}, *event.deadlines),
    )


def _told(case: Case, event: events.HouseholdTold) -> Case:
    clocks = clock.stop(case.clocks, TELLING[event.about])
    return replace(case, told=case.told | {event.about}, clocks=clocks)


def _followed_up(case: Case, event: events.FollowedUp) -> Case:
    return replace(
        case,
        tracked=bool(event.deadlines),
        seen_on=event.on,
        open_gaps=event.open_gaps,
        clocks=clock.start(clock.stop(case.clocks, "follow-up"), *event.deadlines),
    )


def _handed_over(case: Case, _event: events.FollowingHandedOver) -> Case:
    return replace(case, tracked=False, clocks=clock.stop(case.clocks, "follow-up"))


def _channel_confirmed(case: Case, event: events.GreenChannelConfirmed) -> Case:
    confirmed = {**case.channel.confirmed, event.level: event.on}
    channel = replace(
        case.channel,
        confirmed=confirmed,
        confirmed_by=case.channel.confirmed_by | {event.by},
        cause=case.channel.cause or event.cause,
    )
    return replace(case, channel=channel)


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
        channel=replace(case.channel, eligible=event.eligible, verified_on=event.on),
        clocks=clock.stop(case.clocks, "green-channel"),
    )


def _channel_exited(case: Case, event: events.GreenChannelExited) -> Case:
    return replace(
        case,
        status=Status.EXITED,
        concluded_on=event.on,
        tracked=event.tracked,
        seen_on=event.on,
        open_gaps=case.verified.findings.gaps if case.verified else (),
        clocks=clock.start({}, *event.deadlines),
    )


def _measure_noted(case: Case, event: events.MeasureNoted) -> Case:
    before = case.helps.get(event.measure_id, Help())
    help_ = replace(
        before,
        kind=event.kind or before.kind,
        development=event.development or before.development,
        running=event.running,
        begun=before.begun or event.running,
    )
    outside = event.running and not case.monitored
    one = {event.measure_id}
    return replace(
        case,
        measures=case.measures | one if outside else case.measures - one,
        helps={**case.helps, event.measure_id: help_},
    )


def _monitoring_ended(case: Case, event: events.MonitoringEnded) -> Case:
    return replace(
        case,
        status=Status.ELIMINATED,
        eliminated_on=event.eliminated_on,
        elimination=event,
        clocks={},
    )


def _purged(case: Case, _event: events.Purged) -> Case:
    return replace(case, status=Status.PURGED, clocks={})


def _warned(case: Case, event: events.DeadlineWarned) -> Case:
    return replace(case, clocks=clock.warned(case.clocks, event.kind))


def _escalated(case: Case, event: events.DeadlineEscalated) -> Case:
    return replace(case, clocks=clock.escalated(case.clocks, event.kind))


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
    events.ComparisonAnswered: _comparison_answered,
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
    events.FollowingHandedOver: _handed_over,
    events.GreenChannelConfirmed: _channel_confirmed,
    events.GreenChannelEntered: _channel_entered,
    events.GreenChannelVerified: _channel_verified,
    events.GreenChannelExited: _channel_exited,
    events.MeasureNoted: _measure_noted,
    events.MonitoringEnded: _monitoring_ended,
    events.Purged: _purged,
    events.DeadlineWarned: _warned,
    events.DeadlineMissed: _missed,
    events.DeadlineEscalated: _escalated,
}
