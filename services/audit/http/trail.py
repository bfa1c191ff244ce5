"""The trail for people: filters, one entry, a household's timeline, proofs, and who looked."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.audit.domain import states
from services.audit.domain.tlogproof import TlogProof
from services.audit.http.service import READ, Audit
from services.audit.log import reader
from services.audit.log.checkpoints import NoCheckpoint
from services.audit.log.reader import Log
from services.audit.read_models import access, proofs, trail
from services.audit.read_models.access import Reading
from services.audit.read_models.proofs import Proved
from services.audit.read_models.search import search
from services.audit.read_models.trail import Filter, Found, Place, Short, Words
from shared.contracts.audit import Gate
from shared.kernel.division import DivisionCode
from shared.store.database import Transaction
from shared.web.context import Ctx, RequestContext, request_uuid
from shared.web.openapi import Text
from shared.web.paging import LARGEST_PAGE, Cursors, Page, PageQuery
from shared.web.routing import Router, require

_TEXT = "text/plain; charset=utf-8"
_PROOF = {"Content-Disposition": 'attachment; filename="entry.tlog-proof"'}
_CURSORS = Cursors(tuple[int, int])
_READINGS = Cursors(tuple[UUID])

Index = Annotated[int, Path(ge=0, le=2**62)]
Origin = Annotated[str | None, Query(alias="log", max_length=100, description="Default: newest.")]
RequestId = Annotated[str, Path(max_length=100)]


class Asked(BaseModel):
    """The question: every condition given must hold. Unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: AwareDatetime | None = Field(None, description="Recorded then or later.")
    until: AwareDatetime | None = Field(None, description="Recorded before.")
    actor: Short | None = Field(None, description="Who acted (a pseudonym).")
    role: Short | None = Field(None, description="A role the actor held.")
    region: DivisionCode | None = Field(None, description="A division and all inside it.")
    service: Short | None = None
    category: Short | None = Field(None, description="case, plan, order, correction…")
    type: Short | None = Field(None, description="The event's name.")
    household: UUID | None = Field(None, description="Or the order, feed or correction.")
    stream: UUID | None = Field(None, description="A case, plan, order, correction…")
    correlation: UUID | None = Field(None, description="All that followed from one request.")
    request: Short | None = Field(None, description="The X-Request-Id of that request.")
    outcome: Short | None = Field(None, description="The code with which an act ended.")
    gate: Gate | None = Field(None, description="A correction's gate.")
    text: Words | None = Field(None, description="Words, all of which stand in the entry.")
    limit: int = Field(50, ge=1, le=LARGEST_PAGE)
    cursor: str | None = Field(None, max_length=1000)

    @property
    def filter(self) -> Filter:
        """The conditions."""
        made = Filter(**self.model_dump(exclude={"limit", "cursor", "request"}))
        if self.request is None:
            return made
        return made.model_copy(update={"correlation": request_uuid(self.request)})

    @property
    def page(self) -> PageQuery:
        """The page."""
        return PageQuery(self.limit, self.cursor)

    def question(self) -> dict[str, Any]:
        """The conditions as they are written down and bound to a cursor."""
        return self.filter.model_dump(mode="json", exclude_none=True)


def router(audit: Audit) -> Router:
    """Questions to the trail; each is written down with what it was answered."""
    made = Router(tags=["trail"], dependencies=[require(READ)])
    _questions(made, audit)
    _entries(made, audit)
    _proofs(made, audit)
    return made


def _questions(made: Router, audit: Audit) -> None:
    @made.get("/entries", summary="Who did what, the newest first")
    async def entries(asked: Annotated[Asked, Query()], ctx: Ctx) -> Page[dict[str, Any]]:
        return await _asked(audit, ctx, asked, oldest_first=False)

    @made.get("/households/{household}/timeline", summary="All that befell one household")
    async def timeline(
        household: UUID, asked: Annotated[Asked, Query()], ctx: Ctx
    ) -> Page[dict[str, Any]]:
        """Each act with what was known of its stream before and after it."""
        of_it = asked.model_copy(update={"household": household})
        return await _timeline(audit, ctx, of_it)

    @made.get("/requests/{request}/timeline", summary="All that followed from one request")
    async def followed(
        request: RequestId, asked: Annotated[Asked, Query()], ctx: Ctx
    ) -> Page[dict[str, Any]]:
        """The same for the acts under one ``X-Request-Id``, in every service."""
        of_it = asked.model_copy(update={"request": request})
        return await _timeline(audit, ctx, of_it)

    @made.get("/streams/{stream}/timeline", summary="All that befell one case, plan or order")
    async def of_stream(
        stream: UUID, asked: Annotated[Asked, Query()], ctx: Ctx
    ) -> Page[dict[str, Any]]:
        """The same for one stream."""
        return await _timeline(audit, ctx, asked.model_copy(update={"stream": stream}))

    @made.get("/households/{household}/readings", summary="Who looked at one household's trail")
    async def readings(
        household: UUID, page: Annotated[PageQuery, Depends(_page)], ctx: Ctx
    ) -> Page[dict[str, Any]]:
        question = {"readings": household}
        after = _READINGS.after(page, question)
        async with audit.database.transaction() as tx:
            known = await search(tx.sql, Filter(household=household), ctx.principal, limit=1)
            rows = await access.of_household(
                tx, household, after=after[0] if after else None, limit=page.limit + 1
            )
            await _note(audit, tx, ctx, {"household": str(household)}, known)
        shown = rows if known else []
        return _READINGS.cut(shown, page, question, lambda row: (row["read_id"],))


