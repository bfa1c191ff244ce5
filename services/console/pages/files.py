"""Department files: sent, previewed, followed, answered row by row; and alerts as they came."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from starlette.datastructures import UploadFile
from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.api import Refused
from services.console.door import Door, NotHere
from services.console.forms.alerts import THRESHOLD
from services.console.pages import acting
from services.console.pages.acting import Subject
from services.console.pages.listing import asked_of, listing
from services.console.visit import Visit
from shared.tabular.writing import Format

FEEDS = (
    "medical-insurance",
    "health",
    "education",
    "police",
    "civil-affairs",
    "emergency",
    "housing",
    "water",
    "human-resources",
    "disabled-federation",
)
COLUMNS = (
    "document_number",
    "name",
    "type",
    "happened_on",
    "amount",
    "division",
    "period",
    "external_id",
    "details",
)
_CALLED = "called."
"""Before a kind of alert: what the department's files call it."""
_PART = 1 << 20
_SHOWN = 100
Json = Mapping[str, Any]


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/files…``."""
    return (
        door.get("/files", listed),
        *door.both("/files/new", show_new, send_new),
        *door.both("/files/mapping", show_mapping, send_mapping),
        *door.both("/files/thresholds", show_thresholds, send_threshold),
        door.get("/files/{feed}/template.{kind}", template),
        door.get("/files/alerts", alerts),
        door.get("/files/{file_id:uuid}", one),
        door.get("/files/{file_id:uuid}/rows.{kind}", rows),
    )


async def listed(visit: Visit) -> Response:
    """The files, the newest last as they came."""
    asked = asked_of(visit, "feed", "status")
    return visit.render(
        "files.html",
        **await listing(visit, "alerts", "/feed-files", asked, at="/files"),
        feeds=FEEDS,
        may_send=await visit.api.may("alerts", "/feed-files/{feed}"),
        may_set=await visit.api.may(THRESHOLD.service, THRESHOLD.path),
        may_map=await visit.api.may("alerts", "/feeds/mappings"),
    )


async def show_new(visit: Visit) -> Response:
    """Which department's file; then what it should hold, and the file itself."""
    feed = visit.query("feed")
    if feed and feed not in FEEDS:
        raise NotHere
    known = await visit.api.get("alerts", f"/feeds/{feed}") if feed else None
    return await _asking(visit, known, _mapped_now(known) if known else {})


async def send_new(visit: Visit) -> Response:
    """Preview how it would be read, or take it in."""
    given = _given(visit)
    feed, asked = given.get("feed", ""), given.get("do")
    if feed not in FEEDS:
        raise NotHere
    known = await visit.api.get("alerts", f"/feeds/{feed}")
    if asked == "save":
        return await _save_tried(visit, known, given)
    tried = _tried(known, given)
    if fault := _fault(visit, tried if asked != "preview" else {}):
        return await _asking(visit, known, given, fault=visit.words(fault), status=422)
    try:
        if asked == "preview":
            return await _previewed(visit, known, given, tried)
        answer = await visit.api.act(
            "alerts", f"/feed-files/{feed}", None, content=parts(_upload(visit))
        )
    except Refused as refused:
        if refused.status == 401:
            raise
        detail = refused.problem.get("detail", "")
        return await _asking(visit, known, given, fault=detail, status=refused.status)
    return visit.go(f"/files/{answer.body['id']}", "文件已收到,正在逐行比对")


async def _previewed(visit: Visit, known: Json, given: Json, tried: Json) -> Response:
    params = {"mapping": orjson.dumps(tried).decode()} if tried else {}
    path = f"/feed-files/{known['feed']}/preview"
    content = parts(_upload(visit))
    answer = await visit.api.act("alerts", path, None, content=content, params=params)
    return await _asking(visit, known, given, preview=answer.body, tried=bool(tried))


