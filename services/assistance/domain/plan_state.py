"""A plan as its events make it: what is planned for one case, and every measure of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.assistance.domain.measure_state import (
    LIVE,
    Measure,
    MeasureStatus,
    end_clock,
    start_clock,
)
from shared.contracts.assistance import (
    AfterCareEnded,
    AfterCareStarted,
    DeadlineMissed,
    DeadlineWarned,
    EarlyEliminationAllowed,
    MeasureEnded,
    MeasureFiled,
    MeasureStarted,
    MeasureStopped,
    OutputRecorded,
    PlanClosed,
    PlanConfirmed,
    PlanDrafted,
    PlanMadeProvisional,
    PlanOpened,
    PlanRiskAdded,
    PlanSubmitted,
    Purged,
    RefreshRecorded,
    RiskSeenAfterElimination,
    RolledBack,
)
from shared.contracts.help import Identified, PlanCloseReason, StopReason
from shared.contracts.values import Risk
from shared.kernel import deadline
from shared.kernel.deadline import Clocks, Deadline
from shared.kernel.event import Event


class Stage(StrEnum):
    """Where a plan stands."""

    EARLY = "EARLY"
    """Drafted while identification goes on; nothing of it is active (R59)."""
    PROVISIONAL = "PROVISIONAL"
    """绿色通道: help at once, approval to come."""
    PLANNING = "PLANNING"
    """Approved; the plan is being made."""
    IN_FORCE = "IN_FORCE"
    """Submitted complete."""
    AFTER_CARE = "AFTER_CARE"
    """风险已消除: measures run to their end, data are refreshed."""
    CLOSED = "CLOSED"


@dataclass(frozen=True)
class Plan:
    """One case's plan."""

    case_id: UUID | None = None
    household_id: UUID | None = None
    division: str = ""
    stage: Stage = Stage.EARLY
    risks: tuple[Risk, ...] = ()
    urgent: bool = False
    """First in the queue (R113)."""
    identified: Identified | None = None
    draft: PlanDrafted | None = None
    submitted: bool = False
    submitted_on: date | None = None
    """The first submission: how long the plan took (R89)."""
    first_due_on: date | None = None
    """The day by which the first plan was due (R89)."""
    measures: Mapping[UUID, Measure] = field(default_factory=dict)
    early_allowed: bool = False
    """The county let an elimination come before the half-year (R93)."""
    eliminated_on: date | None = None
    elimination_id: UUID | None = None
    refreshed: tuple[int, ...] = ()
    """The years for which an eliminated household was refreshed (R106)."""
    seen_after: frozenset[UUID] = frozenset()
    """Leads that came when the risk had been eliminated already (R105)."""
    closed: PlanCloseReason | None = None
    clocks: Clocks = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        """Whether anything has happened yet."""
        return self.case_id is not None

    @property
    def ids(self) -> dict[str, Any]:
        """What every event of the plan carries."""
        return {"case_id": self.case_id, "household_id": self.household_id}

    @property
    def provisional(self) -> bool:
        """In the green channel, before the approval."""
        return self.stage is Stage.PROVISIONAL

    @property
    def live(self) -> list[Measure]:
        """The measures that answer a risk."""
        return [item for item in self.measures.values() if item.status in LIVE]

    @property
    def continuing(self) -> tuple[UUID, ...]:
        """The measures that are filed or running."""
        return tuple(
            item.measure_id
            for item in self.measures.values()
            if item.status in {MeasureStatus.FILED, MeasureStatus.STARTED}
        )


def evolve(plan: Plan, event: Event) -> Plan:
    """Fold one recorded event into the plan. Never refuses: it has happened."""
    fold = _FOLDS.get(type(event))
    return plan if fold is None else fold(plan, event)


