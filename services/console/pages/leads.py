"""Leads: the list, one of them with the households it may be, reporting, matching, disposing."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.api import Answer
from services.console.door import Door
from services.console.forms.alerts import LEAD, LEAD_FORMS
from services.console.forms.form import by_name
from services.console.forms.register import REGISTER
from services.console.pages import acting
from services.console.pages.acting import Option, Subject
from services.console.pages.listing import asked_of, listing
from services.console.pages.looking import opened
from services.console.pages.people import heads, villages
from services.console.visit import Visit
from shared.kernel.division import Level
from shared.policy.purposes import Purpose

_FORMS = by_name(LEAD_FORMS)
_MOST = 200
_PARTS = ("PERSON", "AGENT", "TEXT", "NOTE")
_PURPOSES = (Purpose.VERIFICATION, Purpose.CONTACT, Purpose.INSPECTION, Purpose.SUBJECT_REQUEST)


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/leads…``."""
    return (
        door.get("/leads", listed),
        *door.both("/leads/new", show_new, send_new),
        door.get("/leads/{lead_id:uuid}", one),
        door.post("/leads/{lead_id:uuid}/reveal", reveal),
        door.post("/leads/{lead_id:uuid}/evidence/{sha256}", evidence),
        *door.both("/leads/{lead_id:uuid}/do/{form}", show, send),
    )


async def listed(visit: Visit) -> Response:
    """The leads, filtered by what stands in the address."""
    asked = asked_of(visit, "status", "source", "disposition", "household_id", "raised")
    return visit.render(
        "leads.html",
        **await listing(visit, "alerts", "/leads", asked, at="/leads"),
        may_report=await visit.api.may(LEAD.service, LEAD.path),
    )


async def one(visit: Visit) -> Response:
    """A lead, and what can be done with it."""
    return await _shown(visit, {})


async def reveal(visit: Visit) -> Response:
    """The same page, with whom it is about and what was said in full; recorded."""
    lead = await visit.api.get("alerts", f"/leads/{visit.id('lead_id')}")
    body = {"purpose": str(visit.form.get("purpose", "")), "parts": _parts(lead)}
    answer = await visit.api.act("alerts", f"/leads/{lead['id']}/reveal", body)
    return await _shown(visit, answer.body)


async def evidence(visit: Visit) -> Response:
    """A photograph or a paper of a lead, for the purpose that was named; recorded."""
    path = f"/evidence/{visit.id('lead_id')}/{visit.id('sha256')}/reveal"
    return await opened(visit, "alerts", path, visit.id("sha256"))


def _parts(lead: Mapping[str, Any]) -> list[str]:
    """What of a lead is in the vault."""
    return [part for part in _PARTS if lead[f"{part.lower()}_id"]]


async def _shown(visit: Visit, full: Mapping[str, Mapping[str, Any]]) -> Response:
    lead = await visit.api.get("alerts", f"/leads/{visit.id('lead_id')}")
    kept = await visit.api.maybe("alerts", f"/evidence/{lead['id']}") or {"items": ()}
    about = [lead["household_id"] or "", *(item["household_id"] for item in lead["suggestions"])]
    wanted = {"WAITING": ("match", "disposition"), "TRACKED": ("lead-follow-up",)}
    # Above a town there are too many households to pick from: only what is suggested.
    nobody = visit.level > Level.TOWN and not lead["suggestions"]
    names = [name for name in wanted.get(lead["status"], ()) if not (nobody and name == "match")]
    forms = [_FORMS[name] for name in names]
    return visit.render(
        "lead.html",
        lead=lead,
        full=full,
        parts=_parts(lead),
        kept=kept["items"],
        names=await heads(visit, about),
        purposes=visit.purposes(_PURPOSES),
        forms=[form for form in forms if await visit.api.may(form.service, form.path)],
        may_reveal=await visit.api.may("alerts", "/leads/{lead_id}/reveal"),
        registered=visit.query("household"),
        may_register=await visit.api.may(REGISTER.service, REGISTER.path),
        may_match=await visit.api.may("alerts", "/leads/{lead_id}/match"),
    )


async def show_new(visit: Visit) -> Response:
    """The empty report."""
    return await acting.show(visit, LEAD, await _new(visit))


async def send_new(visit: Visit) -> Response:
    """A lead, reported."""

    def then(answer: Answer) -> str:
        return f"/leads/{answer.body['id']}"

    return await acting.send(visit, LEAD, lambda: _new(visit), then)


async def _new(visit: Visit) -> Subject:
    chosen = visit.query("household")
    return Subject(
        title=visit.words("线索"),
        back="/leads",
        options={"villages": villages(visit), "households": await _households(visit, chosen)},
        prefill={"household_id": [chosen]} if chosen else {},
    )


async def _households(visit: Visit, also: str = "") -> Sequence[Option]:
    """Households that can be picked: those of one's own village or town, and the one asked for."""
    ids = [also] if also else []
    if visit.level <= Level.TOWN:
        page = await visit.api.get("identification", "/households", limit=_MOST)
        ids += [row["id"] for row in page["items"]]
    named = await heads(visit, ids)
    return [(key, f"{name} · {key[-4:]}") for key, name in named.items()]


async def show(visit: Visit) -> Response:
    """What is to be done with a lead."""
    return await acting.show(visit, acting.form_of(visit, _FORMS), await _subject(visit))


async def send(visit: Visit) -> Response:
    """Done."""
    return await acting.send(visit, acting.form_of(visit, _FORMS), lambda: _subject(visit))


async def _subject(visit: Visit) -> Subject:
    lead_id = visit.id("lead_id")
    lead = await visit.api.get("alerts", f"/leads/{lead_id}")
    suggested = [item["household_id"] for item in lead["suggestions"]]
    named = await heads(visit, suggested)
    chosen = visit.query("household")
    options = [(key, named.get(key, key[-4:])) for key in suggested]
    known = {key for key, _ in options}
    options += [item for item in await _households(visit, chosen) if item[0] not in known]
    nobody = visit.id("form") == "match" and not options
    return Subject(
        facts=[visit.words("登记簿中还没有可以选择的农户:请先登记农户,再回来确认。")]
        if nobody
        else (),
        before=(f"/households/new?lead={lead_id}", "登记农户") if nobody else None,
        title=visit.words("线索"),
        back=f"/leads/{lead_id}",
        ids={"lead_id": lead_id},
        version=lead["version"],
        options={"households": options},
        due=lead["due_on"],
        prefill={"household_id": [chosen]} if chosen else {},
    )
