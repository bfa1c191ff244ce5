"""Plans: opened, drafted, submitted when nothing is missing, closed with the green channel."""

from typing import Any

import pytest

from services.assistance.domain import commands as c
from services.assistance.domain.commands import RiskResponse
from services.assistance.domain.completeness import PlanIncomplete, missing_of
from services.assistance.domain.measure_state import MeasureStatus
from services.assistance.domain.plan import PLAN
from services.assistance.domain.plan_state import Stage
from shared.contracts.assistance import (
    DeadlineMissed,
    DeadlineWarned,
    MeasureStopped,
    PlanClosed,
    PlanConfirmed,
    PlanDrafted,
    PlanOpened,
    PlanRiskAdded,
    PlanSubmitted,
)
from shared.contracts.help import (
    FundSource,
    MeasureKind,
    NoMeasureReason,
    PlanCloseReason,
    RiskClass,
    StopReason,
)
from shared.contracts.values import Gap, Risk
from shared.kernel.decider import Tick
from shared.kernel.event import Event
from shared.testing.decider import Given, given, rule
from tests.unit.assistance import story as s

PLAN_DUE = s.day("2023-03-20")
SUBMIT = c.SubmitPlan(plan_id=s.PLAN_ID)


def plan(*events: Event) -> Given[Any]:
    return given(PLAN, *events, context=s.around())


def drafted(command: c.DraftPlan, *before: Event) -> Event:
    """The event of a draft made on 2023-03-11."""
    (event,) = plan(*before).when(command, on="2023-03-11").then_types(PlanDrafted)
    return event


@rule("R89")
def test_an_approval_opens_the_plan_with_ten_days() -> None:
    state = plan().when(s.opening(), on="2023-03-10").then(s.opened())
    assert state.stage is Stage.PLANNING
    assert state.clocks["plan"].deadline.due_on == PLAN_DUE


def test_opening_twice_changes_nothing() -> None:
    plan(s.opened()).when(s.opening(), on="2023-03-10").then()


@rule("R89", "R64")
def test_after_the_green_channel_the_ten_days_run_from_the_approval() -> None:
    """Worked example 10: entered 01-31, approved 02-20, plan due 03-02."""
    command = s.opening(
        (Risk.DISASTER,), identified_on=s.day("2023-01-31"), approved_on=s.day("2023-02-20")
    )
    (event,) = plan(s.provisional()).when(command, on="2023-02-20").then_types(PlanConfirmed)
    assert isinstance(event, PlanConfirmed)
    assert event.deadlines[0].due_on == s.day("2023-03-02")
    assert event.identified.identified_on == s.day("2023-01-31")


@rule("R70")
def test_the_green_channel_opens_a_provisional_plan_with_a_day_for_the_first_help() -> None:
    command = s.opening((Risk.DISASTER,)).model_copy(
        update={
            "identified": None,
            "green_channel": True,
            "occurred_on": s.day("2023-01-31"),
        }
    )
    state = plan().when(command, on="2023-01-31").then(s.provisional())
    assert state.clocks["first_help"].deadline.due_on == s.day("2023-02-01")


@rule("R113", "K4")
@pytest.mark.parametrize(
    ("changes", "urgent"),
    [
        ({}, False),
        ({"per_capita_net": 399_999}, True),
        ({"per_capita_net": 400_000}, True),
        ({"per_capita_net": 400_001}, False),
        ({"gaps": (Gap.SAFE_WATER,)}, True),
    ],
)
def test_below_the_former_standard_or_with_a_gap_comes_first(
    changes: dict[str, Any], urgent: bool
) -> None:
    (event,) = plan().when(s.opening(**changes), on="2023-03-10").then_types(PlanOpened)
    assert isinstance(event, PlanOpened)
    assert event.urgent is urgent


@rule("R77")
def test_a_draft_answers_only_the_households_risks() -> None:
    wrong = s.drafting(RiskResponse(risk=Risk.SCHOOLING, kinds=(s.WORKSHOP,)))
    refusal = plan(s.opened()).when(wrong, on="2023-03-11").refused("R77")
    assert refusal.field == "responses[0].risk"