def _entries(made: Router, audit: Audit) -> None:
    @made.get("/entries/{index}", summary="One entry")
    async def entry(index: Index, ctx: Ctx, log: Origin = None) -> dict[str, Any]:
        async with audit.database.transaction() as tx:
            source = await reader.log(tx.raw, log)
            found = await _found(audit, tx, ctx, source, index)
        return found.as_json()

    @made.get("/entries/{index}/leaf", summary="The exact bytes that were hashed")
    async def leaf(index: Index, ctx: Ctx, log: Origin = None) -> Response:
        async with audit.database.transaction() as tx:
            source = await reader.log(tx.raw, log)
            await _found(audit, tx, ctx, source, index)
            [data] = await reader.leaves(tx.raw, source, index, index + 1)
        return Response(data, media_type="application/json")


def _proofs(made: Router, audit: Audit) -> None:
    @made.get(
        "/entries/{index}/proof", summary="A tlog-proof file for one entry", response_class=Text
    )
    async def proof(index: Index, ctx: Ctx, log: Origin = None) -> Response:
        _, made = await _proved(audit, ctx, log, index, {"index": index})
        return Response(made.render(), media_type=_TEXT, headers=_PROOF)

    @made.get("/events/{event_id}/proof", summary="An event's leaf, proof and key in one answer")
    async def event_proof(event_id: UUID, ctx: Ctx) -> dict[str, Any]:
        async with audit.database.reading() as tx:
            origin, index = await proofs.place_of(tx.raw, event_id)
        found, made = await _proved(audit, ctx, origin, index, {"event": str(event_id)})
        return {
            "log": origin,
            "vkey": audit.publisher.signer(origin).vkey(),
            "index": index,
            "leaf": found.leaf.decode(),
            "tlog_proof": made.render().decode(),
        }


async def _page(
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> PageQuery:
    return PageQuery(limit, cursor)


async def _timeline(audit: Audit, ctx: RequestContext, asked: Asked) -> Page[dict[str, Any]]:
    """A page, the oldest first, each entry with its ``changes`` and the ``state`` after it."""
    page = await _asked(audit, ctx, asked, oldest_first=True)
    streams = {UUID(item["stream_id"]) for item in page.items}
    async with audit.database.reading() as tx:
        found = await trail.whole_streams(tx.sql, streams)
    known = states.steps_of(item.envelope for item in found)
    for item in page.items:
        step = known[item["stream_id"], item["version"]]
        item |= {"changes": step.changes(), "state": step.after}
    return page


async def _asked(
    audit: Audit, ctx: RequestContext, asked: Asked, *, oldest_first: bool
) -> Page[dict[str, Any]]:
    question = {**asked.question(), "route": ctx.route}
    after = _CURSORS.after(asked.page, question)
    async with audit.database.transaction() as tx:
        found = await search(
            tx.sql,
            asked.filter,
            ctx.principal,
            after=Place(*after) if after else None,
            limit=asked.limit + 1,
            oldest_first=oldest_first,
        )
        await _note(audit, tx, ctx, asked.question(), found[: asked.limit])
    page = _CURSORS.cut(
        found, asked.page, question, lambda item: (item.place.log_id, item.place.idx)
    )
    return Page(items=[item.as_json() for item in page.items], next=page.next)


async def _found(
    audit: Audit, tx: Transaction, ctx: RequestContext, source: Log, index: int
) -> Found:
    found = await trail.at(tx.sql, Place(source.log_id, index), ctx.principal)
    await _note(audit, tx, ctx, {"log": source.origin, "index": index}, [found])
    return found


async def _note(
    audit: Audit,
    tx: Transaction,
    ctx: RequestContext,
    question: dict[str, Any],
    found: Sequence[Found],
) -> None:
    """Write the reading down; what cannot be written down is not answered."""
    await access.record(tx, _reading(ctx, question), found, audit.clock.now())


def _reading(ctx: RequestContext, question: dict[str, Any]) -> Reading:
    return Reading(ctx.principal, ctx.route, question, str(ctx.cause.correlation_id))


async def _proved(
    audit: Audit, ctx: RequestContext, origin: str | None, index: int, question: dict[str, Any]
) -> tuple[Proved, TlogProof]:
    """An entry and its proof, under a checkpoint signed for it where none covers it yet.

    Raises ``NoCheckpoint`` when it cannot be signed.
    """
    reading = _reading(ctx, question)
    for _ in range(2):
        found = await audit.prover.proved(origin, index, reading, audit.clock.now())
        if found.proof is not None:
            return found, found.proof
        await audit.publisher.publish()
    raise NoCheckpoint
