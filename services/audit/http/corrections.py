"""The gates over HTTP: file, look, decide. There is no other route to any of it."""

import os
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.audit.domain import commands as c
from services.audit.domain.correction import CORRECTION, Status
from services.audit.domain.gates import GATES
from services.audit.domain.policies import MAX_TARGETS
from services.audit.handlers import NOTE
from services.audit.http import signing
from services.audit.http.answering import carry
from services.audit.http.previewing import effects_of
from services.audit.http.service import Audit
from services.audit.read_models import access, corrections
from services.audit.read_models.access import Reading
from shared.contracts.audit import (
    CorrectionKind,
    CorrectionReason,
    DocumentNumber,
    Ed25519Signature,
    FlagChange,
    RefusedBecause,
    Target,
)
from shared.contracts.values import Sha256
from shared.kernel.division import Level
from shared.kernel.document_number import NoDocumentNumber
from shared.kernel.ids import new_id
from shared.kernel.principal import Role, may
from shared.kernel.refusal import NotFound
from shared.policy.purposes import Purpose
from shared.store import event_store
from shared.store.application import Stream
from shared.web.context import Ctx, RequestContext, etag
from shared.web.paging import Cursors, Page, Paged
from shared.web.routing import Router, require

LOOK = may(
    Role.OFFICER,
    Role.COMMITTEE,
    Role.PRINCIPAL,
    Role.INSPECTOR,
    at=(Level.CITY, Level.PROVINCE, Level.NATION),
)
"""Who sees corrections: the levels that take part in them (R107)."""
READ_NOTE = may(
    Role.OFFICER, Role.COMMITTEE, Role.PRINCIPAL, at=(Level.CITY, Level.PROVINCE, Level.NATION)
)
_CURSORS = Cursors(tuple[UUID])


Contributor = Annotated[
    str, StringConstraints(pattern=r"^[a-z]+:[A-Za-z0-9._|-]{1,64}$"), NoDocumentNumber
]
"""Whoever worked on it, as tokens and events have them: ``person:city-officer``, never a name."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Aimed(_Body):
    """What a request is about."""

    kind: CorrectionKind
    targets: tuple[Target, ...] = Field(max_length=MAX_TARGETS)


class Filing(_Body):
    """A new request."""

    kind: CorrectionKind
    targets: tuple[Target, ...]
    change: FlagChange | None = None
    reason: CorrectionReason
    words: Annotated[str, Field(min_length=1, max_length=4000)]
    """The reason in words; goes into the vault."""
    evidence: tuple[Sha256, ...]
    contributors: tuple[Contributor, ...] = ()


class Decision(_Body):
    """A gate's yes: over the content whose hash was seen, signed with the decider's own key."""

    content_sha256: Sha256
    document: Annotated[DocumentNumber, NoDocumentNumber]
    signature: Ed25519Signature


class NationalFiling(Decision):
    """The nation's agreement; ``document`` is its filing number."""

    letter: Annotated[DocumentNumber, NoDocumentNumber]
    filed_on: date


class No(_Body):
    """A gate's no."""

    content_sha256: Sha256
    because: RefusedBecause
    signature: Ed25519Signature


class Wanted(_Body):
    """The decision that is to be signed: a gate's yes with its document, or a no."""

    document: DocumentNumber | None = None
    letter: DocumentNumber | None = None
    filed_on: date | None = None
    because: RefusedBecause | None = None


def router(audit: Audit) -> Router:
    """Every route of the gates."""
    made = Router(tags=["corrections"])
    _filing(made, audit)
    _effects(made, audit)
    _gates(made, audit)
    _looking(made, audit)
    return made


def _filing(made: Router, audit: Audit) -> None:
    @made.post(
        "/corrections",
        dependencies=[require(c.RequestCorrection.permission)],
        status_code=201,
        summary="A city files a withdrawal, a rollback or a change of flag",
    )
    async def file(body: Filing, ctx: Ctx) -> Response:
        note = c.Note(text=body.words, salt=os.urandom(16).hex())
        command = c.RequestCorrection(
            **body.model_dump(exclude={"words"}),
            correction_id=new_id(),
            note_id=new_id(),
            note_sha256=note.sha256(),
            note=note,
        )
        return await carry(audit, ctx, command, 201)


def _effects(made: Router, audit: Audit) -> None:
    @made.post(
        "/corrections/preview",
        dependencies=[require(c.RequestCorrection.permission)],
        summary="What a correction would make void, and what stands on it",
    )
    async def preview(body: Aimed, ctx: Ctx) -> dict[str, Any]:
        return await effects_of(audit, ctx, body.kind, body.targets)

    @made.get(
        "/corrections/{correction_id}/effects",
        dependencies=[require(LOOK)],
        summary="The same of a request that was filed, as things stand now",
    )
    async def effects(
        stream: Annotated[Stream, Depends(_loader(audit))], ctx: Ctx
    ) -> dict[str, Any]:
        return await effects_of(audit, ctx, stream.state.kind, stream.state.targets)


