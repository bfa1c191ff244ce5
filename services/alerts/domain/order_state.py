"""What an order is, folded from its events. Never refuses: what is recorded has happened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.alerts.domain.clocks import HANDLE
from shared.contracts import alerts as events
from shared.contracts.alerts import OrderKind, OrderResult, Rating
from shared.kernel import deadline as clock
from shared.kernel.deadline import Clocks
from shared.kernel.event import Event

NOBODY = UUID(int=0)


class OrderStatus(StrEnum):
    """Where an order stands (R115)."""

    ACCEPTED = "ACCEPTED"
    """Waits to be assigned; also after it was returned."""
    ASSIGNED = "ASSIGNED"
    """Being handled."""
    HANDLED = "HANDLED"
    CLOSED = "CLOSED"
    """Waits for the caller's rating."""
    DISSATISFIED = "DISSATISFIED"
    """Twice unsatisfied: waits to be supervised (R117)."""
    RATED = "RATED"
    """The end."""

    @property
    def label(self) -> str:
        """As officers read it."""
        return _LABELS[self]


_LABELS = {
    OrderStatus.ACCEPTED: "待交办",
    OrderStatus.ASSIGNED: "办理中",
    OrderStatus.HANDLED: "待办结",
    OrderStatus.CLOSED: "待评价",
    OrderStatus.DISSATISFIED: "待督办",
    OrderStatus.RATED: "已评价",
}


@dataclass(frozen=True)
class Order:
    """One call and what became of it."""

    exists: bool = False
    order_id: UUID = NOBODY
    order_no: str = ""
    hotline: str = ""
    """The division whose hotline it is."""
    kind: OrderKind = OrderKind.CONSULT
    division: str = ""
    confidential: bool = False
    caller_id: UUID = NOBODY
    matter_id: UUID = NOBODY
    lead_id: UUID | None = None
    called_on: date = date.min
    status: OrderStatus = OrderStatus.ACCEPTED
    assignee: str | None = None
    returned_by: str | None = None
    """Who gave it back, until somebody else has it: the return is the last act of theirs."""
    instruction_id: UUID | None = None
    return_by: date = date.min
    returned: int = 0
    handle_by: date = date.min
    extended: bool = False
    result: OrderResult | None = None
    answer_id: UUID | None = None
    late: bool = False
    rating: Rating | None = None
    rounds: int = 0
    """How many return visits there were."""
    unsatisfied: int = 0
    supervised: int = 0
    clocks: Clocks = field(default_factory=dict)
    last_on: date = date.min
    """The legal date of the latest act."""

    @property
    def unit(self) -> str:
        """Who has it now: the assignee, or the place it concerns while nobody was assigned."""
        return self.assignee or self.division

    @property
    def card(self) -> str:
        """``YELLOW`` from a working day before the due date, ``RED`` after it, else empty."""
        running = self.clocks.get(HANDLE)
        if running is None:
            return "RED" if self.late else ""
        if running.missed:
            return "RED"
        return "YELLOW" if running.warned else ""


def evolve(order: Order, event: Event) -> Order:
    """The order after ``event``."""
    after = _APPLY.get(type(event), _unchanged)(order, event)
    if isinstance(event, events.OrderEvent):
        return replace(after, last_on=max(order.last_on, event.on))
    return after


def _unchanged(order: Order, _event: Any) -> Order:
    return order


def _accepted(_order: Order, event: events.OrderAccepted) -> Order:
    return Order(
        exists=True,
        order_id=event.order_id,
        order_no=event.order_no,
        hotline=event.hotline or "",
        kind=event.kind,
        division=event.division,
        confidential=event.confidential,
        caller_id=event.caller_id,
        matter_id=event.matter_id,
        lead_id=event.lead_id,
        called_on=event.on,
        handle_by=event.deadlines[0].due_on,
        clocks=clock.start({}, *event.deadlines),
    )


def _assigned(order: Order, event: events.OrderAssigned) -> Order:
    return replace(
        order,
        status=OrderStatus.ASSIGNED,
        assignee=event.assignee,
        returned_by=None,
        instruction_id=event.instruction_id or order.instruction_id,
        return_by=event.deadlines[0].due_on,
    )


def _returned(order: Order, _event: events.OrderReturned) -> Order:
    return replace(
        order,
        status=OrderStatus.ACCEPTED,
        assignee=None,
        returned_by=order.assignee,
        returned=order.returned + 1,
    )


def _extended(order: Order, event: events.OrderExtended) -> Order:
    return _clocked(replace(order, extended=True), event.deadlines)


def _handled(order: Order, event: events.OrderHandled) -> Order:
    return replace(
        order,
        status=OrderStatus.HANDLED,
        result=event.result,
        answer_id=event.answer_id,
        late=order.late or event.late,
        clocks=clock.stop(order.clocks, HANDLE),
    )


def _supervised(order: Order, event: events.OrderSupervised) -> Order:
    after = replace(order, supervised=order.supervised + 1)
    return _again(after, event.deadlines) if event.deadlines else after


def _closed(order: Order, _event: events.OrderClosed) -> Order:
    return replace(order, status=OrderStatus.CLOSED)


def _rated(order: Order, event: events.OrderRated) -> Order:
    unsatisfied = order.unsatisfied + (event.rating is Rating.UNSATISFIED)
    after = replace(order, rating=event.rating, rounds=event.round, unsatisfied=unsatisfied)
    if event.deadlines:
        return _again(after, event.deadlines)
    waits = event.rating is Rating.UNSATISFIED and unsatisfied == 2
    return replace(after, status=OrderStatus.DISSATISFIED if waits else OrderStatus.RATED)


def _again(order: Order, deadlines: tuple[clock.Deadline, ...]) -> Order:
    """The same unit handles it once more."""
    return _clocked(replace(order, status=OrderStatus.ASSIGNED), deadlines)


def _clocked(order: Order, deadlines: tuple[clock.Deadline, ...]) -> Order:
    clocks = clock.start(order.clocks, *deadlines)
    return replace(order, handle_by=deadlines[0].due_on, clocks=clocks)


def _warned(order: Order, event: events.DeadlineWarned) -> Order:
    return replace(order, clocks=clock.warned(order.clocks, event.kind))


def _missed(order: Order, event: events.DeadlineMissed) -> Order:
    return replace(order, clocks=clock.missed(order.clocks, event.kind))


_APPLY: Mapping[type[Event], Callable[[Order, Any], Order]] = {
    events.OrderAccepted: _accepted,
    events.OrderAssigned: _assigned,
    events.OrderReturned: _returned,
    events.OrderExtended: _extended,
    events.OrderHandled: _handled,
    events.OrderSupervised: _supervised,
    events.OrderClosed: _closed,
    events.OrderRated: _rated,
    events.DeadlineWarned: _warned,
    events.DeadlineMissed: _missed,
}