def _opened(plan: Plan, event: PlanOpened) -> Plan:
    return replace(
        plan,
        case_id=event.case_id,
        household_id=event.household_id,
        division=event.division,
        stage=_opening_stage(event),
        risks=event.risks,
        urgent=event.urgent,
        identified=event.identified,
        first_due_on=_due_on(event.deadlines, "plan"),
        clocks=deadline.start(plan.clocks, *event.deadlines),
    )


def _due_on(deadlines: Sequence[Deadline], kind: str) -> date | None:
    return next((item.due_on for item in deadlines if item.kind == kind), None)


def _opening_stage(event: PlanOpened) -> Stage:
    if event.identified is not None:
        return Stage.PLANNING
    return Stage.PROVISIONAL if event.provisional else Stage.EARLY


def _made_provisional(plan: Plan, event: PlanMadeProvisional) -> Plan:
    return replace(
        plan,
        stage=Stage.PROVISIONAL,
        risks=event.risks,
        urgent=True,
        clocks=deadline.start(plan.clocks, *event.deadlines),
    )


def _confirmed(plan: Plan, event: PlanConfirmed) -> Plan:
    return replace(
        plan,
        measures={
            key: replace(item, start_due_on=_due_on(event.deadlines, start_clock(key)))
            if item.start_due_on is None
            else item
            for key, item in plan.measures.items()
        },
        first_due_on=_due_on(event.deadlines, "plan"),
        stage=Stage.PLANNING,
        risks=event.risks,
        urgent=event.urgent,
        identified=event.identified,
        clocks=deadline.start(plan.clocks, *event.deadlines),
    )


def _risk_added(plan: Plan, event: PlanRiskAdded) -> Plan:
    return replace(
        plan,
        stage=Stage.PLANNING if plan.stage is Stage.IN_FORCE else plan.stage,
        risks=(*plan.risks, *(risk for risk in event.risks if risk not in plan.risks)),
        submitted=False,
        clocks=deadline.start(plan.clocks, *event.deadlines),
    )


def _seen_after(plan: Plan, event: RiskSeenAfterElimination) -> Plan:
    return replace(plan, seen_after=plan.seen_after | {event.lead_id})


def _drafted(plan: Plan, event: PlanDrafted) -> Plan:
    return replace(plan, draft=event)


def _submitted(plan: Plan, event: PlanSubmitted) -> Plan:
    return replace(
        plan,
        stage=Stage.IN_FORCE,
        submitted=True,
        submitted_on=plan.submitted_on or event.submitted_on,
        clocks=deadline.stop(plan.clocks, "plan"),
    )


def _filed(plan: Plan, event: MeasureFiled) -> Plan:
    measure = Measure(
        event.measure_id,
        event.terms,
        event.development,
        event.provisional,
        event.filed_on,
        start_due_on=_due_on(event.deadlines, start_clock(event.measure_id)),
    )
    return replace(
        plan,
        measures={**plan.measures, event.measure_id: measure},
        clocks=deadline.start(plan.clocks, *event.deadlines),
    )


def _started(plan: Plan, event: MeasureStarted) -> Plan:
    clocks = deadline.stop(plan.clocks, start_clock(event.measure_id), "first_help")
    return _with(
        replace(plan, clocks=deadline.start(clocks, *event.deadlines)),
        event.measure_id,
        status=MeasureStatus.STARTED,
        started_on=event.started_on,
    )


def _output(plan: Plan, event: OutputRecorded) -> Plan:
    measure = plan.measures[event.measure_id]
    return _with(
        plan,
        event.measure_id,
        outputs=measure.outputs + 1,
        quantity=measure.quantity + event.quantity,
        paid=measure.paid + event.amount,
    )


def _stopped(plan: Plan, event: MeasureStopped) -> Plan:
    return _with(
        _without_clocks(plan, event.measure_id),
        event.measure_id,
        status=MeasureStatus.STOPPED,
        finished_on=event.stopped_on,
        stop_reason=event.reason,
    )


