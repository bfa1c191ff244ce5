"""The register: its households, one of them, registering and changing one, and seeing in full."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.api import Answer, Refused
from services.console.door import Door, NotHere
from services.console.forms.form import by_name
from services.console.forms.register import HOUSEHOLD_FORMS, REGISTER
from services.console.look import moment
from services.console.pages import acting
from services.console.pages.acting import Subject
from services.console.pages.listing import asked_of, more
from services.console.pages.looking import opened
from services.console.pages.people import heads, member_name, members_of, towns, villages
from services.console.visit import Visit
from shared.kernel.division import Level
from shared.policy.purposes import Purpose

_FORMS = by_name(HOUSEHOLD_FORMS)
PURPOSES = (
    Purpose.VERIFICATION,
    Purpose.COMPARISON,
    Purpose.DELIBERATION,
    Purpose.CONTACT,
    Purpose.ASSISTANCE,
    Purpose.NATIONAL_ENTRY,
    Purpose.INSPECTION,
    Purpose.SUBJECT_REQUEST,
)
_LEAD = re.compile(r"[0-9a-f-]{36}")
"""The lead for which a household is registered, as its page names it."""
_KEEPERS = frozenset({"identification", "assistance"})
_SHA256 = re.compile(r"[0-9a-f]{64}")
_OF_MEMBERS = ["name", "document_number"]
_OF_HOME = ["address", "phone"]


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/households…``."""
    return (
        door.get("/households", listed),
        door.post("/households/search", search),
        *door.both("/households/new", show_new, send_new),
        door.get("/households/{household_id:uuid}", one),
        door.post("/households/{household_id:uuid}/reveal", reveal),
        door.post("/households/{household_id:uuid}/evidence", evidence),
        *door.both("/households/{household_id:uuid}/do/{form}", show, send),
    )


async def listed(visit: Visit) -> Response:
    """The register, a page at a time; of one village where that is asked."""
    asked = asked_of(visit, "division")
    page = await visit.api.get("identification", "/households", limit=50, **asked)
    following = more("/households", asked, page["next"])
    return await _list(visit, page["items"], next=following, division=asked["division"])


async def search(visit: Visit) -> Response:
    """The household of a whole document number: in a form, for it belongs in no address."""
    number = str(visit.form.get("document_number", "")).strip()
    try:
        body = {"document_number": number}
        found = (await visit.api.act("identification", "/households/search", body)).body["items"]
    except Refused as refused:
        if refused.status != 422:
            raise
        return await _list(visit, [], fault=str(refused.problem.get("detail", "")), status=422)
    fault = "" if found else visit.words("登记簿中没有这个证件号码,或该户不在您的辖区")
    return await _list(visit, found, fault=fault, searched=True)


async def _list(
    visit: Visit,
    rows: Sequence[Mapping[str, Any]],
    *,
    status: int = 200,
    next: str = "",  # noqa: A002 - as the pages call it
    division: str | None = None,
    fault: str = "",
    searched: bool = False,
) -> Response:
    return visit.render(
        "households.html",
        status=status,
        rows=rows,
        names=await heads(visit, [row["id"] for row in rows]),
        next=next,
        division=division,
        places=[*towns(visit), *villages(visit)],
        fault=fault,
        searched=searched,
        may_register=await visit.api.may(REGISTER.service, REGISTER.path),
    )


async def one(visit: Visit) -> Response:
    """A household, its people masked."""
    return await _shown(visit, {})


async def reveal(visit: Visit) -> Response:
    """The same page with the full values, for the purpose that was named; recorded."""
    household_id, purpose = visit.id("household_id"), str(visit.form.get("purpose", ""))
    household = await visit.api.get("identification", f"/households/{household_id}")
    path = f"/households/{household_id}/reveal"
    members = [member["member_id"] for member in household["members"]]
    shown: dict[str, Any] = {}
    for records, fields in ((members, _OF_MEMBERS), ([household_id], _OF_HOME)):
        body = {"purpose": purpose, "records": records, "fields": fields}
        shown |= (await visit.api.act("identification", path, body)).body["data"]
    return await _shown(visit, shown, purpose)


