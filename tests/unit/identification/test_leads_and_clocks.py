"""Leads, clocks, corrections and the green channel (R25, R54, R64, R68–R73, R105, R107, K3)."""

from datetime import date
from uuid import UUID

import pytest

from services.identification.domain import commands as c
from services.identification.domain import internal
from services.identification.domain.case import CASE
from services.identification.domain.case_state import Status
from services.identification.domain.clocks import ESCALATES_TO
from services.identification.domain.work import priority, to_do
from shared.contracts import identification as e
from shared.contracts.identification_steps import Told
from shared.contracts.values import Risk
from shared.kernel.decider import Tick
from shared.kernel.event import Event
from shared.testing.decider import rule
from tests.unit.identification.support import (
    CASE_ID,
    COMMITTEE,
    LEAD,
    NOTE,
    OFFICER,
    SYSTEM,
    TOWNSMAN,
    VILLAGER,
    approval,
    case,
    context,
    lead,
    verification,
    way,
)

OTHER = UUID(int=33)
TICK = Tick(category="case", stream_id=CASE_ID)


# --- leads ----------------------------------------------------------------------------------------


@rule("R54", "R55", "K1", "K7")
def test_the_first_lead_starts_both_clocks_from_its_own_day() -> None:
    [opened] = way("opened")
    assert isinstance(opened, e.CaseOpened)
    assert [(item.kind, item.due_on) for item in opened.deadlines] == [
        ("verify", date(2023, 8, 4)),
        ("identify", date(2023, 8, 16)),
    ]
    assert opened.policy == "37/2023-1"
    identify = opened.deadlines[1]
    assert identify.explain() == "15d from 2023-08-01, policy 37/2023-1 → 2023-08-16"


@rule("R25")
def test_a_second_lead_joins_and_the_same_one_is_heard_once() -> None:
    opened = way("opened")
    case(*opened).when(lead(), on="2023-08-02", by=SYSTEM).then()
    [joined] = (
        case(*opened)
        .when(lead("2023-08-02", OTHER, Risk.SCHOOLING), on="2023-08-02", by=SYSTEM)
        .then_types(e.LeadJoined)
    )
    assert isinstance(joined, e.LeadJoined)
    assert joined.deadlines == ()
    state = CASE.fold([*opened, joined])
    assert state.leads == {LEAD, OTHER}
    assert state.risks == (Risk.ILLNESS, Risk.SCHOOLING)


@rule("R54")
def test_an_earlier_lead_moves_the_start() -> None:
    [joined] = (
        case(*way("verification"))
        .when(lead("2023-07-30", OTHER), on="2023-08-03", by=SYSTEM)
        .then_types(e.LeadJoined)
    )
    assert isinstance(joined, e.LeadJoined)
    assert [(item.kind, item.due_on) for item in joined.deadlines] == [
        ("identify", date(2023, 8, 14))
    ]


@rule("R42", "R77")
def test_a_lead_about_a_monitored_household_adds_its_risk() -> None:
    [added] = (
        case(*way("approval"))
        .when(lead("2023-09-01", OTHER, Risk.ACCIDENT), on="2023-09-01", by=SYSTEM)
        .then_types(e.RiskAdded)
    )
    assert isinstance(added, e.RiskAdded)
    assert added.risks == (Risk.ACCIDENT,)


@rule("R105")
def test_a_closed_case_takes_no_new_lead() -> None:
    ended = e.MonitoringEnded(eliminated_on=date(2024, 3, 1), elimination_id=NOTE)
    case(*way("approval"), ended).when(
        lead("2024-04-01", OTHER), on="2024-04-01", by=SYSTEM
    ).refused("R105")


# --- clocks ---------------------------------------------------------------------------------------


def spoken(on: str, *events: Event) -> list[Event]:
    given = case(*events).when(TICK, on=on, by=SYSTEM)
    assert given.refusal is None
    return given.result or []


@rule("R54", "R55")
def test_each_warning_and_each_miss_once() -> None:
    events = [*way("opened")]
    said: list[tuple[str, str]] = []
    for day in range(1, 26):
        on = f"2023-08-{day:02}"
        for event in spoken(on, *events):
            assert isinstance(event, e.DeadlineWarned | e.DeadlineMissed | e.DeadlineEscalated)
            said.append((on[8:], f"{type(event).__name__[8:]} {event.kind}"))
            events.append(event)
    assert said == [
        ("05", "Missed verify"),
        ("09", "Escalated verify"),
        ("11", "Warned identify"),
        ("14", "Escalated verify"),
        ("14", "Warned identify"),
        ("16", "Warned identify"),
        ("17", "Missed identify"),
        ("21", "Escalated identify"),
    ]