def _upload(visit: Visit) -> UploadFile:
    upload = visit.form["file"]
    assert isinstance(upload, UploadFile)
    return upload


def _fault(visit: Visit, tried: Json) -> str:
    """Why the file cannot be sent so; nothing where it can."""
    upload = visit.form.get("file")
    if not isinstance(upload, UploadFile) or not upload.size:
        return "请选择文件"
    if tried:
        return "试用的对照表只用于预览,上传一律按现行对照表。请先保存对照表,或恢复现行的列名"
    return ""


async def _save_tried(visit: Visit, known: Json, given: Json) -> Response:
    """What was tried becomes the channel's mapping, for whoever may say so."""
    feed = known["feed"]
    if fault := await _save(visit, feed, given):
        return await _asking(visit, known, given, fault=fault, status=422)
    return visit.go(f"/files/new?feed={feed}", "对照表已保存")


async def template(visit: Visit) -> Response:
    """An empty file with the titles of the mapping in force."""
    feed, kind = visit.id("feed"), visit.id("kind")
    if feed not in FEEDS or kind not in {Format.CSV, Format.XLSX}:
        raise NotHere
    answer = await visit.api.fetch("alerts", f"/feeds/{feed}/template.{kind}")
    name = quote(f"{visit.words.label('Feed', feed)}预警模板.{kind}")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(answer.content, media_type=Format(kind).media_type, headers=headers)


def _given(visit: Visit) -> dict[str, str]:
    fields = visit.form.multi_items()
    return {name: value.strip() for name, value in fields if isinstance(value, str)}


async def _asking(
    visit: Visit,
    known: Json | None,
    given: Json,
    *,
    preview: Json | None = None,
    tried: bool = False,
    fault: str = "",
    status: int = 200,
) -> Response:
    return visit.render(
        "file_new.html",
        status=status,
        known=known,
        given=given,
        preview=preview,
        tried=tried,
        fault=fault,
        feeds=FEEDS,
        columns=COLUMNS,
        may_map=await visit.api.may("alerts", "/feeds/mappings"),
    )


async def parts(upload: UploadFile) -> AsyncIterator[bytes]:
    """The file as it is read: memory stays flat however large it is."""
    await upload.seek(0)
    while part := await upload.read(_PART):
        yield part


def _tried(known: Json, given: Json) -> dict[str, Any]:
    """The mapping that was filled in; nothing where it is the one in force."""
    if not any(given.get(f"column.{name}") for name in COLUMNS):
        return {}
    made = _mapping(given)
    return {} if made == _mapping(_mapped_now(known)) else made


def _mapping(given: Json) -> dict[str, Any]:
    """The mapping that was filled in."""
    columns = {name: given[f"column.{name}"] for name in COLUMNS if given.get(f"column.{name}")}
    made: dict[str, Any] = {"columns": columns, "unit": given.get("unit") or "YUAN"}
    made |= {name: given[name] for name in ("type", "period", "division") if given.get(name)}
    head = given.get("header_row", "")
    made["header_row"] = int(head) if head.isdigit() else 1
    made["types"] = {
        word: field.removeprefix(_CALLED)
        for field, words in given.items()
        if field.startswith(_CALLED)
        for word in re.split(r"[、,,\s]+", words)
        if word
    }
    return made


def _mapped_now(known: Json) -> dict[str, str]:
    """The mapping in force, as the form holds it."""
    mapping = known["mapping"]
    given = {f"column.{name}": title for name, title in mapping["columns"].items()}
    for word, kind in sorted(mapping["types"].items()):
        name = f"{_CALLED}{kind}"
        given[name] = "、".join(filter(None, (given.get(name), word)))
    return given | {
        name: str(mapping[name])
        for name in ("unit", "header_row", "type", "period", "division")
        if mapping.get(name)
    }


