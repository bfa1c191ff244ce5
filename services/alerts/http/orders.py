"""Work orders: what can be done to one, and what can be asked."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field

from services.alerts.domain import commands as c
from services.alerts.domain import policies
from services.alerts.domain.order_state import OrderStatus
from services.alerts.handlers import Tools
from services.alerts.http.asking import LOOK, Filter, asked, only
from services.alerts.http.intake import ORDER_DOOR
from services.alerts.read_models import queries
from services.alerts.read_models.queries import OrderKey, Row
from shared.contracts.alerts import OrderKind
from shared.kernel.principal import Permission, Role, may
from shared.store.application import Application
from shared.web.auth import Caller
from shared.web.context import etag
from shared.web.doors import Door
from shared.web.paging import Cursors, Page, Paged
from shared.web.routing import Router

LOOK_AT_ORDERS: Permission = may(*LOOK.roles, Role.HOTLINE)

DOORS = (
    ORDER_DOOR,
    Door("/orders/{order_id}/assignment", c.AssignOrder),
    Door("/orders/{order_id}/return", c.ReturnOrder),
    Door("/orders/{order_id}/extension", c.ExtendOrder),
    Door("/orders/{order_id}/handling", c.HandleOrder),
    Door("/orders/{order_id}/supervision", c.SuperviseOrder),
    Door("/orders/{order_id}/closure", c.CloseOrder),
    Door("/orders/{order_id}/rating", c.RateOrder),
)
"""What can be done to an order."""

_ORDERS: Cursors[OrderKey] = Cursors(OrderKey)


class OrderFilter(Filter):
    """Which orders."""

    order_no: c.OrderNo | None = None
    kind: OrderKind | None = None
    status: Annotated[list[OrderStatus], Field(default_factory=list)]
    """Any of these; all where none is named."""
    card: Annotated[str, Query(pattern="^(YELLOW|RED)$")] | None = None


def order_questions(made: Router, application: Application, tools: Tools) -> None:
    """Add the lists and the single order."""
    database = application.database

    @made.get("/orders", summary="Work orders, the soonest due first.", **only(LOOK_AT_ORDERS))
    async def orders(
        caller: Caller, page: Paged, wanted: Annotated[OrderFilter, Query()]
    ) -> Page[Row]:
        question = asked(caller, wanted, page, _ORDERS)
        async with database.reading() as tx:
            rows = await queries.orders(tx.sql, question, wanted.columns)
        return _ORDERS.cut(
            rows, page, wanted.model_dump(), lambda row: OrderKey(row["handle_by"], row["id"])
        )

    @made.get("/orders/{order_id}", summary="One order, masked.", **only(LOOK_AT_ORDERS))
    async def order(order_id: UUID, caller: Caller, response: Response) -> dict[str, Any]:
        async with database.reading() as tx:
            found = await queries.order(tx.sql, caller, order_id)
            people = await tools.vault.masked(tx.raw, [found["caller_id"]])
        response.headers["ETag"] = etag(found["version"])
        hidden = policies.caller_is_hidden(confidential=found["confidential"], level=caller.level)
        # R118: for village and town there is no caller at all, not even a masked one.
        seen = None if hidden else people.get(found["caller_id"])
        return {**found, "caller": seen, "caller_hidden": hidden}
