"""How machines send things: the sender's own number makes repeating it harmless; batches by row."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.alerts.domain import policies
from services.alerts.domain.commands import AcceptOrder, DeclareRisk, Feed, ReceiveAlert
from services.alerts.domain.declaration import lead_id, reference_reused
from services.alerts.domain.order import order_id
from services.alerts.handlers.alerts import alert_id
from shared.kernel.event import Command
from shared.kernel.refusal import Refusal
from shared.store.application import Application
from shared.store.idempotency import IdempotencyKey
from shared.vault.blind_index import BlindIndex
from shared.web.context import Ctx, RequestContext
from shared.web.doors import Door, carry_out
from shared.web.problem import Problem, language_of
from shared.web.routing import Router, require
from shared.web.validation import problem_of

MAX_BATCH = 1000


def order_key(command: AcceptOrder, _ctx: RequestContext) -> IdempotencyKey:
    """The order number is the key, whichever of the hotline's keys it came with (R116)."""
    return _key("12317", "orders", order_id(command.order_no), command)


def _key(sender: str, route: str, stream: UUID, command: Command) -> IdempotencyKey:
    content = orjson.dumps(command.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    return IdempotencyKey(sender, route, str(stream), sha256(content).digest())


def alert_door(index: BlindIndex) -> Door:
    """``POST /alerts``: repeated by the department's own id, or by the content itself."""

    def key(command: ReceiveAlert, _ctx: RequestContext) -> IdempotencyKey:
        return _key(command.feed, "alerts", alert_id(command, index), command)

    return Door("/alerts", ReceiveAlert, 201, key=key, reused=policies.alert_id_reused)


ORDER_DOOR = Door("/orders", AcceptOrder, 201, key=order_key, reused=policies.order_number_reused)
"""``POST /orders``: repeated by the hotline's own number."""


def declaration_key(command: DeclareRisk, ctx: RequestContext) -> IdempotencyKey:
    """The portal's own number is the key."""
    subject = ctx.principal.subject
    return _key(subject, "declarations", lead_id(subject, command.reference), command)


DECLARATION_DOOR = Door(
    "/declarations", DeclareRisk, 201, key=declaration_key, reused=reference_reused
)
"""``POST /declarations``: repeated by the portal's own number."""


class Batch(BaseModel):
    """Alerts of one feed. Each row stands for itself: a bad one takes no good one with it."""

    model_config = ConfigDict(extra="forbid")

    feed: Feed
    rows: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_BATCH)]
    """Each as in ``POST /alerts``, without ``feed``."""


def add_batch(router: Router, application: Application, door: Door) -> None:
    """Add ``POST /alerts/batch``."""

    @router.post(
        "/alerts/batch",
        summary="Up to 1,000 alerts; one result a row, in their order.",
        dependencies=[require(ReceiveAlert.permission)],
    )
    async def receive_batch(body: Batch, ctx: Ctx, request: Request) -> dict[str, Any]:
        language = language_of(request.scope)
        results = [
            {"row": number, **await _row(_Posted(application, door, ctx, language), body.feed, row)}
            for number, row in enumerate(body.rows)
        ]
        taken = [item for item in results if item["status"] != "refused"]
        return {
            "rows": len(results),
            "accepted": sum(item["status"] == "accepted" for item in taken),
            "repeated": sum(item["status"] == "repeated" for item in taken),
            "refused": len(results) - len(taken),
            "results": results,
        }


@dataclass(frozen=True)
class _Posted:
    """What all rows of a batch share."""

    application: Application
    door: Door
    ctx: RequestContext
    language: str

    def refused(self, problem: Problem) -> dict[str, Any]:
        shown = problem.as_json(self.language, str(self.ctx.cause.correlation_id))
        return {"status": "refused", "problem": shown}


async def _row(posted: _Posted, feed: str, row: dict[str, Any]) -> dict[str, Any]:
    """One row's result: its alert and fate, or its problem."""
    try:
        command = ReceiveAlert.model_validate({**row, "feed": feed})
        receipt = await carry_out(posted.application, posted.door, command, posted.ctx)
    except ValidationError as error:
        found = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        return posted.refused(problem_of(found))
    except Refusal as refusal:
        return posted.refused(Problem.of(refusal))
    data = receipt.body["events"][0]["data"]
    return {
        "status": "repeated" if receipt.replayed else "accepted",
        "alert_id": data["alert_id"],
        "fate": data["fate"],
        "lead_id": data["lead_id"],
    }