@rule("R54")
def test_a_clock_that_slept_says_everything_it_missed() -> None:
    events = spoken("2023-09-01", *way("opened"))
    assert [type(event).__name__ for event in events] == [
        "DeadlineMissed",
        "DeadlineEscalated",
        "DeadlineEscalated",
        "DeadlineWarned",
        "DeadlineWarned",
        "DeadlineWarned",
        "DeadlineMissed",
        "DeadlineEscalated",
    ]
    assert spoken("2023-09-02", *way("opened"), *events) == []


@rule("R54")
def test_a_miss_goes_to_the_level_above_and_then_level_by_level_higher() -> None:
    missed = {
        event.kind: event.escalated_to
        for event in spoken("2023-09-01", *way("opened"))
        if isinstance(event, e.DeadlineMissed)
    }
    assert missed == {"verify": "370114", "identify": "3701"}
    higher = [
        (event.kind, str(event.on), event.escalated_to)
        for event in spoken("2023-09-01", *way("opened"))
        if isinstance(event, e.DeadlineEscalated)
    ]
    assert higher == [
        ("verify", "2023-08-09", "3701"),
        ("verify", "2023-08-14", "37"),
        ("identify", "2023-08-21", "37"),
    ]
    assert set(ESCALATES_TO) >= {"verify", "identify", "national-entry", "green-channel"}


@rule("R54", "R71")
def test_a_clock_decides_nothing() -> None:
    """However late, a case stays where it is (no timer approves, refuses or exits)."""
    for events in (way("opened"), way("publicity"), channel()):
        said = spoken("2030-01-01", *events)
        after = CASE.fold([*events, *said])
        before = CASE.fold(events)
        assert (after.status, after.done, after.channel) == (
            before.status,
            before.done,
            before.channel,
        )


@rule("R55")
def test_an_act_done_stops_its_clock() -> None:
    assert set(CASE.fold(way("verification")).clocks) == {"identify"}
    assert set(CASE.fold(way("approval")).clocks) == {"national-entry"}


# --- corrections ----------------------------------------------------------------------------------


@rule("R107", "R108")
def test_a_rollback_gives_back_the_earlier_state_and_its_clocks() -> None:
    correct = internal.Correct(stream_id=CASE_ID, correction_id=OTHER, to_version=4)
    rolled = case(*way("approval")).when(correct, on="2023-09-01", by=SYSTEM)
    events = rolled.then_types(e.RolledBack)
    state = CASE.fold([*way("approval"), *events])
    assert state == CASE.fold(way("verification"))


@rule("R107")
def test_a_purge_closes_the_case_and_erases_nothing() -> None:
    correct = internal.Correct(stream_id=CASE_ID, correction_id=OTHER)
    events = case(*way("approval")).when(correct, on="2023-09-01", by=SYSTEM).then_types(e.Purged)
    state = CASE.fold([*way("approval"), *events])
    assert state.status is Status.PURGED
    assert state.verified is not None
    assert to_do(state) == []


@rule("R107")
def test_nobody_but_the_gates_corrects() -> None:
    assert not internal.Correct.permission.allows(OFFICER)
    assert not internal.Correct.permission.allows(COMMITTEE)


# --- the green channel ----------------------------------------------------------------------------

CONFIRM = c.ConfirmGreenChannel(case_id=CASE_ID, cause=Risk.DISASTER)
TELL = c.TellHousehold(case_id=CASE_ID, about=Told.CHANNEL_ENTRY)
ENTER = c.EnterGreenChannel(case_id=CASE_ID, cause=Risk.DISASTER, facts="房屋烧毁")


def confirmed() -> tuple[Event, ...]:
    events = way("officers")
    for who in (VILLAGER, TOWNSMAN):
        made = case(*events).when(CONFIRM, on="2023-08-01", by=who)
        events = (*events, *made.then_types(e.GreenChannelConfirmed))
    return events


def entered() -> tuple[Event, ...]:
    events = confirmed()
    made = case(*events).when(ENTER, on="2023-08-01", by=OFFICER)
    return (*events, *made.then_types(e.GreenChannelEntered))


def channel() -> tuple[Event, ...]:
    """Entered on the first day, and the household told."""
    events = entered()
    told = case(*events).when(TELL, on="2023-08-01", by=VILLAGER)
    return (*events, *told.then_types(e.HouseholdTold))


def in_channel_until(step: str) -> tuple[Event, ...]:
    """The straight way to ``step`` with the channel's entry on the first day."""
    events = way(step)
    return (*events[:2], *channel()[2:], *events[2:])


@rule("R69")
def test_village_and_town_confirm_before_the_county_enters() -> None:
    case(*way("officers")).when(ENTER, on="2023-08-01", by=OFFICER).refused("R69")
    case(*confirmed()).when(CONFIRM, on="2023-08-01", by=TOWNSMAN).refused(
        "R69", code="already-done"
    )
    case(*channel()).when(ENTER, on="2023-08-02", by=OFFICER).refused("R69", code="already-done")


@rule("R68")
def test_the_cause_is_sudden() -> None:
    slow = CONFIRM.model_copy(update={"cause": Risk.UNSTABLE_EMPLOYMENT})
    case(*way("officers")).when(slow, on="2023-08-01", by=VILLAGER).refused("R68")