async def evidence(visit: Visit) -> Response:
    """A photograph or a paper, for the purpose that was named; recorded."""
    service, _, sha256 = str(visit.form.get("paper", "")).partition(" ")
    if service not in _KEEPERS or not _SHA256.fullmatch(sha256):
        raise NotHere
    path = f"/evidence/{visit.id('household_id')}/{sha256}/reveal"
    return await opened(visit, service, path, sha256)


async def _shown(visit: Visit, full: Mapping[str, Any], purpose: str = "") -> Response:
    household_id = visit.id("household_id")
    found = await visit.api.together(
        household=visit.api.get("identification", f"/households/{household_id}"),
        identification=visit.api.maybe("identification", f"/evidence/{household_id}"),
        assistance=visit.api.maybe("assistance", f"/evidence/{household_id}"),
    )
    household = found.pop("household")
    of_step = await _steps_of(visit, household)
    papers = [
        _paper(visit, service, item, of_step.get(item["sha256"], ""))
        for service, page in found.items()
        for item in (page or {"items": ()})["items"]
    ]
    forms = [form for form in HOUSEHOLD_FORMS if await visit.api.may(form.service, form.path)]
    return visit.render(
        "household.html",
        household=household,
        papers=papers,
        papers_at=f"/households/{household_id}/evidence",
        paper_purposes=visit.purposes(PURPOSES),
        full=full,
        purpose=purpose,
        purposes=visit.purposes(PURPOSES),
        forms=forms,
        may_reveal=await visit.api.may("identification", "/households/{household_id}/reveal"),
        may_report=await visit.api.may("alerts", "/leads"),
        proven=await visit.api.may("audit", "/entries", "GET"),
        member_name=lambda member: member_name(visit, member),
    )


async def _steps_of(visit: Visit, household: Mapping[str, Any]) -> Mapping[str, str]:
    """Which act cites which file, of all the household's cases."""
    paths = [f"/cases/{case['id']}" for case in household["cases"]]
    cases = await asyncio.gather(*(visit.api.maybe("identification", path) for path in paths))
    return {item["sha256"]: item["type"] for case in cases if case for item in case["evidence"]}


def _paper(visit: Visit, service: str, item: Mapping[str, Any], step: str) -> dict[str, Any]:
    size = f"{-(-item['size'] // 1024)} kB"
    label = visit.words.label
    kind, when = label("MediaType", item["media_type"]), moment(item["kept_at"])
    said = filter(None, (label("Event", step), kind, when, size, item["kept_by"]))
    return {"service": service, "sha256": item["sha256"], "said": " · ".join(said), "kept": True}


async def show_new(visit: Visit) -> Response:
    """The empty registration."""
    return await acting.show(visit, REGISTER, await _new(visit))


async def send_new(visit: Visit) -> Response:
    """A household, registered."""

    def then(answer: Answer) -> str:
        lead = visit.query("lead")
        if _LEAD.fullmatch(lead):
            return f"/leads/{lead}?household={answer.body['id']}"
        return f"/households/{answer.body['id']}"

    return await acting.send(visit, REGISTER, lambda: _new(visit), then)


async def _new(visit: Visit) -> Subject:
    return Subject(
        title=visit.words("农户"), back="/households", options={"villages": villages(visit)}
    )


async def show(visit: Visit) -> Response:
    """A change of a household."""
    form = acting.form_of(visit, _FORMS)
    return await acting.show(visit, form, await _subject(visit))


async def send(visit: Visit) -> Response:
    """The change, made."""
    return await acting.send(visit, acting.form_of(visit, _FORMS), lambda: _subject(visit))


async def _subject(visit: Visit) -> Subject:
    household_id = visit.id("household_id")
    household = await visit.api.get("identification", f"/households/{household_id}")
    return Subject(
        title=visit.words("农户档案"),
        back=f"/households/{household_id}",
        ids={"household_id": household_id},
        version=household["version"],
        options={
            "members": members_of(visit, household),
            "villages": villages(visit),
            "households": await _others(visit, household_id),
        },
    )


async def _others(visit: Visit, household_id: str) -> Sequence[tuple[str, str]]:
    """Households that could be merged into this one: the first of one's own village or town."""
    if visit.level > Level.TOWN:
        return ()
    page = await visit.api.get("identification", "/households", limit=200)
    named = await heads(visit, [row["id"] for row in page["items"]])
    return [(key, f"{name} · {key[-4:]}") for key, name in named.items() if key != household_id]
