"""The order of the steps, who acts, and when (R51, R5, R52, R55–R57, R60, R61, K6)."""

from dataclasses import replace
from datetime import date

import pytest

from services.identification.domain import commands as c
from services.identification.domain.procedure import IDENTIFICATION
from shared.contracts import identification as e
from shared.contracts.identification_steps import BackTo, Conclusion, Doubt, ExemptionGround
from shared.contracts.values import Category, History
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Refusal
from shared.testing.decider import rule
from tests.unit.identification.support import (
    CASE_ID,
    FACTS,
    OFFICER,
    TOWNSMAN,
    VILLAGER,
    WAY,
    authorization,
    case,
    comparison,
    context,
    deliberation,
    history,
    officers,
    review,
    verification,
    way,
)


@rule("R51")
def test_the_straight_way_identifies() -> None:
    types = [type(event).__name__ for event in way("approval")]
    assert types == [
        "CaseOpened",
        "OfficersNamed",
        "AuthorizationSigned",
        "Verified",
        "Compared",
        "Deliberated",
        "TownReviewed",
        "NoticePosted",
        "Publicized",
        "Approved",
    ]


STEPS = [name for name in WAY if name not in {"opened", "officers", "approval"}]


@rule("R51")
@pytest.mark.parametrize("skipped", STEPS)
def test_no_step_is_skipped(skipped: str) -> None:
    """Without one step, the case never comes to approval: some later step refuses."""
    acts = [act for name, act in WAY.items() if name != skipped]
    with pytest.raises(Refusal) as refused:
        history(*acts)
    assert refused.value.rule in {"R51", "R52", "R56"}


@rule("R51")
@pytest.mark.parametrize("step", STEPS)
def test_no_step_is_done_twice(step: str) -> None:
    command, day, by = WAY[step]
    case(*way(step)).when(command, on=day, by=by).refused("R51", code="already-done")


@rule("R60")
def test_the_procedure_has_the_guides_steps_and_no_other() -> None:
    assert [step.name for step in IDENTIFICATION.steps] == [
        "officers",
        "authorization",
        "verification",
        "comparison",
        "deliberation",
        "town-review",
        "notice",
        "publicity",
        "approval",
        "announcement",
        "national-entry",
    ]


@rule("R4", "R51")
def test_each_step_says_the_levels_of_its_command() -> None:
    for step in IDENTIFICATION.steps:
        assert set(step.levels) == set(step.command.permission.levels), step.name


@rule("R3")
def test_a_city_approves_nothing() -> None:
    city = Principal("person:city", frozenset({Role.OFFICER}), "3701")
    assert not c.Approve.permission.allows(city)
    assert not c.DeclineIdentification.permission.allows(city)


@rule("R5")
def test_nothing_goes_on_without_named_officers() -> None:
    opened = way("opened")
    case(*opened).when(verification(), on="2023-08-02", by=VILLAGER).refused("R5")
    case(*opened).when(authorization(), on="2023-08-02", by=VILLAGER).refused("R5")


@rule("R5")
def test_a_handover_names_others_and_keeps_the_steps_day() -> None:
    named = officers().model_copy(update={"village_officer": "person:another"})
    handed = case(*way("verification")).when(named, on="2023-08-04", by=TOWNSMAN)
    state = handed.then(
        e.OfficersNamed(
            on=date(2023, 8, 4), village_officer="person:another", town_officer="person:town"
        )
    )
    assert state.officers == ("person:another", "person:town")
    assert state.done["officers"] == date(2023, 8, 1)


@rule("R5")
def test_only_the_named_officers_verify() -> None:
    other = Principal("person:other", frozenset({Role.OFFICER}), "370114101200")
    case(*way("officers")).when(verification(), on="2023-08-03", by=other).refused("R5")


@rule("R52")
def test_no_comparison_without_authorisation() -> None:
    case(*way("officers")).when(comparison(), on="2023-08-03", by=OFFICER).refused("R52")


@rule("R52")
def test_a_revoked_authorisation_stops_the_comparison() -> None:
    revoked = case(*way("authorization")).when(
        c.RevokeAuthorization(case_id=CASE_ID), on="2023-08-02", by=VILLAGER
    )
    revoked.then(e.AuthorizationRevoked(on=date(2023, 8, 2)))
    history = (*way("authorization"), e.AuthorizationRevoked(on=date(2023, 8, 2)))
    case(*history).when(comparison(), on="2023-08-03", by=OFFICER).refused("R52")


@rule("R52")
def test_a_stranger_signs_nothing() -> None:
    stranger = authorization().model_copy(update={"signer_id": CASE_ID})
    case(*way("officers")).when(stranger, on="2023-08-02", by=VILLAGER).refused(
        code="unknown-member"
    )


@rule("R57")
def test_comparison_runs_beside_deliberation_and_before_the_town() -> None:
    without = [WAY[name] for name in WAY if name != "comparison"][:5]
    events = history(*without)
    case(*events).when(review(), on="2023-08-06", by=TOWNSMAN).refused("R51", code="out-of-order")
    case(*events).when(comparison(), on="2023-08-06", by=OFFICER).then_types(e.Compared)


def exemption(
    ground: ExemptionGround = ExemptionGround.POLICY_BENEFICIARY, compared_on: str = "2023-01-10"
) -> c.ExemptComparison:
    return c.ExemptComparison(
        case_id=CASE_ID, ground=ground, reference="LIP-1", compared_on=compared_on
    )


