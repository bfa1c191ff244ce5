"""Risk elimination: the four conditions, the half-year, the procedure, and what it never does."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from services.assistance.domain import commands as c
from services.assistance.domain.commands import RiskEvidence
from services.assistance.domain.elimination import ELIMINATION
from services.assistance.domain.plan import PLAN
from services.assistance.domain.plan_state import MeasureStatus, Plan, Stage
from services.assistance.domain.policies import period_before
from services.assistance.domain.procedure import ELIMINATION_PROCEDURE
from shared.contracts import assistance as contracts
from shared.contracts.assistance import (
    AfterCareStarted,
    EarlyEliminationAllowed,
    EliminationAnnounced,
    EliminationDeliberated,
    EliminationDropped,
    EliminationMarked,
    EliminationNoticePosted,
    EliminationObjectionAnswered,
    EliminationObjectionRaised,
    EliminationProposed,
    EliminationPublicized,
    EliminationReviewed,
    EliminationVerified,
    PlanRiskAdded,
    RiskEliminated,
)
from shared.contracts.help import DropReason, MeetingForm, NaturalCause
from shared.contracts.values import EliminationMode, Gap, History, Risk
from shared.kernel.event import Command, Event
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Forbidden
from shared.policy.parameters import Parameters
from shared.testing.decider import Given, given, rule
from tests.unit.assistance import story as s

IDS = {"elimination_id": s.ELIMINATION_ID}
VERIFY = c.VerifyElimination(**IDS, officers=("person:v1",), confirmed=True, evidence=(s.SHA,))
DELIBERATE = c.DeliberateElimination(
    **IDS,
    form=MeetingForm.REPRESENTATIVES,
    due=30,
    present=24,
    in_favour=23,
    against=1,
    minutes="会议记录",
)
REVIEW = c.ReviewElimination(**IDS, officers=("person:t1",), passed=True, feedback="同意")
POST = c.PostEliminationNotice(**IDS, notice_no="2023-15", text="公示", photo=s.SHA)
OBJECT = c.RaiseEliminationObjection(**IDS, statement="不同意")
CLOSE = c.CloseEliminationNotice(**IDS)
APPROVE = c.ApproveElimination(**IDS, authority="鲁农组〔2023〕5号")
ANNOUNCE = c.AnnounceElimination(**IDS, notice_no="2023-16", text="公告")
MARK = c.MarkElimination(**IDS, receipt="系统回执1")
STEPS = (
    (VERIFY, "2023-09-12"),
    (DELIBERATE, "2023-09-13"),
    (REVIEW, "2023-09-14"),
    (POST, "2023-09-15"),
    (CLOSE, "2023-09-21"),
    (APPROVE, "2023-09-21"),
    (ANNOUNCE, "2023-09-22"),
    (MARK, "2023-09-25"),
)


def elimination(*events: Event, **changes: Any) -> Given[Any]:
    facts: dict[str, Any] = {"plan": s.helped(), "plan_id": s.PLAN_ID}
    return given(ELIMINATION, *events, context=s.around(**(facts | changes)))


def history(upto: int, **changes: Any) -> list[Event]:
    """The events of the proposal on 2023-09-11 and of the first ``upto`` steps after it."""
    events = _events(elimination(**changes).when(s.proposing(), on="2023-09-11"))
    for command, on in STEPS[:upto]:
        by = s.COMMITTEE if command is APPROVE else s.SOMEBODY
        events += _events(elimination(*events, **changes).when(command, on=on, by=by))
    return events


def _events(when: Given[Any]) -> list[Event]:
    assert when.refusal is None, when.refusal
    assert when.result is not None
    return when.result


def proposal(**changes: Any) -> Given[Any]:
    """A proposal on 2023-09-11, half a year after the identification."""
    return elimination().when(s.proposing(**changes), on="2023-09-11")


# --- the four conditions and the half-year --------------------------------------------------------


@rule("R93", "K3")
def test_scenario_14_an_assisted_elimination_waits_for_half_a_year() -> None:
    """Worked example 14: identified 2023-03-10, asked 2023-08-15, earliest 2023-09-10."""
    refusal = elimination().when(s.proposing(), on="2023-08-15").refused("R93", code="too-early")
    assert "2023-09-10" in refusal.zh
    elimination().when(s.proposing(), on="2023-09-09").refused("R93")
    elimination().when(s.proposing(), on="2023-09-10").then_types(EliminationProposed)


@rule("R93", "R114")
def test_the_county_may_allow_it_earlier_and_that_is_listed() -> None:
    allow = c.AllowEarlyElimination(plan_id=s.PLAN_ID, authority="鲁农组〔2023〕3号", note="理由")
    events = [s.opened(), s.filed(1, s.terms(), development=True), s.started(1)]
    when = given(PLAN, *events, context=s.around()).when(allow, on="2023-08-10", by=s.COMMITTEE)
    (allowed,) = when.then_types(EarlyEliminationAllowed)
    plan = PLAN.fold([*events, allowed])
    (event,) = (
        elimination(plan=plan).when(s.proposing(), on="2023-08-15").then_types(EliminationProposed)
    )
    assert isinstance(event, EliminationProposed)
    assert event.early


@rule("R93", "R94")
def test_a_natural_elimination_does_not_wait() -> None:
    natural = s.proposing(mode=EliminationMode.NATURAL, cause=NaturalCause.RISK_ENDED_UNAIDED)
    (event,) = elimination().when(natural, on="2023-05-01").then_types(EliminationProposed)
    assert isinstance(event, EliminationProposed)
    assert not event.early


@rule("R94")
@pytest.mark.parametrize(
    ("mode", "cause"),
    [
        (EliminationMode.NATURAL, None),
        (EliminationMode.ASSISTED, NaturalCause.RISK_ENDED_UNAIDED),
    ],
)
def test_a_cause_belongs_to_a_natural_elimination(
    mode: EliminationMode, cause: NaturalCause | None
) -> None:
    proposal(mode=mode, cause=cause).refused("R94")


@rule("R94")
def test_of_nobody_no_income_is_asked() -> None:
    gone = {"mode": EliminationMode.NATURAL, "cause": NaturalCause.ALL_MEMBERS_DIED}
    (event,) = proposal(**gone, income=None, guarantees=()).then_types(EliminationProposed)
    assert isinstance(event, EliminationProposed)
    assert event.per_capita_net is None
    proposal(**gone).refused("R91", code="income-of-nobody")
    proposal(income=None).refused("R91", code="income-required")


@rule("R91", "K4")
def test_the_income_is_strictly_over_the_line() -> None:
    proposal(income=s.income(800_000)).refused("R91", code="income-not-over-the-line")
    proposal(income=s.income(800_001)).then_types(EliminationProposed)


@rule("R91")
def test_the_line_is_that_of_the_year_of_the_elimination() -> None:
    (event,) = proposal().then_types(EliminationProposed)
    assert isinstance(event, EliminationProposed)
    assert (event.line, event.line_is_the_years) == (800_000, True)
    next_year = elimination().when(s.proposing(income=s.income(850_000)), on="2024-03-01")
    next_year.refused("R91", code="income-not-over-the-line")


@rule("R28", "R91")
def test_until_the_years_line_is_published_the_former_one_applies_and_says_so() -> None:
    parameters = Parameters(monitoring_line={2023: 800_000})
    book = (s.POLICY.model_copy(update={"parameters": parameters}),)
    when = elimination(book=book).when(s.proposing(), on="2024-01-15")
    (event,) = when.then_types(EliminationProposed)
    assert isinstance(event, EliminationProposed)
    assert (event.line, event.line_is_the_years) == (800_000, False)


@rule("R35", "R36", "R91")
def test_the_income_per_head_is_computed_over_twelve_full_months() -> None:
    (event,) = proposal().then_types(EliminationProposed)
    assert isinstance(event, EliminationProposed)
    assert event.per_capita_net == 950_000
    assert (event.period_from, event.period_to) == (s.day("2022-09-01"), s.day("2023-08-31"))
    assert period_before(s.day("2024-03-01")) == (s.day("2023-03-01"), s.day("2024-02-29"))


@rule("R91")
@pytest.mark.parametrize("gap", list(Gap))
def test_every_guarantee_and_the_water_are_secured(gap: Gap) -> None:
    proposal(guarantees=s.guarantees(unsecured=gap)).refused("R91", code="guarantee-not-secured")
    without = tuple(item for item in s.guarantees() if item.gap is not gap)
    proposal(guarantees=without).refused("R91", code="guarantee-not-secured")


@rule("R91")
def test_every_risk_is_gone_those_added_later_too() -> None:
    left = (RiskEvidence(risk=Risk.ILLNESS, gone=False, evidence=(s.SHA,)),)
    proposal(risks=left).refused("R91", code="risk-not-gone")
    events = [s.opened(), s.filed(1, s.terms(), development=True), s.started(1), _added()]
    elimination(plan=PLAN.fold(events)).when(s.proposing(), on="2023-09-11").refused(
        "R91", code="risk-not-gone"
    )


def _added() -> PlanRiskAdded:
    return PlanRiskAdded(
        case_id=s.CASE,
        household_id=s.HOUSEHOLD,
        lead_id=s.LEAD,
        risks=(Risk.SCHOOLING,),
        deadlines=(),
    )


@rule("R91")
def test_a_new_risk_forbids_it() -> None:
    proposal(no_new_risk=False).refused("R91", code="new-risk")


@rule("R96")
@pytest.mark.parametrize("mode", list(EliminationMode))
def test_a_household_wholly_without_labour_is_not_eliminated(mode: EliminationMode) -> None:
    cause = NaturalCause.RISK_ENDED_UNAIDED if mode is EliminationMode.NATURAL else None
    command = s.proposing(mode=mode, cause=cause)
    elimination(flagged=True).when(command, on="2023-09-11").refused("R96")


@rule("R96")
def test_a_flag_set_on_the_way_stops_the_approval() -> None:
    elimination(*history(5), flagged=True).when(APPROVE, on="2023-09-21", by=s.COMMITTEE).refused(
        "R96"
    )


@rule("R76")
def test_an_assisted_elimination_rests_on_a_measure_carried_out() -> None:
    only_filed = PLAN.fold([s.opened(), s.filed(1, s.terms(), development=True)])
    elimination(plan=only_filed).when(s.proposing(), on="2023-09-11").refused("R76")
    natural = s.proposing(mode=EliminationMode.NATURAL, cause=NaturalCause.RISK_ENDED_UNAIDED)
    elimination(plan=only_filed).when(natural, on="2023-09-11").then_types(EliminationProposed)


@rule("R78")
def test_assisted_without_development_is_looked_at_twice() -> None:
    plan = PLAN.fold([s.opened(), s.filed(1, s.terms(), development=False), s.started(1)])
    (event,) = (
        elimination(plan=plan).when(s.proposing(), on="2023-09-11").then_types(EliminationProposed)
    )
    assert isinstance(event, EliminationProposed)
    assert event.warnings == ("R78",)


@rule("R105")
def test_what_is_eliminated_is_not_eliminated_again() -> None:
    gone = PLAN.fold([s.opened(), _after_care()])
    elimination(plan=gone).when(s.proposing(), on="2023-11-11").refused("R105")


def _after_care() -> AfterCareStarted:
    return AfterCareStarted(
        case_id=s.CASE,
        household_id=s.HOUSEHOLD,
        elimination_id=s.ELIMINATION_ID,
        eliminated_on=s.day("2023-09-21"),
        continuing=(),
        deadlines=(),
    )


@rule("R59")
def test_in_the_green_channel_nothing_is_eliminated() -> None:
    plan = PLAN.fold([s.provisional()])
    elimination(plan=plan).when(s.proposing(), on="2023-09-11").refused("R59")


@rule("R92")
def test_no_event_no_command_and_no_parameter_knows_a_target() -> None:
    """There is nothing a target, a quota or a ranking of eliminations could stand in."""
    forbidden = ("target", "quota", "ratio", "rank", "limit")
    shapes = [item for _, item in inspect.getmembers(c, inspect.isclass)]
    shapes += [item for _, item in inspect.getmembers(contracts, inspect.isclass)]
    for shape in (*shapes, Parameters):
        for field in getattr(shape, "model_fields", {}):
            assert not any(word in field for word in forbidden), f"{shape.__name__}.{field}"


# --- the procedure --------------------------------------------------------------------------------


@rule("R95")
def test_the_whole_way() -> None:
    events = history(8)
    assert [type(event) for event in events] == [
        EliminationProposed,
        EliminationVerified,
        EliminationDeliberated,
        EliminationReviewed,
        EliminationNoticePosted,
        EliminationPublicized,
        RiskEliminated,
        EliminationAnnounced,
        EliminationMarked,
    ]
    state = ELIMINATION.fold(events)
    assert state.done == {step.name for step in ELIMINATION_PROCEDURE.steps}
    assert not state.open
    assert state.clocks == {}


@rule("R91", "R93", "R104")
def test_the_countys_approval_is_the_elimination() -> None:
    event = history(6)[-1]
    assert isinstance(event, RiskEliminated)
    assert event.eliminated_on == s.day("2023-09-21")
    assert event.mode is EliminationMode.ASSISTED
    assert event.returns_to is History.FORMERLY_POOR
    assert event.deadlines[0].due_on == s.day("2023-10-01")


def skips() -> Iterator[Any]:
    for number, (_, _) in enumerate(STEPS):
        for later, (command, _) in enumerate(STEPS[number + 1 :], start=number + 1):
            if command is not MARK or number < 5:
                yield pytest.param(number, command, id=f"{number}-{later}")


@rule("R95")
@pytest.mark.parametrize(("done", "command"), list(skips()))
def test_no_step_is_skipped(done: int, command: Command) -> None:
    by = s.COMMITTEE if command is APPROVE else s.SOMEBODY
    elimination(*history(done)).when(command, on="2023-09-25", by=by).refused(
        "R95", code="out-of-order"
    )


@rule("R95")
@pytest.mark.parametrize("number", range(len(STEPS)))
def test_no_step_is_done_twice(number: int) -> None:
    command, _ = STEPS[number]
    by = s.COMMITTEE if command is APPROVE else s.SOMEBODY
    elimination(*history(number + 1)).when(command, on="2023-09-25", by=by).refused(
        "R95", code="already-done"
    )


@rule("R95")
def test_no_step_is_dated_before_the_one_before() -> None:
    elimination(*history(1)).when(DELIBERATE, on="2023-09-11").refused(
        "R95", code="before-the-step-before"
    )


@rule("R56", "K2")
@pytest.mark.parametrize("on", ["2023-09-15", "2023-09-19", "2023-09-20"])
def test_the_publicity_takes_five_whole_days(on: str) -> None:
    """Posted on 09-15: it hangs through 09-20, and closes from 09-21 on."""
    elimination(*history(4)).when(CLOSE, on=on).refused("R56", code="publicity-not-over")
    elimination(*history(4)).when(CLOSE, on="2023-09-21").then_types(EliminationPublicized)


@rule("R95")
def test_an_unconfirmed_proposal_ends() -> None:
    no = VERIFY.model_copy(update={"confirmed": False})
    (event,) = elimination(*history(0)).when(no, on="2023-09-12").then_types(EliminationDropped)
    assert isinstance(event, EliminationDropped)
    assert event.reason is DropReason.NOT_CONFIRMED
    elimination(*history(0), event).when(VERIFY, on="2023-09-13").refused(
        "R95", code="elimination-dropped"
    )


@rule("R61")
@pytest.mark.parametrize(
    ("in_favour", "expected"), [(12, EliminationDropped), (13, EliminationDeliberated)]
)
def test_more_than_half_of_those_present_carry_it(in_favour: int, expected: type[Event]) -> None:
    vote = DELIBERATE.model_copy(update={"in_favour": in_favour, "against": 24 - in_favour})
    elimination(*history(1)).when(vote, on="2023-09-13").then_types(expected)


@rule("R61")
@pytest.mark.parametrize(("present", "met"), [(20, True), (19, False)])
def test_a_thin_meeting_is_noticed(present: int, met: bool) -> None:
    thin = DELIBERATE.model_copy(update={"present": present, "in_favour": 15, "against": 0})
    (event,) = (
        elimination(*history(1)).when(thin, on="2023-09-13").then_types(EliminationDeliberated)
    )
    assert isinstance(event, EliminationDeliberated)
    assert event.quorum_met is met


@rule("R61")
@pytest.mark.parametrize("changes", [{"present": 31}, {"against": 2}])
def test_votes_add_up(changes: dict[str, int]) -> None:
    wrong = DELIBERATE.model_copy(update=changes)
    elimination(*history(1)).when(wrong, on="2023-09-13").refused("R61")


@rule("R95")
def test_the_town_may_send_it_back_and_the_county_may_say_no() -> None:
    back = REVIEW.model_copy(update={"passed": False})
    elimination(*history(2)).when(back, on="2023-09-14").then_types(EliminationDropped)
    no = APPROVE.model_copy(update={"approved": False, "note": "理由"})
    (event,) = (
        elimination(*history(5))
        .when(no, on="2023-09-21", by=s.COMMITTEE)
        .then_types(EliminationDropped)
    )
    assert isinstance(event, EliminationDropped)
    assert event.reason is DropReason.REJECTED_BY_COUNTY


def objected(upto: int = 4) -> list[Event]:
    events = history(upto)
    return events + _events(elimination(*events).when(OBJECT, on="2023-09-21"))


def answering(**changes: bool) -> c.AnswerEliminationObjection:
    return c.AnswerEliminationObjection(
        **IDS, objection_id=s.NEW, answer="核实情况", **({"upheld": False} | changes)
    )


@rule("R66")
def test_an_open_objection_suspends_what_follows() -> None:
    assert isinstance(objected()[-1], EliminationObjectionRaised)
    elimination(*objected()).when(CLOSE, on="2023-09-25").refused("R66", code="objection-open")
    elimination(*objected(5)).when(APPROVE, on="2023-09-25", by=s.COMMITTEE).refused(
        "R66", code="objection-open"
    )


@rule("R66")
def test_an_answered_objection_lets_it_go_on() -> None:
    when = elimination(*objected()).when(answering(), on="2023-09-22")
    (answered,) = when.then_types(EliminationObjectionAnswered)
    elimination(*objected(), answered).when(CLOSE, on="2023-09-22").then_types(
        EliminationPublicized
    )
    elimination(*objected(), answered).when(answering(), on="2023-09-22").refused(
        "R66", code="already-done"
    )


@rule("R66")
def test_changed_content_hangs_anew_for_the_whole_time() -> None:
    when = elimination(*objected()).when(answering(changed=True), on="2023-09-22")
    (answered,) = when.then_types(EliminationObjectionAnswered)
    again = [*objected(), answered]
    elimination(*again).when(CLOSE, on="2023-09-25").refused("R95", code="out-of-order")
    again += _events(elimination(*again).when(POST, on="2023-09-22"))
    elimination(*again).when(CLOSE, on="2023-09-27").refused("R56")
    elimination(*again).when(CLOSE, on="2023-09-28").then_types(EliminationPublicized)


@rule("R66")
def test_an_upheld_objection_ends_the_proposal() -> None:
    elimination(*objected()).when(answering(upheld=True), on="2023-09-22").then_types(
        EliminationObjectionAnswered, EliminationDropped
    )


@rule("R66")
def test_there_is_a_time_for_objections() -> None:
    elimination(*history(3)).when(OBJECT, on="2023-09-14").refused("R66")
    elimination(*history(6)).when(OBJECT, on="2023-09-22").refused("R66")
    elimination(*history(4)).when(answering(), on="2023-09-22").refused(code="not-found")


@rule("R53")
def test_nobody_approves_their_own_work() -> None:
    hands = frozenset({s.COMMITTEE.subject})
    refusal = (
        elimination(*history(5), hands=hands)
        .when(APPROVE, on="2023-09-21", by=s.COMMITTEE)
        .refused("R53")
    )
    assert isinstance(refusal, Forbidden)


@rule("R91")
def test_the_conditions_are_looked_at_again_on_the_day_of_the_approval() -> None:
    """A risk that came on the way, and a line that rose with the new year."""
    late = PLAN.fold([s.opened(), s.filed(1, s.terms(), development=True), s.started(1), _added()])
    elimination(*history(5), plan=late).when(APPROVE, on="2023-09-21", by=s.COMMITTEE).refused(
        "R91", code="risk-not-gone"
    )
    dear = s.POLICY.model_copy(
        update={"parameters": Parameters(monitoring_line={2023: 800_000, 2024: 990_000})}
    )
    elimination(*history(5), book=(dear,)).when(APPROVE, on="2024-01-02", by=s.COMMITTEE).refused(
        "R91", code="income-not-over-the-line"
    )


@rule("R107")
def test_what_the_county_approved_is_not_withdrawn_here() -> None:
    withdraw = c.WithdrawElimination(**IDS, note="撤回")
    elimination(*history(3)).when(withdraw, on="2023-09-14").then_types(EliminationDropped)
    elimination(*history(6)).when(withdraw, on="2023-09-22").refused("R107")


def test_the_county_alone_approves() -> None:
    permission = c.ApproveElimination.permission
    assert permission.allows(s.COMMITTEE)
    assert not permission.allows(Principal("x", frozenset({Role.OFFICER}), "370112"))
    assert not permission.allows(Principal("x", frozenset({Role.COMMITTEE}), "3701"))


# --- after-care -----------------------------------------------------------------------------------


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
    events: list[Event] = [s.opened(), _after_care()]

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
