"""The log as C2SP ``tlog-tiles`` has it, below ``/`` for the newest and ``/logs/…`` for each.

Checkpoints, keys and tiles of hashes are for everybody: they show that nothing was changed and
nothing else. Bundles of entries are for inspectors of the whole province.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Response

from services.audit.domain import leaf, merkle
from services.audit.domain.merkle import TileId
from services.audit.http.service import READ_ALL, SETTLE, Audit
from services.audit.log import checkpoints, layout, reader, watch
from services.audit.log.layout import LayoutError
from services.audit.log.reader import Log, NotInLog
from services.audit.read_models import access
from services.audit.read_models.access import Reading
from shared.kernel.refusal import Forbidden
from shared.store.database import Transaction
from shared.web.context import Ctx, RequestContext
from shared.web.paging import Cursors, Page, Paged
from shared.web.routing import Router, public, require

_IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable"}
_TEXT = "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"
_CURSORS = Cursors(tuple[UUID])
_ORIGIN = "/logs/{operator}/{province}/{year}"

Number = Annotated[str, Path(max_length=60)]
Level_ = Annotated[int, Path(ge=0, le=5)]
Find = Callable[[Transaction], Awaitable[Log]]


def router(audit: Audit) -> Router:
    """Checkpoints, keys, tiles, bundles and consistency proofs."""
    made = Router(tags=["log"])
    _overview(made, audit)
    _newest(made, audit)
    _named(made, audit)
    _findings(made, audit)
    return made


def _findings(made: Router, audit: Audit) -> None:
    @made.get("/findings", dependencies=[require(SETTLE)], summary="What somebody should look at")
    async def findings(page: Paged, resolved: bool = False) -> Page[dict[str, Any]]:
        question = {"resolved": resolved}
        after = _CURSORS.after(page, question)
        async with audit.database.reading() as tx:
            rows = await watch.listed(
                tx.raw, resolved=resolved, after=after and after[0], limit=page.limit + 1
            )
        return _CURSORS.cut(rows, page, question, lambda row: (row["finding_id"],))


def _overview(made: Router, audit: Audit) -> None:
    @made.get("/logs", dependencies=[public()], summary="Every log, with its public key")
    async def logs() -> list[dict[str, Any]]:
        async with audit.database.reading() as tx:
            return [_described(audit, item) for item in await reader.logs(tx.raw)]

    @made.get("/consistency", dependencies=[public()], summary="Proof that the log only grew")
    async def consistency(
        since: Annotated[int, Query(alias="from", ge=0)],
        to: Annotated[int, Query(ge=0)],
        log: Annotated[str | None, Query(max_length=100)] = None,
    ) -> dict[str, Any]:
        async with audit.database.reading() as tx:
            source = await reader.log(tx.raw, log)
            proof = await reader.consistency(tx.raw, source, since, to)
        return {"log": source.origin, "from": since, "to": to, "hashes": [h.hex() for h in proof]}


def _newest(made: Router, audit: Audit) -> None:
    async def newest(tx: Transaction) -> Log:
        return await reader.log(tx.raw)

    @made.get("/checkpoint", dependencies=[public()], summary="The newest log's signed head")
    async def checkpoint() -> Response:
        return await _checkpoint(audit, newest)

    @made.get("/tile/entries/{number:path}", dependencies=[require(READ_ALL)])
    async def entries(number: Number, ctx: Ctx) -> Response:
        return await _bundle(audit, newest, number, ctx)

    @made.get("/tile/{level}/{number:path}", dependencies=[public()])
    async def tile(level: Level_, number: Number) -> Response:
        return await _tile(audit, newest, level, number)


def _named(made: Router, audit: Audit) -> None:
    def named(operator: str, province: str, year: int) -> Find:
        async def find(tx: Transaction) -> Log:
            return await reader.log(tx.raw, f"{operator}/{province}/{year}")

        return find

    @made.get(f"{_ORIGIN}/checkpoint", dependencies=[public()], summary="A log's signed head")
    async def checkpoint(operator: str, province: str, year: int) -> Response:
        return await _checkpoint(audit, named(operator, province, year))

    @made.get(f"{_ORIGIN}/tile/entries/{{number:path}}", dependencies=[require(READ_ALL)])
    async def entries(
        operator: str, province: str, year: int, number: Number, ctx: Ctx
    ) -> Response:
        return await _bundle(audit, named(operator, province, year), number, ctx)

    @made.get(f"{_ORIGIN}/tile/{{level}}/{{number:path}}", dependencies=[public()])
    async def tile(
        operator: str, province: str, year: int, level: Level_, number: Number
    ) -> Response:
        return await _tile(audit, named(operator, province, year), level, number)


def _described(audit: Audit, source: Log) -> dict[str, Any]:
    return {
        "log": source.origin,
        "province": source.province,
        "year": source.year,
        "size": source.size,
        "opened_at": source.opened_at,
        "frozen_at": source.frozen_at,
        "vkey": audit.publisher.signer(source.origin).vkey(),
        "vkeys": audit.publisher.vkeys(source.origin),
    }


async def _checkpoint(audit: Audit, find: Find) -> Response:
    async with audit.database.reading() as tx:
        signed = await checkpoints.latest(tx.raw, await find(tx))
    return Response(signed.note, media_type=_TEXT)


async def _tile(audit: Audit, find: Find, level: int, number: str) -> Response:
    part = _part(number)
    async with audit.database.reading() as tx:
        run = await reader.tile(tx.raw, await find(tx), TileId(level, part.n), part.width)
    return Response(run, media_type=_BYTES, headers=_IMMUTABLE)


async def _bundle(audit: Audit, find: Find, number: str, ctx: RequestContext) -> Response:
    """A bundle's bytes; reading it is reading every entry in it, and recorded as that."""
    part = _part(number)
    async with audit.database.transaction() as tx:
        source = await find(tx)
        if not ctx.principal.covers(source.province):
            raise Forbidden("该日志不在您的辖区内", "the log is of another province")
        start = part.n * merkle.TILE_WIDTH
        leaves = await reader.leaves(tx.raw, source, start, start + part.width)
        about = {"log": source.origin, "bundle": number}
        reading = Reading(ctx.principal, ctx.route, about, str(ctx.cause.correlation_id))
        envelopes = [leaf.read(data) for data in leaves]
        events = [UUID(envelope["event_id"]) for envelope in envelopes]
        keys = list({UUID(envelope["key"]): None for envelope in envelopes})
        await access.record_ids(tx, reading, events, keys, audit.clock.now())
    return Response(layout.pack(leaves), media_type=_BYTES)


def _part(number: str) -> layout.Part:
    try:
        return layout.parse_number(number)
    except LayoutError:
        raise NotInLog("tile") from None
