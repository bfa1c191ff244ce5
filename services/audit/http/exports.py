"""Exports of exactly a filter: asked for, followed, fetched."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from services.audit.exports import jobs
from services.audit.http.service import READ, Audit
from services.audit.read_models.trail import Filter
from shared.kernel.refusal import OutOfOrder
from shared.tabular.writing import Format
from shared.web.auth import Caller
from shared.web.routing import Router, require


class NotReady(OutOfOrder):
    """The export is still being made, or could not be."""

    def __init__(self) -> None:
        super().__init__(
            code="export-not-ready",
            zh="导出尚未完成或未能完成,请查看其状态",
            en="the export is not finished, or could not be made; look at its status",
        )


class Wanted(BaseModel):
    """What is to be exported, and as what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Format
    filter: Annotated[Filter, Field(default_factory=Filter)]


def router(audit: Audit) -> Router:
    """Ask, follow, fetch. An export is its asker's alone."""
    made = Router(tags=["exports"], dependencies=[require(READ)])

    @made.post("/exports", status_code=202, summary="Export what a filter shows, with proofs")
    async def ask(body: Wanted, caller: Caller) -> dict[str, Any]:
        async with audit.database.transaction() as tx:
            export_id = await jobs.ask(tx, caller, body.format, body.filter, audit.clock.now())
            return await jobs.status(tx, caller, export_id)

    @made.get("/exports/{export_id}", summary="How far it is")
    async def status(export_id: UUID, caller: Caller) -> dict[str, Any]:
        async with audit.database.reading() as tx:
            return await jobs.status(tx, caller, export_id)

    @made.get("/exports/{export_id}/file", summary="The finished file (ZIP)")
    async def file(export_id: UUID, caller: Caller) -> Response:
        async with audit.database.reading() as tx:
            known = await jobs.status(tx, caller, export_id)
        if known["finished_at"] is None or known["failure"] is not None:
            raise NotReady
        name = f"audit-{export_id}.zip"
        return StreamingResponse(
            jobs.content(audit.database, export_id),
            media_type="application/zip",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Content-Length": str(known["bytes"]),
            },
        )

    return made