@rule("R58")
def test_an_earlier_comparison_is_reused_for_those_the_guide_names() -> None:
    opened = case(*way("officers"))
    opened.when(exemption(), on="2023-08-03", by=OFFICER).refused(
        "R58", code="exemption-ground-unfounded"
    )
    poor = context(household=replace(FACTS, history=History.FORMERLY_POOR))
    case(*way("officers"), make=poor).when(exemption(), on="2023-08-03", by=OFFICER).then_types(
        e.ComparisonExempted
    )
    old = exemption(compared_on="2022-08-02")
    case(*way("officers"), make=poor).when(old, on="2023-08-03", by=OFFICER).refused(
        "R58", code="comparison-too-old"
    )


@rule("R55", "R54")
@pytest.mark.parametrize(("day", "late"), [("2023-08-04", False), ("2023-08-05", True)])
def test_verification_is_due_on_the_third_day(day: str, late: bool) -> None:
    """On the last day it is in time (K1); later it needs a reason and is taken all the same."""
    opened = way("officers")
    if not late:
        case(*opened).when(verification(), on=day, by=VILLAGER).then_types(e.Verified)
        return
    case(*opened).when(verification(), on=day, by=VILLAGER).refused(
        "R55", code="late-reason-required"
    )
    excused = verification(late_reason="HOUSEHOLD_ABSENT")
    [verified] = case(*opened).when(excused, on=day, by=VILLAGER).then_types(e.Verified)
    assert isinstance(verified, e.Verified)
    assert verified.late_reason == "HOUSEHOLD_ABSENT"


@rule("K6")
def test_no_act_lies_before_the_act_it_stands_on() -> None:
    case(*way("verification")).when(deliberation(), on="2023-08-02", by=VILLAGER).refused(
        "K6", code="before-previous-act"
    )
    case(*way("opened")).when(officers(), on="2023-07-31", by=TOWNSMAN).refused("K6")


@rule("R61")
@pytest.mark.parametrize(
    ("counted", "code"),
    [
        ({"present": 41, "in_favour": 38}, "attendance-impossible"),
        ({"present": 0, "recused": 0, "in_favour": 0, "against": 0}, "attendance-impossible"),
        ({"in_favour": 31}, "votes-do-not-add-up"),
    ],
)
def test_a_meetings_numbers_must_be_possible(counted: dict[str, int], code: str) -> None:
    act = deliberation(**counted)
    case(*way("verification")).when(act, on="2023-08-05", by=VILLAGER).refused("R61", code=code)


@rule("R61")
def test_a_conclusion_names_its_category() -> None:
    for odd in (
        deliberation(category=None),
        deliberation().model_copy(update={"conclusion": Conclusion.DECLINE}),
    ):
        case(*way("verification")).when(odd, on="2023-08-05", by=VILLAGER).refused(
            "R61", code="category-and-conclusion"
        )


@rule("R61")
def test_a_thin_meeting_is_doubted_and_taken() -> None:
    thin = deliberation(due=90, category=Category.MARGINAL_AT_RISK)
    [held] = (
        case(*way("verification"))
        .when(thin, on="2023-08-05", by=VILLAGER)
        .then_types(e.Deliberated)
    )
    assert isinstance(held, e.Deliberated)
    assert held.doubts == (Doubt.QUORUM,)


@rule("R61", "R15")
def test_a_minority_and_a_departure_show() -> None:
    against = deliberation(Conclusion.DECLINE, in_favour=25, against=7)
    [held] = (
        case(*way("verification"))
        .when(against, on="2023-08-05", by=VILLAGER)
        .then_types(e.Deliberated)
    )
    assert isinstance(held, e.Deliberated)
    assert held.doubts == (Doubt.MAJORITY, Doubt.AGAINST_ADVICE)


@rule("R57")
def test_the_town_gives_back_with_a_reason_and_the_step_is_done_again() -> None:
    back = c.ReviewTown(case_id=CASE_ID, passed=False, back_to=BackTo.VERIFICATION)
    case(*way("deliberation")).when(back, on="2023-08-06", by=TOWNSMAN).refused(
        "R57", code="note-required"
    )
    noted = case(*way("deliberation"), make=context(note=True))
    events = noted.when(back, on="2023-08-06", by=TOWNSMAN).then_types(e.TownReviewed)
    again = (*way("deliberation"), *events)
    case(*again).when(deliberation(), on="2023-08-07", by=VILLAGER).refused("R51")
    case(*again).when(verification(), on="2023-08-05", by=VILLAGER).refused("K6")
    case(*again).when(verification(), on="2023-08-07", by=VILLAGER).then_types(e.Verified)


@rule("R57")
def test_passed_and_given_back_exclude_each_other() -> None:
    for odd in (
        c.ReviewTown(case_id=CASE_ID, passed=True, back_to=BackTo.DELIBERATION),
        c.ReviewTown(case_id=CASE_ID, passed=False),
    ):
        case(*way("deliberation")).when(odd, on="2023-08-06", by=TOWNSMAN).refused(
            "R57", code="back-to-and-passed"
        )


@rule("R26", "R1")
def test_the_place_it_moved_from_only_looks_on() -> None:
    collaborator = Principal("person:elsewhere", frozenset({Role.OFFICER}), "371721")
    case(*way("officers")).when(comparison(), on="2023-08-03", by=collaborator).refused("R26")


@rule("R51")
def test_a_closed_case_takes_no_step() -> None:
    case(*way("approval")).when(review(), on="2023-08-13", by=TOWNSMAN).refused(
        "R51", code="case-closed"
    )
