"""People's signing keys over HTTP: enrol one's own, confirm another's, take one out of use."""

from typing import Any
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, ConfigDict

from services.audit.domain.commands import SIGNS, ConfirmKey, EnrolKey, RevokeKey
from services.audit.domain.signing_key import LABEL
from services.audit.http.answering import carry
from services.audit.http.service import Audit
from services.audit.read_models import signing_keys
from shared.contracts.audit import Ed25519Key, Ed25519Signature
from shared.kernel.ids import new_id
from shared.kernel.principal import Permission, Role
from shared.kernel.refusal import NotFound
from shared.web.context import Ctx
from shared.web.paging import Cursors, Page, Paged
from shared.web.routing import Router, require

LOOK = Permission(SIGNS.roles | {Role.ADMINISTRATOR, Role.INSPECTOR}, SIGNS.levels)
"""Who sees which keys there are: pseudonyms, divisions and public keys."""
_CURSORS = Cursors(tuple[UUID])


class Enrolment(BaseModel):
    """A public key, and its signature over the enrolment's statement (``dixian sign new-key``)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    public_key: Ed25519Key
    proof: Ed25519Signature


def router(audit: Audit) -> Router:
    """Every route of the keys."""
    made = Router(tags=["signing keys"])
    at = "/signing-keys/{key_id}"

    @made.post(
        "/signing-keys",
        dependencies=[require(EnrolKey.permission)],
        status_code=201,
        summary="Enrol one's own signing key",
    )
    async def enrol(body: Enrolment, ctx: Ctx) -> Response:
        return await carry(audit, ctx, EnrolKey(key_id=new_id(), **body.model_dump()), 201)

    @made.post(
        f"{at}/confirmation",
        dependencies=[require(ConfirmKey.permission)],
        summary="Confirm whose key it is; never one's own",
    )
    async def confirm(key_id: UUID, ctx: Ctx) -> Response:
        return await carry(audit, ctx, ConfirmKey(key_id=key_id))

    @made.post(
        f"{at}/revocation",
        dependencies=[require(RevokeKey.permission)],
        summary="Take a key out of use",
    )
    async def revoke(key_id: UUID, ctx: Ctx) -> Response:
        return await carry(audit, ctx, RevokeKey(key_id=key_id))

    @made.get(at, dependencies=[require(LOOK)], summary="A key: whose, and whether it signs")
    async def one(key_id: UUID, ctx: Ctx) -> dict[str, Any]:
        async with audit.database.reading() as tx:
            row = await signing_keys.one(tx.sql, ctx.principal, key_id)
        if row is None:
            raise NotFound(*LABEL)
        return row

    @made.get("/signing-keys", dependencies=[require(LOOK)], summary="Keys, the newest first")
    async def listed(ctx: Ctx, page: Paged) -> Page[dict[str, Any]]:
        after = _CURSORS.after(page, {})
        async with audit.database.reading() as tx:
            rows = await signing_keys.listed(
                tx.sql, ctx.principal, after=after[0] if after else None, limit=page.limit + 1
            )
        return _CURSORS.cut(rows, page, {}, lambda row: (row["stream_id"],))

    return made
