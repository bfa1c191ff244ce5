"""A notice as it would be posted (R65)."""

from typing import Any
from uuid import UUID

from services.identification import notices
from services.identification.domain import commands
from services.identification.domain.case import CASE
from services.identification.handlers.cases import CaseHandlers
from shared.kernel.refusal import OutOfOrder
from shared.policy.rules import rule
from shared.store.application import Application, Call
from shared.vault.vault import Vault
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
    """``POST /cases/{case_id}/notice/preview``."""
    body = body_of(commands.PostNotice, "case_id")

    @made.post(
        "/cases/{case_id}/notice/preview",
        summary="The notice as it would be posted; nothing is posted. The look is recorded.",
        dependencies=[require(commands.PostNotice.permission)],
    )
    async def preview(case_id: UUID, body: body, ctx: Ctx) -> dict[str, Any]:  # type: ignore[valid-type]  # made from the command
        wish = commands.PostNotice.model_construct(None, case_id=case_id, **dict(body))
        async with application.database.transaction() as tx:
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
