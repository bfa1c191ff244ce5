"""Every act on a case: ``POST /cases/{case_id}/<path>``, the body the command without its case."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from fastapi import Response

from services.identification.domain import commands
from services.identification.http.answers import Receipt, body_of, execute, given, summary
from shared.store.application import Application
from shared.web.context import Ctx
from shared.web.routing import Router, require

CASE_ACTS: Sequence[tuple[str, type[commands.CaseAct]]] = (
    ("officers", commands.NameOfficers),
    ("authorization", commands.SignAuthorization),
    ("authorization/revocation", commands.RevokeAuthorization),
    ("verification", commands.VerifyHousehold),
    ("comparison", commands.CompareData),
    ("comparison-exemption", commands.ExemptComparison),
    ("deliberation", commands.Deliberate),
    ("town-review", commands.ReviewTown),
    ("notice", commands.PostNotice),
    ("objections", commands.RaiseObjection),
    ("objections/answer", commands.AnswerObjection),
    ("notice/close", commands.CloseNotice),
    ("approval", commands.Approve),
    ("refusal", commands.DeclineIdentification),
    ("announcement", commands.Announce),
    ("national-entry", commands.RecordNationalEntry),
    ("telling", commands.TellHousehold),
    ("follow-up", commands.FollowUp),
    ("green-channel/confirmation", commands.ConfirmGreenChannel),
    ("green-channel/entry", commands.EnterGreenChannel),
    ("green-channel/verification", commands.VerifyGreenChannel),
    ("green-channel/exit", commands.ExitGreenChannel),
)
"""``POST /cases/{case_id}/<path>`` for each act on a case."""


def register(made: Router, application: Application) -> None:
    """All of them."""
    for path, command in CASE_ACTS:
        made.post(
            f"/cases/{{case_id}}/{path}",
            summary=summary(command),
            response_model=Receipt,
            dependencies=[require(command.permission)],
        )(_case_endpoint(application, command))


def _case_endpoint(application: Application, command: type[commands.CaseAct]) -> Any:
    async def endpoint(case_id: UUID, body: Any, ctx: Ctx) -> Response:
        act = command.model_validate({**given(body), "case_id": case_id})
        return await execute(application, act, ctx)

    endpoint.__name__ = command.__name__
    endpoint.__annotations__["body"] = body_of(command, "case_id")
    return endpoint
