"""Department files: sent, previewed, followed, answered row by row; and alerts as they came."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.datastructures import UploadFile
from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.api import Refused
from services.console.door import Door, NotHere
from services.console.forms.alerts import THRESHOLD
from services.console.pages import acting
from services.console.pages.acting import Subject
from services.console.pages.people import heads
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
        door.get("/files/alerts", alerts),
        door.get("/files/{file_id:uuid}", one),
        door.get("/files/{file_id:uuid}/rows.{kind}", rows),
    )


async def listed(visit: Visit) -> Response:
    """The files, the newest last as they came."""
    asked = {name: visit.query(name) or None for name in ("feed", "status", "cursor")}
    page = await visit.api.get("alerts", "/feed-files", limit=50, **asked)
    return visit.render(
        "files.html",
        rows=page["items"],
        asked=asked,
        feeds=FEEDS,
        next=_more("/files", asked, page),
        may_send=await visit.api.may("alerts", "/feed-files/{feed}"),
        may_set=await visit.api.may(THRESHOLD.service, THRESHOLD.path),
        may_map=await visit.api.may("alerts", "/feeds/mappings"),
    )


async def show_new(visit: Visit) -> Response:
    """Which file of which department."""
    return _asking(visit, {}, None, "")


async def send_new(visit: Visit) -> Response:
    """Preview how it would be read, or take it in."""
    given = {
        name: value.strip() for name, value in visit.form.multi_items() if isinstance(value, str)
    }
    upload = visit.form.get("file")
    feed = given.get("feed", "")
    if feed not in FEEDS or not isinstance(upload, UploadFile) or not upload.size:
        return _asking(visit, given, None, visit.words("请选择部门渠道和文件"), 422)
    path = f"/feed-files/{feed}"
    try:
        if given.get("do") == "preview":
            tried = _mapping(given)
            params = {"mapping": orjson.dumps(tried).decode()} if tried else {}
            answer = await visit.api.act(
                "alerts", f"{path}/preview", None, content=parts(upload), params=params
            )
            return _asking(visit, given, answer.body, "")
        answer = await visit.api.act("alerts", path, None, content=parts(upload))
    except Refused as refused:
        if refused.status == 401:
            raise
        return _asking(visit, given, None, refused.problem.get("detail", ""), refused.status)
    return visit.go(f"/files/{answer.body['id']}", "文件已收到,正在逐行比对")


def _asking(
    visit: Visit, given: Json, preview: Json | None, fault: str, status: int = 200
) -> Response:
    return visit.render(
        "file_new.html",
        status=status,
        given=given,
        preview=preview,
        fault=fault,
        feeds=FEEDS,
        columns=COLUMNS,
    )


async def parts(upload: UploadFile) -> AsyncIterator[bytes]:
    """The file as it is read: memory stays flat however large it is."""
    await upload.seek(0)
    while part := await upload.read(_PART):
        yield part


def _mapping(given: Json) -> dict[str, Any]:
    """The mapping that was filled in; nothing where the one in force is to be used."""
    columns = {name: given[f"column.{name}"] for name in COLUMNS if given.get(f"column.{name}")}
    if not columns:
        return {}
    made: dict[str, Any] = {"columns": columns, "unit": given.get("unit") or "YUAN"}
    made |= {name: given[name] for name in ("type", "period", "division") if given.get(name)}
    if given.get("header_row", "").isdigit():
        made["header_row"] = int(given["header_row"])
    return made


async def show_mapping(visit: Visit) -> Response:
    """How a feed's files are read now."""
    feed = visit.query("feed") or FEEDS[0]
    if feed not in FEEDS:
        raise NotHere
    known = await visit.api.get("alerts", f"/feeds/{feed}")
    mapping = known["mapping"]
    given = {f"column.{name}": title for name, title in mapping["columns"].items()}
    given |= {
        name: str(mapping[name])
        for name in ("unit", "header_row", "type", "period", "division")
        if mapping.get(name)
    }
    return _mapped(visit, feed, known, given, "")


async def send_mapping(visit: Visit) -> Response:
    """From now on they are read so; tried out with the preview before (province only)."""
    given = {
        name: value.strip() for name, value in visit.form.multi_items() if isinstance(value, str)
    }
    feed = given.get("feed", "")
    if feed not in FEEDS:
        raise NotHere
    known = await visit.api.get("alerts", f"/feeds/{feed}")
    try:
        body = {"feed": feed, "mapping": _mapping(given)}
        await visit.api.act("alerts", "/feeds/mappings", body)
    except Refused as refused:
        if refused.status == 401:
            raise
        return _mapped(visit, feed, known, given, refused.problem.get("detail", ""))
    return visit.go(f"/files/mapping?feed={feed}", "对照表已保存")


def _mapped(visit: Visit, feed: str, known: Json, given: Json, fault: str) -> Response:
    return visit.render(
        "file_mapping.html",
        status=422 if fault else 200,
        feed=feed,
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
    asked = {name: visit.query(name) or None for name in ("feed", "type", "fate", "cursor")}
    page = await visit.api.get("alerts", "/alerts", limit=50, **asked)
    names = await heads(visit, [row["household_id"] or "" for row in page["items"]])
    return visit.render(
        "alerts.html",
        rows=page["items"],
        names=names,
        asked=asked,
        feeds=FEEDS,
        next=_more("/files/alerts", asked, page),
    )


def _more(path: str, asked: Mapping[str, str | None], page: Json) -> str:
    following = {name: value for name, value in asked.items() if value and name != "cursor"}
    return f"{path}?{urlencode({**following, 'cursor': page['next']})}" if page["next"] else ""
