"""When a risk may be said to be gone: the four conditions, the half-year, the flag."""

import inspect
from datetime import timedelta

import pytest

from services.assistance.domain import commands as c
from services.assistance.domain.commands import RiskEvidence
from services.assistance.domain.plan import PLAN
from services.assistance.domain.policies import is_early, period_before
from shared.contracts import assistance as contracts
from shared.contracts.assistance import (
    EarlyEliminationAllowed,
    EliminationProposed,
)
from shared.contracts.help import NaturalCause
from shared.contracts.values import EliminationMode, Gap, Risk
from shared.kernel.refusal import Refusal
from shared.policy.parameters import Parameters
from shared.testing.decider import given, rule
from tests.unit.assistance import story as s
from tests.unit.assistance.eliminating import (
    APPROVE,
    added,
    after_care,
    elimination,
    history,
    proposal,
)


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
    events = [s.opened(), s.filed(1, s.terms(), development=True), s.started(1), added()]
    elimination(plan=PLAN.fold(events)).when(s.proposing(), on="2023-09-11").refused(
        "R91", code="risk-not-gone"
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
    gone = PLAN.fold([s.opened(), after_care()])
    elimination(plan=gone).when(s.proposing(), on="2023-11-11").refused("R105")


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


@rule("R93", "K3")
@pytest.mark.parametrize(
    ("identified_on", "earliest"),
    [("2023-08-31", "2024-02-29"), ("2022-08-30", "2023-02-28"), ("2023-03-31", "2023-09-30")],
)
def test_half_a_year_ends_with_the_month_it_ends_in(identified_on: str, earliest: str) -> None:
    on = s.day(identified_on)
    plan = s.helped(identified_on=on, approved_on=on)
    assert not is_early(plan, EliminationMode.ASSISTED, s.POLICY, s.day(earliest))
    with pytest.raises(Refusal) as refused:
        is_early(plan, EliminationMode.ASSISTED, s.POLICY, s.day(earliest) - timedelta(days=1))
    assert refused.value.rule == "R93"
    assert earliest in refused.value.zh
