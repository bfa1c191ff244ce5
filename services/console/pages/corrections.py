"""Corrections through their gates: what is asked, what would come of it, who decides next.

A decision is over the hash of the request's content, and signed with the decider's own key, which
never leaves the decider: the page shows what is to be signed, and takes the signature.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.api import Answer, Refused
from services.console.door import Door, NotHere
from services.console.forms.audit import AIM, CORRECTION, CORRECTION_FORMS, SIGNATURE
from services.console.forms.fields import FieldFaults, Given
from services.console.forms.form import by_name
from services.console.pages import acting
from services.console.pages.acting import Subject
from services.console.pages.listing import asked_of, listing
from services.console.visit import Visit

_FORMS = by_name(CORRECTION_FORMS)
_SIGNED = ("document", "letter", "filed_on", "because")
_FLAGS = frozenset({"change.flag", "change.value"})
_NO_KEY = "no-signing-key"
Json = Mapping[str, Any]


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/corrections…``."""
    at = "/corrections/{correction_id:uuid}"
    return (
        door.get("/corrections", listed),
        *door.both("/corrections/new", show_new, send_new),
        *door.both("/corrections/file", show_filing, send_filing),
        door.get(at, one),
        door.post(f"{at}/note", note),
        door.get(f"{at}/statement.json", statement),
        *door.both(f"{at}/do/{{form}}", show, send),
    )


async def listed(visit: Visit) -> Response:
    """Corrections, the newest first."""
    return visit.render(
        "corrections.html",
        **await listing(
            visit, "audit", "/corrections", asked_of(visit, "status"), at="/corrections"
        ),
        may_file=await visit.api.may(CORRECTION.service, CORRECTION.path),
        may_sign=await visit.api.may("audit", "/signing-keys"),
    )


async def one(visit: Visit) -> Response:
    """A correction: its content, its effects as things stand, its gates."""
    return await _shown(visit)


async def note(visit: Visit) -> Response:
    """The same with its reason in words; that somebody read them is recorded."""
    path = f"/corrections/{visit.id('correction_id')}/note"
    return await _shown(visit, (await visit.api.act("audit", path, None)).body["text"])


async def _shown(visit: Visit, words: str = "") -> Response:
    at = f"/corrections/{visit.id('correction_id')}"
    found = await visit.api.together(
        row=visit.api.get("audit", at), effects=visit.api.maybe("audit", f"{at}/effects")
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
        words=words,
        may_read=await visit.api.may("audit", "/corrections/{correction_id}/note"),
    )


async def show_new(visit: Visit) -> Response:
    """What a request is to be about."""
    return await acting.show(visit, AIM, _new(visit))


async def send_new(visit: Visit) -> Response:
    """On to its effects, which are in the address: what is looked at is what is filed."""

    def then(_answer: Answer) -> str:
        named = [
            (name, value)
            for name, value in visit.form.multi_items()
            if not name.startswith("_") and value
        ]
        return f"/corrections/file?{urlencode(named)}"

    async def load() -> Subject:
        return _new(visit)

    return await acting.send(visit, AIM, load, then)


def _new(visit: Visit) -> Subject:
    names = ("service", "stream_id", "version", "to_version")
    given = {f"targets.0.{name}": [visit.query(name)] for name in names if visit.query(name)}
    asked = visit.request.query_params
    given |= {name: asked.getlist(name) for name in asked if name.startswith(("kind", "targets."))}
    return Subject(title=visit.words("更正"), back="/corrections", prefill=given)


async def show_filing(visit: Visit) -> Response:
    """The effects of what is aimed at, and the rest of the request."""
    return await acting.show(visit, CORRECTION, await _filing(visit))


async def send_filing(visit: Visit) -> Response:
    """Filed."""

    def then(answer: Answer) -> str:
        return f"/corrections/{answer.body['id']}"

    return await acting.send(visit, CORRECTION, lambda: _filing(visit), then)


async def _filing(visit: Visit) -> Subject:
    asked = visit.request.query_params
    try:
        aim = AIM.body(Given({name: asked.getlist(name) for name in asked}, {}))
    except FieldFaults as faults:
        raise NotHere from faults
    effects = (await visit.api.act(AIM.service, AIM.path, aim)).body
    return Subject(
        title=visit.words("更正"),
        back=f"/corrections/new?{urlencode(list(asked.multi_items()))}",
        fixed=aim,
        known=frozenset() if aim.get("kind") == "FLAG_CHANGE" else _FLAGS,
        panel=("effects.html", {"effects": effects, **aim}),
    )


async def show(visit: Visit) -> Response:
    """A gate's decision: first what it says, then what is to be signed."""
    form = acting.form_of(visit, _FORMS)
    return await acting.show(visit, form, await _subject(visit))


async def send(visit: Visit) -> Response:
    """Decided, where it is signed; what is to be signed is shown otherwise."""
    form = acting.form_of(visit, _FORMS)
    if not str(visit.form.get(SIGNATURE.name, "")).strip():
        return await acting.again(visit, form, await _subject(visit))
    return await acting.send(visit, form, lambda: _subject(visit))


async def _subject(visit: Visit) -> Subject:
    correction_id = visit.id("correction_id")
    said = {name: str(visit.form.get(name, "")).strip() for name in _SIGNED}
    said = {name: value for name, value in said.items() if value}
    found = await visit.api.together(
        row=visit.api.get("audit", f"/corrections/{correction_id}"),
        sign=_to_sign(visit, correction_id, said),
    )
    row, sign = found["row"], found["sign"]
    ready = "statement" in sign
    return Subject(
        title=visit.words("更正"),
        back=f"/corrections/{correction_id}",
        ids={"correction_id": correction_id},
        version=row["version"],
        history=[
            {**event, "occurred_on": event["recorded_at"], "by": event["actor"]}
            for event in row["events"]
        ],
        known=frozenset() if ready else frozenset({SIGNATURE.name}),
        fixed={"content_sha256": row["content_sha256"]},
        panel=("to_sign.html", {**sign, "at": correction_id, "asked": urlencode(said)}),
        button="" if ready else visit.words("下一步:核对待签内容"),
    )


async def _to_sign(visit: Visit, correction_id: str, said: Json) -> Json:
    """What is to be signed, once the decision's own words are there; why there is none yet."""
    if not said:
        return {"why": "", "without_key": False}
    try:
        path = f"/corrections/{correction_id}/statement"
        found: Json = await visit.api.get("audit", path, **said)
    except Refused as refused:
        if refused.status == 401:
            raise
        detail = str(refused.problem.get("detail", ""))
        return {"why": detail, "without_key": refused.code == _NO_KEY}
    return {**found, "sha256": sha256(found["statement"].encode()).hexdigest()}


async def statement(visit: Visit) -> Response:
    """What is to be signed, as a file for ``dixian sign decision``."""
    correction_id = visit.id("correction_id")
    said = {name: visit.query(name) for name in _SIGNED if visit.query(name)}
    found = await visit.api.get("audit", f"/corrections/{correction_id}/statement", **said)
    headers = {"Content-Disposition": 'attachment; filename="statement.json"'}
    return Response(orjson.dumps(found), media_type="application/json", headers=headers)
