"""After the elimination: measures run on, data are refreshed."""

from typing import Any

from services.assistance.domain import commands as c
from services.assistance.domain.measure_state import MeasureStatus
from services.assistance.domain.plan import PLAN
from services.assistance.domain.plan_state import Plan, Stage
from shared.contracts import assistance as contracts
from shared.contracts.assistance import (
    AfterCareStarted,
)
from shared.kernel.event import Event
from shared.testing.decider import Given, given, rule
from tests.unit.assistance import story as s
from tests.unit.assistance.eliminating import after_care


@rule("R101", "R102", "R106")
def test_elimination_stops_no_measure() -> None:
    events = [
        s.opened(),
        s.filed(1, s.terms(), development=True),
        s.filed(2, s.terms(), development=True),
        s.started(1),
    ]
    before: Plan = PLAN.fold(events)
    care = c.StartAfterCare(
        plan_id=s.PLAN_ID, elimination_id=s.ELIMINATION_ID, occurred_on=s.day("2023-09-21")
    )
    when = given(PLAN, *events, context=s.around()).when(care, on="2023-09-21")
    (event,) = when.then_types(AfterCareStarted)
    assert isinstance(event, AfterCareStarted)
    assert event.continuing == (s.measure(1), s.measure(2))
    after: Plan = PLAN.fold([*events, event])
    assert after.stage is Stage.AFTER_CARE
    assert after.measures == before.measures
    assert after.measures[s.measure(1)].status is MeasureStatus.STARTED
    assert after.clocks["refresh"].deadline.due_on == s.day("2024-12-31")


@rule("R105", "R106")
def test_an_eliminated_household_is_refreshed_every_year() -> None:
    events: list[Event] = [s.opened(), after_care()]

    def refreshing(year: int) -> c.RecordRefresh:
        return c.RecordRefresh(plan_id=s.PLAN_ID, year=year, income=s.income(), new_risk=False)

    def plan(*history: Event) -> Given[Any]:
        return given(PLAN, *history, context=s.around())

    (done,) = (
        plan(*events).when(refreshing(2024), on="2024-11-01").then_types(contracts.RefreshRecorded)
    )
    state = PLAN.fold([*events, done])
    assert state.refreshed == (2024,)
    assert state.clocks["refresh"].deadline.due_on == s.day("2025-12-31")
    plan(*events, done).when(refreshing(2024), on="2024-11-02").refused("R106", code="already-done")
    plan(*events).when(refreshing(2025), on="2024-11-02").refused("R106")
    plan(*events).when(refreshing(2022), on="2024-11-02").refused("R106")
    plan(s.opened()).when(refreshing(2024), on="2024-11-02").refused("R106", code="not-eliminated")