def _gates(made: Router, audit: Audit) -> None:
    at = "/corrections/{correction_id}"

    @made.post(f"{at}/city-review", dependencies=[require(c.ReviewAtCity.permission)])
    async def review(correction_id: UUID, body: Decision, ctx: Ctx) -> Response:
        command = c.ReviewAtCity(correction_id=correction_id, **body.model_dump())
        return await carry(audit, ctx, command)

    @made.post(f"{at}/province-approval", dependencies=[require(c.ApproveAtProvince.permission)])
    async def approve(correction_id: UUID, body: Decision, ctx: Ctx) -> Response:
        command = c.ApproveAtProvince(correction_id=correction_id, **body.model_dump())
        return await carry(audit, ctx, command)

    @made.post(f"{at}/national-filing", dependencies=[require(c.FileNationally.permission)])
    async def filed(correction_id: UUID, body: NationalFiling, ctx: Ctx) -> Response:
        command = c.FileNationally(correction_id=correction_id, **body.model_dump())
        return await carry(audit, ctx, command)

    @made.post(f"{at}/refusal", dependencies=[require(c.RefuseCorrection.permission)])
    async def refuse(correction_id: UUID, body: No, ctx: Ctx) -> Response:
        command = c.RefuseCorrection(correction_id=correction_id, **body.model_dump())
        return await carry(audit, ctx, command)


def _looking(made: Router, audit: Audit) -> None:
    @made.get("/corrections", dependencies=[require(LOOK)], summary="The newest first")
    async def listed(
        ctx: Ctx, page: Paged, status: Annotated[Status | None, Query()] = None
    ) -> Page[dict[str, Any]]:
        question = {"status": status}
        after = _CURSORS.after(page, question)
        async with audit.database.reading() as tx:
            rows = await corrections.listed(
                tx.sql,
                ctx.principal,
                status=status,
                after=after[0] if after else None,
                limit=page.limit + 1,
            )
        return _CURSORS.cut(rows, page, question, lambda row: (row["stream_id"],))

    @made.get("/corrections/rates", dependencies=[require(LOOK)], summary="City by city (R109)")
    async def rates(ctx: Ctx, since: date) -> list[dict[str, Any]]:
        """How often each city's work had to be corrected since a day, why, and what came of it."""
        async with audit.database.reading() as tx:
            return await corrections.rates(tx.sql, ctx.principal, since=since)

    @made.get("/corrections/{correction_id}", dependencies=[require(LOOK)])
    async def one(stream: Annotated[Stream, Depends(_loader(audit))], ctx: Ctx) -> Response:
        """Opening it is recorded: who decides a moment later has not looked at it."""
        await _opened(audit, ctx, stream)
        body = orjson.dumps(_described(stream))
        return Response(body, headers={"ETag": etag(stream.version)}, media_type="application/json")

    @made.get(
        "/corrections/{correction_id}/statement",
        dependencies=[require(c.RefuseCorrection.permission)],
        summary="What the caller would sign, and the content it is over",
    )
    async def statement(
        stream: Annotated[Stream, Depends(_loader(audit))],
        wanted: Annotated[Wanted, Query()],
        ctx: Ctx,
    ) -> dict[str, Any]:
        """For ``dixian sign decision``, which checks it against the content before signing."""
        await _opened(audit, ctx, stream)
        async with audit.database.reading() as tx:
            return await signing.statement_of(
                tx, stream, ctx.principal, wanted.model_dump(mode="json")
            )

    @made.post("/corrections/{correction_id}/note", dependencies=[require(READ_NOTE)])
    async def note(stream: Annotated[Stream, Depends(_loader(audit))], ctx: Ctx) -> dict[str, str]:
        """The reason in words; reading it is recorded."""
        note_id = stream.history[0].event.note_id  # type: ignore[attr-defined]  # the first event
        async with audit.database.transaction() as tx:
            revealed = await audit.vault.reveal(
                tx.raw,
                stream.stream_id,
                [note_id],
                fields=["text", "salt"],
                purpose=Purpose.CORRECTION,
                principal=ctx.principal,
                correlation_id=ctx.cause.correlation_id,
                at=tx.clock.now(),
            )
        return {"kind": NOTE, **revealed.data[note_id]}


async def _opened(audit: Audit, ctx: RequestContext, stream: Stream) -> None:
    about = {"correction": str(stream.stream_id)}
    reading = Reading(ctx.principal, ctx.route, about, str(ctx.cause.correlation_id))
    events = [item.event_id for item in stream.history]
    async with audit.database.transaction() as tx:
        await access.record_ids(tx, reading, events, [stream.stream_id], audit.clock.now())


def _loader(audit: Audit) -> Any:
    async def load(correction_id: UUID, ctx: Ctx) -> Stream:
        async with audit.database.reading() as tx:
            history = await event_store.load(tx.raw, "audit", correction_id)
        state = CORRECTION.fold([item.event for item in history])
        if state.status is Status.NONE or not ctx.principal.covers(state.city):
            raise NotFound(*CORRECTION.label)
        return Stream(correction_id, history, state)

    return load


def _described(stream: Stream) -> dict[str, Any]:
    state = stream.state
    return {
        "id": str(stream.stream_id),
        "version": stream.version,
        "status": state.status,
        "gate": state.gate.name if state.gate else None,
        "content_sha256": state.content_sha256,
        "content": stream.history[0].event.content,  # type: ignore[attr-defined]
        "gates": [
            {
                "gate": gate.name,
                "label": gate.label[0],
                "passed": gate.name in state.passed,
                "roles": sorted(gate.permission.roles),
                "levels": sorted(level.name for level in gate.permission.levels),
            }
            for gate in GATES
        ],
        "due_on": [running.deadline.due_on.isoformat() for running in state.clocks.values()],
        "events": [
            {
                "id": str(item.event_id),
                "type": type(item.event).__name__,
                "version": item.version,
                "actor": item.metadata.actor,
                "recorded_at": item.recorded_at.isoformat(),
                "data": item.event.model_dump(mode="json"),
            }
            for item in stream.history
        ],
    }
