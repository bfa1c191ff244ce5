"""The door for people and machines: a request becomes a command, a question gets its answer."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel

from services.alerts import intake
from services.alerts.domain import commands as c
from services.alerts.domain import policies
from services.alerts.domain.lead import LeadStatus
from services.alerts.domain.order_state import OrderStatus
from services.alerts.domain.register import Suggestion
from services.alerts.handlers import Tools
from services.alerts.handlers.reveals import Reveals, Shown
from services.alerts.read_models import queries, register
from services.alerts.read_models.queries import AlertKey, Asked, LeadKey, OrderKey, Row
from shared.contracts.alerts import AlertType, Fate, OrderKind
from shared.contracts.values import LeadDisposition, LeadSource
from shared.kernel.division import DivisionCode
from shared.kernel.principal import Permission, Principal, Role, may
from shared.store.application import Application, Call
from shared.web.auth import Caller
from shared.web.context import Ctx, RequestContext, etag
from shared.web.doors import Door, add_doors
from shared.web.paging import Cursors, Page, Paged, PageQuery
from shared.web.routing import Router, require

LOOK: Permission = may(Role.OFFICER, Role.COMMITTEE, Role.PRINCIPAL, Role.INSPECTOR)
"""Who may look at leads of their division."""
LOOK_AT_ORDERS: Permission = may(*LOOK.roles, Role.HOTLINE)
LOOK_AT_ALERTS: Permission = may(*LOOK.roles, Role.FEED)

DOORS = (
    intake.ORDER_DOOR,
    Door("/orders/{order_id}/assignment", c.AssignOrder),
    Door("/orders/{order_id}/return", c.ReturnOrder),
    Door("/orders/{order_id}/extension", c.ExtendOrder),
    Door("/orders/{order_id}/handling", c.HandleOrder),
    Door("/orders/{order_id}/supervision", c.SuperviseOrder),
    Door("/orders/{order_id}/closure", c.CloseOrder),
    Door("/orders/{order_id}/rating", c.RateOrder),
    Door("/leads", c.RegisterLead, 201),
    Door("/leads/{lead_id}/match", c.MatchLead),
    Door("/leads/{lead_id}/disposition", c.DisposeLead),
    Door("/leads/{lead_id}/follow-up", c.FollowLead),
)
"""What can be done to orders and leads, one at a time: no door ends many leads (R42)."""

_ORDERS: Cursors[OrderKey] = Cursors(OrderKey)
_LEADS: Cursors[LeadKey] = Cursors(LeadKey)
_ALERTS: Cursors[AlertKey] = Cursors(AlertKey)


class Filter(BaseModel):
    """What every list can be narrowed by."""

    division: DivisionCode | None = None
    """Only this division's subtree."""


class OrderFilter(Filter):
    """Which orders."""

    order_no: c.OrderNo | None = None
    kind: OrderKind | None = None
    status: OrderStatus | None = None
    card: Annotated[str, Query(pattern="^(YELLOW|RED)$")] | None = None


class LeadFilter(Filter):
    """Which leads."""

    status: LeadStatus | None = None
    source: LeadSource | None = None
    disposition: LeadDisposition | None = None
    household_id: UUID | None = None
    raised: bool | None = None
    """Left open for over a month (R42)."""


class AlertFilter(Filter):
    """Which alerts."""

    feed: c.Feed | None = None
    type: AlertType | None = None
    fate: Fate | None = None


def router(application: Application, tools: Tools) -> Router:
    """Every route of the service, each with who may use it."""
    made = Router(tags=["alerts"])
    alerts = intake.alert_door(tools.index)
    add_doors(made, application, (*DOORS, alerts))
    intake.add_batch(made, application, alerts)
    _order_queries(made, application, tools)
    _lead_queries(made, application, tools)
    _alert_queries(made, application)
    _reveals(made, application, Reveals(tools))
    return made