@rule("R77")
@pytest.mark.parametrize(
    "response",
    [
        RiskResponse(risk=Risk.ILLNESS),
        RiskResponse(risk=Risk.ILLNESS, kinds=(s.WORKSHOP,), reason=NoMeasureReason.SOLVED_ALREADY),
    ],
)
def test_a_risk_has_measures_or_a_reason_never_both_or_neither(response: RiskResponse) -> None:
    plan(s.opened()).when(s.drafting(response), on="2023-03-11").refused(
        "R77", code="measure-or-reason"
    )


@rule("R77")
def test_a_risk_is_answered_once() -> None:
    twice = RiskResponse(risk=Risk.ILLNESS, kinds=(s.WORKSHOP,))
    plan(s.opened()).when(s.drafting(twice, twice), on="2023-03-11").refused(
        "R77", code="risk-answered-twice"
    )


@rule("R78")
def test_a_signature_is_not_of_tomorrow() -> None:
    plan(s.opened()).when(s.drafting(), on="2023-03-10").refused("R78", code="signed-in-the-future")


@rule("R79", "R81")
def test_a_draft_says_whether_the_risk_is_single_and_what_was_tried() -> None:
    event = drafted(s.drafting(attempts=(MeasureKind.SKILL_TRAINING,)), s.opened())
    assert isinstance(event, PlanDrafted)
    assert event.risk_class is RiskClass.SINGLE
    assert event.attempts == (MeasureKind.SKILL_TRAINING,)
    both = s.opened((Risk.ILLNESS, Risk.SCHOOLING))
    event = drafted(s.drafting(), both)
    assert isinstance(event, PlanDrafted)
    assert event.risk_class is RiskClass.COMPLEX


@rule("R77", "R78", "R89")
def test_a_complete_plan_is_submitted_and_its_clock_stops() -> None:
    history = [
        s.opened(),
        drafted(s.drafting(), s.opened()),
        s.filed(1, s.terms(), development=True),
    ]
    state = (
        plan(*history)
        .when(SUBMIT, on="2023-03-20")
        .then(
            PlanSubmitted(
                case_id=s.CASE,
                household_id=s.HOUSEHOLD,
                submitted_on=s.day("2023-03-20"),
                measures=1,
                development_measures=1,
                on_time=True,
                warnings=(),
            )
        )
    )
    assert state.stage is Stage.IN_FORCE
    assert "plan" not in state.clocks


@rule("R89")
def test_a_late_plan_is_taken_and_says_so() -> None:
    history = [
        s.opened(),
        drafted(s.drafting(), s.opened()),
        s.filed(1, s.terms(), development=True),
    ]
    (event,) = plan(*history).when(SUBMIT, on="2023-03-21").then_types(PlanSubmitted)
    assert isinstance(event, PlanSubmitted)
    assert not event.on_time


@rule("R89")
def test_a_missed_plan_goes_to_the_county_once() -> None:
    tick = Tick(category="plan", stream_id=s.PLAN_ID)
    plan(s.opened()).when(tick, on="2023-03-16").then()
    days = [s.day("2023-03-17"), s.day("2023-03-20")]
    first, second = (
        DeadlineWarned(kind="plan", rule="R89", due_on=PLAN_DUE, on=day) for day in days
    )
    plan(s.opened()).when(tick, on="2023-03-17").then(first)
    plan(s.opened(), first).when(tick, on="2023-03-20").then(second)
    missed = DeadlineMissed(kind="plan", rule="R89", due_on=PLAN_DUE, escalated_to="370112")
    plan(s.opened(), first, second).when(tick, on="2023-03-21").then(missed)
    plan(s.opened(), first, second, missed).when(tick, on="2023-04-21").then()


@rule("R89")
def test_what_a_clock_says_late_keeps_its_own_days() -> None:
    tick = Tick(category="plan", stream_id=s.PLAN_ID)
    said = plan(s.opened()).when(tick, on="2023-03-20").then_types(DeadlineWarned, DeadlineWarned)
    days = [event.on for event in said if isinstance(event, DeadlineWarned)]
    assert days == [s.day("2023-03-17"), s.day("2023-03-20")]


def test_a_plan_is_submitted_once() -> None:
    history = [
        s.opened(),
        drafted(s.drafting(), s.opened()),
        s.filed(1, s.terms(), development=True),
    ]
    (event,) = plan(*history).when(SUBMIT, on="2023-03-20").then_types(PlanSubmitted)
    plan(*history, event).when(SUBMIT, on="2023-03-20").refused("R89", code="already-done")


