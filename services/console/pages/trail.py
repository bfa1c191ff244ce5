"""The trail: who did what, when; its filters live in the address; every entry can be proven."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from services.console import entries
from services.console.api import Refused
from services.console.door import Door
from services.console.look import Visitor
from services.console.pages.listing import more
from services.console.visit import Visit
from shared.kernel.clock import SHANGHAI

Json = Mapping[str, Any]
Asked = Mapping[str, str]
"""What the address asks for: conditions by their names."""
_FILTERS = (
    "since",
    "until",
    "actor",
    "role",
    "region",
    "service",
    "category",
    "type",
    "household",
    "stream",
    "correlation",
    "outcome",
    "gate",
    "text",
)
_RARE = frozenset(_FILTERS) - {"since", "until", "actor", "type"}
"""Filters that stay folded away until one of them is used."""
_OUTCOMES = ("LeadDisposition", "OrderResult", "Rating", "RefusedBecause", "Mismatch")
"""The codes with which acts end, by their groups."""
_TIMELINES = {
    "stream": "/streams/{}/timeline",
    "household": "/households/{}/timeline",
    "correlation": "/requests/{}/timeline",
}


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/trail…``."""
    return (
        door.get("/trail", listed),
        door.get("/trail/entries/{event_id:uuid}", entry),
        door.get("/trail/entries/{event_id:uuid}/{part}", part),
        door.get("/trail/readings/{household:uuid}", readings),
        door.post("/trail/exports", export),
        door.get("/trail/exports/{export_id:uuid}", exported),
        door.get("/trail/exports/{export_id:uuid}/file", file),
        door.post("/trail/searches", save),
        door.post("/trail/searches/{search_id:uuid}/forget", forget),
    )


async def listed(visit: Visit) -> Response:
    """The entries that the address asks for; of one household, stream or request a timeline."""
    return await _shown(visit, _asked({name: visit.query(name) for name in _FILTERS}), {})


async def _shown(
    visit: Visit, asked: Asked, kept: Mapping[str, str], fault: str = "", status: int = 200
) -> Response:
    path, question = _timeline(_question(asked))
    found = await visit.api.together(
        page=visit.api.get(
            "audit", path, limit=50, cursor=visit.query("cursor") or None, **question
        ),
        searches=visit.api.get("audit", "/searches"),
    )
    page = found["page"]
    return visit.render(
        "trail.html",
        status=status,
        rows=[{**row, "told": told(visit, row)} for row in page["items"]],
        next=more("/trail", asked, page["next"]),
        asked=asked,
        narrowed=not _RARE.isdisjoint(asked),
        outcomes=_OUTCOMES,
        searches=[_search(item) for item in found["searches"]],
        correctable=await _correctable(visit, asked, page),
        kept=kept,
        fault=fault,
    )


