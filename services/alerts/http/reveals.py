"""Looking at personal data in full: for a purpose, and recorded."""

from typing import Any
from uuid import UUID

from services.alerts.domain import commands as c
from services.alerts.handlers.reveals import Reveals, Shown
from services.alerts.http.asking import only
from shared.store.application import Application, Call
from shared.web.context import Ctx, RequestContext
from shared.web.routing import Router


def reveal_doors(made: Router, application: Application, reveals: Reveals) -> None:
    """Add the reveals of orders and leads."""

    @made.post(
        "/orders/{order_id}/reveal",
        summary="Parts of an order in full, for a purpose; recorded.",
        **only(c.RevealOrder.permission),
    )
    async def reveal_order(order_id: UUID, body: c.OrderLook, ctx: Ctx) -> Shown:
        command = c.RevealOrder(order_id=order_id, **dict(body))
        async with application.database.transaction() as tx:
            call = _call(application, tx, ctx)
            shown = await reveals.order(command, call)
        application.appended(call.recorded)
        return shown

    @made.post(
        "/leads/{lead_id}/reveal",
        summary="Parts of a lead in full, for a purpose; recorded.",
        **only(c.RevealLead.permission),
    )
    async def reveal_lead(lead_id: UUID, body: c.LeadLook, ctx: Ctx) -> Shown:
        command = c.RevealLead(lead_id=lead_id, **dict(body))
        async with application.database.transaction() as tx:
            call = _call(application, tx, ctx)
            shown = await reveals.lead(command, call)
        application.appended(call.recorded)
        return shown


def _call(application: Application, tx: Any, ctx: RequestContext) -> Call:
    return Call(application, tx, ctx.principal, ctx.cause)
