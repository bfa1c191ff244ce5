"""How a command is carried out and answered, and who may look."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, create_model

from shared.kernel.event import Command
from shared.kernel.principal import Permission, Role, may
from shared.store.application import Application
from shared.store.application import Receipt as Answer
from shared.store.idempotency import IdempotencyKey
from shared.web.context import RequestContext, etag
from shared.web.examples import schema_extra

LOOK: Permission = may(Role.OFFICER, Role.COMMITTEE, Role.PRINCIPAL, Role.INSPECTOR)
"""Who may look at cases and masked households, each in their own division."""


class Recorded(BaseModel):
    """One event of a receipt."""

    id: UUID
    type: str
    version: int
    occurred_on: date
    recorded_at: str
    data: dict[str, Any]


class Receipt(BaseModel):
    """What a command did."""

    id: UUID
    """The stream: the case, the household, the policy book."""
    version: int
    events: list[Recorded]


async def execute(
    application: Application, command: Command, ctx: RequestContext, *, status: int = 200
) -> Response:
    """Carry a command out; its receipt, or the problem that its refusal is."""
    key = None
    if ctx.idempotency_key is not None:
        key = IdempotencyKey(ctx.principal.subject, ctx.route, ctx.idempotency_key, ctx.fingerprint)
    answer = await application.execute(
        command, ctx.principal, ctx.cause, expected_version=ctx.expected_version, key=key
    )
    return _answered(answer, status)


def _answered(answer: Answer, status: int) -> Response:
    headers = {"ETag": etag(answer.body["version"])}
    if answer.replayed:
        headers["Idempotency-Replayed"] = "true"
    return JSONResponse(answer.body, status_code=status, headers=headers)


def summary(command: type[Command]) -> str:
    """The first line of a command's description."""
    return (command.__doc__ or "").partition("\n")[0]


def body_of(command: type[Command], in_path: str) -> type[BaseModel]:
    """The command as a request's body: without the field that stands in the path."""
    fields: Any = {
        name: (info.annotation, info)
        for name, info in command.model_fields.items()
        if name != in_path
    }
    made: type[BaseModel] = create_model(
        f"{command.__name__}Body",
        __config__=ConfigDict(extra="forbid", json_schema_extra=schema_extra(command)),
        __doc__=command.__doc__,
        **fields,
    )
    return made


def given(body: BaseModel) -> Mapping[str, Any]:
    """The fields that were sent, as the models they are."""
    return {name: getattr(body, name) for name in body.model_fields_set}
