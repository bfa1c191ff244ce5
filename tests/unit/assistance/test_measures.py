"""Measures: the catalogue's terms, filing, starting, output, stopping and ending."""

from typing import Any

import pytest

from services.assistance.domain import commands as c
from services.assistance.domain.catalogue import CATALOGUE, Counts, counts_as_development
from services.assistance.domain.measure_state import MeasureStatus
from services.assistance.domain.plan import PLAN
from shared.contracts.assistance import (
    AfterCareStarted,
    DeadlineMissed,
    DeadlineWarned,
    MeasureEnded,
    MeasureFiled,
    MeasureStarted,
    MeasureStopped,
    OutputRecorded,
)
from shared.contracts.help import FundSource, MeasureKind, StopReason
from shared.contracts.values import Risk
from shared.kernel.decider import Tick
from shared.kernel.event import Event
from shared.testing.decider import Given, given, rule
from tests.unit.assistance import story as s

ONE = s.measure(1)
START = c.StartMeasure(plan_id=s.PLAN_ID, measure_id=ONE)
END = c.EndMeasure(plan_id=s.PLAN_ID, measure_id=ONE)
LOAN = s.terms(MeasureKind.MICROLOAN, ends_on=s.day("2024-06-30"))
SUBSIDY = s.terms(MeasureKind.PRODUCTION_SUBSIDY, amount=300_000, rate=50_000)
ELIMINATED = AfterCareStarted(
    case_id=s.CASE,
    household_id=s.HOUSEHOLD,
    elimination_id=s.ELIMINATION_ID,
    eliminated_on=s.day("2023-10-01"),
    continuing=(ONE,),
    deadlines=(),
)


def plan(*events: Event) -> Given[Any]:
    return given(PLAN, *events, context=s.around())


def output(**changes: Any) -> c.RecordOutput:
    return c.RecordOutput(plan_id=s.PLAN_ID, measure_id=ONE, evidence=(s.SHA,), **changes)


def stop(reason: StopReason) -> c.StopMeasure:
    return c.StopMeasure(plan_id=s.PLAN_ID, measure_id=ONE, reason=reason, note="说明")


@rule("R82", "R83", "R88")
def test_every_kind_is_in_the_catalogue_and_counts_as_it_says() -> None:
    assert set(CATALOGUE) == set(MeasureKind)
    for kind, entry in CATALOGUE.items():
        plain = s.terms(kind)
        everything = s.terms(kind, leads_to_work=True, takes_part=True)
        assert counts_as_development(plain) is (entry.counts is Counts.ALWAYS)
        assert counts_as_development(everything) is (entry.counts is not Counts.NEVER)


@rule("R83")
@pytest.mark.parametrize(
    "kind", [MeasureKind.CASH, MeasureKind.GOODS, MeasureKind.DIVIDEND, MeasureKind.ASSET_SHARE]
)
def test_cash_goods_and_dividends_never_count(kind: MeasureKind) -> None:
    assert not counts_as_development(s.terms(kind, leads_to_work=True, takes_part=True))


@rule("R83")
def test_training_counts_only_when_it_leads_to_work() -> None:
    for leads in (False, True):
        training = s.filing(MeasureKind.SKILL_TRAINING, leads_to_work=leads)
        (event,) = plan(s.opened()).when(training, on="2023-03-12").then_types(MeasureFiled)
        assert isinstance(event, MeasureFiled)
        assert event.development is leads


@rule("R90")
def test_a_filed_measure_gives_its_department_thirty_days() -> None:
    (event,) = plan(s.opened()).when(s.filing(), on="2023-03-12").then_types(MeasureFiled)
    assert isinstance(event, MeasureFiled)
    (clock,) = event.deadlines
    assert (clock.kind, clock.due_on) == (f"start:{s.NEW}", s.day("2023-04-11"))


@rule("R90")
def test_a_department_that_does_not_start_is_told_on_to_the_city() -> None:
    tick = Tick(category="plan", stream_id=s.PLAN_ID)
    history = [s.opened(), s.filed(1, s.terms(), development=True)]
    events = plan(*history).when(tick, on="2023-04-12").result or []
    missed = [event for event in events if isinstance(event, DeadlineMissed)]
    assert [(event.kind, event.escalated_to) for event in missed] == [
        ("plan", "370112"),
        (f"start:{ONE}", "3701"),
    ]


