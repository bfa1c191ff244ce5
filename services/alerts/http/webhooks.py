"""Webhooks: named, moved, removed; their deliveries seen, the dead ones too, and made again."""

from base64 import b64encode
from collections.abc import Mapping
from secrets import token_bytes
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel

from services.alerts.domain.delivery import DeliveryStatus
from services.alerts.domain.webhook import (
    KEEPS,
    MoveWebhook,
    NewSecret,
    NewWebhook,
    RegisterWebhook,
    RemoveWebhook,
    ReplayWebhook,
    RotateWebhookSecret,
)
from services.alerts.http.asking import only
from services.alerts.http.once import answer_once
from services.alerts.read_models import deliveries
from services.alerts.read_models.deliveries import DeliveryKey, Wanted
from shared.kernel.ids import new_id
from shared.kernel.principal import Permission, Role, may
from shared.kernel.refusal import NotFound
from shared.store.application import Application
from shared.web.auth import Caller
from shared.web.context import Ctx
from shared.web.doors import Door, carry_out
from shared.web.paging import Cursors, Page, Paged
from shared.web.routing import Router

SEES: Permission = may(Role.HOTLINE, Role.ADMINISTRATOR, Role.OPERATOR, Role.INSPECTOR)

DOORS = (
    Door("/webhooks/{webhook_id}/url", MoveWebhook),
    Door("/webhooks/{webhook_id}/removal", RemoveWebhook),
    Door("/webhooks/{webhook_id}/replay", ReplayWebhook),
)
_REGISTER = Door("/webhooks", RegisterWebhook, 201)
_ROTATE = Door("/webhooks/{webhook_id}/secret", RotateWebhookSecret, 201)
_DELIVERIES: Cursors[DeliveryKey] = Cursors(DeliveryKey)


class DeliveryFilter(BaseModel):
    """Which deliveries."""

    webhook_id: UUID | None = None
    status: DeliveryStatus | None = None


def webhook_doors(made: Router, application: Application) -> None:
    """Add the doors whose answer shows a signing secret, once, and the questions."""

    @made.post(
        "/webhooks",
        status_code=201,
        operation_id="RegisterWebhook",
        summary="Name an address; its signing secret is shown in this answer and never again.",
        **only(KEEPS),
    )
    async def register(body: NewWebhook, ctx: Ctx) -> Response:
        secret = _new_secret()
        command = RegisterWebhook.model_construct(
            None, webhook_id=new_id(), secret=secret, **dict(body)
        )
        receipt = await carry_out(application, _REGISTER, command, ctx)
        return answer_once(receipt, "secret", secret)

    @made.post(
        "/webhooks/{webhook_id}/secret",
        status_code=201,
        operation_id="RotateWebhookSecret",
        summary="Another signing secret, shown once; the former one signs beside it for a while.",
        **only(KEEPS),
    )
    async def rotate(webhook_id: UUID, body: NewSecret, ctx: Ctx) -> Response:
        secret = _new_secret()
        command = RotateWebhookSecret.model_construct(
            None, webhook_id=webhook_id, secret=secret, **dict(body)
        )
        receipt = await carry_out(application, _ROTATE, command, ctx)
        return answer_once(receipt, "secret", secret)

    @made.get("/webhooks", summary="The webhooks there are.", **only(SEES))
    async def webhooks(caller: Caller) -> Mapping[str, Any]:
        async with application.database.reading() as tx:
            return {"items": await deliveries.webhooks(tx.sql, caller)}

    @made.get("/webhooks/{webhook_id}", summary="One webhook.", **only(SEES))
    async def webhook(webhook_id: UUID, caller: Caller) -> Mapping[str, Any]:
        async with application.database.reading() as tx:
            found = await deliveries.webhooks(tx.sql, caller, webhook_id)
        if not found:
            raise NotFound("回调地址", "webhook")
        return found[0]

    @made.get(
        "/webhook-deliveries",
        summary="Deliveries as they were queued; `status=DEAD` are those nobody could be told.",
        **only(SEES),
    )
    async def listed(
        caller: Caller, page: Paged, wanted: Annotated[DeliveryFilter, Query()]
    ) -> Page[Mapping[str, Any]]:
        question = wanted.model_dump()
        after = _DELIVERIES.after(page, question)
        asked = Wanted(caller, wanted.webhook_id, wanted.status, after, page.limit + 1)
        async with application.database.reading() as tx:
            rows = await deliveries.shown(tx.sql, asked)
        return _DELIVERIES.cut(
            rows, page, question, lambda row: DeliveryKey(row["queued_at"], row["id"])
        )


def _new_secret() -> str:
    """A Standard Webhooks signing secret: 256 random bits."""
    return "whsec_" + b64encode(token_bytes(32)).decode()
