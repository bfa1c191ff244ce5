"""A work order's own rules, pure: given its events, when a command, then events or a refusal."""

from typing import Any
from uuid import UUID

import pytest

from services.alerts.domain import commands as c
from services.alerts.domain.context import plain
from services.alerts.domain.order import ORDER, lead_id, order_id
from services.alerts.domain.order_state import Order
from shared.contracts.alerts import (
    DeadlineMissed,
    DeadlineWarned,
    OrderAccepted,
    OrderAssigned,
    OrderClosed,
    OrderExtended,
    OrderHandled,
    OrderKind,
    OrderRated,
    OrderResult,
    OrderReturned,
    OrderSupervised,
    Rating,
    SupervisionGround,
)
from shared.kernel.decider import Tick
from shared.kernel.document_number import check_character
from shared.kernel.event import Event
from shared.kernel.principal import Principal, Role
from shared.policy.working_days import UnknownCalendarYear
from shared.testing.decider import Given, given, rule

NUMBER = "GD-0001"
ORDER_ID = order_id("37", NUMBER)
COUNTY = Principal("county", frozenset({Role.OFFICER}), "370114")
TOWN = Principal("town", frozenset({Role.OFFICER}), "370114001")
OTHER_TOWN = Principal("other", frozenset({Role.OFFICER}), "370114002")


def call(**changes: Any) -> c.AcceptOrder:
    fields: dict[str, Any] = {
        "order_no": NUMBER,
        "kind": "APPLY",
        "called_on": "2023-08-01",
        "division": "370114001",
        "caller": {"name": "王"},
        "text": "困难",
    }
    return c.AcceptOrder(**(fields | changes))


def after(*events: Event) -> Given[Order]:
    return given(ORDER, *events, context=plain)


def accepted(**changes: Any) -> OrderAccepted:
    (event,) = after().when(call(**changes), on="2023-08-01").then_types(OrderAccepted)
    assert isinstance(event, OrderAccepted)
    return event


def decided(history: list[Event], command: c.OrderAct, on: str, by: Principal = COUNTY) -> Event:
    found = after(*history).when(command, on=on, by=by)
    assert found.result is not None, found.refusal
    (event,) = found.result
    return event


def assign(to: str = "370114001", **changes: Any) -> c.AssignOrder:
    return c.AssignOrder(order_id=ORDER_ID, assignee=to, **changes)


def handle() -> c.HandleOrder:
    return c.HandleOrder(order_id=ORDER_ID, result=OrderResult.RESOLVED, answer="已办")


def assigned(on: str = "2023-08-01") -> list[Event]:
    first = accepted()
    return [first, decided([first], assign(), on)]


def closed() -> list[Event]:
    history = assigned()
    history.append(decided(history, handle(), "2023-08-03", TOWN))
    history.append(decided(history, c.CloseOrder(order_id=ORDER_ID), "2023-08-03"))
    return history


def rate(rating: Rating) -> c.RateOrder:
    return c.RateOrder(order_id=ORDER_ID, rating=rating)


@rule("R116", "R117")
def test_an_application_is_dated_at_the_call_and_handled_in_five_working_days() -> None:
    event = accepted()
    (clock,) = event.deadlines
    assert event.on.isoformat() == "2023-08-01"
    assert event.lead_id == lead_id("37", NUMBER)
    assert clock.due_on.isoformat() == "2023-08-08"
    assert [day.isoformat() for day in clock.warn_on] == ["2023-08-07"]


@rule("R65", "R116")
def test_a_number_that_is_a_persons_is_refused() -> None:
    """It would stand in events for ever. A number made of a place, its day and a count is none."""
    found = after().when(call(order_no="A-11010519491231002X"), on="2023-08-01").refused("R65")
    assert (found.code, found.field) == ("personal-number", "order_no")
    passing = "37011420230801000" + check_character("37011420230801000")
    assert accepted(order_no=passing).order_no == passing


@rule("R117", "K1")
def test_make_up_days_are_working_days() -> None:
    """National Day 2023: 29 September to 6 October off, 7 and 8 October (a weekend) made up."""
    (clock,) = accepted(called_on="2023-09-27").deadlines
    assert clock.due_on.isoformat() == "2023-10-10"
    assert clock.warn_on[0].isoformat() == "2023-10-09"


@rule("R117")
def test_a_year_without_a_published_calendar_is_refused_visibly() -> None:
    found = after().when(call(called_on="2031-03-03"), on="2031-03-03")
    assert isinstance(found.refusal, UnknownCalendarYear)


@rule("R118")
@pytest.mark.parametrize(
    ("kind", "asked", "kept"), [("REPORT", False, True), ("APPLY", True, True)]
)
def test_a_reporter_is_always_confidential(kind: str, asked: bool, kept: bool) -> None:
    assert accepted(kind=kind, confidential=asked).confidential is kept


@rule("R116")
def test_a_question_makes_no_lead() -> None:
    assert accepted(kind=OrderKind.CONSULT).lead_id is None


@rule("R116")
def test_a_number_is_one_order() -> None:
    after(accepted()).when(call(text="别的"), on="2023-08-01").refused("R116")