@rule("R77")
def test_a_measure_answers_a_risk_the_household_has() -> None:
    refusal = (
        plan(s.opened()).when(s.filing(risks=(Risk.SCHOOLING,)), on="2023-03-12").refused("R77")
    )
    assert refusal.field == "terms.risks[0]"


@rule("R84", "R87")
@pytest.mark.parametrize(
    "kind", [MeasureKind.CASH, MeasureKind.GOODS, MeasureKind.DIBAO, MeasureKind.HOUSING_REPAIR]
)
def test_the_linkage_fund_pays_only_what_it_may(kind: MeasureKind) -> None:
    wrong = s.filing(kind, fund=FundSource.LINKAGE_FUND)
    plan(s.opened()).when(wrong, on="2023-03-12").refused("R87", code="fund-not-eligible")


@rule("R87")
def test_transport_aid_is_for_work_in_another_province() -> None:
    near = s.filing(MeasureKind.TRANSPORT_AID, fund=FundSource.LINKAGE_FUND)
    plan(s.opened()).when(near, on="2023-03-12").refused("R87", code="not-cross-province")
    far = s.filing(MeasureKind.TRANSPORT_AID, fund=FundSource.LINKAGE_FUND, cross_province=True)
    plan(s.opened()).when(far, on="2023-03-12").then_types(MeasureFiled)


@rule("R102")
@pytest.mark.parametrize(
    "kind",
    [
        MeasureKind.MICROLOAN,
        MeasureKind.WELFARE_POST,
        MeasureKind.EDUCATION_AID,
        MeasureKind.YULU_GRANT,
    ],
)
def test_a_loan_a_post_and_a_school_stage_have_an_end(kind: MeasureKind) -> None:
    plan(s.opened()).when(s.filing(kind), on="2023-03-12").refused("R102", code="end-date-required")
    past = s.filing(kind, ends_on=s.day("2023-03-12"))
    plan(s.opened()).when(past, on="2023-03-12").refused("R102", code="end-date-past")
    later = s.filing(kind, ends_on=s.day("2024-07-31"))
    plan(s.opened()).when(later, on="2023-03-12").then_types(MeasureFiled)


@rule("R86")
def test_a_subsidy_needs_its_rate_and_nothing_else_has_one() -> None:
    bare = s.filing(MeasureKind.PRODUCTION_SUBSIDY, amount=300_000)
    plan(s.opened()).when(bare, on="2023-03-12").refused("R86", code="rate-required")
    plan(s.opened()).when(s.filing(rate=100), on="2023-03-12").refused("R86", code="no-rate-here")


@rule("R86")
def test_no_output_no_subsidy() -> None:
    """Worked example 18: a subsidy without an output record comes to 0."""
    history = [s.opened(), s.filed(1, SUBSIDY, development=True), s.started(1)]
    assert PLAN.fold(history).measures[ONE].paid == 0
    plan(*history).when(output(), on="2023-04-01").refused("R86", code="no-output")


@rule("R86")
def test_a_subsidy_follows_from_the_output_up_to_its_ceiling() -> None:
    history = [s.opened(), s.filed(1, SUBSIDY, development=True), s.started(1)]
    plan(*history).when(output(quantity=2, amount=5), on="2023-04-01").refused(
        "R86", code="subsidy-follows-from-output"
    )
    (four,) = plan(*history).when(output(quantity=4), on="2023-04-01").then_types(OutputRecorded)
    assert isinstance(four, OutputRecorded)
    assert four.amount == 200_000
    when = plan(*history, four).when(output(quantity=4), on="2023-05-01")
    (rest,) = when.then_types(OutputRecorded)
    assert isinstance(rest, OutputRecorded)
    assert rest.amount == 100_000
    assert PLAN.fold([*history, four, rest]).measures[ONE].paid == 300_000


def test_output_of_a_job_is_what_it_pays() -> None:
    history = [s.opened(), s.filed(1, s.terms(), development=True), s.started(1)]
    (event,) = (
        plan(*history).when(output(amount=240_000), on="2023-04-01").then_types(OutputRecorded)
    )
    assert isinstance(event, OutputRecorded)
    assert (event.quantity, event.amount) == (0, 240_000)


