"""Publicity, approval, refusal, announcement, entry, following (R7–R10, R30–R33, R43, R53–R67)."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.identification.domain import commands as c
from services.identification.domain import internal
from services.identification.domain.case_state import Status
from services.identification.domain.collection import Coping
from services.identification.domain.delegation import Held
from shared.contracts import identification as e
from shared.contracts.assessment import CopingMeans, Shock
from shared.contracts.identification_steps import Conclusion, Told
from shared.contracts.values import Benefit, Category, Gap, Hukou, Risk
from shared.kernel.principal import Principal, Role
from shared.policy.parameters import Parameters
from shared.testing.decider import rule
from tests.unit.identification.support import (
    CASE_ID,
    CHILD,
    COMMITTEE,
    FRESH,
    HEAD,
    NOTE,
    OFFICER,
    PHOTO,
    SAFE,
    TOWNSMAN,
    VILLAGER,
    approval,
    calm_verification,
    case,
    closing,
    context,
    deliberation,
    notice,
    refusal,
    verification,
    way,
)


def verified(command: c.VerifyHousehold) -> dict[str, Any]:
    return {"verification": (command, "2023-08-03", VILLAGER)}


def concluded(act: c.Deliberate) -> dict[str, Any]:
    return {"deliberation": (act, "2023-08-05", VILLAGER)}


AGAINST = concluded(deliberation(Conclusion.DECLINE))
CALM = verified(calm_verification())
OBJECTION = c.RaiseObjection(case_id=CASE_ID, objection="不符合条件")


# --- publicity ------------------------------------------------------------------------------------


@rule("R56", "K2")
@pytest.mark.parametrize("day", ["2023-08-06", "2023-08-07", "2023-08-11"])
def test_approval_waits_for_five_whole_days(day: str) -> None:
    posted = way("notice")
    case(*posted).when(approval(), on=day, by=COMMITTEE).refused("R56")
    case(*posted).when(closing(), on=day, by=VILLAGER).refused("R56")


@rule("R56", "K2")
def test_the_sixth_day_is_soon_enough() -> None:
    [event] = (
        case(*way("notice")).when(closing(), on="2023-08-12", by=VILLAGER).then_types(e.Publicized)
    )
    assert event == e.Publicized(
        on=date(2023, 8, 12), posted_on=date(2023, 8, 6), last_day=date(2023, 8, 11)
    )


@rule("R51")
def test_a_household_voted_down_is_not_posted() -> None:
    case(*way("town-review", **AGAINST)).when(notice(), on="2023-08-06", by=VILLAGER).refused(
        "R51", code="deliberated-against"
    )


@rule("R66")
def test_an_objection_suspends_until_it_is_dismissed() -> None:
    raised = case(*way("notice")).when(OBJECTION, on="2023-08-08", by=VILLAGER)
    objected = (*way("notice"), *raised.then_types(e.ObjectionRaised))
    case(*objected).when(closing(), on="2023-08-12", by=VILLAGER).refused("R66")
    answer = c.AnswerObjection(case_id=CASE_ID, objection_id=FRESH, upheld=False, answer="已核实")
    events = (
        case(*objected).when(answer, on="2023-08-09", by=TOWNSMAN).then_types(e.ObjectionAnswered)
    )
    answered = (*objected, *events)
    case(*answered).when(closing(), on="2023-08-12", by=VILLAGER).then_types(e.Publicized)
    case(*answered).when(answer, on="2023-08-09", by=TOWNSMAN).refused(code="not-found")


@rule("R66")
def test_an_objection_after_the_publicity_still_holds_the_approval() -> None:
    closed = way("publicity")
    raised = case(*closed).when(OBJECTION, on="2023-08-12", by=VILLAGER)
    objected = (*closed, *raised.then_types(e.ObjectionRaised))
    case(*objected).when(approval(), on="2023-08-12", by=COMMITTEE).refused("R66")


@rule("R66")
def test_an_objection_upheld_begins_again_and_posts_again() -> None:
    raised = case(*way("notice")).when(OBJECTION, on="2023-08-08", by=VILLAGER)
    objected = (*way("notice"), *raised.then_types(e.ObjectionRaised))
    answer = c.AnswerObjection(case_id=CASE_ID, objection_id=FRESH, upheld=True, answer="属实")
    events = (
        case(*objected).when(answer, on="2023-08-09", by=TOWNSMAN).then_types(e.ObjectionAnswered)
    )
    again = (*objected, *events)
    case(*again).when(closing(), on="2023-08-12", by=VILLAGER).refused("R51")
    case(*again).when(verification(), on="2023-08-10", by=VILLAGER).then_types(e.Verified)


@rule("R66")
def test_one_objects_to_what_hangs() -> None:
    case(*way("town-review")).when(OBJECTION, on="2023-08-06", by=VILLAGER).refused(
        "R66", code="nothing-posted"
    )


# --- approval -------------------------------------------------------------------------------------


def approve(*events: Any, note: bool = False, on: str = "2023-08-12", **changed: Any) -> Any:
    act = approval(**changed)
    return case(*events, make=context(note=note)).when(act, on=on, by=COMMITTEE)


@rule("R62", "R63")
def test_the_identification_date_is_the_approvals() -> None:
    [event] = approve(*way("publicity")).then_types(e.Approved)
    assert event.identified_on == date(2023, 8, 12)
    assert [(item.kind, item.due_on) for item in event.deadlines] == [
        ("national-entry", date(2023, 8, 22))
    ]
    assert "identified_on" not in c.Approve.model_fields


@rule("R6", "R53")
def test_an_authority_is_valid_on_the_day() -> None:
    approve(*way("publicity"), valid_until=date(2023, 8, 11)).refused(
        "R53", code="authority-not-valid"
    )
    officer = case(*way("publicity")).when(approval(), on="2023-08-12", by=OFFICER)
    officer.refused("R53", code="forbidden")


HELD = Held(NOTE, "章农委授〔2023〕1号", date(2023, 8, 1), date(2023, 8, 12), None)


@rule("R53")
@pytest.mark.parametrize(
    ("held", "holds"),
    [
        (HELD, True),
        (replace(HELD, valid_until=date(2023, 8, 11)), False),
        (replace(HELD, valid_from=date(2023, 8, 13), valid_until=date(2023, 9, 1)), False),
        (replace(HELD, revoked_on=date(2023, 8, 12)), False),
        (replace(HELD, revoked_on=date(2023, 8, 13)), True),
        (replace(HELD, document="章农委授〔2023〕2号"), False),
    ],
)
def test_a_delegation_is_the_committees_to_that_person_by_that_document(
    held: Held, holds: bool
) -> None:
    act = approval(authority="DELEGATION", document=HELD.document)
    asked = case(*way("publicity"), make=context(delegations=(held,)))
    tried = asked.when(act, on="2023-08-12", by=OFFICER)
    if not holds:
        tried.refused("R53", code="forbidden")
        return
    [event] = tried.then_types(e.Approved)
    assert isinstance(event, e.Approved)
    assert (event.approved_by, event.delegation_id) == ("person:county", NOTE)


@rule("R53")
def test_nobody_approves_their_own_work() -> None:
    both = Principal("person:town", frozenset({Role.COMMITTEE}), "370114")
    case(*way("publicity")).when(approval(), on="2023-08-12", by=both).refused("R53")


@rule("K5", "R54")
def test_the_fifteenth_day_is_in_time_and_the_sixteenth_needs_a_reason() -> None:
    """The lead is of 08-01: due 08-16 (K1)."""
    [event] = approve(*way("publicity"), on="2023-08-16").then_types(e.Approved)
    assert event.late_reason is None
    approve(*way("publicity"), on="2023-08-17").refused("R54", code="late-reason-required")
    [late] = approve(*way("publicity"), on="2023-08-17", late_reason="OBJECTION").then_types(
        e.Approved
    )
    assert late.late_reason == "OBJECTION"


@rule("R66")
def test_what_is_approved_is_what_hung() -> None:
    events = way("publicity", **verified(verification(20_000, shock=Shock.ILLNESS)))
    approve(*events, category=Category.SEVERE_HARDSHIP).refused(
        "R66", code="category-not-publicized"
    )


@rule("R7", "R8", "R9", "R10")
@pytest.mark.parametrize(
    ("found", "category", "rule_id"),
    [
        (verification(), Category.UNSTABLE_EXIT, "R8"),
        (verification(20_000, shock=Shock.ILLNESS), Category.MARGINAL_AT_RISK, "R9"),
        (verification(), Category.SEVERE_HARDSHIP, "R10"),
        (verification(20_000), Category.SEVERE_HARDSHIP, "R10"),
    ],
)
def test_the_category_fits_history_and_figures(
    found: c.VerifyHousehold, category: Category, rule_id: str
) -> None:
    events = way("publicity", **verified(found), **concluded(deliberation(category=category)))
    approve(*events, category=category).refused(rule_id, code="category-does-not-fit")


@rule("R15")
def test_departing_from_the_advice_needs_a_reason_and_shows() -> None:
    stable = verified(calm_verification(risks=(Risk.ILLNESS,)))
    judged = way("publicity", **stable)
    [event] = approve(*judged).then_types(e.Approved)
    assert not event.departs_from_advice, "the table left it to the deliberation"
    well = way("publicity", **verified(calm_verification()))
    approve(*well).refused("R15", code="departure-reason-required")
    [event] = approve(*well, note=True).then_types(e.Approved)
    assert event.departs_from_advice


@rule("R21", "R22")
def test_nobody_out_of_scope_is_identified() -> None:
    urban = [
        {
            "member_id": who,
            "labour": "ORDINARY",
            "hukou": Hukou.URBAN,
            "benefits": (Benefit.EMPLOYEE_PENSION,),
        }
        for who in (HEAD, CHILD)
    ]
    events = way("publicity", **verified(verification(members=urban)))
    approve(*events, note=True).refused("R21", code="out-of-scope")


@rule("R27")
def test_there_is_no_room_for_a_quota() -> None:
    """Neither the approval nor any parameter knows a number of households (R27)."""
    names = {*c.Approve.model_fields, *Parameters.model_fields}
    assert not [name for name in names if any(w in name for w in ("quota", "cap", "limit", "rank"))]


# --- refusal --------------------------------------------------------------------------------------


def decline(*events: Any, reason: str, note: bool = False, on: str = "2023-08-06") -> Any:
    return case(*events, make=context(note=note)).when(refusal(reason), on=on, by=OFFICER)


@rule("R30")
def test_nobody_is_turned_down_without_a_deliberation() -> None:
    decline(*way("verification", **CALM), reason="BELOW_LINE_STABLE").refused("R30")


@rule("R30", "R67", "R33")
def test_low_but_stable_is_declined_told_and_followed() -> None:
    declined = decline(*way("deliberation", **CALM, **AGAINST), reason="BELOW_LINE_STABLE")
    [event] = declined.then_types(e.NotIdentified)
    assert event.tracked
    assert not event.departs_from_advice
    assert [(item.kind, item.due_on) for item in event.deadlines] == [
        ("tell-applicant", date(2023, 8, 11)),
        ("follow-up", date(2023, 9, 6)),
    ]


@rule("R43", "R13")
def test_dibao_is_no_reason() -> None:
    decline(*way("deliberation", **AGAINST), reason="HAS_DIBAO").refused("R43")


@rule("R27")
def test_no_places_left_is_no_reason() -> None:
    decline(*way("deliberation", **AGAINST), reason="NO_PLACES_LEFT").refused("R27")


@rule("R30", "R32", "R21")
@pytest.mark.parametrize(
    ("reason", "rule_id"),
    [
        ("BELOW_LINE_STABLE", "R30"),
        ("ABOVE_LINE_NO_HARDSHIP", "R32"),
        ("CAN_COPE", "R32"),
        ("OUT_OF_SCOPE", "R21"),
        ("URBAN_HUKOU", "R21"),
    ],
)
def test_a_reason_must_be_borne_out(reason: str, rule_id: str) -> None:
    decline(*way("deliberation", **AGAINST), reason=reason).refused(
        rule_id, code="reason-not-borne-out"
    )


@rule("R32", "R33")
def test_coping_needs_evidence_and_is_followed_while_a_gap_is_open() -> None:
    gap = {**SAFE, Gap.HOUSING: True}
    able = Coping(can_cope=True, means=(CopingMeans.SAVINGS,), evidence=(PHOTO,))
    told = Coping(can_cope=True, means=(CopingMeans.SAVINGS,))
    for coping, holds in ((told, False), (able, True)):
        found = verified(calm_verification(20_000, gaps=gap, coping=coping))
        asked = decline(*way("deliberation", **found, **AGAINST), reason="CAN_COPE")
        if not holds:
            asked.refused("R32", code="reason-not-borne-out")
            continue
        [event] = asked.then_types(e.NotIdentified)
        assert event.tracked


@rule("R31")
def test_deliberated_against_needs_such_a_deliberation_and_a_reason() -> None:
    decline(*way("deliberation"), reason="DELIBERATED_AGAINST").refused("R31")
    decline(*way("deliberation", **AGAINST), reason="DELIBERATED_AGAINST").refused(
        "R15", code="departure-reason-required"
    )
    against = way("deliberation", **AGAINST)
    [event] = decline(*against, reason="DELIBERATED_AGAINST", note=True).then_types(e.NotIdentified)
    assert event.departs_from_advice


def declined() -> tuple[Any, ...]:
    events = way("deliberation", **CALM, **AGAINST)
    return (*events, *decline(*events, reason="BELOW_LINE_STABLE").result)


@rule("R67")
def test_the_applicant_is_told_once_and_in_time() -> None:
    tell = c.TellHousehold(case_id=CASE_ID, about=Told.REFUSAL)
    case(*declined()).when(tell, on="2023-08-12", by=VILLAGER).refused(
        "R67", code="late-reason-required"
    )
    told = case(*declined()).when(tell, on="2023-08-11", by=VILLAGER).then_types(e.HouseholdTold)
    case(*declined(), *told).when(tell, on="2023-08-11", by=VILLAGER).refused("R67")
    case(*way("approval")).when(tell, on="2023-08-13", by=VILLAGER).refused("R67")


@rule("R33")
def test_following_goes_on_month_by_month_until_the_gap_is_closed() -> None:
    look = c.FollowUp(case_id=CASE_ID, open_gaps=(Gap.SAFE_WATER,))
    events = case(*declined()).when(look, on="2023-09-06", by=VILLAGER).then_types(e.FollowedUp)
    state = case(*declined(), *events).aggregate.fold([*declined(), *events])
    assert state.clocks["follow-up"].deadline.due_on == date(2023, 10, 6)
    done = c.FollowUp(case_id=CASE_ID)
    over = case(*declined(), *events).when(done, on="2023-10-01", by=VILLAGER)
    ended = over.then_types(e.FollowedUp)
    case(*declined(), *events, *ended).when(done, on="2023-10-02", by=VILLAGER).refused("R33")


# --- after ----------------------------------------------------------------------------------------


@rule("R63")
def test_entry_is_due_in_ten_days() -> None:
    entry = c.RecordNationalEntry(case_id=CASE_ID, receipt="GJ-1")
    case(*way("publicity")).when(entry, on="2023-08-12", by=OFFICER).refused("R51")
    case(*way("approval")).when(entry, on="2023-08-23", by=OFFICER).refused("R63")
    case(*way("approval")).when(entry, on="2023-08-22", by=OFFICER).then_types(
        e.NationalEntryRecorded
    )


@rule("R91", "R105", "R106")
def test_elimination_closes_the_case_and_keeps_it() -> None:
    end = internal.EndMonitoring(
        case_id=CASE_ID, eliminated_on=date(2024, 3, 1), elimination_id=FRESH
    )
    ended = case(*way("approval")).when(end, on="2024-03-01").then_types(e.MonitoringEnded)
    state = case().aggregate.fold([*way("approval"), *ended])
    assert state.status is Status.ELIMINATED
    assert state.identified_on == date(2023, 8, 12)
    case(*way("approval"), *ended).when(end, on="2024-03-01").then()
    case(*way("publicity")).when(end, on="2024-03-01").refused("R91")