def test_without_a_draft_there_is_nothing_to_submit() -> None:
    plan(s.opened()).when(SUBMIT, on="2023-03-12").refused("R77", code="plan-incomplete")


@rule("R59")
def test_a_provisional_plan_is_not_submitted_before_the_approval() -> None:
    plan(s.provisional()).when(SUBMIT, on="2023-02-01").refused("R59")


@rule("R78", "R83", "R86")
def test_scenario_18_cash_dividend_and_aimless_training_are_no_development() -> None:
    kinds = (MeasureKind.CASH, MeasureKind.DIVIDEND, MeasureKind.SKILL_TRAINING)
    draft = drafted(s.drafting(RiskResponse(risk=Risk.ILLNESS, kinds=kinds)), s.opened())
    cash = s.terms(MeasureKind.CASH, fund=FundSource.SOCIAL_FORCES, amount=200_000)
    history = [
        s.opened(),
        draft,
        s.filed(1, cash, development=False),
        s.filed(2, s.terms(MeasureKind.DIVIDEND, amount=80_000), development=False),
        s.filed(3, s.terms(MeasureKind.SKILL_TRAINING), development=False),
    ]
    plan(*history).when(SUBMIT, on="2023-03-13").refused("R78")
    with_job = [*history, s.filed(4, s.terms(), development=True)]
    (event,) = plan(*with_job).when(SUBMIT, on="2023-03-14").then_types(PlanSubmitted)
    assert isinstance(event, PlanSubmitted)
    assert event.development_measures == 1


@rule("R44", "R78")
def test_scenario_9_the_safety_net_alone_is_not_a_plan_for_who_can_work() -> None:
    """Worked example 9: a plan with dibao only is incomplete, by R44 and R78."""
    draft = drafted(
        s.drafting(RiskResponse(risk=Risk.ILLNESS, kinds=(MeasureKind.DIBAO,))), s.opened()
    )
    history = [s.opened(), draft, s.filed(1, s.terms(MeasureKind.DIBAO), development=False)]
    refusal = plan(*history).when(SUBMIT, on="2023-03-13").refused("R78")
    assert isinstance(refusal, PlanIncomplete)
    assert [item.rule for item in refusal.missing] == ["R78", "R44"]
    assert "一兜了之" in refusal.zh


@rule("R44")
def test_who_can_but_will_not_work_is_not_left_with_the_safety_net_alone_either() -> None:
    response = RiskResponse(risk=Risk.ILLNESS, kinds=(MeasureKind.DIBAO,))
    draft = drafted(s.drafting(response, willing=False), s.opened())
    history = [s.opened(), draft, s.filed(1, s.terms(MeasureKind.DIBAO), development=False)]
    plan(*history).when(SUBMIT, on="2023-03-13").refused("R44")


@rule("R77")
def test_every_risk_needs_a_measure_or_a_reason() -> None:
    first = s.opened((Risk.ILLNESS, Risk.SCHOOLING))
    history = [first, drafted(s.drafting(), first), s.filed(1, s.terms(), development=True)]
    refusal = plan(*history).when(SUBMIT, on="2023-03-13").refused("R77")
    assert "因学" in refusal.zh
    reasoned = s.drafting(
        RiskResponse(risk=Risk.ILLNESS, kinds=(s.WORKSHOP,)),
        RiskResponse(risk=Risk.SCHOOLING, reason=NoMeasureReason.RECEIVES_ALREADY),
    )
    history[1] = drafted(reasoned, first)
    (event,) = plan(*history).when(SUBMIT, on="2023-03-13").then_types(PlanSubmitted)
    assert isinstance(event, PlanSubmitted)
    assert event.warnings == ("R79",)


@rule("R77", "R89")
def test_what_is_planned_must_be_filed() -> None:
    response = RiskResponse(risk=Risk.ILLNESS, kinds=(s.WORKSHOP, MeasureKind.MEDICAL_AID))
    draft = drafted(s.drafting(response), s.opened())
    history = [s.opened(), draft, s.filed(1, s.terms(), development=True)]
    assert [item.code for item in missing_of(PLAN.fold(history))] == ["measure-not-filed"]


