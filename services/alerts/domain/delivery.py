"""What a hotline is told of its orders, and how long one tries to tell it. Pure.

A message holds numbers, codes and dates of a list kept here, never what anybody said or who they
are: the answer itself is read over HTTP, for a purpose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.alerts.domain.order_state import Order
from shared.contracts import alerts as events
from shared.kernel.event import Event, Recorded
from shared.policy.rules import rule

FOR = timedelta(days=3)
"""So long a message is tried."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=6)
GONE = 410
"""The receiver's own word that it wants no more of this: not tried again."""


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    WAITING = "WAITING"
    """Not delivered yet: to be tried at its time."""
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"
    """Given up; somebody must look at it."""


TYPES: Mapping[type[Event], tuple[str, Sequence[str]]] = {
    events.OrderAccepted: ("order.accepted", ("confidential",)),
    events.OrderAssigned: ("order.assigned", ("assignee",)),
    events.OrderReturned: ("order.returned", ("assignee", "reason")),
    events.OrderExtended: ("order.extended", ("reason",)),
    events.OrderHandled: ("order.handled", ("result", "late")),
    events.OrderSupervised: ("order.supervised", ("ground",)),
    events.OrderClosed: ("order.closed", ()),
    events.OrderRated: ("order.rated", ("rating", "round")),
    events.DeadlineWarned: ("order.yellow_card", ("due_on",)),
    events.DeadlineMissed: ("order.red_card", ("due_on", "escalated_to")),
}
"""Every event of an order: what it is called outside, and which of its fields go out."""


@rule("R115", "R118")
def message(recorded: Recorded[Event], order: Order) -> dict[str, Any]:
    """What the hotline is told of ``recorded``; ``order`` is the state after it."""
    name, fields = TYPES[type(recorded.event)]
    told = recorded.event.model_dump(mode="json", include=set(fields))
    return {
        "type": name,
        "timestamp": recorded.recorded_at.isoformat(),
        "data": {
            "order_no": order.order_no,
            "order_id": str(order.order_id),
            "sequence": recorded.version,
            "occurred_on": recorded.occurred_on.isoformat(),
            "kind": order.kind,
            "division": order.division,
            "status": order.status,
            "card": order.card,
            "handle_by": order.handle_by.isoformat(),
            **told,
        },
    }


@dataclass(frozen=True)
class Attempt:
    """What came of one try."""

    at: datetime
    status: int | None
    """The receiver's answer; ``None`` when there was none."""
    error: str = ""
    """A code, where there was no answer: ``timeout``, ``refused``, ``address-not-allowed`` …"""
    retry_after: timedelta = timedelta()
    """What the receiver asked for."""

    @property
    def delivered(self) -> bool:
        """2xx, and nothing else: a redirection is not followed."""
        return self.status is not None and 200 <= self.status < 300


def next_try(first: datetime, number: int, attempt: Attempt, jitter: float) -> datetime | None:
    """When to try again after the ``number``-th failed try; ``None``: never.

    Pauses begin at ``FIRST_PAUSE`` and grow fourfold up to ``LONGEST_PAUSE``; ``jitter`` (0 to 1)
    spreads them by a fifth either way, so that what failed together does not come back together.
    The last try is made when ``FOR`` is over.
    """
    ends = first + FOR
    if attempt.status == GONE or attempt.at >= ends:
        return None
    grown: timedelta = min(FIRST_PAUSE * 4 ** min(number - 1, 10), LONGEST_PAUSE)
    pause = grown * (0.8 + 0.4 * jitter)
    wanted = max(pause, min(attempt.retry_after, LONGEST_PAUSE))
    return min(attempt.at + wanted, ends)
