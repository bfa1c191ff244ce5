"""Feeds and their files: configured, previewed, sent, followed, answered row by row."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from itertools import islice
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ValidationError

from services.alerts.domain import feed_commands as c
from services.alerts.domain import feed_policies, feed_words, triggers
from services.alerts.domain.commands import Feed
from services.alerts.domain.feed import FEED, feed_id
from services.alerts.domain.feed import Feed as Configured
from services.alerts.domain.feed_file import FileStatus, file_id
from services.alerts.handlers import Tools
from services.alerts.http import feed_sheets
from services.alerts.http.asking import LOOK, Filter, asked, only
from services.alerts.read_models import feed_parts, feed_queries, feed_rows
from services.alerts.read_models.feed_queries import FileKey
from services.alerts.read_models.queries import Row
from services.alerts.reading.check import Checker
from services.alerts.reading.plan import Plan
from shared.contracts.alerts import FeedMapping, RowFate
from shared.kernel.principal import Permission, Principal, Role, may
from shared.kernel.refusal import Invalid, Refusal
from shared.store import event_store
from shared.store.application import Application
from shared.store.database import Transaction
from shared.store.event_store import ConcurrentAppend
from shared.tabular.reading import open_table
from shared.tabular.table import Limits
from shared.tabular.upload import Upload, received
from shared.tabular.writing import Format
from shared.vault.masking import MASKS, masked
from shared.web.auth import Caller
from shared.web.context import cause_of
from shared.web.doors import Door
from shared.web.paging import Cursors, Page, Paged
from shared.web.problem import language_of
from shared.web.routing import Router

LARGER_BODIES = {"/feed-files/": Limits.packed}
"""Where files come in."""
DOORS = (Door("/feeds/mappings", c.MapFeed), Door("/feeds/thresholds", c.SetThreshold))
LOOK_AT_FILES: Permission = may(*LOOK.roles, Role.FEED, Role.ADMINISTRATOR)
PREVIEWED = 20
_FILES: Cursors[FileKey] = Cursors(FileKey)
_PAGE = 5000
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "XLSX, CSV (UTF-8 or GB18030) or NDJSON, gzipped if you like; whatever its"
        " name or Content-Type says.",
        "content": {"application/octet-stream": {"schema": {"type": "string"}}},
    }
}
FeedName = Annotated[Feed, Path()]


class FileFilter(Filter):
    """Which files."""

    feed: Feed | None = None
    status: FileStatus | None = None


def feed_doors(made: Router, application: Application, tools: Tools) -> None:
    """Add everything that concerns files and how they are read."""
    door = _FeedDoor(application, tools)
    options: dict[str, Any] = {"openapi_extra": _BODY, **only(c.ReceiveFeed.permission)}
    made.get("/feeds/{feed}", summary="How a feed is read and measured.", **only(LOOK_AT_FILES))(
        door.configuration
    )
    made.get(
        "/feeds/{feed}/template.{kind}",
        summary="An empty file with the titles of the mapping in force and an example (csv, xlsx).",
        **only(LOOK_AT_FILES),
    )(door.template)
    made.post(
        "/feed-files/{feed}/preview",
        summary="How the first rows of a file would be read; nothing is kept.",
        **options,
    )(door.preview)
    made.post(
        "/feed-files/{feed}",
        status_code=202,
        summary="Take a file in; its rows are compared afterwards.",
        **options,
    )(door.take_in)
    made.get("/feed-files", summary="Files, as they came.", **only(LOOK_AT_FILES))(door.files)
    made.get("/feed-files/{file_id}", summary="How far a file is.", **only(LOOK_AT_FILES))(
        door.file
    )
    made.get(
        "/feed-files/{file_id}/rows", summary="What became of its rows.", **only(LOOK_AT_FILES)
    )(door.rows)
    made.get(
        "/feed-files/{file_id}/rows.{kind}",
        summary="The same as a file (csv, xlsx, jsonl).",
        **only(LOOK_AT_FILES),
    )(door.rows_as_file)


class RowsWanted(BaseModel):
    """Which rows of a file."""

    fate: RowFate | None = None
    after: Annotated[int, Query(ge=0)] = 0
    """Only rows below this one."""
    limit: Annotated[int, Query(ge=1, le=_PAGE)] = 100


class _FeedDoor:
    """The routes."""

    def __init__(self, application: Application, tools: Tools) -> None:
        self._application, self._tools = application, tools
        self._database = application.database

    async def configuration(self, feed: FeedName) -> dict[str, Any]:
        """The mapping in force, and every threshold: what was set, then the defaults."""
        feed_policies.feed_is_known(feed, triggers.FEEDS)
        async with self._database.reading() as tx:
            configured = await self._configured(tx, feed)
        return {
            "feed": feed,
            "types": sorted(triggers.FEEDS[feed]),
            "columns": feed_sheets.columns(configured.mapping),
            "mapping_number": configured.number,
            "mapping": configured.mapping,
            "thresholds": [item for item in configured.book if item.type in triggers.FEEDS[feed]],
        }

    async def template(
        self, feed: FeedName, kind: feed_sheets.Fillable, caller: Caller
    ) -> Response:
        """Whoever fills it in and sends it as it is has every column read."""
        feed_policies.feed_is_known(feed, triggers.FEEDS)
        async with self._database.reading() as tx:
            mapping = (await self._configured(tx, feed)).mapping
            today = tx.clock.today()
        return feed_sheets.template(feed, mapping, kind, caller.division, today)

    async def preview(
        self, feed: FeedName, request: Request, caller: Caller, mapping: str | None = None
    ) -> dict[str, Any]:
        """``mapping`` (JSON) is tried out; without it the one in force is."""
        configured = await self._sender(feed, caller)
        tried = configured.mapping if mapping is None else _parsed(mapping, feed)
        plan = await self._plan(feed, caller, tried, configured)
        language = language_of(request.scope)
        async with received(request.stream()) as upload:
            return await asyncio.to_thread(_previewed, upload, plan, language)

    async def take_in(
        self, feed: FeedName, request: Request, response: Response, caller: Caller
    ) -> Row:
        """Refused whole where no row of it could be read; else answered at once, and followed."""
        configured = await self._sender(feed, caller)
        plan = await self._plan(feed, caller, configured.mapping, configured)
        async with received(request.stream()) as upload:
            await asyncio.to_thread(_must_be_readable, upload, plan)
            made = c.ReceiveFeed(
                file_id=file_id(feed, upload.sha256.hex(), configured.number),
                feed=feed,
                sha256=upload.sha256.hex(),
                size=upload.size,
                mapping=configured.mapping,
                mapping_number=configured.number,
                received_at=(await self._database.clock()).now(),
            )
            new = await self._keep(made, upload, request, caller)
        if not new:
            response.headers["Idempotency-Replayed"] = "true"
        return await self.file(made.file_id, caller)

    async def files(
        self, caller: Caller, page: Paged, wanted: Annotated[FileFilter, Query()]
    ) -> Page[Row]:
        """Each with how far it is."""
        question = asked(caller, wanted, page, _FILES)
        async with self._database.reading() as tx:
            rows = await feed_queries.files(tx.sql, question, wanted.columns)
        return _FILES.cut(
            [_file(row) for row in rows],
            page,
            wanted.model_dump(),
            lambda row: FileKey(row["received_at"], row["id"]),
        )

    async def file(self, file_id: UUID, caller: Caller) -> Row:
        """Its fates add up to its rows."""
        async with self._database.reading() as tx:
            return _file(await feed_queries.file(tx.sql, caller, file_id))

    async def rows(
        self,
        file_id: UUID,
        request: Request,
        caller: Caller,
        wanted: Annotated[RowsWanted, Query()],
    ) -> dict[str, Any]:
        """In their order; ``after`` the last one seen for the next ones."""
        feed, language = (await self.file(file_id, caller))["feed"], language_of(request.scope)
        async with self._database.reading() as tx:
            found = await feed_rows.page(tx.raw, file_id, wanted.after, wanted.fate, wanted.limit)
        return {"items": [feed_sheets.row(feed, row, language) for row in found]}

    async def rows_as_file(
        self, file_id: UUID, kind: Format, caller: Caller, fate: RowFate | None = None
    ) -> Response:
        """Streamed."""
        feed = (await self.file(file_id, caller))["feed"]
        return StreamingResponse(
            feed_sheets.rows(kind, feed, self._pages(file_id, fate)),
            media_type=kind.media_type,
            headers={"Content-Disposition": f'attachment; filename="{file_id}.{kind}"'},
        )

    async def _pages(
        self, file_id: UUID, fate: RowFate | None
    ) -> AsyncIterator[Iterable[dict[str, Any]]]:
        after = 0
        while True:
            async with self._database.reading() as tx:
                found = await feed_rows.page(tx.raw, file_id, after, fate, _PAGE)
            if not found:
                return
            after = found[-1]["n"]
            yield found

    async def _keep(
        self, made: c.ReceiveFeed, upload: Upload, request: Request, caller: Principal
    ) -> bool:
        """The file and its event, in one transaction; whether it is new."""
        try:
            async with self._database.transaction() as tx:
                outcome = await self._application.execute_in(tx, made, caller, cause_of(request))
                if outcome.events:
                    await feed_parts.put(
                        tx.raw, self._tools.vault, made.file_id, _parts(upload), tx.clock
                    )
        except ConcurrentAppend:
            return False  # sent twice at once
        self._application.appended(outcome.events)
        return bool(outcome.events)

    async def _sender(self, feed: str, caller: Principal) -> Configured:
        """The feed, if the caller may send its files."""
        feed_policies.feed_is_known(feed, triggers.FEEDS)
        feed_policies.file_is_the_callers(feed, caller)
        async with self._database.reading() as tx:
            return await self._configured(tx, feed)

    async def _configured(self, tx: Transaction, feed: str) -> Configured:
        history = await event_store.load(tx.raw, self._application.service, feed_id(feed))
        return FEED.fold([item.event for item in history])

    async def _plan(
        self, feed: str, caller: Principal, mapping: FeedMapping, configured: Configured
    ) -> Plan:
        today = (await self._database.clock()).today()
        return Plan(feed, caller.division, mapping, configured.book, today, self._tools.index)


def _parsed(mapping: str, feed: str) -> FeedMapping:
    try:
        made = FeedMapping.model_validate_json(mapping)
    except ValidationError:
        raise Invalid(
            code="mapping-malformed",
            zh="对照表不是有效的JSON",
            en="the mapping is not as it should be",
            field="mapping",
        ) from None
    feed_policies.mapping_is_whole(made, triggers.FEEDS[feed])
    return made


def _must_be_readable(upload: Upload, plan: Plan) -> None:
    """Raises ``Unreadable`` for a file that is no table or lacks a column."""
    with open_table(upload.file, header_row=plan.mapping.header_row) as table:
        Checker(plan, table.header)


def _previewed(upload: Upload, plan: Plan, language: str) -> dict[str, Any]:
    with open_table(upload.file, header_row=plan.mapping.header_row) as table:
        checker = Checker(plan, table.header)
        return {
            "kind": table.kind,
            "encoding": table.encoding,
            "header": table.header,
            "rows": [
                {"n": row.number, **_tried(checker, row, plan.feed, language)}
                for row in islice(table.rows(), PREVIEWED)
            ],
        }


def _tried(checker: Checker, row: Any, feed: str, language: str) -> dict[str, Any]:
    try:
        given = checker(row).given()
    except Refusal as bad:
        detail = feed_words.reason(feed, bad.code, bad.field, language)
        return {"refused": {"code": bad.code, "field": bad.field, "detail": detail}}
    person = masked(given.pop("person"), MASKS)
    given.pop("details")
    return {"alert": {**given, "person": person}}


async def _parts(upload: Upload) -> AsyncIterator[bytes]:
    upload.file.seek(0)
    while part := await asyncio.to_thread(upload.file.read, 1 << 20):
        yield part


def _file(row: Row) -> Row:
    fates = {fate.lower(): row[fate.lower()] for fate in RowFate}
    rest = {name: value for name, value in row.items() if name not in fates}
    return {**rest, "fates": fates}


__all__ = ["DOORS", "LARGER_BODIES", "feed_doors"]