def _timeline(question: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Where the acts are told with what each changed; any other list only says what each says."""
    for name, path in _TIMELINES.items():
        if name in question:
            return path.format(question[name]), {
                key: value for key, value in question.items() if key != name
            }
    return "/entries", question


def told(visitor: Visitor, row: Json) -> Sequence[tuple[str, entries.Said, entries.Said]]:
    """Name, former value, value; nothing was before where a list tells no changes."""
    if "changes" in row:
        return entries.changed(visitor, row)
    return [(name, "", value) for name, value in entries.said(visitor, row)]


async def _correctable(visit: Visit, asked: Asked, page: Json) -> int:
    """The version that one's stream stands at, for who may ask for its correction; 0 otherwise."""
    rows = page["items"]
    if "stream" not in asked or not rows or not await visit.api.may("audit", "/corrections"):
        return 0
    if len(asked) > 1 or page["next"] or visit.query("cursor"):
        newest = await visit.api.get("audit", "/entries", stream=asked["stream"], limit=1)
        rows = newest["items"]
    return max(int(row["version"]) for row in rows)


async def entry(visit: Visit) -> Response:
    """One entry with its proof, which the page's script checks for itself."""
    proof = await _proof(visit)
    event = await visit.api.get("audit", f"/entries/{proof['index']}", log=proof["log"])
    return visit.render("entry.html", event=event, proof=proof, said=entries.said(visit, event))


async def part(visit: Visit) -> Response:
    """The proof or the exact bytes, to take to somebody who trusts nobody here."""
    proof = await _proof(visit)
    what = visit.id("part")
    texts = {
        "entry.tlog-proof": proof["tlog_proof"],
        "leaf.json": proof["leaf"],
        "log.vkey": proof["vkey"],
    }
    if what not in texts:
        return Response(status_code=404)
    headers = {"Content-Disposition": f'attachment; filename="{what}"'}
    return Response(texts[what], media_type="text/plain; charset=utf-8", headers=headers)


async def _proof(visit: Visit) -> Json:
    proof: Json = await visit.api.get("audit", f"/events/{visit.id('event_id')}/proof")
    return proof


async def readings(visit: Visit) -> Response:
    """Who looked at one household's trail."""
    household = visit.id("household")
    page = await visit.api.get("audit", f"/households/{household}/readings", limit=100)
    return visit.render("readings.html", rows=page["items"], household=household)


async def export(visit: Visit) -> Response:
    """Ask for exactly what the filter shows."""
    asked = {name: str(visit.form.get(name, "")) for name in _FILTERS}
    body = {
        "format": str(visit.form.get("format", "xlsx")),
        "filter": _question({name: value for name, value in asked.items() if value}),
    }
    made = (await visit.api.act("audit", "/exports", body)).body
    return RedirectResponse(f"/trail/exports/{made['export_id']}", status_code=303)


async def exported(visit: Visit) -> Response:
    """How far the export is."""
    made = await visit.api.get("audit", f"/exports/{visit.id('export_id')}")
    return visit.render("export.html", made=made, export_id=visit.id("export_id"))


async def file(visit: Visit) -> Response:
    """The export."""
    export_id = visit.id("export_id")
    answer = await visit.api.fetch("audit", f"/exports/{export_id}/file")
    headers = {"Content-Disposition": f'attachment; filename="audit-{export_id}.zip"'}
    return Response(answer.content, media_type="application/zip", headers=headers)


async def save(visit: Visit) -> Response:
    """Keep the filter under a name, for oneself or for everybody of one's role."""
    asked = _asked({name: str(visit.form.get(name, "")) for name in _FILTERS})
    kept = {name: str(visit.form.get(name, "")).strip() for name in ("name", "shared")}
    body = {
        "name": kept["name"],
        "filter": _question(asked),
        "shared_with": sorted(visit.who.roles)[0] if kept["shared"] else None,
    }
    try:
        await visit.api.act("audit", "/searches", body)
    except Refused as refused:
        if refused.problem.get("field") != "name":
            raise
        return await _shown(visit, asked, kept, refused.problem["detail"], refused.status)
    return visit.go(f"/trail?{urlencode(asked)}", "常用查询已保存")


async def forget(visit: Visit) -> Response:
    """Drop one's own search."""
    await visit.api.delete("audit", f"/searches/{visit.id('search_id')}")
    return visit.go("/trail", "常用查询已删除")


def _asked(given: Asked) -> dict[str, str]:
    return {name: value for name, value in given.items() if value and _can_be(name, value)}


def _can_be(name: str, value: str) -> bool:
    """Leave out an id that is none, rather than refuse the whole page."""
    if name not in {"household", "stream", "correlation"}:
        return True
    try:
        UUID(value)
    except ValueError:
        return False
    return True


def _question(asked: Asked) -> dict[str, str]:
    """The API's question: a day becomes its first instant in Shandong."""
    made = dict(asked)
    for name in ("since", "until"):
        if len(made.get(name, "")) == 10:
            made[name] = f"{made[name]}T00:00:00+08:00"
    return made


def _search(item: Json) -> dict[str, Any]:
    """A saved search with the address that shows it."""
    return {**item, "address": address_of(item["query"])}


def address_of(kept: Json) -> str:
    """Where a saved filter is shown: the very instants, a whole day in Shandong as that day."""
    address = {
        name: _moment(value) if name in {"since", "until"} else value
        for name, value in kept.items()
        if value is not None
    }
    return f"/trail?{urlencode(address)}"


def _moment(value: str) -> str:
    """An instant as the address bar has it; one that names no zone is Shandong's."""
    instant = datetime.fromisoformat(value)
    here = instant.astimezone(SHANGHAI) if instant.tzinfo else instant.replace(tzinfo=SHANGHAI)
    return here.date().isoformat() if here.time() == time() else here.isoformat()
