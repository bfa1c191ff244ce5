"""A 12317 work order: accepted, assigned, handled, closed, rated, in that order (R115)."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from services.alerts.domain import clocks as counted
from services.alerts.domain import commands, policies
from services.alerts.domain.context import AlertsContext
from services.alerts.domain.order_state import Order, OrderStatus, evolve
from shared.contracts.alerts import (
    OrderAccepted,
    OrderAssigned,
    OrderClosed,
    OrderExtended,
    OrderHandled,
    OrderKind,
    OrderRated,
    OrderReturned,
    OrderSupervised,
    Rating,
    SupervisionGround,
)
from shared.kernel.decider import Aggregate, Context, Tick
from shared.kernel.event import Command, Event
from shared.kernel.ids import named_id
from shared.policy.rules import rule

_MISSING = UUID(int=0)


def order_id(hotline: str, order_no: str) -> UUID:
    """The stream of a hotline's number: sent again, it meets the same order (R116).

    A hotline is its division's, whichever of its machines sends: cities number their own calls, and
    two of them may come to the same number.
    """
    return named_id("order", hotline, order_no)


def lead_id(hotline: str, order_no: str) -> UUID:
    """The lead that an order makes."""
    return named_id("lead", "order", hotline, order_no)


def decide(order: Order, command: Command, context: Context) -> list[Event]:
    """The order's next events, or the ``Refusal``. Pure."""
    if isinstance(command, Tick):
        return counted.speak(order.clocks, context.today, (counted.above(order.unit),))
    if isinstance(command, commands.OrderAct):
        policies.order_known(order)
        policies.status_allows(order, command)
        policies.not_before(order.last_on, context.occurred_on)
    return _DECIDE[type(command)](order, command, context)


@rule("R116")
def _accept(order: Order, command: commands.AcceptOrder, context: AlertsContext) -> list[Event]:
    policies.order_is_new(order)
    policies.local(command.division)
    policies.is_nobodys_number(command.order_no, "order_no", command.called_on)
    length = context.policy.parameters.hotline_handle
    makes_lead = command.kind is not OrderKind.CONSULT
    hotline = context.principal.division
    return [
        OrderAccepted(
            on=command.called_on,
            order_id=order_id(hotline, command.order_no),
            order_no=command.order_no,
            kind=command.kind,
            division=command.division,
            confidential=command.confidential or command.kind is OrderKind.REPORT,
            caller_id=context.note("caller") or _MISSING,
            matter_id=context.note("matter") or _MISSING,
            lead_id=lead_id(hotline, command.order_no) if makes_lead else None,
            hotline=hotline,
            deadlines=(counted.handling(command.called_on, length, context),),
        )
    ]


def _assign(order: Order, command: commands.AssignOrder, context: AlertsContext) -> list[Event]:
    policies.assignable(order, command.assignee, context)
    policies.report_is_instructed(order, command.instruction)
    return [
        OrderAssigned(
            on=context.occurred_on,
            assignee=command.assignee,
            instruction_id=context.note("instruction"),
            deadlines=(counted.returning(context.occurred_on, context),),
        )
    ]


def _return(order: Order, command: commands.ReturnOrder, context: AlertsContext) -> list[Event]:
    policies.handled_by(order, context)
    policies.returned_in_time(order, context.occurred_on)
    return [
        OrderReturned(
            on=context.occurred_on,
            assignee=order.unit,
            reason=command.reason,
            note_id=context.note("note"),
        )
    ]


def _extend(order: Order, command: commands.ExtendOrder, context: AlertsContext) -> list[Event]:
    policies.extended_once_in_time(order, context.occurred_on)
    length = context.policy.parameters.hotline_extension
    return [
        OrderExtended(
            on=context.occurred_on,
            reason=command.reason,
            note_id=context.note("note"),
            deadlines=(counted.handling(order.handle_by, length, context),),
        )
    ]


def _handle(order: Order, command: commands.HandleOrder, context: AlertsContext) -> list[Event]:
    policies.handled_by(order, context)
    return [
        OrderHandled(
            on=context.occurred_on,
            result=command.result,
            answer_id=context.note("answer") or _MISSING,
            late=context.occurred_on > order.handle_by,
        )
    ]


@rule("R117")
def _supervise(
    order: Order, command: commands.SuperviseOrder, context: AlertsContext
) -> list[Event]:
    policies.ground_exists(order, command.ground, context.occurred_on)
    again = command.ground is SupervisionGround.UNSATISFIED
    return [
        OrderSupervised(
            on=context.occurred_on,
            ground=command.ground,
            note_id=context.note("note") or _MISSING,
            deadlines=(_anew(context),) if again else (),
        )
    ]


def _close(_order: Order, _command: commands.CloseOrder, context: AlertsContext) -> list[Event]:
    return [OrderClosed(on=context.occurred_on, note_id=context.note("note"))]


def _rate(order: Order, command: commands.RateOrder, context: AlertsContext) -> list[Event]:
    handled_again = command.rating is Rating.UNSATISFIED and order.unsatisfied == 0
    return [
        OrderRated(
            on=context.occurred_on,
            rating=command.rating,
            round=order.rounds + 1,
            note_id=context.note("note"),
            deadlines=(_anew(context),) if handled_again else (),
        )
    ]


def _anew(context: AlertsContext) -> Any:
    """The clock of a handling that is to be done again."""
    length = context.policy.parameters.hotline_handle
    return counted.handling(context.occurred_on, length, context)


_DECIDE: Mapping[type[Command], Callable[[Order, Any, Any], list[Event]]] = {
    commands.AcceptOrder: _accept,
    commands.AssignOrder: _assign,
    commands.ReturnOrder: _return,
    commands.ExtendOrder: _extend,
    commands.HandleOrder: _handle,
    commands.SuperviseOrder: _supervise,
    commands.CloseOrder: _close,
    commands.RateOrder: _rate,
}


def _divisions(order: Order) -> tuple[str, ...]:
    """The matter's place, and the unit that handles it or just gave it back (R1)."""
    unit = order.assignee or order.returned_by
    return (order.division, unit) if unit else (order.division,)


ORDER: Aggregate[Order] = Aggregate(
    name="order",
    label=("工单", "work order"),
    initial=Order(),
    evolve=evolve,
    decide=decide,
    divisions=_divisions,
    key=lambda order: order.order_id,
    clocks=lambda order: order.clocks,
)

__all__ = ["ORDER", "Order", "OrderStatus", "lead_id", "order_id"]
