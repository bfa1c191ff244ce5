"""A risk lead: it ends in a disposition with a reason, one by one, and in nothing else (R42)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.alerts.domain import clocks as counted
from services.alerts.domain import commands, policies
from services.alerts.domain.context import AlertsContext
from shared.contracts import alerts as events
from shared.contracts.alerts import (
    Channel,
    LeadDisposed,
    LeadFollowedUp,
    LeadMatched,
    Purged,
    RiskReported,
    RolledBack,
)
from shared.contracts.values import LeadDisposition, LeadSource, Risk
from shared.kernel import deadline as clock
from shared.kernel.deadline import Clocks
from shared.kernel.decider import Aggregate, Context, Tick
from shared.kernel.event import Command, Event
from shared.kernel.principal import Role
from shared.policy.rules import rule

_NOBODY = UUID(int=0)


class LeadStatus(StrEnum):
    """Where a lead stands."""

    WAITING = "WAITING"
    """Nobody knows yet which household it is about."""
    MATCHED = "MATCHED"
    """Its household is known; the identification service takes it up."""
    TRACKED = "TRACKED"
    """Followed until its gap has closed (R33)."""
    DISPOSED = "DISPOSED"
    PURGED = "PURGED"
    """Withdrawn through the gates (R107)."""


@dataclass(frozen=True)
class Lead:
    """One lead."""

    exists: bool = False
    lead_id: UUID = _NOBODY
    source: LeadSource = LeadSource.HOTLINE
    discovered_on: date = date.min
    division: str = ""
    """The household's village once it is known."""
    reported_division: str = ""
    """Where it was said to be."""
    household_id: UUID | None = None
    risks: tuple[Risk, ...] = ()
    order_id: UUID | None = None
    alert_id: UUID | None = None
    clue: bool = False
    person_id: UUID | None = None
    channel: Channel | None = None
    evidence: tuple[str, ...] = ()
    agent_id: UUID | None = None
    text_id: UUID | None = None
    note_id: UUID | None = None
    """What was written at the latest disposition or follow-up."""
    status: LeadStatus = LeadStatus.WAITING
    disposition: LeadDisposition | None = None
    reason: str = ""
    case_id: UUID | None = None
    raised: bool = False
    """Left open over its month and raised to county and city (R42)."""
    clocks: Clocks = field(default_factory=dict)


def decide(lead: Lead, command: Command, context: Context) -> list[Event]:
    """The lead's next events, or the ``Refusal``. Pure."""
    if isinstance(command, Tick):
        raised_to = counted.county_and_city(lead.division)
        return counted.speak(lead.clocks, context.today, raised_to)
    return _DECIDE[type(command)](lead, command, context)


@rule("R42", "R54", "R55", "R116")
def _report(lead: Lead, command: commands.ReportRisk, context: AlertsContext) -> list[Event]:
    """A lead said twice is one lead: nothing happens the second time."""
    if lead.exists:
        return []
    starts = counted.of_lead(
        command.discovered_on, context.policy, waiting=command.household_id is None
    )
    return [RiskReported(**vars(command), deadlines=starts)]


def _match(lead: Lead, command: commands.MatchLead, context: AlertsContext) -> list[Event]:
    policies.lead_known(lead.exists)
    household = policies.registered(context.household)
    if lead.household_id == command.household_id:
        return []
    policies.lead_waits(lead.status is LeadStatus.WAITING)
    by_system = Role.SYSTEM in context.principal.roles
    return [
        LeadMatched(
            lead_id=lead.lead_id,
            household_id=command.household_id,
            division=household.division,
            source=lead.source,
            discovered_on=lead.discovered_on,
            risks=lead.risks,
            by=events.MatchedBy.DOCUMENT_NUMBER if by_system else events.MatchedBy.OFFICER,
        )
    ]


@rule("R42")
def _dispose(lead: Lead, command: commands.DisposeLead, context: AlertsContext) -> list[Event]:
    policies.lead_known(lead.exists)
    policies.lead_is_open(lead.status is LeadStatus.WAITING)
    policies.disposition_is_an_officers(command)
    policies.dibao_is_no_reason(command)
    policies.relocated_stay_in_scope(command, relocated=_relocated(context))
    policies.below_line_is_deliberated(command)
    policies.reason_fits(command)
    return [
        LeadDisposed(
            lead_id=lead.lead_id,
            disposition=command.disposition,
            reason=command.reason,
            note_id=context.note("note"),
            deadlines=_followed(command.disposition is LeadDisposition.TRACKED, context),
        )
    ]


@rule("R33")
def _follow(lead: Lead, command: commands.FollowLead, context: AlertsContext) -> list[Event]:
    policies.lead_known(lead.exists)
    policies.lead_is_tracked(lead.status is LeadStatus.TRACKED)
    return [
        LeadFollowedUp(
            lead_id=lead.lead_id,
            gap_closed=command.gap_closed,
            note_id=context.note("note"),
            deadlines=_followed(not command.gap_closed, context),
        )
    ]


