"""The evidence room's door, the same in every service: put a file in, list, take one out.

A file may show anything: taking it out names a purpose and is recorded like any look at personal
data.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from fastapi import Path, Request, Response
from pydantic import BaseModel, ConfigDict

from shared.evidence.room import EvidenceRoom
from shared.evidence.stream import KeepEvidence, evidence_id
from shared.evidence.tables import evidence
from shared.kernel.decider import Aggregate
from shared.kernel.principal import Permission, Principal
from shared.kernel.refusal import NotFound
from shared.policy.purposes import Purpose
from shared.store.application import Application, Call
from shared.store.database import Transaction
from shared.vault.reveals import record_look
from shared.web.auth import Caller
from shared.web.context import Ctx
from shared.web.doors import Answer, answer
from shared.web.routing import Router, require

PATH = "/evidence/"
"""Where bodies may be as large as a file."""

FindOwner: TypeAlias = Callable[[Transaction, Principal, UUID], Awaitable[str]]
"""The owner's division. Raises ``NotFound`` for an owner that the caller may not see."""
_Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]


class LookBody(BaseModel):
    """Why somebody needs to see it."""

    model_config = ConfigDict(extra="forbid")

    purpose: Purpose


def evidence_router(
    application: Application,
    room: EvidenceRoom,
    *,
    find: FindOwner,
    looks: Aggregate[Any] | None,
    may_look: Permission,
    may_reveal: Permission,
) -> Router:
    """``POST`` and ``GET /evidence/{owner_id}``, ``POST /evidence/{owner_id}/{sha256}/reveal``."""
    made = Router(tags=["evidence"])
    database = application.database

    @made.post(
        "/evidence/{owner_id}",
        summary="Keep a file: its bytes are the body.",
        status_code=201,
        response_model=Answer,
        dependencies=[require(KeepEvidence.permission)],
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/octet-stream": {"schema": {"format": "binary"}}},
            }
        },
    )
    async def keep(owner_id: UUID, request: Request, ctx: Ctx) -> Response:
        async with database.reading() as tx:
            division = await find(tx, ctx.principal, owner_id)
        receipt = await room.keep(
            application,
            await request.body(),
            owner=owner_id,
            division=division,
            principal=ctx.principal,
            cause=ctx.cause,
        )
        return answer(receipt, 201)

    @made.get("/evidence/{owner_id}", summary="The files kept.", dependencies=[require(may_look)])
    async def kept(owner_id: UUID, caller: Caller) -> dict[str, list[dict[str, Any]]]:
        async with database.reading() as tx:
            await find(tx, caller, owner_id)
            query = sa.select(evidence).where(evidence.c.owner_id == owner_id)
            rows = (await tx.sql.execute(query.order_by(evidence.c.kept_at))).mappings()
            return {"items": [_shown(row) for row in rows]}

    @made.post(
        "/evidence/{owner_id}/{sha256}/reveal",
        summary="A file, for a purpose; recorded.",
        response_class=Response,
        dependencies=[require(may_reveal)],
    )
    async def reveal(owner_id: UUID, sha256: _Digest, body: LookBody, ctx: Ctx) -> Response:
        async with database.transaction() as tx:
            call = Call(application, tx, ctx.principal, ctx.cause)
            division = await find(tx, ctx.principal, owner_id)
            media_type = await _media_type(tx, owner_id, sha256)
            content = await room.fetch(tx.raw, owner_id, sha256)
            await record_look(
                room.vault,
                call,
                looks,
                owner=owner_id,
                divisions=(division,),
                records=[evidence_id(owner_id, sha256)],
                fields=["content"],
                purpose=body.purpose,
            )
        application.appended(call.recorded)
        headers = {"Content-Disposition": f'attachment; filename="{sha256}"'}
        return Response(content, media_type=media_type, headers=headers)

    return made


async def _media_type(tx: Transaction, owner_id: UUID, sha256: str) -> str:
    query = sa.select(evidence.c.media_type).where(
        evidence.c.owner_id == owner_id, evidence.c.sha256 == sha256
    )
    found: str | None = (await tx.sql.execute(query)).scalar_one_or_none()
    if found is None:
        raise NotFound("佐证材料", "evidence file")
    return found


def _shown(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in ("sha256", "media_type", "size", "kept_by", "kept_at")}
