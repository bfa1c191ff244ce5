"""Attempts to get round the rules that a hostile officer would make; each is refused (or heard)."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.identification.domain import commands as c
from services.identification.domain.case import CASE
from services.identification.domain.case_state import Status
from services.identification.domain.collection import VerifiedMember
from services.identification.domain.procedure import IDENTIFICATION
from services.identification.domain.work import to_do
from services.identification.notices import CATEGORY_NAMES
from shared.contracts import identification as e
from shared.contracts.assessment import Suggestion
from shared.contracts.identification import Member
from shared.contracts.identification_steps import Conclusion, Told
from shared.contracts.values import Hukou, Labour, Risk
from shared.kernel.decider import Tick
from shared.kernel.event import Event
from shared.kernel.principal import Principal, Role
from shared.testing.decider import rule
from tests.unit.identification.support import (
    CASE_ID,
    CHILD,
    COMMITTEE,
    COUNTY,
    FACTS,
    FRESH,
    OFFICER,
    SYSTEM,
    TOWNSMAN,
    VILLAGER,
    Act,
    approval,
    calm_verification,
    case,
    closing,
    context,
    days_after,
    deliberation,
    history,
    lead,
    officers,
    refusal,
    verification,
    way,
)

NOTED = context(note=True)


def then(events: tuple[Event, ...], *acts: Act) -> tuple[Event, ...]:
    """The events, and those of acts that must all be taken; every officer writes a note."""
    for command, day, by in acts:
        made = CASE.decide(CASE.fold(events), command, NOTED(day_of(day), day_of(day), by))
        events = (*events, *made)
    return events


def day_of(day: str) -> date:
    return date.fromisoformat(day)


# --- who ------------------------------------------------------------------------------------------


@rule("R5")
def test_nobody_answers_for_village_and_town_at_once() -> None:
    alone = officers().model_copy(update={"town_officer": "person:village"})
    case(*way("opened")).when(alone, on="2023-08-01", by=TOWNSMAN).refused(
        "R5", code="one-officer-twice"
    )


@rule("R53")
@pytest.mark.parametrize("act", [approval(), refusal("DELIBERATED_AGAINST")])
def test_a_replaced_officer_decides_nothing_on_the_case(act: Any) -> None:
    other = officers().model_copy(update={"village_officer": "person:next"})
    step, conclusion = "publicity", Conclusion.IDENTIFY
    if isinstance(act, c.DeclineIdentification):
        step, conclusion = "deliberation", Conclusion.DECLINE
    voted = (deliberation(conclusion), "2023-08-05", VILLAGER)
    replaced = then(way(step, deliberation=voted), (other, "2023-08-12", TOWNSMAN))
    former = Principal("person:village", frozenset({Role.COMMITTEE}), COUNTY)
    case(*replaced, make=NOTED).when(act, on="2023-08-12", by=former).refused("R53")
    case(*replaced, make=NOTED).when(act, on="2023-08-12", by=COMMITTEE).happens()


@rule("R51")
def test_the_villages_officer_does_not_review_for_the_town() -> None:
    both = Principal("person:village", frozenset({Role.OFFICER}), "370114101")
    act = c.ReviewTown(case_id=CASE_ID, passed=True)
    case(*way("deliberation")).when(act, on="2023-08-06", by=both).refused("R51", code="forbidden")


@rule("R69")
def test_one_person_is_not_two_levels() -> None:
    confirm = c.ConfirmGreenChannel(case_id=CASE_ID, cause=Risk.DISASTER)
    events = then(way("officers"), (confirm, "2023-08-01", VILLAGER))
    same = Principal("person:village", frozenset({Role.OFFICER}), "370114101")
    case(*events).when(confirm, on="2023-08-01", by=same).refused("R69", code="forbidden")


@rule("R68")
def test_levels_that_name_different_causes_have_no_clear_facts() -> None:
    confirm = c.ConfirmGreenChannel(case_id=CASE_ID, cause=Risk.DISASTER)
    other = confirm.model_copy(update={"cause": Risk.ACCIDENT})
    events = then(way("officers"), (confirm, "2023-08-01", VILLAGER))
    case(*events).when(other, on="2023-08-01", by=TOWNSMAN).refused("R68", code="causes-differ")
    both = then(events, (confirm, "2023-08-01", TOWNSMAN))
    enter = c.EnterGreenChannel(case_id=CASE_ID, cause=Risk.ACCIDENT, facts="车祸")
    case(*both).when(enter, on="2023-08-01", by=OFFICER).refused("R68", code="causes-differ")


# --- when -----------------------------------------------------------------------------------------

OBJECT = c.RaiseObjection(case_id=CASE_ID, objection="不符合条件")


def answer(*, upheld: bool = False) -> c.AnswerObjection:
    return c.AnswerObjection(case_id=CASE_ID, objection_id=FRESH, upheld=upheld, answer="已核实")


@rule("K6", "R66")
def test_no_objection_is_answered_before_it_is_raised() -> None:
    raised = then(way("notice"), (OBJECT, "2023-08-10", VILLAGER))
    case(*raised).when(answer(), on="2023-08-09", by=TOWNSMAN).refused(
        "K6", code="before-previous-act"
    )
    case(*raised).when(answer(), on="2023-08-10", by=TOWNSMAN).happens()


@rule("K6", "R66")
def test_a_notice_is_not_closed_before_its_last_objection_was_answered() -> None:
    raised = then(way("notice"), (OBJECT, "2023-08-11", VILLAGER))
    answered = then(raised, (answer(), "2023-08-14", TOWNSMAN))
    case(*answered).when(closing(), on="2023-08-12", by=VILLAGER).refused("K6")
    case(*answered).when(closing(), on="2023-08-14", by=VILLAGER).then_types(e.Publicized)


@rule("R56", "R66")
def test_an_objection_upheld_on_the_last_day_costs_five_whole_days_anew() -> None:
    raised = then(way("notice"), (OBJECT, "2023-08-11", VILLAGER))
    again = then(
        raised,
        (answer(upheld=True), "2023-08-11", TOWNSMAN),
        (verification(9_000), "2023-08-12", VILLAGER),
        (deliberation(), "2023-08-12", VILLAGER),
        (c.ReviewTown(case_id=CASE_ID, passed=True), "2023-08-12", TOWNSMAN),
        (post(), "2023-08-12", VILLAGER),
    )
    case(*again).when(closing(), on="2023-08-17", by=VILLAGER).refused("R56")
    closed = then(again, (closing(), "2023-08-18", VILLAGER))
    late = approval(late_reason="OBJECTION")
    [event] = case(*closed).when(late, on="2023-08-18", by=COMMITTEE).then_types(e.Approved)
    assert isinstance(event, e.Approved)
    assert event.identified_on == date(2023, 8, 18)


@rule("K6", "R67")
def test_nobody_is_told_a_refusal_before_it_is_made() -> None:
    voted = (deliberation(Conclusion.DECLINE), "2023-08-05", VILLAGER)
    calm = (calm_verification(), "2023-08-03", VILLAGER)
    events = then(
        way("deliberation", verification=calm, deliberation=voted),
        (refusal("BELOW_LINE_STABLE"), "2023-08-10", COMMITTEE),
    )
    tell = c.TellHousehold(case_id=CASE_ID, about=Told.REFUSAL)
    case(*events).when(tell, on="2023-08-09", by=VILLAGER).refused("K6")
    follow = c.FollowUp(case_id=CASE_ID)
    case(*events).when(follow, on="2023-08-09", by=VILLAGER).refused("K6")


# --- the green channel ----------------------------------------------------------------------------

CONFIRM = c.ConfirmGreenChannel(case_id=CASE_ID, cause=Risk.DISASTER)
ENTER = c.EnterGreenChannel(case_id=CASE_ID, cause=Risk.DISASTER, facts="房屋烧毁")
TELL = c.TellHousehold(case_id=CASE_ID, about=Told.CHANNEL_ENTRY)
LEAVE = c.ExitGreenChannel(case_id=CASE_ID)


TICK = Tick(category="case", stream_id=CASE_ID)


def eligible(*, holds: bool) -> c.VerifyGreenChannel:
    return c.VerifyGreenChannel(case_id=CASE_ID, eligible=holds)


def in_channel(step: str, **instead: Act) -> tuple[Event, ...]:
    """In the channel from 08-01, with the straight way up to ``step``."""
    entry: tuple[Act, ...] = (
        (CONFIRM, "2023-08-01", VILLAGER),
        (CONFIRM, "2023-08-01", TOWNSMAN),
        (ENTER, "2023-08-01", OFFICER),
    )
    return then(way(step, **instead), *entry)


@rule("R71", "K1", "K3", "R54")
def test_the_channels_month_warns_twice_and_its_miss_climbs() -> None:
    """Entered on 31 January: warned on the 20th and the 27th day, due on 28 February (K3)."""
    opened = history((lead("2023-01-30"), "2023-01-30", SYSTEM))
    events = then(
        opened,
        (officers(), "2023-01-31", TOWNSMAN),
        (CONFIRM, "2023-01-31", VILLAGER),
        (CONFIRM, "2023-01-31", TOWNSMAN),
        (ENTER, "2023-01-31", OFFICER),
    )
    said = []
    for number in range(45):
        on = day_of(days_after("2023-01-31", number))
        spoken = CASE.decide(CASE.fold(events), TICK, NOTED(on, on, SYSTEM))
        events = (*events, *spoken)
        said += [
            (str(on), type(item).__name__, getattr(item, "escalated_to", ""))
            for item in spoken
            if item.kind == "green-channel"  # type: ignore[attr-defined]  # a clock's event
        ]
    assert said == [
        ("2023-02-20", "DeadlineWarned", ""),
        ("2023-02-27", "DeadlineWarned", ""),
        ("2023-03-01", "DeadlineMissed", "3701"),
        ("2023-03-05", "DeadlineEscalated", "37"),
    ]
    assert CASE.fold(events).status is Status.OPEN, "no timer takes anybody out"


@rule("K6", "R71")
def test_eligibility_is_not_established_before_the_entry() -> None:
    events = then(
        way("verification"),
        (CONFIRM, "2023-08-05", VILLAGER),
        (CONFIRM, "2023-08-05", TOWNSMAN),
        (ENTER, "2023-08-05", OFFICER),
    )
    case(*events).when(eligible(holds=True), on="2023-08-04", by=OFFICER).refused("K6")


@rule("K6", "R72")
def test_an_approval_is_not_dated_before_the_eligibility_it_stands_on() -> None:
    events = then(
        in_channel("publicity"),
        (TELL, "2023-08-02", VILLAGER),
        (eligible(holds=True), "2023-08-20", OFFICER),
    )
    case(*events).when(approval(), on="2023-08-19", by=COMMITTEE).refused("K6")
    case(*events).when(approval(), on="2023-08-20", by=COMMITTEE).then_types(e.Approved)


@rule("R74")
def test_a_household_that_was_not_told_leaves_the_channel_by_no_door() -> None:
    found = then(in_channel("publicity"), (eligible(holds=True), "2023-08-12", OFFICER))
    case(*found).when(approval(), on="2023-08-12", by=COMMITTEE).refused(
        "R74", code="household-not-told"
    )
    unfit = then(in_channel("deliberation"), (eligible(holds=False), "2023-08-06", OFFICER))
    case(*unfit, make=NOTED).when(LEAVE, on="2023-08-06", by=OFFICER).refused("R74")


@rule("R30", "R73")
def test_the_channel_is_no_way_round_the_deliberation() -> None:
    unfit = then(
        in_channel("verification"),
        (TELL, "2023-08-03", VILLAGER),
        (eligible(holds=False), "2023-08-03", OFFICER),
    )
    case(*unfit, make=NOTED).when(LEAVE, on="2023-08-04", by=OFFICER).refused(
        "R30", code="not-deliberated"
    )


@rule("R71", "R73")
def test_who_was_found_eligible_and_is_then_voted_down_has_a_way_out() -> None:
    voted = (deliberation(Conclusion.DECLINE), "2023-08-05", VILLAGER)
    events = then(
        in_channel("deliberation", deliberation=voted),
        (TELL, "2023-08-05", VILLAGER),
        (eligible(holds=True), "2023-08-05", OFFICER),
    )
    case(*events, make=NOTED).when(LEAVE, on="2023-08-06", by=OFFICER).refused("R73")
    out = then(
        events, (eligible(holds=False), "2023-08-06", OFFICER), (LEAVE, "2023-08-06", OFFICER)
    )
    state = CASE.fold(out)
    assert state.status is Status.EXITED
    assert state.tracked, "at or below the line: followed (R33)"
    assert {kind: item.deadline.due_on for kind, item in state.clocks.items()} == {
        "tell-exit": date(2023, 8, 11),
        "follow-up": date(2023, 9, 6),
    }
    assert [item.step for item in to_do(state)] == ["tell-exit", "follow-up"]


# --- the queue ------------------------------------------------------------------------------------


@rule("R30")
def test_who_is_voted_down_waits_for_the_county_and_not_for_a_notice() -> None:
    voted = (deliberation(Conclusion.DECLINE), "2023-08-05", VILLAGER)
    items = to_do(CASE.fold(way("town-review", deliberation=voted)))
    assert [(item.step, item.levels[0].name) for item in items] == [("refusal", "COUNTY")]


# --- leads ----------------------------------------------------------------------------------------


@rule("R54", "K7")
def test_an_earlier_lead_after_the_verification_moves_only_the_clock_that_still_runs() -> None:
    events = then(way("verification"), (lead("2023-07-20", UUID(int=90)), "2023-08-04", OFFICER))
    due = {kind: item.deadline.due_on for kind, item in CASE.fold(events).clocks.items()}
    assert due == {"identify": date(2023, 8, 4)}


def post() -> c.PostNotice:
    return c.PostNotice(
        case_id=CASE_ID, number="公示2", objection_phone="12317", evidence=("b" * 64,)
    )


# --- the scope ------------------------------------------------------------------------------------


@rule("R21", "R22")
def test_urban_benefits_are_asked_about_and_not_assumed_away() -> None:
    urban = Member(member_id=CHILD, labour=Labour.NONE, hukou=Hukou.COLLECTIVE)
    facts = replace(FACTS, members=(FACTS.members[0], urban))
    asked = case(*way("officers"), make=context(household=facts))
    asked.when(verification(), on="2023-08-03", by=VILLAGER).refused(
        "R22", code="benefits-not-checked"
    )
    found = {"member_id": CHILD, "labour": "NONE", "hukou": "COLLECTIVE"}
    silent = verification(members=(VerifiedMember(**found),))
    asked = case(*way("officers"), make=context(household=facts))
    asked.when(silent, on="2023-08-03", by=VILLAGER).refused("R22", code="benefits-not-checked")
    said = verification(members=(VerifiedMember(**found, benefits=()),))
    asked = case(*way("officers"), make=context(household=facts))
    [event] = asked.when(said, on="2023-08-03", by=VILLAGER).then_types(e.Verified)
    assert isinstance(event, e.Verified)
    assert CHILD in event.counted


# --- names ----------------------------------------------------------------------------------------


@rule("R30")
def test_nobody_is_called_poor() -> None:
    """The line is no new poverty standard: whoever is below it is called a monitored household."""
    texts = [
        *CATEGORY_NAMES.values(),
        *(label for step in IDENTIFICATION.steps for label in step.label),
    ]
    below = way("deliberation")
    verified = CASE.fold(below).verified
    assert verified is not None
    texts += [text for ground in verified.advice.grounds for text in (ground.zh, ground.en)]
    assert texts
    assert not [text for text in texts if "贫困户" in text or "poor household" in text]
    assert {item.value for item in Suggestion} == {
        "OUT_OF_SCOPE",
        "UNSTABLE_EXIT",
        "MARGINAL_AT_RISK",
        "SEVERE_HARDSHIP",
        "NOT_IDENTIFY",
        "DELIBERATE",
        "TRACK",
    }
