"""Plans drafted while identification goes on (R59)."""

from typing import Any

from services.assistance.domain import commands as c
from services.assistance.domain.commands import RiskResponse
from services.assistance.domain.plan import PLAN
from services.assistance.domain.plan_state import Stage
from shared.contracts.assistance import (
    MeasureFiled,
    PlanClosed,
    PlanConfirmed,
    PlanDrafted,
    PlanMadeProvisional,
)
from shared.contracts.help import (
    PlanCloseReason,
)
from shared.contracts.values import Risk
from shared.kernel.event import Event
from shared.testing.decider import Given, given, rule
from tests.unit.assistance import story as s

PLAN_DUE = s.day("2023-03-20")


SUBMIT = c.SubmitPlan(plan_id=s.PLAN_ID)


def plan(*events: Event) -> Given[Any]:
    return given(PLAN, *events, context=s.around())


EARLY = s.opened().model_copy(update={"identified": None, "deadlines": ()})


BEGIN = s.opening().model_copy(update={"identified": None})


@rule("R59")
def test_a_plan_drafted_early_runs_no_clock_and_starts_nothing() -> None:
    plan().when(BEGIN, on="2023-03-05").then(EARLY)
    wide = s.drafting(RiskResponse(risk=Risk.SCHOOLING, kinds=(s.WORKSHOP,)))
    plan(EARLY).when(wide, on="2023-03-11").then_types(PlanDrafted)
    (filed,) = plan(EARLY).when(s.filing(), on="2023-03-05").then_types(MeasureFiled)
    assert isinstance(filed, MeasureFiled)
    assert filed.deadlines == ()
    start = c.StartMeasure(plan_id=s.PLAN_ID, measure_id=s.NEW)
    plan(EARLY, filed).when(start, on="2023-03-06").refused("R59", code="not-approved-yet")
    plan(EARLY, filed).when(SUBMIT, on="2023-03-06").refused("R59")


@rule("R59", "R89", "R90")
def test_the_approval_makes_the_early_plan_active_and_starts_its_clocks() -> None:
    (filed,) = plan(EARLY).when(s.filing(), on="2023-03-05").then_types(MeasureFiled)
    when = plan(EARLY, filed).when(s.opening(), on="2023-03-10")
    (confirmed,) = when.then_types(PlanConfirmed)
    assert isinstance(confirmed, PlanConfirmed)
    assert [(item.kind, item.due_on) for item in confirmed.deadlines] == [
        ("plan", PLAN_DUE),
        (f"start:{s.NEW}", s.day("2023-04-09")),
    ]
    state = PLAN.fold([EARLY, filed, confirmed])
    assert state.stage is Stage.PLANNING


@rule("R70")
def test_the_green_channel_takes_an_early_plan_over() -> None:
    green = BEGIN.model_copy(update={"green_channel": True, "risks": (Risk.DISASTER,)})
    (event,) = plan(EARLY).when(green, on="2023-03-06").then_types(PlanMadeProvisional)
    state = PLAN.fold([EARLY, event])
    assert (state.stage, state.urgent, state.risks) == (Stage.PROVISIONAL, True, (Risk.DISASTER,))
    assert "first_help" in state.clocks


@rule("R59")
def test_an_early_plan_ends_with_its_case() -> None:
    close = c.ClosePlan(
        plan_id=s.PLAN_ID, reason=PlanCloseReason.NOT_IDENTIFIED, occurred_on=s.day("2023-03-20")
    )
    plan(EARLY).when(close, on="2023-03-20").then_types(PlanClosed)
