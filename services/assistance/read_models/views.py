"""What each table says about a stream's state."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from services.assistance.domain.completeness import missing_of, warnings_of
from services.assistance.domain.delegation import Delegation
from services.assistance.domain.elimination_state import Elimination
from services.assistance.domain.help_outside import Help
from services.assistance.domain.ledger import Ledger
from services.assistance.domain.measure_state import Measure, MeasureStatus, start_clock
from services.assistance.domain.no_labour import Flag
from services.assistance.domain.plan_state import Plan, Stage
from services.assistance.domain.policy_book import Page
from services.assistance.domain.population import Population
from services.assistance.domain.procedure import ELIMINATION_PROCEDURE
from services.assistance.read_models import tables
from shared.contracts.help import PlanCloseReason
from shared.kernel.deadline import Clocks, Running
from shared.kernel.event import Event, Recorded
from shared.kernel.refusal import OutOfOrder, Refusal
from shared.store.views import Row, View

_OVER = frozenset({Stage.AFTER_CARE, Stage.CLOSED})
"""Stages in which nothing is urgent any more."""
NEVER = date.max
"""What sorts last: nothing is due."""


def _policy(page: Page, last: Recorded[Event]) -> Sequence[Row]:
    policy = page.the_policy
    return [
        {
            "stream_id": last.stream_id,
            "version": policy.version,
            "division": policy.division,
            "effective_from": policy.effective_from,
            "data": policy.model_dump(mode="json"),
        }
    ]


def _plan(plan: Plan, last: Recorded[Event]) -> Sequence[Row]:
    known = plan.identified
    clock = plan.clocks.get("plan") or plan.clocks.get("first_help")
    return [
        {
            "stream_id": last.stream_id,
            "version": last.version,
            "case_id": plan.case_id,
            "household_id": plan.household_id,
            "region": plan.division,
            "stage": plan.stage.value,
            "urgent": plan.urgent and plan.stage not in _OVER,
            "category": known.category.value if known else None,
            "members": known.members if known else None,
            "labour_capable": known.labour_capable if known else None,
            "identified_on": known.identified_on if known else None,
            "approved_on": known.approved_on if known else None,
            "submitted": plan.submitted,
            "submitted_on": plan.submitted_on,
            "measures": len(plan.live),
            "development_measures": sum(item.development for item in plan.live),
            "implemented_measures": sum(item.implemented for item in plan.measures.values()),
            "due_on": clock.deadline.due_on if clock else NEVER,
            "eliminated_on": plan.eliminated_on,
            "detail": _plan_detail(plan),
            "withdrawn": plan.closed is PlanCloseReason.PURGED,
            "incomplete": plan.stage is Stage.IN_FORCE and bool(missing_of(plan)),
            "first_due_on": plan.first_due_on,
            "plan_due_on": due_on(plan.clocks, "plan"),
            "help_due_on": due_on(plan.clocks, "first_help"),
            "refresh_due_on": due_on(plan.clocks, "refresh"),
        }
    ]


def due_on(clocks: Clocks, kind: str) -> date | None:
    """The last day of a running clock."""
    return clocks[kind].deadline.due_on if kind in clocks else None


def _plan_detail(plan: Plan) -> dict[str, Any]:
    open_stage = plan.stage not in _OVER
    return {
        "risks": list(plan.risks),
        "gaps": list(plan.identified.gaps) if plan.identified else [],
        "draft": plan.draft.model_dump(mode="json") if plan.draft else None,
        "missing": [vars(item) for item in missing_of(plan)] if open_stage else [],
        "warnings": list(warnings_of(plan)) if open_stage and plan.draft else [],
        "clocks": clocks_as_json(plan.clocks),
        "elimination_id": str(plan.elimination_id) if plan.elimination_id else None,
        "early_allowed": plan.early_allowed,
        "refreshed": list(plan.refreshed),
        "closed": plan.closed,
    }


def _measures(plan: Plan, last: Recorded[Event]) -> Sequence[Row]:
    return [_measure(plan, item, last) for item in plan.measures.values()]


def _measure(plan: Plan, item: Measure, last: Recorded[Event]) -> Row:
    return {
        "stream_id": last.stream_id,
        "measure_id": item.measure_id,
        "case_id": plan.case_id,
        "household_id": plan.household_id,
        "region": plan.division,
        "kind": item.terms.kind.value,
        "fund": item.terms.fund.value,
        "department": item.terms.department.value,
        "risks": list(item.terms.risks),
        "status": item.status.value,
        "development": item.development,
        "provisional": item.provisional,
        "filed_on": item.filed_on,
        "started_on": item.started_on,
        "finished_on": item.finished_on,
        "ends_on": item.terms.ends_on,
        "due_on": _measure_due_on(plan, item),
        "amount": item.terms.amount,
        "paid": item.paid,
        "quantity": item.quantity,
        "stop_reason": item.stop_reason.value if item.stop_reason else None,
        "start_due_on": item.start_due_on,
    }


def _measure_due_on(plan: Plan, item: Measure) -> date:
    if item.status is MeasureStatus.FILED:
        clock = plan.clocks.get(start_clock(item.measure_id))
        return clock.deadline.due_on if clock else NEVER
    if item.status is MeasureStatus.STARTED and item.terms.ends_on is not None:
        return item.terms.ends_on
    return NEVER


def _elimination(state: Elimination, last: Recorded[Event]) -> Sequence[Row]:
    proposal = state.the_proposal
    return [
        {
            "stream_id": last.stream_id,
            "version": last.version,
            "plan_id": proposal.plan_id,
            "case_id": proposal.case_id,
            "household_id": proposal.household_id,
            "region": proposal.division,
            "number": proposal.number,
            "mode": proposal.mode.value,
            "status": _status(state),
            "early": state.eliminated.early if state.eliminated else proposal.early,
            "proposed_on": proposal.proposed_on,
            "eliminated_on": state.eliminated.eliminated_on if state.eliminated else None,
            "detail": _elimination_detail(state),
        }
    ]


def _status(state: Elimination) -> str:
    if state.dropped is not None:
        return "DROPPED"
    return "OPEN" if state.eliminated is None else "ELIMINATED"


def _elimination_detail(state: Elimination) -> dict[str, Any]:
    proposal, notice = state.the_proposal, state.notice
    going_on = state.dropped is None
    return {
        "done": [step.name for step in ELIMINATION_PROCEDURE.steps if step.name in state.done],
        "next": [step.name for step in ELIMINATION_PROCEDURE.open_steps(state.done)]
        if going_on
        else [],
        "cause": proposal.cause,
        "per_capita_net": proposal.per_capita_net,
        "line": proposal.line,
        "line_is_the_years": proposal.line_is_the_years,
        "period_from": proposal.period_from.isoformat(),
        "period_to": proposal.period_to.isoformat(),
        "notice": None
        if notice is None
        else {
            "notice_no": notice.notice_no,
            "posted_on": notice.posted_on.isoformat(),
            "last_day": notice.last_day.isoformat(),
        },
        "open_objections": [str(item) for item in sorted(state.open_objections)],
        "dropped": state.dropped,
        "returns_to": proposal.returns_to,
        "warnings": list(proposal.warnings),
        "clocks": clocks_as_json(state.clocks),
    }


def _no_labour(flag: Flag, last: Recorded[Event]) -> Sequence[Row]:
    return [
        {
            "stream_id": last.stream_id,
            "household_id": flag.household_id,
            "region": flag.division,
            "basis": flag.basis.value if flag.basis else "",
            "flagged": flag.flagged,
            "mismatch": flag.mismatch.value if flag.mismatch else None,
            "compared": flag.compared,
            "due_on": due_on(flag.clocks, "compare"),
        }
    ]


def _population(state: Population, last: Recorded[Event]) -> Sequence[Row]:
    return [
        {"stream_id": last.stream_id, "year": year, "region": village, "people": people}
        for year, villages in state.years.items()
        for village, people in villages.items()
    ]


def _ledger(state: Ledger, last: Recorded[Event]) -> Sequence[Row]:
    return [
        {
            "stream_id": last.stream_id,
            "region": region,
            "since": since,
            "reviewed_on": state.reviewed_on,
            "mass_relapse_risk": state.mass_relapse_risk,
            "due_on": due_on(state.clocks, "ledger"),
        }
        for region, since in sorted(state.listed.items())
    ]


def _off_register(state: Help, last: Recorded[Event]) -> Sequence[Row]:
    if not state.refused or state.last_kind is None:
        return []
    return [
        {
            "stream_id": last.stream_id,
            "household_id": state.household_id,
            "region": state.division,
            "times": state.refused,
            "last_kind": state.last_kind.value,
            "last_on": state.last_on,
        }
    ]


def _delegation(state: Delegation, last: Recorded[Event]) -> Sequence[Row]:
    known = state.the_delegation
    until = known.valid_until
    if state.lapsed_on is not None:
        until = min(until, state.lapsed_on - timedelta(days=1))
    return [
        {
            "stream_id": last.stream_id,
            "county": known.county,
            "holder": known.holder,
            "document": known.document,
            "valid_from": known.valid_from,
            "valid_until": until,
        }
    ]


def clocks_as_json(clocks: Clocks) -> list[dict[str, Any]]:
    """Running clocks, the soonest first, each explainable."""
    running = sorted(clocks.values(), key=lambda item: item.deadline.due_on)
    return [_clock(item) for item in running]


def _clock(running: Running) -> dict[str, Any]:
    deadline = running.deadline
    return {
        "kind": deadline.kind,
        "rule": deadline.rule,
        "starts_on": deadline.starts_on.isoformat(),
        "due_on": deadline.due_on.isoformat(),
        "missed": running.missed,
        "explained": deadline.explain(),
    }


def _in_progress() -> Refusal:
    return OutOfOrder(
        "R95",
        code="elimination-in-progress",
        zh="该户已有正在办理的风险消除",
        en="an elimination of this household is in progress",
    )


VIEWS: Sequence[View[Any]] = (
    View(tables.policy, "policy", _policy),
    View(tables.plan, "plan", _plan),
    View(tables.measure, "plan", _measures),
    View(
        tables.elimination,
        "elimination",
        _elimination,
        conflicts={"elimination_one_open_a_case": _in_progress},
    ),
    View(tables.no_labour, "no_labour", _no_labour),
    View(tables.population, "population", _population),
    View(tables.ledger, "ledger", _ledger),
    View(tables.off_register, "help", _off_register),
    View(tables.delegation, "delegation", _delegation),
)
