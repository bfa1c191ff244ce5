"""Saved searches, and a filter followed live by server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Header, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from services.audit.http.service import READ, Audit
from services.audit.http.trail import Asked
from services.audit.read_models import access, searches
from services.audit.read_models.access import Reading
from services.audit.read_models.search import search
from services.audit.read_models.trail import Filter, Place
from shared.kernel.principal import Role
from shared.web.auth import Caller
from shared.web.context import Ctx
from shared.web.problem import Malformed
from shared.web.routing import Router, require

_PAGE = 200
_REST = 1.0
_HEARTBEAT = 15
"""Rests without news after which a comment keeps the line open."""


class Saving(BaseModel):
    """A filter to keep, under a name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=100)]
    filter: Annotated[Filter, Field(default_factory=Filter)]
    shared_with: Role | None = None
    """Everybody in this role, in the divisions inside the owner's."""


def router(audit: Audit) -> Router:
    """Keep, list and drop searches; follow one."""
    made = Router(tags=["trail"], dependencies=[require(READ)])
    _searches(made, audit)

    @made.get("/stream", summary="What a filter shows, as it comes (server-sent events)")
    async def stream(
        asked: Annotated[Asked, Query()], ctx: Ctx, last_event_id: Annotated[str, Header()] = ""
    ) -> StreamingResponse:
        """``Last-Event-ID`` goes on after that entry; without it, only what comes from now on."""
        reading = Reading(ctx.principal, ctx.route, asked.question(), str(ctx.cause.correlation_id))
        after = _place(last_event_id) or await _end(audit)
        events = follow(audit, reading, asked.filter, after)
        return StreamingResponse(events, media_type="text/event-stream")

    return made


def _searches(made: Router, audit: Audit) -> None:
    @made.post("/searches", status_code=201, summary="Keep a filter under a name")
    async def save(body: Saving, caller: Caller) -> dict[str, UUID]:
        async with audit.database.reading() as tx:
            kept = await searches.save(
                tx.raw,
                caller,
                body.name,
                body.filter,
                shared_with=body.shared_with,
                now=audit.clock.now(),
            )
        return {"search_id": kept}

    @made.get("/searches", summary="One's own, and those shared with one's role")
    async def listed(caller: Caller) -> list[dict[str, Any]]:
        async with audit.database.reading() as tx:
            return await searches.visible(tx.raw, caller)

    @made.delete("/searches/{search_id}", status_code=204, summary="Drop one's own")
    async def forget(search_id: UUID, caller: Caller) -> Response:
        async with audit.database.reading() as tx:
            await searches.forget(tx.raw, caller, search_id)
        return Response(status_code=204)


async def follow(
    audit: Audit, reading: Reading, asked: Filter, after: Place, *, rest: float = _REST
) -> AsyncIterator[bytes]:
    """Entries after ``after`` as they come, for ever; each delivery is noted as a reading."""
    quiet = 0
    while True:
        async with audit.database.transaction() as tx:
            page = await search(
                tx.sql, asked, reading.principal, after=after, limit=_PAGE, oldest_first=True
            )
            if page:
                await access.record(tx, reading, page, audit.clock.now())
        for item in page:
            after = item.place
            data = orjson.dumps(item.as_json())
            yield b"id: %d.%d\nevent: entry\ndata: %s\n\n" % (after.log_id, after.idx, data)
        quiet = 0 if page else quiet + 1
        if quiet % _HEARTBEAT == 1:
            yield b": waiting\n\n"
        if len(page) < _PAGE:
            await asyncio.sleep(rest)


async def _end(audit: Audit) -> Place:
    """Behind the newest entry there is."""
    async with audit.database.reading() as tx:
        row = await tx.raw.fetchrow(
            "select log_id, size from audit.log_head order by log_id desc limit 1"
        )
    return Place(row["log_id"], row["size"] - 1) if row else Place(0, 0)


def _place(text: str) -> Place | None:
    if not text:
        return None
    log_id, _, index = text.partition(".")
    if not (log_id.isdecimal() and index.isdecimal() and len(text) < 30):
        raise Malformed(
            code="last-event-id-malformed",
            zh="Last-Event-ID 无效",
            en="Last-Event-ID is not one of this stream",
            field="Last-Event-ID",
        )
    return Place(int(log_id), int(index))