@rule("R115")
def test_an_order_goes_down_and_never_sideways() -> None:
    history: list[Event] = [accepted()]
    history.append(decided(history, assign("370114"), "2023-08-01", COUNTY))
    history.append(decided(history, assign("370114001"), "2023-08-01", COUNTY))
    sideways = after(*history).when(assign("370114002"), on="2023-08-01", by=COUNTY)
    sideways.refused("R115", code="assigned-already")
    outside = after(accepted()).when(assign("370115001"), on="2023-08-01", by=COUNTY)
    outside.refused("R1", code="forbidden")


@rule("R115")
def test_only_the_unit_it_was_assigned_to_handles_it() -> None:
    after(*assigned()).when(handle(), on="2023-08-02", by=OTHER_TOWN).refused("R1")


@rule("R115", "K6")
def test_no_step_lies_before_the_one_it_follows() -> None:
    history = assigned(on="2023-08-03")
    early = after(*history).when(handle(), on="2023-08-02", entered_on="2023-08-04", by=TOWN)
    early.refused("R115", code="before-the-step-before")


@rule("R117")
def test_a_return_on_the_last_day_is_in_time_and_a_day_later_is_not() -> None:
    back = c.ReturnOrder(order_id=ORDER_ID, reason="NOT_OUR_DUTY")
    after(*assigned()).when(back, on="2023-08-03", by=TOWN).then_types(OrderReturned)
    late = after(*assigned()).when(back, on="2023-08-04", by=TOWN)
    late.refused("R117", code="return-too-late")


@rule("R117")
def test_one_extension_of_ten_working_days_from_the_due_date() -> None:
    more = c.ExtendOrder(order_id=ORDER_ID, reason="EVIDENCE_PENDING")
    history = assigned()
    history.append(decided(history, more, "2023-08-08"))
    extended = history[-1]
    assert isinstance(extended, OrderExtended)
    assert extended.deadlines[0].due_on.isoformat() == "2023-08-22"
    after(*history).when(more, on="2023-08-09").refused("R117", code="extended-already")
    after(*assigned()).when(more, on="2023-08-09").refused("R117", code="extension-too-late")


@rule("R117")
def test_the_cards_are_said_once_each() -> None:
    tick = Tick(category="order", stream_id=ORDER_ID)
    history = assigned()
    (yellow,) = after(*history).when(tick, on="2023-08-07").then_types(DeadlineWarned)
    history.append(yellow)
    assert ORDER.fold(history).card == "YELLOW"
    (red,) = after(*history).when(tick, on="2023-08-09").then_types(DeadlineMissed)
    history.append(red)
    assert ORDER.fold(history).card == "RED"
    after(*history).when(tick, on="2023-08-20").then()


@rule("R117")
def test_handled_late_is_handled_and_marked() -> None:
    late = decided(assigned(), handle(), "2023-08-09", TOWN)
    assert isinstance(late, OrderHandled)
    assert late.late


@rule("R115")
def test_a_satisfied_caller_ends_it() -> None:
    state = after(*closed()).when(rate(Rating.FAIRLY_SATISFIED), on="2023-08-04")
    state.then_types(OrderRated)
    assert ORDER.fold([*closed(), *(state.result or [])]).status == "RATED"


@rule("R117")
def test_the_first_unsatisfied_rating_starts_a_second_handling() -> None:
    history = closed()
    history.append(decided(history, rate(Rating.UNSATISFIED), "2023-08-04"))
    state = ORDER.fold(history)
    assert (state.status, state.handle_by.isoformat()) == ("ASSIGNED", "2023-08-11")


@rule("R117")
def test_twice_unsatisfied_is_supervised() -> None:
    history = closed()
    history.append(decided(history, rate(Rating.UNSATISFIED), "2023-08-04"))
    history.append(decided(history, handle(), "2023-08-07", TOWN))
    history.append(decided(history, c.CloseOrder(order_id=ORDER_ID), "2023-08-07"))
    history.append(decided(history, rate(Rating.UNSATISFIED), "2023-08-08"))
    assert ORDER.fold(history).status == "DISSATISFIED"
    press = c.SuperviseOrder(order_id=ORDER_ID, ground=SupervisionGround.UNSATISFIED, note="重办")
    after(*history).when(press, on="2023-08-09").then_types(OrderSupervised)
    overdue = press.model_copy(update={"ground": SupervisionGround.OVERDUE})
    after(*history).when(overdue, on="2023-08-09").refused("R117")


def test_the_stream_follows_from_the_number() -> None:
    assert ORDER_ID == order_id("37", NUMBER) != order_id("37", "GD-0002")
    assert order_id("3701", NUMBER) != ORDER_ID
    assert isinstance(ORDER_ID, UUID)


def test_every_event_of_an_order_is_folded() -> None:
    """A history of all stages folds to its end, whatever order the clocks spoke in."""
    history = closed()
    types = {type(event) for event in history}
    assert {OrderAccepted, OrderAssigned, OrderHandled, OrderClosed} <= types
    assert ORDER.fold(history).status == "CLOSED"