def _settle(lead: Lead, command: commands.SettleLead, _context: Context) -> list[Event]:
    """What the identification service says holds, whatever was thought here before."""
    policies.lead_known(lead.exists)
    said = (command.disposition, command.case_id, command.reason)
    if lead.status is LeadStatus.PURGED or said == (lead.disposition, lead.case_id, lead.reason):
        return []
    disposition, case_id, reason = said
    return [
        LeadDisposed(lead_id=lead.lead_id, disposition=disposition, case_id=case_id, reason=reason)
    ]


@rule("R107", "R108")
def _correct(_lead: Lead, command: commands.CorrectLead, _context: Context) -> list[Event]:
    """An authorised correction: a compensating event, nothing edited, nothing erased."""
    if command.to_version is None:
        return [Purged(correction_id=command.correction_id)]
    return [RolledBack(correction_id=command.correction_id, to_version=command.to_version)]


def _relocated(context: AlertsContext) -> bool:
    return context.household is not None and context.household.relocated


def _followed(goes_on: bool, context: AlertsContext) -> tuple[clock.Deadline, ...]:
    return (counted.follow_up(context.occurred_on, context.policy),) if goes_on else ()


_DECIDE: Mapping[type[Command], Callable[[Lead, Any, Any], list[Event]]] = {
    commands.ReportRisk: _report,
    commands.MatchLead: _match,
    commands.DisposeLead: _dispose,
    commands.FollowLead: _follow,
    commands.SettleLead: _settle,
    commands.CorrectLead: _correct,
}


def evolve(lead: Lead, event: Event) -> Lead:
    """The lead after ``event``."""
    return _APPLY.get(type(event), _unchanged)(lead, event)


def _unchanged(lead: Lead, _event: Any) -> Lead:
    return lead


def _reported(_lead: Lead, event: RiskReported) -> Lead:
    return Lead(
        exists=True,
        lead_id=event.lead_id,
        source=event.source,
        discovered_on=event.discovered_on,
        division=event.division,
        reported_division=event.reported_in or event.division,
        household_id=event.household_id,
        risks=event.risks,
        order_id=event.order_id,
        alert_id=event.alert_id,
        clue=event.clue,
        person_id=event.person_id,
        channel=event.channel,
        evidence=event.evidence,
        agent_id=event.agent_id,
        text_id=event.text_id,
        status=LeadStatus.MATCHED if event.household_id else LeadStatus.WAITING,
        clocks=clock.start({}, *event.deadlines),
    )


def _matched(lead: Lead, event: LeadMatched) -> Lead:
    return replace(
        lead,
        household_id=event.household_id,
        division=event.division,
        status=LeadStatus.MATCHED,
        clocks=clock.stop(lead.clocks, counted.VERIFY, counted.IDENTIFY),
    )


def _disposed(lead: Lead, event: LeadDisposed) -> Lead:
    followed = bool(event.deadlines)
    return replace(
        lead,
        status=LeadStatus.TRACKED if followed else LeadStatus.DISPOSED,
        disposition=event.disposition,
        reason=event.reason,
        case_id=event.case_id or lead.case_id,
        note_id=event.note_id or lead.note_id,
        clocks=clock.start({}, *event.deadlines),
    )


def _followed_up(lead: Lead, event: LeadFollowedUp) -> Lead:
    return replace(
        lead,
        status=LeadStatus.DISPOSED if event.gap_closed else LeadStatus.TRACKED,
        note_id=event.note_id or lead.note_id,
        clocks=clock.start({}, *event.deadlines),
    )


def _purged(lead: Lead, _event: Purged) -> Lead:
    return replace(lead, status=LeadStatus.PURGED, clocks={})


def _warned(lead: Lead, event: events.DeadlineWarned) -> Lead:
    return replace(lead, clocks=clock.warned(lead.clocks, event.kind))


def _missed(lead: Lead, event: events.DeadlineMissed) -> Lead:
    raised = lead.raised or event.kind == counted.DISPOSE
    return replace(lead, raised=raised, clocks=clock.missed(lead.clocks, event.kind))


_APPLY: Mapping[type[Event], Callable[[Lead, Any], Lead]] = {
    RiskReported: _reported,
    LeadMatched: _matched,
    LeadDisposed: _disposed,
    LeadFollowedUp: _followed_up,
    Purged: _purged,
    events.DeadlineWarned: _warned,
    events.DeadlineMissed: _missed,
}


def _divisions(lead: Lead) -> tuple[str, ...]:
    """The household's village, and the place it was said to be: both may see it (R1, R25)."""
    return tuple(dict.fromkeys((lead.division, lead.reported_division)))


LEAD: Aggregate[Lead] = Aggregate(
    name="lead",
    label=("线索", "lead"),
    initial=Lead(),
    evolve=evolve,
    decide=decide,
    divisions=_divisions,
    # A lead's household may be found later; a stream keeps its first key all the same, and the
    # identification service orders what it hears by the household's own stream.
    key=lambda lead: lead.household_id or lead.lead_id,
    clocks=lambda lead: lead.clocks,
)