async def show_mapping(visit: Visit) -> Response:
    """How a feed's files are read now."""
    feed = visit.query("feed") or FEEDS[0]
    if feed not in FEEDS:
        raise NotHere
    known = await visit.api.get("alerts", f"/feeds/{feed}")
    return _mapped(visit, known, _mapped_now(known), "")


async def send_mapping(visit: Visit) -> Response:
    """From now on they are read so; tried out with the preview before (province only)."""
    given = _given(visit)
    feed = given.get("feed", "")
    if feed not in FEEDS:
        raise NotHere
    if fault := await _save(visit, feed, given):
        known = await visit.api.get("alerts", f"/feeds/{feed}")
        return _mapped(visit, known, given, fault)
    return visit.go(f"/files/mapping?feed={feed}", "对照表已保存")


async def _save(visit: Visit, feed: str, given: Json) -> str:
    """Make a mapping the channel's; why it was refused."""
    try:
        body = {"feed": feed, "mapping": _mapping(given)}
        await visit.api.act("alerts", "/feeds/mappings", body)
    except Refused as refused:
        if refused.status == 401:
            raise
        return str(refused.problem.get("detail", ""))
    return ""


def _mapped(visit: Visit, known: Json, given: Json, fault: str) -> Response:
    return visit.render(
        "file_mapping.html",
        status=422 if fault else 200,
        feed=known["feed"],
        known=known,
        given=given,
        fault=fault,
        feeds=FEEDS,
        columns=COLUMNS,
    )


async def show_thresholds(visit: Visit) -> Response:
    """From which amounts alerts become leads, and a new one (K7)."""
    return await acting.show(visit, THRESHOLD, await _thresholds(visit))


async def send_threshold(visit: Visit) -> Response:
    """In force from its day on (province only)."""
    return await acting.send(visit, THRESHOLD, lambda: _thresholds(visit))


async def _thresholds(visit: Visit) -> Subject:
    await acting.must_be_allowed(visit, THRESHOLD)
    asked = {feed: visit.api.get("alerts", f"/feeds/{feed}") for feed in FEEDS}
    known = await visit.api.together(**asked)
    rows = [(feed, row) for feed, found in known.items() for row in found["thresholds"]]
    return Subject(
        title=visit.words("部门文件"), back="/files", panel=("thresholds.html", {"rows": rows})
    )


async def one(visit: Visit) -> Response:
    """How far a file is, and what became of its rows."""
    file_id, fate = visit.id("file_id"), visit.query("fate") or None
    after = visit.query("after") if visit.query("after").isdigit() else "0"
    found = await visit.api.together(
        file=visit.api.get("alerts", f"/feed-files/{file_id}"),
        page=visit.api.get(
            "alerts", f"/feed-files/{file_id}/rows", fate=fate, after=after, limit=_SHOWN
        ),
    )
    shown = found["page"]["items"]
    asked = {"fate": fate, "after": shown[-1]["n"]} if len(shown) == _SHOWN else {}
    following = urlencode({name: value for name, value in asked.items() if value})
    return visit.render(
        "file.html",
        file=found["file"],
        rows=shown,
        fate=fate,
        next=f"/files/{file_id}?{following}" if following else "",
    )


async def rows(visit: Visit) -> Response:
    """Every row with its fate, as a file."""
    kind = visit.id("kind")
    if kind not in set(Format):
        raise NotHere
    path = f"/feed-files/{visit.id('file_id')}/rows.{kind}"
    answer = await visit.api.fetch("alerts", path, fate=visit.query("fate") or None)
    headers = {"Content-Disposition": f'attachment; filename="rows.{kind}"'}
    return Response(answer.content, media_type=Format(kind).media_type, headers=headers)


async def alerts(visit: Visit) -> Response:
    """Alerts as they came, each with its fate."""
    asked = asked_of(visit, "feed", "type", "fate")
    shown = await listing(visit, "alerts", "/alerts", asked, at="/files/alerts")
    return visit.render("alerts.html", **shown, feeds=FEEDS)
