"""Eliminations: the list, one as a track with its objections and its papers, and its steps."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.door import Door
from services.console.forms.assistance import ANSWER, ELIMINATION_FORMS
from services.console.forms.form import Form, by_name
from services.console.pages import acting, notices
from services.console.pages.acting import Subject
from services.console.pages.listing import asked_of, listing
from services.console.pages.notes import objections, read, words_of
from services.console.pages.people import heads
from services.console.visit import Visit

_FORMS = by_name(ELIMINATION_FORMS)
_READING = {ANSWER.name, "review", "approve"}
"""Where one should know what was said and written so far."""
Json = Mapping[str, Any]


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/eliminations…``."""
    at = "/eliminations/{elimination_id:uuid}"
    return (
        door.get("/eliminations", listed),
        door.get(at, one),
        door.post(f"{at}/words", words),
        *door.both(f"{at}/do/{{form}}", show, send),
    )


async def listed(visit: Visit) -> Response:
    """Eliminations, the oldest proposal first. No ratio, no ranking (R92)."""
    asked = asked_of(visit, "status", "early")
    shown = await listing(visit, "assistance", "/eliminations", asked, at="/eliminations")
    return visit.render("eliminations.html", **shown)


async def one(visit: Visit) -> Response:
    """An elimination: its track, its evidence, its clocks, what was said about it."""
    return await _shown(visit, await _asked_for(visit), {})


async def words(visit: Visit) -> Response:
    """The same page with the minutes, objections and remarks that were asked for; recorded."""
    row = await _asked_for(visit)
    return await _shown(visit, row, await read(visit, row["plan_id"]))


async def _asked_for(visit: Visit) -> Json:
    row: Json = await visit.api.get("assistance", f"/eliminations/{visit.id('elimination_id')}")
    return row


async def _shown(visit: Visit, row: Json, full: Mapping[str, str]) -> Response:
    at = f"/eliminations/{row['elimination_id']}"
    found = await visit.api.together(
        procedure=visit.api.fixed("assistance", "/procedure"),
        notices=visit.api.maybe("assistance", f"{at}/notices"),
        names=heads(visit, [row["household_id"]]),
    )
    steps = found["procedure"]["steps"]
    return visit.render(
        "elimination.html",
        row=row,
        steps=steps,
        acted={item["type"]: item for item in row["history"]},
        notices=found["notices"],
        notices_at=at,
        name=found["names"].get(row["household_id"], "***"),
        forms=await _doable(visit, row, steps),
        may_answer=await visit.api.may(ANSWER.service, ANSWER.path),
        objections=objections(visit, row["history"]),
        **await words_of(visit, row["history"], at, full),
    )


async def _doable(visit: Visit, row: Json, steps: Sequence[Json]) -> list[Form]:
    mine = {step["name"] for step in steps if visit.level.name in step["levels"]}
    forms = [form for form in ELIMINATION_FORMS if form.step in row["next"] and form.step in mine]
    if row["notice"] and row["status"] == "OPEN":
        forms.append(_FORMS["elimination-objection"])
    if row["status"] == "OPEN":
        forms.append(_FORMS["withdrawal"])
    return [form for form in forms if await visit.api.may(form.service, form.path)]


async def show(visit: Visit) -> Response:
    """A step of an elimination."""
    form = acting.form_of(visit, _FORMS)
    return await acting.show(visit, form, await _subject(visit, form))


async def send(visit: Visit) -> Response:
    """Done."""
    form = acting.form_of(visit, _FORMS)
    if acting.is_tried(visit, form):
        return await notices.tried(visit, form, await _subject(visit, form))
    return await acting.send(visit, form, lambda: _subject(visit, form))


async def _subject(visit: Visit, form: Form) -> Subject:
    row = await _asked_for(visit)
    at = f"/eliminations/{row['elimination_id']}"
    names = await heads(visit, [row["household_id"]])
    asked = visit.query("objection") or next(iter(row["open_objections"]), "")
    about = objections(visit, row["history"]).get(asked, "") if form is ANSWER else ""
    return Subject(
        title=visit.words("{name}的风险消除", name=names.get(row["household_id"], "***")),
        back=at,
        ids={"elimination_id": row["elimination_id"], "objection_id": asked},
        version=row["version"],
        history=row["history"],
        facts=[about] if about else (),
        keeper=("assistance", row["household_id"]),
        before=(f"{at}#words", "查看异议、会议记录和备注") if form.name in _READING else None,
    )