@rule("R71", "R72", "K3")
def test_the_month_replaces_the_fifteen_days() -> None:
    due = {kind: item.deadline.due_on for kind, item in CASE.fold(entered()).clocks.items()}
    assert due == {
        "verify": date(2023, 8, 4),
        "identify": date(2023, 9, 1),
        "green-channel": date(2023, 9, 1),
        "tell-entry": date(2023, 8, 6),
    }


VERIFY = c.VerifyGreenChannel(case_id=CASE_ID, eligible=True)


@rule("R72", "R64")
def test_from_the_channel_all_steps_are_done_and_its_day_is_the_date() -> None:
    events = in_channel_until("publicity")
    case(*events).when(approval(), on="2023-08-12", by=COMMITTEE).refused("R72")
    verified = (
        case(*events).when(VERIFY, on="2023-08-12", by=OFFICER).then_types(e.GreenChannelVerified)
    )
    [event] = (
        case(*events, *verified)
        .when(approval(), on="2023-08-12", by=COMMITTEE)
        .then_types(e.Approved)
    )
    assert isinstance(event, e.Approved)
    assert (event.on, event.identified_on) == (date(2023, 8, 12), date(2023, 8, 1))


@rule("R71")
def test_eligibility_rests_on_a_verification() -> None:
    case(*channel()).when(VERIFY, on="2023-08-02", by=OFFICER).refused("R71", code="out-of-order")


@rule("R73")
def test_the_exit_is_noted_and_leaves_no_measure_running() -> None:
    out = c.ExitGreenChannel(case_id=CASE_ID)
    events = in_channel_until("deliberation")
    case(*events).when(out, on="2023-08-05", by=OFFICER).refused("R73", code="not-found-ineligible")
    ineligible = VERIFY.model_copy(update={"eligible": False})
    noted = case(*events, make=context(note=True)).when(ineligible, on="2023-08-05", by=OFFICER)
    found = (*events, *noted.then_types(e.GreenChannelVerified))
    case(*found).when(out, on="2023-08-05", by=OFFICER).refused("R73", code="note-required")
    started = internal.NoteMeasure(case_id=CASE_ID, measure_id=OTHER, running=True)
    running = case(*found).when(started, on="2023-08-05", by=SYSTEM).then_types(e.MeasureNoted)
    busy = case(*found, *running, make=context(note=True))
    busy.when(out, on="2023-08-05", by=OFFICER).refused("R73", code="measures-running")
    stopped = started.model_copy(update={"running": False})
    over = case(*found, *running).when(stopped, on="2023-08-05", by=SYSTEM)
    idle = (*found, *running, *over.then_types(e.MeasureNoted))
    left = case(*idle, make=context(note=True)).when(out, on="2023-08-05", by=OFFICER)
    state = CASE.fold([*idle, *left.then_types(e.GreenChannelExited)])
    assert state.status is Status.EXITED
    assert [item.step for item in to_do(state)] == ["tell-exit", "follow-up"]


@rule("R74")
def test_the_household_is_told_of_the_channel() -> None:
    tell = c.TellHousehold(case_id=CASE_ID, about=Told.CHANNEL_ENTRY)
    case(*confirmed()).when(tell, on="2023-08-01", by=VILLAGER).refused("R74")
    assert "tell-entry" in [item.step for item in to_do(CASE.fold(entered()))]
    told = case(*entered()).when(tell, on="2023-08-02", by=VILLAGER).then_types(e.HouseholdTold)
    state = CASE.fold([*entered(), *told])
    assert "tell-entry" not in [item.step for item in to_do(state)]


@rule("R75")
def test_a_household_in_the_channel_is_not_identified() -> None:
    state = CASE.fold(channel())
    assert (state.status, state.category, state.identified_on) == (Status.OPEN, None, None)


# --- the queue ------------------------------------------------------------------------------------


@rule("R51", "R57")
@pytest.mark.parametrize(
    ("step", "open_steps"),
    [
        ("opened", ["officers"]),
        ("officers", ["authorization", "verification"]),
        ("authorization", ["verification", "comparison"]),
        ("verification", ["comparison", "deliberation"]),
        ("deliberation", ["town-review"]),
        ("notice", ["publicity"]),
        ("publicity", ["approval"]),
        ("approval", ["announcement", "national-entry"]),
    ],
)
def test_what_is_to_do(step: str, open_steps: list[str]) -> None:
    assert [item.step for item in to_do(CASE.fold(way(step)))] == open_steps


@rule("R113", "R31")
def test_what_comes_first() -> None:
    assert priority(CASE.fold(way("opened"))) == 3
    assert priority(CASE.fold(way("verification"))) == 2
    assert priority(CASE.fold(channel())) == 1
    destitute = (verification(1_000), "2023-08-03", VILLAGER)
    assert priority(CASE.fold(way("verification", verification=destitute))) == 1