def _order_queries(made: Router, application: Application, tools: Tools) -> None:
    database = application.database

    @made.get("/orders", summary="Work orders, the soonest due first.", **_for(LOOK_AT_ORDERS))
    async def orders(
        caller: Caller, page: Paged, wanted: Annotated[OrderFilter, Query()]
    ) -> Page[Row]:
        question = wanted.model_dump()
        asked = _asked(caller, wanted, page, _ORDERS)
        async with database.reading() as tx:
            rows = await queries.orders(tx.sql, asked, _columns(question))
        return _ORDERS.cut(rows, page, question, lambda row: OrderKey(row["handle_by"], row["id"]))

    @made.get("/orders/{order_id}", summary="One order, masked.", **_for(LOOK_AT_ORDERS))
    async def order(order_id: UUID, caller: Caller, response: Response) -> dict[str, Any]:
        async with database.reading() as tx:
            found = await queries.order(tx.sql, caller, order_id)
            people = await tools.vault.masked(tx.raw, [found["caller_id"]])
        response.headers["ETag"] = etag(found["version"])
        hidden = policies.caller_is_hidden(confidential=found["confidential"], level=caller.level)
        # R118: for village and town there is no caller at all, not even a masked one.
        seen = None if hidden else people.get(found["caller_id"])
        return {**found, "caller": seen, "caller_hidden": hidden}


def _lead_queries(made: Router, application: Application, tools: Tools) -> None:
    database = application.database

    @made.get("/leads", summary="The leads, the oldest first.", **_for(LOOK))
    async def leads(
        caller: Caller, page: Paged, wanted: Annotated[LeadFilter, Query()]
    ) -> Page[Row]:
        question = wanted.model_dump()
        asked = _asked(caller, wanted, page, _LEADS)
        async with database.reading() as tx:
            rows = await queries.leads(tx.sql, asked, _columns(question))
        return _LEADS.cut(
            rows, page, question, lambda row: LeadKey(row["discovered_on"], row["id"])
        )

    @made.get("/leads/{lead_id}", summary="One lead, with the households it may be.", **_for(LOOK))
    async def lead(lead_id: UUID, caller: Caller, response: Response) -> dict[str, Any]:
        async with database.reading() as tx:
            found = await queries.one_lead(tx.sql, caller, lead_id)
            person = found["person_id"]
            people = await tools.vault.masked(tx.raw, [person] if person else [])
            suggested = await register.suggestions(tx.raw, lead_id)
        response.headers["ETag"] = etag(found["version"])
        shown = [_suggestion(item) for item in suggested]
        return {**found, "person": people.get(person), "suggestions": shown}


def _alert_queries(made: Router, application: Application) -> None:
    database = application.database

    @made.get("/alerts", summary="Alerts, as they came.", **_for(LOOK_AT_ALERTS))
    async def alerts(
        caller: Caller, page: Paged, wanted: Annotated[AlertFilter, Query()]
    ) -> Page[Row]:
        question = wanted.model_dump()
        asked = _asked(caller, wanted, page, _ALERTS)
        async with database.reading() as tx:
            rows = await queries.alerts(tx.sql, asked, _columns(question))
        return _ALERTS.cut(
            rows, page, question, lambda row: AlertKey(row["received_at"], row["id"])
        )

    @made.get("/alerts/{alert_id}", summary="One alert and its fate.", **_for(LOOK_AT_ALERTS))
    async def alert(alert_id: UUID, caller: Caller) -> Row:
        async with database.reading() as tx:
            return await queries.one_alert(tx.sql, caller, alert_id)


def _reveals(made: Router, application: Application, reveals: Reveals) -> None:
    @made.post(
        "/orders/{order_id}/reveal",
        summary="Parts of an order in full, for a purpose; recorded.",
        **_for(c.RevealOrder.permission),
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
        summary="Whom a lead is about, in full, for a purpose; recorded.",
        **_for(c.RevealLead.permission),
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


def _for(permission: Permission) -> dict[str, Any]:
    return {"dependencies": [require(permission)]}


def _asked(principal: Principal, wanted: Filter, page: PageQuery, cursors: Cursors[Any]) -> Asked:
    after = cursors.after(page, wanted.model_dump())
    return Asked(principal, wanted.division, after, page.limit + 1)


def _columns(question: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in question.items() if name != "division"}


def _suggestion(item: Suggestion) -> dict[str, Any]:
    return {
        "household_id": item.household.household_id,
        "division": item.household.division,
        "why": item.why,
    }
