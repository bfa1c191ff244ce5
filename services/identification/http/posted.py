"""Notices and announcements: as they would be posted, and as they were (R65)."""

from typing import Any
from uuid import UUID

from services.identification import notices
from services.identification.domain import commands
from services.identification.domain.case import CASE
from services.identification.handlers.cases import CaseHandlers
from services.identification.http.access import LOOK
from services.identification.read_models import queries
from services.identification.reveals import REVEAL
from shared.kernel.refusal import OutOfOrder
from shared.policy.rules import rule
from shared.store.application import Application, Call
from shared.vault.purposes import Purpose
from shared.vault.reveals import reveal
from shared.vault.vault import Vault
from shared.web.auth import Caller
from shared.web.context import Ctx
from shared.web.doors import body_of
from shared.web.routing import Router, require

_SHOWN = (
    "title",
    "number",
    "village",
    "head_name",
    "members",
    "category",
    "cause",
    "from_day",
    "to_day",
    "issuer",
    "objection_phone",
    "remark",
)
"""Every field that a notice shows; its salt is nobody's business."""


def register(made: Router, application: Application, vault: Vault) -> None:
    """``/cases/{case_id}/posted-notices…`` and ``/cases/{case_id}/notice/preview``."""
    database = application.database
    body = body_of(commands.PostNotice, "case_id")

    @made.get(
        "/cases/{case_id}/posted-notices",
        summary="What was posted and announced about a case, the latest last.",
        dependencies=[require(LOOK)],
    )
    async def listed(case_id: UUID, caller: Caller) -> list[dict[str, Any]]:
        async with database.reading() as tx:
            return [dict(row) for row in await queries.notices(tx, caller, case_id)]

    @made.post(
        "/cases/{case_id}/posted-notices/{content_id}/reading",
        summary="A notice's frozen content, for printing; recorded.",
        dependencies=[require(commands.RaiseObjection.permission)],
    )
    async def read(case_id: UUID, content_id: UUID, ctx: Ctx) -> dict[str, Any]:
        async with database.transaction() as tx:
            call = Call(application, tx, ctx.principal, ctx.cause)
            row = await queries.notice(tx, ctx.principal, case_id, content_id)
            revealed = await reveal(
                vault,
                call,
                REVEAL,
                owner=row["household_id"],
                divisions=(row["division"],),
                records=[content_id],
                fields=_SHOWN,
                purpose=Purpose.NOTICE,
            )
        application.appended(call.recorded)
        return dict(revealed.data[content_id])

    @made.post(
        "/cases/{case_id}/notice/preview",
        summary="The notice as it would be posted; nothing is posted. The look is recorded.",
        dependencies=[require(commands.PostNotice.permission)],
    )
    async def preview(case_id: UUID, body: body, ctx: Ctx) -> dict[str, Any]:  # type: ignore[valid-type]  # made from the command
        wish = commands.PostNotice.model_construct(None, case_id=case_id, **dict(body))
        async with database.transaction() as tx:
            call = Call(application, tx, ctx.principal, ctx.cause)
            context = await CaseHandlers(vault).case_context(wish, call)
            case = (await call.load(CASE, case_id)).state
            content = await notices.render(vault, call, case, context, wish)
        if content is None:
            raise not_deliberated()
        application.appended(call.recorded)
        return {name: value for name, value in content.as_json().items() if name in _SHOWN}


@rule("R65")
def not_deliberated() -> OutOfOrder:
    """A notice says what the village concluded: before that there is none."""
    return OutOfOrder(
        "R51",
        code="nothing-to-post",
        zh="尚未完成民主评议,没有可公示的内容",
        en="the village has not deliberated; there is nothing to post yet",
    )