@rule("R80")
def test_without_labour_the_safety_net_or_a_reason_is_due() -> None:
    first = s.opened(labour_capable=False)
    response = RiskResponse(risk=Risk.ILLNESS, kinds=(MeasureKind.MEDICAL_AID,))
    medical = s.filed(1, s.terms(MeasureKind.MEDICAL_AID), development=False)
    draft = drafted(s.drafting(response, willing=False), first)
    plan(first, draft, medical).when(SUBMIT, on="2023-03-13").refused("R80")
    dibao = s.filed(2, s.terms(MeasureKind.DIBAO), development=False)
    plan(first, draft, medical, dibao).when(SUBMIT, on="2023-03-13").then_types(PlanSubmitted)
    waived = drafted(
        s.drafting(response, willing=False, safety_net_reason=NoMeasureReason.NOT_ELIGIBLE), first
    )
    (event,) = plan(first, waived, medical).when(SUBMIT, on="2023-03-13").then_types(PlanSubmitted)
    assert isinstance(event, PlanSubmitted)
    assert event.warnings == ("R80",)


@rule("R85")
def test_linkage_money_that_passes_the_household_by_is_noticed() -> None:
    village = s.terms(MeasureKind.WORK_RELIEF, fund=FundSource.LINKAGE_FUND, to_household=False)
    response = RiskResponse(risk=Risk.ILLNESS, kinds=(MeasureKind.WORK_RELIEF,))
    history = [
        s.opened(),
        drafted(s.drafting(response), s.opened()),
        s.filed(1, village, development=True),
    ]
    (event,) = plan(*history).when(SUBMIT, on="2023-03-13").then_types(PlanSubmitted)
    assert isinstance(event, PlanSubmitted)
    assert event.warnings == ("R85",)


@rule("R77")
def test_a_new_risk_reopens_the_plan() -> None:
    history = [
        s.opened(),
        drafted(s.drafting(), s.opened()),
        s.filed(1, s.terms(), development=True),
    ]
    (submitted,) = plan(*history).when(SUBMIT, on="2023-03-20").then_types(PlanSubmitted)
    more = c.AddRisk(
        plan_id=s.PLAN_ID,
        lead_id=s.LEAD,
        risks=(Risk.ILLNESS, Risk.SCHOOLING),
        occurred_on=s.day("2023-05-01"),
    )
    when = plan(*history, submitted).when(more, on="2023-05-01")
    (added,) = when.then_types(PlanRiskAdded)
    assert isinstance(added, PlanRiskAdded)
    assert added.risks == (Risk.SCHOOLING,)
    state = PLAN.fold([*history, submitted, added])
    assert state.stage is Stage.PLANNING
    assert state.clocks["plan"].deadline.due_on == s.day("2023-05-11")
    plan(*history, submitted, added).when(more, on="2023-05-02").then()


@rule("R73")
def test_leaving_the_green_channel_stops_every_provisional_measure() -> None:
    exit_ = c.ClosePlan(
        plan_id=s.PLAN_ID, reason=PlanCloseReason.CHANNEL_EXITED, occurred_on=s.day("2023-02-20")
    )
    history = [
        s.provisional(),
        s.filed(1, s.terms(risks=(Risk.DISASTER,)), development=True, on="2023-01-31"),
        s.filed(2, s.terms(risks=(Risk.DISASTER,)), development=True, on="2023-01-31"),
        s.started(1, on="2023-02-01"),
    ]
    when = plan(*history).when(exit_, on="2023-02-20")
    events = when.then_types(MeasureStopped, MeasureStopped, PlanClosed)
    state = PLAN.fold([*history, *events])
    assert state.stage is Stage.CLOSED
    assert {item.status for item in state.measures.values()} == {MeasureStatus.STOPPED}
    assert {item.stop_reason for item in state.measures.values()} == {StopReason.CHANNEL_EXITED}
    assert state.clocks == {}
    plan(*history, *events).when(exit_, on="2023-02-21").then()
    plan(*history, *events).when(s.drafting(), on="2023-03-12").refused(code="plan-closed")


@rule("R73")
def test_an_exit_does_not_touch_the_plan_of_an_approved_household() -> None:
    exit_ = c.ClosePlan(
        plan_id=s.PLAN_ID, reason=PlanCloseReason.CHANNEL_EXITED, occurred_on=s.day("2023-03-11")
    )
    plan(s.opened()).when(exit_, on="2023-03-11").then()


def test_an_unknown_plan_is_not_found() -> None:
    plan().when(SUBMIT, on="2023-03-12").refused(code="not-found")