def test_output_belongs_to_a_running_measure() -> None:
    history = [s.opened(), s.filed(1, s.terms(), development=True)]
    plan(*history).when(output(), on="2023-04-01").refused("R90", code="measure-filed")
    history.append(s.started(1, on="2023-04-02"))
    plan(*history).when(output(), on="2023-04-01").refused("R86", code="before-the-step-before")


@rule("R70")
def test_in_the_green_channel_help_starts_at_once_and_settles_the_clock() -> None:
    filing = s.filing(risks=(Risk.DISASTER,))
    (event,) = plan(s.provisional()).when(filing, on="2023-01-31").then_types(MeasureFiled)
    assert isinstance(event, MeasureFiled)
    assert event.provisional
    start = c.StartMeasure(plan_id=s.PLAN_ID, measure_id=s.NEW)
    when = plan(s.provisional(), event).when(start, on="2023-01-31")
    (started,) = when.then_types(MeasureStarted)
    assert "first_help" not in PLAN.fold([s.provisional(), event, started]).clocks


@rule("R102")
def test_a_loans_end_is_announced_thirty_days_before() -> None:
    history = [s.opened(), s.filed(1, LOAN, development=True)]
    (started,) = plan(*history).when(START, on="2023-03-20").then_types(MeasureStarted)
    tick = Tick(category="plan", stream_id=s.PLAN_ID)
    events = plan(*history, started).when(tick, on="2024-05-31").result or []
    assert events[-1] == DeadlineWarned(
        kind=f"end:{ONE}", rule="R102", due_on=s.day("2024-06-30"), on=s.day("2024-05-31")
    )


@rule("R102")
def test_a_loan_does_not_end_before_its_contract() -> None:
    history = [s.opened(), s.filed(1, LOAN, development=True), s.started(1)]
    plan(*history).when(END, on="2024-06-29").refused("R102", code="runs-to-its-end")
    plan(*history).when(END, on="2024-06-30").then(
        MeasureEnded(
            case_id=s.CASE, household_id=s.HOUSEHOLD, measure_id=ONE, ended_on=s.day("2024-06-30")
        )
    )


@rule("R102")
@pytest.mark.parametrize("reason", [StopReason.NOT_ELIGIBLE, StopReason.REPLACED])
def test_after_the_elimination_a_loan_is_not_stopped(reason: StopReason) -> None:
    history = [s.opened(), s.filed(1, LOAN, development=True), s.started(1), ELIMINATED]
    plan(*history).when(stop(reason), on="2023-11-01").refused("R102", code="runs-to-its-end")
    plan(*history).when(stop(StopReason.HOUSEHOLD_DECLINED), on="2023-11-01").then_types(
        MeasureStopped
    )


@rule("R102")
def test_elimination_has_no_code_among_the_reasons_to_stop() -> None:
    assert not [reason for reason in StopReason if "ELIMINAT" in reason]


@rule("R73")
def test_reasons_of_the_procedure_are_not_given_by_hand() -> None:
    history = [s.opened(), s.filed(1, s.terms(), development=True)]
    plan(*history).when(stop(StopReason.CHANNEL_EXITED), on="2023-04-01").refused("R73")


def test_a_stopped_measure_is_over() -> None:
    history = [s.opened(), s.filed(1, s.terms(), development=True)]
    when = plan(*history).when(stop(StopReason.MOVED_AWAY), on="2023-04-01")
    (stopped,) = when.then_types(MeasureStopped)
    state = PLAN.fold([*history, stopped])
    assert state.measures[ONE].status is MeasureStatus.STOPPED
    assert state.live == []
    assert set(state.clocks) == {"plan"}
    plan(*history, stopped).when(START, on="2023-04-02").refused("R90", code="measure-stopped")


def test_an_unknown_measure_is_not_found() -> None:
    plan(s.opened()).when(START, on="2023-03-12").refused(code="not-found")


def test_a_measure_does_not_start_before_it_is_filed() -> None:
    history = [s.opened(), s.filed(1, s.terms(), development=True)]
    plan(*history).when(START, on="2023-03-11").refused("R90", code="before-the-step-before")
