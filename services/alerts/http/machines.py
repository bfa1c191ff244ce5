"""Machines: let in, given another key, shut out; who there are, and when each was last here."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from fastapi import Response

from services.alerts.domain.machine import (
    KEEPER,
    IssueMachineKey,
    NewKey,
    NewMachine,
    RegisterMachine,
    RevokeMachineKeys,
)
from services.alerts.http.asking import only
from services.alerts.http.once import answer_once
from shared.kernel.division import NATION
from shared.kernel.event import Command
from shared.kernel.ids import new_id
from shared.kernel.principal import Permission, Role, may
from shared.kernel.refusal import NotFound
from shared.store.application import Application
from shared.web import machine_keys
from shared.web.auth import Caller
from shared.web.context import Ctx, RequestContext
from shared.web.doors import Door, carry_out
from shared.web.machine_keys import MachineKey
from shared.web.routing import Router

SEES: Permission = may(Role.ADMINISTRATOR, Role.INSPECTOR, Role.OPERATOR)

DOORS = (Door("/machines/{machine_id}/revocation", RevokeMachineKeys),)
_REGISTER = Door("/machines", RegisterMachine, 201)
_ISSUE = Door("/machines/{machine_id}/keys", IssueMachineKey, 201)


def machine_doors(made: Router, application: Application) -> None:
    """Add the doors whose answer shows a key, once, and the questions."""

    @made.post(
        "/machines",
        status_code=201,
        operation_id="RegisterMachine",
        summary="Let a machine in, with its first key: shown in this answer and never again.",
        **only(KEEPER),
    )
    async def register(body: NewMachine, ctx: Ctx) -> Response:
        given = {"machine_id": new_id(), **dict(body)}
        return await _with_key(application, _REGISTER, given, ctx)

    @made.post(
        "/machines/{machine_id}/keys",
        status_code=201,
        operation_id="IssueMachineKey",
        summary="Rotate: another key, shown once; the former ones end after the overlap.",
        **only(KEEPER),
    )
    async def issue(machine_id: UUID, body: NewKey, ctx: Ctx) -> Response:
        given = {"machine_id": machine_id, **dict(body)}
        return await _with_key(application, _ISSUE, given, ctx)

    @made.get("/machines", summary="The machines let in, and their keys.", **only(SEES))
    async def machines(caller: Caller) -> Mapping[str, Any]:
        scope = "" if caller.division == NATION else caller.division
        async with application.database.reading() as tx:
            keys = await machine_keys.within(tx.raw, scope)
        found = groupby(keys, key=lambda key: (key.label, key.machine_id))
        return {"items": [_machine(list(of_one)) for _, of_one in found]}

    @made.get("/machines/{machine_id}", summary="One machine and its keys.", **only(SEES))
    async def machine(machine_id: UUID, caller: Caller) -> Mapping[str, Any]:
        async with application.database.reading() as tx:
            keys = await machine_keys.of_machine(tx.raw, str(machine_id))
        if not keys or not caller.covers(keys[0].division):
            raise NotFound("接入系统", "machine")
        return _machine(keys)


async def _with_key(
    application: Application, door: Door, given: Mapping[str, Any], ctx: RequestContext
) -> Response:
    key_id, secret = machine_keys.new_secret()
    make: Callable[..., Command] = door.command.model_construct
    command = make(None, **given, key_id=key_id, secret_hash=machine_keys.hash_of(secret))
    receipt = await carry_out(application, door, command, ctx)
    return answer_once(receipt, "credential", machine_keys.credential_of(key_id, secret))


def _machine(keys: Sequence[MachineKey]) -> Mapping[str, Any]:
    latest, now = keys[0], datetime.now(UTC)
    return {
        "id": latest.machine_id,
        "label": latest.label,
        "kind": next(iter(latest.roles)),
        "division": latest.division,
        "feeds": sorted(latest.feeds),
        "keys": [
            {
                "id": key.id,
                "valid": key.valid(now),
                "issued_by": key.issued_by,
                "created_at": key.created_at,
                "expires_at": key.expires_at,
                "revoked_at": key.revoked_at,
                "last_used_at": key.last_used_at,
            }
            for key in keys
        ],
    }
