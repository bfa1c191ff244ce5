"""Corrections through their gates: what is asked, what would come of it, who decides next.

A decision is over the hash of the request's content, and signed with the decider's own key, which
never leaves the decider: the page shows what is to be signed, and takes the signature.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.api import Answer, Refused
from services.console.door import Door, NotHere
from services.console.forms.audit import CORRECTION, CORRECTION_FORMS, SIGNATURE
from services.console.forms.form import Form, by_name
from services.console.pages import acting
from services.console.pages.acting import Subject
from services.console.visit import Visit

_FORMS = by_name(CORRECTION_FORMS)
_SIGNED = ("document", "letter", "filed_on", "because")
Json = Mapping[str, Any]


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/corrections…``."""
    return (
        door.get("/corrections", listed),
        *door.both("/corrections/new", show_new, send_new),
        door.get("/corrections/{correction_id:uuid}", one),
        *door.both("/corrections/{correction_id:uuid}/do/{form}", show, send),
    )


async def listed(visit: Visit) -> Response:
    """Corrections, the newest first."""
    asked = {name: visit.query(name) or None for name in ("status", "cursor")}
    page = await visit.api.get("audit", "/corrections", limit=50, **asked)
    following = {name: value for name, value in asked.items() if value and name != "cursor"}
    more = f"/corrections?{urlencode({**following, 'cursor': page['next']})}"
    return visit.render(
        "corrections.html",
        rows=page["items"],
        asked=asked,
        next=more if page["next"] else "",
        may_file=await visit.api.may(CORRECTION.service, CORRECTION.path),
    )


async def one(visit: Visit) -> Response:
    """A correction: its content, its effects as things stand, its gates."""
    correction_id = visit.id("correction_id")
    found = await visit.api.together(
        row=visit.api.get("audit", f"/corrections/{correction_id}"),
        effects=visit.api.maybe("audit", f"/corrections/{correction_id}/effects"),
    )
    row = found["row"]
    offered = [
        _FORMS["correction-refusal"],
        *(f for f in CORRECTION_FORMS if f.step == row["gate"]),
    ]
    turn = next((gate for gate in row["gates"] if gate["gate"] == row["gate"]), None)
    mine = (
        turn is not None
        and visit.level.name in turn["levels"]
        and not visit.who.roles.isdisjoint(turn["roles"])
    )
    return visit.render(
        "correction.html",
        **found,
        request=row["events"][0]["data"],
        forms=[form for form in reversed(offered) if mine and row["status"] == "OPEN"],
    )


async def show_new(visit: Visit) -> Response:
    """The empty request; its effects are shown before it is filed."""
    return await acting.show(visit, CORRECTION, _new(visit))


async def send_new(visit: Visit) -> Response:
    """Filed."""

    def then(answer: Answer) -> str:
        return f"/corrections/{answer.body['id']}"

    async def load() -> Subject:
        return _new(visit)

    return await acting.send(visit, CORRECTION, load, then)


def _new(visit: Visit) -> Subject:
    names = ("service", "stream_id", "version", "to_version")
    given = {f"targets.0.{name}": [visit.query(name)] for name in names if visit.query(name)}
    return Subject(title=visit.words("更正"), back="/corrections", prefill=given)


async def show(visit: Visit) -> Response:
    """A gate's decision: first what it says, then what is to be signed."""
    form = _form(visit)
    return await acting.show(visit, form, await _subject(visit, form))


async def send(visit: Visit) -> Response:
    """Decided."""
    form = _form(visit)
    return await acting.send(visit, form, lambda: _subject(visit, form))


def _form(visit: Visit) -> Form:
    """The form of a gate."""
    form = _FORMS.get(visit.id("form"))
    if form is None:
        raise NotHere
    return form


async def _subject(visit: Visit, form: Form) -> Subject:
    correction_id = visit.id("correction_id")
    row = await visit.api.get("audit", f"/corrections/{correction_id}")
    facts = [visit.words("申请内容的摘要:{hash}", hash=row["content_sha256"])]
    facts += await _to_sign(visit, form, correction_id)
    return Subject(
        title=visit.words("更正"),
        back=f"/corrections/{correction_id}",
        ids={"correction_id": correction_id},
        version=row["version"],
        facts=facts,
        history=[
            {**event, "occurred_on": event["recorded_at"], "by": event["actor"]}
            for event in row["events"]
        ],
        fixed={"content_sha256": row["content_sha256"]},
    )


async def _to_sign(visit: Visit, form: Form, correction_id: str) -> list[str]:
    """What is to be signed, once the decision's own words are there."""
    if SIGNATURE not in form.fields:
        return []
    said = {name: str(visit.form.get(name, "")) for name in _SIGNED if visit.form.get(name)}
    if not said:
        return [
            visit.words("填写后先提交一次,系统给出待签内容;用 dixian sign decision 签名后填入。")
        ]
    try:
        statement = await visit.api.get("audit", f"/corrections/{correction_id}/statement", **said)
    except Refused as refused:
        return [str(refused.problem.get("detail", ""))]
    return [visit.words("待签内容:{statement}", statement=statement["statement"])]
