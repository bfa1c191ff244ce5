"""Notices and announcements as they were frozen: on a page to print, and as a DOCX (R65)."""

from typing import Any
from uuid import UUID

from fastapi import Response

from services.identification import notices
from services.identification.domain.case import CASE
from services.identification.http.access import LOOK
from services.identification.reveals import REVEAL
from shared.contracts.identification import Announced, NoticePosted
from shared.kernel.division import Level, ancestor
from shared.kernel.refusal import NotFound
from shared.policy.divisions import Divisions
from shared.policy.purposes import PRINT_NOTICE, Purpose
from shared.store.application import Application, Call, Stream
from shared.vault.reveals import reveal
from shared.vault.vault import Vault
from shared.web.context import Ctx
from shared.web.printing import FORMS, Form, Sheet, printed
from shared.web.routing import Router, require

Posted = NoticePosted | Announced
_NOT_THERE = NotFound("公示公告", "notice")


def register(made: Router, application: Application, vault: Vault, divisions: Divisions) -> None:
    """``GET /cases/{case_id}/notices`` and ``GET /cases/{case_id}/notices/{notice_id}``."""
    database = application.database

    @made.get(
        "/cases/{case_id}/notices",
        summary="A case's notices and its announcement, the oldest first.",
        dependencies=[require(LOOK)],
    )
    async def listed(case_id: UUID, ctx: Ctx) -> list[dict[str, Any]]:
        async with database.reading() as tx:
            stream = await _case(Call(application, tx, ctx.principal, ctx.cause), case_id)
        return [
            {
                "id": event.content_id,
                "kind": "notice" if isinstance(event, NoticePosted) else "announcement",
                "number": event.number,
                "on": event.on,
                "last_day": event.last_day if isinstance(event, NoticePosted) else None,
                "content_hash": event.content_hash,
            }
            for event in _posted(stream)
        ]

    @made.get(
        "/cases/{case_id}/notices/{notice_id}",
        summary="A notice to print or to keep; recorded, because it holds the head's name.",
        dependencies=[require(PRINT_NOTICE)],
        response_class=Response,
        responses=FORMS,
    )
    async def one(case_id: UUID, notice_id: UUID, ctx: Ctx, form: Form = "page") -> Response:
        async with database.transaction() as tx:
            call = Call(application, tx, ctx.principal, ctx.cause)
            stream = await _case(call, case_id)
            event = next((item for item in _posted(stream) if item.content_id == notice_id), None)
            if event is None:
                raise _NOT_THERE
            revealed = await reveal(
                vault,
                call,
                REVEAL,
                owner=stream.state.household_id,
                divisions=(stream.state.division,),
                records=[notice_id],
                fields=notices.FIELDS,
                purpose=Purpose.NOTICE,
            )
        application.appended(call.recorded)
        content = notices.Content.frozen(revealed.data[notice_id], event.content_hash)
        return printed(sheet_of(content, divisions), form)


async def _case(call: Call, case_id: UUID) -> Stream:
    """The case with its history. Raises ``NotFound``, also outside the caller's division."""
    stream = await call.load(CASE, case_id)
    if not stream.history:
        raise NotFound(*CASE.label)
    return stream


def _posted(stream: Stream) -> list[Posted]:
    return [
        item.event for item in stream.history if isinstance(item.event, NoticePosted | Announced)
    ]


def sheet_of(content: notices.Content, divisions: Divisions) -> Sheet:
    """What stands on the paper; of the content, nothing that is not read in public."""
    until = f"{content.from_day}至{content.to_day}"
    posting = content.from_day != content.to_day
    county = ancestor(content.village, Level.COUNTY)
    return Sheet(
        title=content.title,
        number=content.number,
        lines=(
            ("所在村", divisions.path(content.village)),
            ("户主姓名", content.head_name),
            ("家庭人口", f"{content.members}人"),
            ("监测对象类型", content.category),
            ("主要原因", content.cause),
            *((("公示期", until),) if posting else ()),
            ("异议受理电话", content.objection_phone),
        ),
        text=content.remark,
        signed_by=divisions.path(county) + content.issuer,
        signed_on=notices.hung_on(content),
    )
