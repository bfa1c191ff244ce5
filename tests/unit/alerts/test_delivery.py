"""How long a message is tried, and what it says."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.domain.delivery import (
    FOR,
    LONGEST_PAUSE,
    TYPES,
    Attempt,
    message,
    next_try,
)
from services.alerts.domain.order_state import Order
from shared.contracts import alerts as events
from shared.contracts.alerts import OrderKind
from shared.contracts.registry import find
from shared.kernel.event import Metadata, Recorded
from shared.kernel.ids import new_id
from shared.testing.builders import example
from shared.testing.decider import rule

FIRST = datetime(2026, 11, 25, 2, tzinfo=UTC)
FAILED = Attempt(FIRST, 500)


def tries(jitter: float, status: int | None = 500) -> list[datetime]:
    """Every try of a message that never gets through."""
    made, number = [FIRST], 1
    while (
        again := next_try(FIRST, number, Attempt(made[-1], status, "timeout"), jitter)
    ) is not None:
        made.append(again)
        number += 1
    return made


@given(st.floats(0, 1))
def test_it_is_tried_for_three_days_to_the_end_with_growing_pauses(jitter: float) -> None:
    made = tries(jitter)
    assert made[-1] == FIRST + FOR
    pauses = [after - before for before, after in pairwise(made)]
    assert timedelta(seconds=4) <= pauses[0] <= timedelta(seconds=6)
    assert pauses[:-1] == sorted(pauses[:-1])
    assert max(pauses) <= LONGEST_PAUSE * 1.2
    assert 15 <= len(made) <= 25


def test_what_failed_together_does_not_come_back_together() -> None:
    assert next_try(FIRST, 5, FAILED, 0.0) != next_try(FIRST, 5, FAILED, 1.0)


def test_the_receiver_may_ask_for_time_but_not_for_ever() -> None:
    asked = Attempt(FIRST, 503, retry_after=timedelta(hours=1))
    assert next_try(FIRST, 1, asked, 0.5) == FIRST + timedelta(hours=1)
    greedy = Attempt(FIRST, 503, retry_after=timedelta(days=30))
    assert next_try(FIRST, 1, greedy, 0.5) == FIRST + LONGEST_PAUSE


def test_one_who_wants_no_more_is_not_asked_again() -> None:
    assert tries(0.5, status=410) == [FIRST]


@pytest.mark.parametrize(("status", "delivered"), [(200, True), (204, True), (302, False)])
def test_only_a_2xx_is_a_delivery(status: int, delivered: bool) -> None:
    assert Attempt(FIRST, status).delivered is delivered


ORDER = Order(exists=True, order_id=new_id(), order_no="GD-1", kind=OrderKind.REPORT, division="37")


def recorded(event: events.AlertsEvent) -> Recorded[events.AlertsEvent]:
    meta = Metadata("machine:1", "37", ("hotline",), new_id(), new_id())
    return Recorded(
        new_id(), ORDER.order_id, "order", 3, new_id(), "37", FIRST.date(), FIRST, event, meta
    )


@rule("R115")
def test_every_event_of_an_order_is_told() -> None:
    named = [name for name in events.__all__ if name.startswith(("Order", "Deadline"))]
    classes = [getattr(events, name) for name in named]
    told = {cls for cls in classes if isinstance(cls, type) and hasattr(cls, "schema_version")}
    assert set(TYPES) == told - {events.OrderEvent}


@rule("R118")
@pytest.mark.parametrize("cls", TYPES, ids=lambda cls: cls.__name__)
def test_a_message_says_numbers_codes_and_dates(cls: type[events.AlertsEvent]) -> None:
    """Nothing that leads to a person: no id of what lies in the vault, nobody who acted."""
    event = example(find("alerts", cls.__name__))
    made = message(recorded(event), ORDER)
    assert made["type"].startswith("order.")
    assert made["data"]["order_no"] == "GD-1"
    text = str(made)
    assert "machine:1" not in text
    for name, value in event.model_dump(mode="json").items():
        if name.endswith("_id") and name != "order_id" and value is not None:
            assert str(value) not in text, name