def _ended(plan: Plan, event: MeasureEnded) -> Plan:
    return _with(
        _without_clocks(plan, event.measure_id),
        event.measure_id,
        status=MeasureStatus.ENDED,
        finished_on=event.ended_on,
    )


def _closed(plan: Plan, event: PlanClosed) -> Plan:
    return replace(plan, stage=Stage.CLOSED, closed=event.reason, clocks={})


def _early_allowed(plan: Plan, _event: EarlyEliminationAllowed) -> Plan:
    return replace(plan, early_allowed=True)


def _after_care(plan: Plan, event: AfterCareStarted) -> Plan:
    clocks = deadline.stop(plan.clocks, "plan", "first_help")
    return replace(
        plan,
        stage=Stage.AFTER_CARE,
        eliminated_on=event.eliminated_on,
        elimination_id=event.elimination_id,
        clocks=deadline.start(clocks, *event.deadlines),
    )


def _after_care_ended(plan: Plan, _event: AfterCareEnded) -> Plan:
    return replace(
        plan,
        stage=Stage.IN_FORCE if plan.submitted else Stage.PLANNING,
        eliminated_on=None,
        elimination_id=None,
        clocks=deadline.stop(plan.clocks, "refresh"),
    )


def _refreshed(plan: Plan, event: RefreshRecorded) -> Plan:
    clocks = deadline.stop(plan.clocks, "refresh")
    return replace(
        plan,
        refreshed=(*plan.refreshed, event.year),
        clocks=deadline.start(clocks, *event.deadlines),
    )


def _warned(plan: Plan, event: DeadlineWarned) -> Plan:
    return replace(plan, clocks=deadline.warned(plan.clocks, event.kind))


def _missed(plan: Plan, event: DeadlineMissed) -> Plan:
    return replace(plan, clocks=deadline.missed(plan.clocks, event.kind))


def _purged(plan: Plan, _event: Purged) -> Plan:
    """Withdrawn: nothing of it is carried out any more, nobody is chased for it."""
    over = {"status": MeasureStatus.STOPPED, "stop_reason": StopReason.NOT_ELIGIBLE}
    measures = {
        key: replace(item, **over) if key in plan.continuing else item  # type: ignore[arg-type]
        for key, item in plan.measures.items()
    }
    closed = {"stage": Stage.CLOSED, "closed": PlanCloseReason.PURGED, "clocks": {}}
    return replace(plan, measures=measures, **closed)  # type: ignore[arg-type]


def _rolled_back(plan: Plan, _event: RolledBack) -> Plan:
    return plan


def _with(plan: Plan, measure_id: UUID, **changes: Any) -> Plan:
    measure = replace(plan.measures[measure_id], **changes)
    return replace(plan, measures={**plan.measures, measure_id: measure})


def _without_clocks(plan: Plan, measure_id: UUID) -> Plan:
    clocks = deadline.stop(plan.clocks, start_clock(measure_id), end_clock(measure_id))
    return replace(plan, clocks=clocks)


_FOLDS: Mapping[type[Event], Callable[[Plan, Any], Plan]] = {
    PlanOpened: _opened,
    PlanMadeProvisional: _made_provisional,
    PlanConfirmed: _confirmed,
    PlanRiskAdded: _risk_added,
    RiskSeenAfterElimination: _seen_after,
    PlanDrafted: _drafted,
    PlanSubmitted: _submitted,
    MeasureFiled: _filed,
    MeasureStarted: _started,
    OutputRecorded: _output,
    MeasureStopped: _stopped,
    MeasureEnded: _ended,
    PlanClosed: _closed,
    EarlyEliminationAllowed: _early_allowed,
    AfterCareStarted: _after_care,
    AfterCareEnded: _after_care_ended,
    RefreshRecorded: _refreshed,
    DeadlineWarned: _warned,
    DeadlineMissed: _missed,
    Purged: _purged,
    RolledBack: _rolled_back,
}
