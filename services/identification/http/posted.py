"""A notice as it would be posted (R65)."""

from uuid import UUID

from fastapi import Response

from services.identification import notices
from services.identification.domain import commands
from services.identification.domain.case import CASE
from services.identification.handlers.cases import CaseHandlers
from services.identification.http.notices import sheet_of
from shared.kernel.refusal import OutOfOrder
from shared.policy.divisions import Divisions
from shared.policy.rules import rule
from shared.store.application import Application, Call
from shared.vault.vault import Vault
from shared.web.context import Ctx
from shared.web.doors import body_of
from shared.web.printing import FORMS, Form, printed
from shared.web.routing import Router, require


def register(made: Router, application: Application, vault: Vault, divisions: Divisions) -> None:
    """``POST /cases/{case_id}/notice/preview``."""
    body = body_of(commands.PostNotice, "case_id", "evidence", "note")

    @made.post(
        "/cases/{case_id}/notice/preview",
        summary="The notice as it would be posted, to print; nothing is posted. It is recorded.",
        dependencies=[require(commands.PostNotice.permission)],
        response_class=Response,
        responses=FORMS,
    )
    async def preview(
        case_id: UUID,
        body: body,  # type: ignore[valid-type]  # made from the command
        ctx: Ctx,
        form: Form = "page",
    ) -> Response:
        wish = commands.PostNotice.model_construct(None, case_id=case_id, evidence=(), **dict(body))
        async with application.database.transaction() as tx:
            call = Call(application, tx, ctx.principal, ctx.cause)
            context = await CaseHandlers(vault).case_context(wish, call)
            case = (await call.load(CASE, case_id)).state
            content = await notices.render(vault, call, case, context, wish)
        if content is None:
            raise not_deliberated()
        application.appended(call.recorded)
        return printed(sheet_of(content, divisions), form)


@rule("R65")
def not_deliberated() -> OutOfOrder:
    """A notice says what the village concluded: before that there is none."""
    return OutOfOrder(
        "R51",
        code="nothing-to-post",
        zh="尚未完成民主评议,没有可公示的内容",
        en="the village has not deliberated; there is nothing to post yet",
    )
