"""One household's way through identification: what may happen, and what it means. Pure."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from services.identification.domain import (
    channel,
    clocks,
    commands,
    conclusion,
    fieldwork,
    internal,
)
from services.identification.domain.case_state import Case, Help, Status
from services.identification.domain.context import CaseContext
from services.identification.domain.folding import evolve
from services.identification.domain.policies import owner_acts
from shared.contracts import identification as events
from shared.contracts.values import History
from shared.kernel.decider import Aggregate, Context, Tick
from shared.kernel.event import Command, Event
from shared.kernel.refusal import NotFound, OutOfOrder
from shared.policy.rules import rule

LABEL = ("个案", "case")
Decision = Callable[[Case, Any, Any], list[Event]]


def decide(case: Case, command: Command, context: Context) -> list[Event]:
    """The events that ``command`` brings about, or the ``Refusal`` of the rule it breaks."""
    if isinstance(command, internal.TakeLead):
        assert isinstance(context, CaseContext)
        return take_lead(case, command, context)
    if not case.exists:
        raise NotFound(*LABEL)
    if isinstance(command, commands.CaseAct):
        assert isinstance(context, CaseContext)
        owner_acts(case, context)
    return [_marked(event, context) for event in _DECISIONS[type(command)](case, command, context)]


@rule("K6")
def _marked(event: Event, context: Context) -> Event:
    """An act entered more than a day after it happened says so itself (K6)."""
    if isinstance(event, events.StepEvent) and context.today - event.on > timedelta(days=1):
        return event.model_copy(update={"entered_on": context.today})
    return event


@rule("R25", "R105")
def take_lead(case: Case, command: internal.TakeLead, context: CaseContext) -> list[Event]:
    """Open a case, join the open one, or add the risk to a monitored household (R25, R42, R105)."""
    if command.lead_id in case.leads:
        return []
    if not case.exists:
        return [_opened(command, context)]
    if case.open:
        return [_joined(case, command, context)]
    if case.monitored:
        return [
            events.RiskAdded(
                case_id=case.case_id,
                household_id=case.household_id,
                lead_id=command.lead_id,
                risks=command.risks,
            )
        ]
    raise OutOfOrder(
        "R105",
        code="case-closed",
        zh="该个案已办结,新的风险须另立个案",
        en="the case is closed; a new risk opens a new one",
    )


def _opened(command: internal.TakeLead, context: CaseContext) -> Event:
    household = context.household
    return events.CaseOpened(
        case_id=context.fresh_id,
        household_id=household.household_id,
        division=household.division,
        lead_id=command.lead_id,
        source=command.source,
        discovered_on=command.discovered_on,
        risks=command.risks,
        deadlines=clocks.opening(context.policy, command.discovered_on),
        previous_case_id=context.previous_case_id,
        moved_from=household.moved_from,
        history=household.history,
        relocated=household.relocated,
        policy=context.policy.version,
    )


@rule("R54")
def _joined(case: Case, command: internal.TakeLead, context: CaseContext) -> Event:
    """A further lead; should it be the earliest, the clocks still running run from it (R54)."""
    earlier = command.discovered_on < case.opened_on and not case.channel.inside
    deadlines = clocks.opening(context.policy, command.discovered_on) if earlier else ()
    return events.LeadJoined(
        case_id=case.case_id,
        household_id=case.household_id,
        lead_id=command.lead_id,
        source=command.source,
        discovered_on=command.discovered_on,
        risks=command.risks,
        deadlines=tuple(item for item in deadlines if item.kind in case.clocks),
    )


@rule("R91", "R106")
def end_monitoring(case: Case, command: internal.EndMonitoring, _context: Context) -> list[Event]:
    """The risk is eliminated: the case is closed, and kept (R91, R106)."""
    if case.status is Status.ELIMINATED:
        return []
    if not case.monitored:
        raise OutOfOrder(
            "R91", code="not-identified", zh="该户未在监测中", en="the household is not monitored"
        )
    return [
        events.MonitoringEnded(
            eliminated_on=command.eliminated_on,
            elimination_id=command.elimination_id,
            mode=command.mode,
            early=command.early,
            per_capita_net=command.per_capita_net,
        )
    ]


@rule("R33")
def hand_following_over(
    case: Case, command: internal.HandFollowingOver, _context: Context
) -> list[Event]:
    """A followed household that has a new case is not followed twice (R33)."""
    if not case.tracked:
        return []
    return [events.FollowingHandedOver(to_case_id=command.to_case_id)]


@rule("R107", "R108")
def correct(_case: Case, command: internal.Correct, _context: Context) -> list[Event]:
    """An authorised correction: a compensating event, nothing edited, nothing erased (R108)."""
    if command.to_version is None:
        return [events.Purged(correction_id=command.correction_id)]
    return [events.RolledBack(correction_id=command.correction_id, to_version=command.to_version)]


@rule("R49", "R73", "R76")
def note_measure(case: Case, command: internal.NoteMeasure, _context: Context) -> list[Event]:
    """Which measures there are, and which run: none may, on leaving the channel (R73).

    Outside the channel they are help outside the mechanism, which a detector looks for (R49); of a
    monitored household, a detector asks whether there are any (R76).
    """
    known = case.helps.get(command.measure_id, Help())
    filed = command.kind != "" and known.kind == ""
    if known.running is command.running and not filed:
        return []
    return [
        events.MeasureNoted(
            measure_id=command.measure_id,
            running=known.running if filed else command.running,
            kind=command.kind,
            development=command.development,
        )
    ]


def tick(case: Case, _command: Tick, context: Context) -> list[Event]:
    """The clocks speak; nothing is ever decided by them."""
    return clocks.speak(case.clocks, case.division, context.today)


_DECISIONS: Mapping[type[Command], Decision] = {
    **fieldwork.DECISIONS,
    **conclusion.DECISIONS,
    **channel.DECISIONS,
    internal.EndMonitoring: end_monitoring,
    internal.HandFollowingOver: hand_following_over,
    internal.Correct: correct,
    internal.NoteMeasure: note_measure,
    Tick: tick,
}

CASE: Aggregate[Case] = Aggregate(
    name="case",
    label=LABEL,
    initial=Case(history=History.ORDINARY),
    evolve=evolve,
    decide=decide,
    divisions=lambda case: tuple(filter(None, (case.division, case.moved_from))),
    key=lambda case: case.household_id,
    clocks=lambda case: case.clocks,
)
"""The case as a stream: category ``case``, keyed by its household."""
