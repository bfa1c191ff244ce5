"""Makes the route of a command from the command: its path's ids, its body, its permission."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Any
from uuid import UUID

import orjson
from fastapi import Body, Response
from pydantic import BaseModel, ConfigDict, create_model

from shared.kernel.event import Command
from shared.kernel.refusal import Refusal
from shared.store.application import Application, Receipt
from shared.store.idempotency import IdempotencyKey
from shared.web.context import Ctx, RequestContext, etag
from shared.web.examples import schema_extra
from shared.web.routing import Router, require

_IN_PATH = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class Door:
    """One command's route."""

    path: str
    """Its ``{…_id}`` are fields of the command; the other fields make up the body."""
    command: type[Command]
    status: int = 200
    """201 where something comes into being."""
    refusal: Callable[[Receipt], Refusal | None] = lambda _receipt: None
    """What was recorded and is refused all the same: a finding (R49)."""


def add_doors(router: Router, application: Application, doors: Sequence[Door]) -> None:
    """Add the routes. Each answers with the receipt, ``ETag`` and ``Idempotency-Replayed``."""
    for door in doors:
        _add(router, application, door)


def _add(router: Router, application: Application, door: Door) -> None:
    ids = _IN_PATH.findall(door.path)
    shape = body_of(door.command, *ids)

    async def endpoint(ctx: RequestContext, body: BaseModel, **in_path: UUID) -> Response:
        # Both parts are validated already, by the very fields of the command.
        command = door.command.model_construct(None, **in_path, **vars(body))
        receipt = await application.execute(
            command,
            ctx.principal,
            ctx.cause,
            expected_version=ctx.expected_version,
            key=_key(ctx),
        )
        refused = door.refusal(receipt)
        if refused is not None:
            raise refused
        return _answer(receipt, door.status)

    endpoint.__signature__ = _signature(ids, shape)  # type: ignore[attr-defined]  # read by FastAPI
    router.add_api_route(
        door.path,
        endpoint,
        methods=["POST"],
        status_code=door.status,
        dependencies=[require(door.command.permission)],
        name=door.command.__name__,
        operation_id=door.command.__name__,
        summary=(door.command.__doc__ or "").partition("\n")[0],
    )


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


def _key(ctx: RequestContext) -> IdempotencyKey | None:
    if ctx.idempotency_key is None:
        return None
    return IdempotencyKey(ctx.principal.subject, ctx.route, ctx.idempotency_key, ctx.fingerprint)


def _answer(receipt: Receipt, status: int) -> Response:
    headers = {"ETag": etag(receipt.body["version"])}
    if receipt.replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(orjson.dumps(receipt.body), status, headers, "application/json")
