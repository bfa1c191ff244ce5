"""Notices and announcements of eliminations, as posted: on a page to print, and as a DOCX (R65)."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from fastapi import Response

from services.assistance.domain import commands as c
from services.assistance.domain.elimination import ELIMINATION
from services.assistance.handlers import Desk
from services.assistance.http.questions import LOOK
from services.assistance.reveals import REVEAL
from shared.contracts.assistance import EliminationAnnounced, EliminationNoticePosted
from shared.kernel.refusal import NotFound
from shared.policy.divisions import Divisions
from shared.policy.legal_time import after
from shared.store.application import Application, Call, Stream
from shared.vault.purposes import PRINT_NOTICE, Purpose
from shared.vault.reveals import reveal
from shared.vault.vault import Vault
from shared.web.context import Ctx
from shared.web.doors import body_of
from shared.web.printing import FORMS, Form, Sheet, printed
from shared.web.routing import Router, require

Posted = EliminationNoticePosted | EliminationAnnounced


def notice_doors(
    made: Router, application: Application, vault: Vault, divisions: Divisions
) -> None:
    """``GET /eliminations/{elimination_id}/notices``, one of them, and one before it is posted."""
    desk = Desk(vault, divisions)
    body = body_of(c.PostEliminationNotice, "elimination_id", "photo")
    at = "/eliminations/{elimination_id}/notices"

    @made.get(
        at,
        dependencies=[require(LOOK)],
        name="elimination_notices",
        summary="An elimination's notices and its announcement, the oldest first.",
    )
    async def listed(elimination_id: UUID, ctx: Ctx) -> list[dict[str, Any]]:
        async with application.database.reading() as tx:
            call = Call(application, tx, ctx.principal, ctx.cause)
            stream = await _elimination(call, elimination_id)
        return [_shown(event) for event in _posted(stream)]

    @made.get(
        f"{at}/{{notice_id}}",
        dependencies=[require(PRINT_NOTICE)],
        name="elimination_notice",
        summary="A notice to print or to keep; recorded, because people are named on it.",
        response_class=Response,
        responses=FORMS,
    )
    async def one(elimination_id: UUID, notice_id: UUID, ctx: Ctx, form: Form = "page") -> Response:
        async with application.database.transaction() as tx:
            call = Call(application, tx, ctx.principal, ctx.cause)
            stream = await _elimination(call, elimination_id)
            event = next((item for item in _posted(stream) if item.note_id == notice_id), None)
            if event is None:
                raise NotFound("公示公告", "notice")
            division = next(iter(ELIMINATION.divisions(stream.state)))
            revealed = await reveal(
                vault,
                call,
                REVEAL,
                owner=event.household_id,
                divisions=(division,),
                records=[notice_id],
                fields=["text"],
                purpose=Purpose.NOTICE,
            )
        application.appended(call.recorded)
        text = str(revealed.data[notice_id]["text"])
        return printed(_sheet(event, text, divisions, division), form)

    @made.post(
        "/eliminations/{elimination_id}/notice/preview",
        dependencies=[require(c.PostEliminationNotice.permission)],
        name="preview_elimination_notice",
        summary="The notice as it would be posted, to print; nothing is posted.",
        response_class=Response,
        responses=FORMS,
    )
    async def preview(
        elimination_id: UUID,
        body: body,  # type: ignore[valid-type]  # made from the command
        ctx: Ctx,
        form: Form = "page",
    ) -> Response:
        wish = c.PostEliminationNotice.model_construct(
            None, elimination_id=elimination_id, photo="", **dict(body)
        )
        async with application.database.reading() as tx:
            call = Call(application, tx, ctx.principal, ctx.cause)
            event, division = await desk.posting(wish, call)
        return printed(_sheet(event, wish.text, divisions, division), form)


async def _elimination(call: Call, elimination_id: UUID) -> Stream:
    stream = await call.load(ELIMINATION, elimination_id)
    if not stream.history:
        raise NotFound(*ELIMINATION.label)
    return stream


def _posted(stream: Stream) -> Sequence[Posted]:
    return [
        item.event
        for item in stream.history
        if isinstance(item.event, EliminationNoticePosted | EliminationAnnounced)
    ]


def _shown(event: Posted) -> dict[str, Any]:
    posted = isinstance(event, EliminationNoticePosted)
    return {
        "id": event.note_id,
        "kind": "notice" if posted else "announcement",
        "number": event.notice_no,
        "on": event.posted_on if isinstance(event, EliminationNoticePosted) else event.announced_on,
        "last_day": event.last_day if isinstance(event, EliminationNoticePosted) else None,
    }


def _sheet(event: Posted, text: str, divisions: Divisions, division: str) -> Sheet:
    place = ("所在村", divisions.path(division))
    if isinstance(event, EliminationAnnounced):
        return Sheet(
            title="监测对象风险消除公告",
            number=event.notice_no,
            lines=(place,),
            text=text,
            signed_by=divisions.path(division[:6]),
            signed_on=_day(event.announced_on),
        )
    publicity = f"{_day(after(event.posted_on, '1d'))}至{_day(event.last_day)}"
    return Sheet(
        title="监测对象风险消除公示",
        number=event.notice_no,
        lines=(place, ("公示期", publicity)),
        text=text,
        signed_by=divisions.path(division),
        signed_on=_day(event.posted_on),
    )


def _day(on: date) -> str:
    return f"{on.year}年{on.month}月{on.day}日"
