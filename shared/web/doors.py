"""Makes the route of a command from the command: its path's ids, its body, its permission.

What a service can be asked to change is then one list of ``Door``, and no route can forget the
permission, the idempotency key, ``If-Match`` or the receipt.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from inspect import Parameter, Signature
from typing import Any
from uuid import UUID

import orjson
from fastapi import Body, Request, Response
from pydantic import BaseModel, ConfigDict, create_model

from shared.kernel.event import Command
from shared.kernel.refusal import Refusal
from shared.store.application import Application, Receipt
from shared.store.idempotency import IdempotencyKey, KeyReused
from shared.web.context import Ctx, RequestContext, etag, request_context
from shared.web.examples import schema_extra
from shared.web.routing import Router, require

_IN_PATH = re.compile(r"{(\w+)}")


class AnswerEvent(BaseModel):
    """One event that a command brought about."""

    id: UUID
    type: str
    version: int
    occurred_on: date
    recorded_at: str
    data: dict[str, Any]


class Answer(BaseModel):
    """What a command did."""

    id: UUID
    """The stream: the case, the household, the order, the plan."""
    version: int
    events: list[AnswerEvent]


MakeKey = Callable[[Any, RequestContext], IdempotencyKey | None]


def header_key(_command: Command, ctx: RequestContext) -> IdempotencyKey | None:
    """The key of the header ``Idempotency-Key``, in the scope of the caller and the route."""
    if ctx.idempotency_key is None:
        return None
    return IdempotencyKey(ctx.principal.subject, ctx.route, ctx.idempotency_key, ctx.fingerprint)


@dataclass(frozen=True)
class Door:
    """One command's route."""

    path: str
    """Its ``{…_id}`` are fields of the command; the other fields make up the body."""
    command: type[Command]
    status: int = 200
    """201 where something comes into being."""
    key: MakeKey = header_key
    """What makes repeating it harmless; a command may bring a number of its own."""
    reused: Callable[[], Exception] = KeyReused
    """The refusal of the same key with another content."""
    refusal: Callable[[Receipt], Refusal | None] = lambda _receipt: None
    """What was recorded and is refused all the same: a finding (R49)."""


def add_doors(router: Router, application: Application, doors: Sequence[Door]) -> None:
    """Add the routes. Each answers with the receipt, ``ETag`` and ``Idempotency-Replayed``."""
    for door in doors:
        _add(router, application, door)


async def carry_out(
    application: Application, door: Door, command: Command, ctx: RequestContext
) -> Receipt:
    """Execute ``command`` as a request at ``door`` would."""
    try:
        return await execute(application, command, ctx, key=door.key)
    except KeyReused:
        raise door.reused() from None


async def execute(
    application: Application, command: Command, ctx: RequestContext, *, key: MakeKey = header_key
) -> Receipt:
    """Execute ``command`` for the request's caller, with its ``If-Match`` and its key."""
    return await application.execute(
        command,
        ctx.principal,
        ctx.cause,
        expected_version=ctx.expected_version,
        key=key(command, ctx),
    )


def answer(receipt: Receipt, status: int = 200) -> Response:
    """The receipt as an answer."""
    headers = {"ETag": etag(receipt.body["version"])}
    if receipt.replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(orjson.dumps(receipt.body), status, headers, "application/json")


def body_of(command: type[Command], *in_path: str) -> type[BaseModel]:
    """The request's body: the command's fields but for those that stand in the path."""
    fields: dict[str, Any] = {
        name: (field.annotation, field)
        for name, field in command.model_fields.items()
        if name not in in_path
    }
    config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=schema_extra(command))
    made: type[BaseModel] = create_model(command.__name__, __config__=config, **fields)
    made.__doc__ = command.__doc__
    return made


def _add(router: Router, application: Application, door: Door) -> None:
    ids = _IN_PATH.findall(door.path)
    shape = body_of(door.command, *ids)

    async def endpoint(ctx: RequestContext, body: BaseModel, **in_path: UUID) -> Response:
        # Both parts are validated already, by the very fields of the command.
        command = door.command.model_construct(None, **in_path, **dict(body))
        receipt = await carry_out(application, door, command, ctx)
        refused = door.refusal(receipt)
        if refused is not None:
            raise refused
        return answer(receipt, door.status)

    async def read(request: Request) -> Mapping[str, Any]:
        in_path = {name: UUID(request.path_params[name]) for name in ids}
        given = await request.json()
        body = shape.model_validate({} if given is None else given)
        return {"ctx": await request_context(request), "body": body, **in_path}

    endpoint.__signature__ = _signature(ids, shape)  # type: ignore[attr-defined]  # read by FastAPI
    endpoint.read = read  # type: ignore[attr-defined]  # read by our Route
    router.add_api_route(
        door.path,
        endpoint,
        methods=["POST"],
        response_model=Answer,
        status_code=door.status,
        dependencies=[require(door.command.permission)],
        name=door.command.__name__,
        operation_id=door.command.__name__,
        summary=(door.command.__doc__ or "").partition("\n")[0],
    )


def _signature(ids: Sequence[str], shape: type[BaseModel]) -> Signature:
    """What FastAPI reads: the ids of the path, the context, the body."""
    required = any(field.is_required() for field in shape.model_fields.values())
    # No body at all will do where no field is required.
    body = Body() if required else Body(default=shape())
    return Signature(
        [
            *(_parameter(name, UUID) for name in ids),
            _parameter("ctx", Ctx),
            _parameter("body", shape, default=body),
        ],
        return_annotation=Response,
    )


def _parameter(name: str, annotation: Any, default: Any = Parameter.empty) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
