"""Cases: the queue as a list, one case as a track, and the screens of its steps."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.api import Refused
from services.console.door import Door
from services.console.forms.assistance import BEGIN
from services.console.forms.form import Form, by_name
from services.console.forms.identification import CASE_FORMS, FINDING_FORMS
from services.console.pages import acting, households, notices, recorded
from services.console.pages.acting import Option, Subject
from services.console.pages.listing import asked_of, listing
from services.console.pages.notes import PURPOSES, noted, objections
from services.console.pages.people import approves, heads, member_name, members_of
from services.console.pages.tables import offered
from services.console.visit import Visit
from shared.kernel.division import Level, ancestor

FORMS = by_name((*CASE_FORMS, BEGIN))
_FINDINGS = by_name(FINDING_FORMS)
_REVEAL = ("identification", "/households/{household_id}/reveal")
Json = Mapping[str, Any]


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/cases…`` and ``/findings…``."""
    return (
        door.get("/cases", listed),
        door.get("/cases/{case_id:uuid}", one),
        door.post("/cases/{case_id:uuid}/words", words),
        *door.both("/cases/{case_id:uuid}/do/{form}", show, send),
        *door.both("/findings/{finding_id:uuid}/do/{form}", show_finding, send_finding),
    )


async def listed(visit: Visit) -> Response:
    """The queue, filtered by what stands in the address."""
    asked = asked_of(visit, "step", "level", "overdue", "waiting")
    asked["level"] = asked["level"] or "all"
    return visit.render(
        "cases.html",
        **await listing(visit, "identification", "/cases", asked, at="/cases"),
        tables=await offered(visit, "comparison", "receipts"),
    )


async def one(visit: Visit) -> Response:
    """A case: its track, its clocks, what is next, the household, accounts, advice, timeline."""
    case = await visit.api.get("identification", f"/cases/{visit.id('case_id')}")
    return await _shown(visit, case, {})


async def words(visit: Visit) -> Response:
    """The same page with the minutes, objections and remarks that were asked for; recorded."""
    case = await visit.api.get("identification", f"/cases/{visit.id('case_id')}")
    body = {
        "purpose": str(visit.form.get("purpose", "")),
        "records": [str(note) for note in visit.form.getlist("notes")],
        "fields": ["text"],
    }
    service, path = _REVEAL
    answer = await visit.api.act(service, path.format(household_id=case["household_id"]), body)
    return await _shown(
        visit, case, {id_: kept["text"] for id_, kept in answer.body["data"].items()}
    )


async def _shown(visit: Visit, case: Json, full: Json) -> Response:
    case_id = case["id"]
    found = await visit.api.together(
        household=visit.api.maybe("identification", f"/households/{case['household_id']}"),
        plan=visit.api.maybe("assistance", f"/plans/by-case/{case_id}"),
        leads=visit.api.maybe("alerts", "/leads", household_id=case["household_id"], limit=20),
        notices=visit.api.maybe("identification", f"/cases/{case_id}/notices"),
        proven=visit.api.may("audit", "/entries", "GET"),
    )
    return visit.render(
        "case.html",
        case=case,
        full=full,
        history=case["history"],
        stream=case_id,
        notices_at=f"/cases/{case_id}",
        noted=noted(visit, case["history"]),
        words_at=f"/cases/{case_id}/words",
        purposes=visit.purposes(PURPOSES),
        papers=[_paper(visit, item) for item in case["evidence"]],
        papers_at=f"/households/{case['household_id']}/evidence",
        paper_purposes=visit.purposes(households.PURPOSES),
        may_reveal=await visit.api.may(*_REVEAL),
        **found,
        panel=await recorded.panel(visit, case),
        doable=await _doable(visit, case),
        beside=await _beside(visit, case),
        member_name=lambda member: member_name(visit, member),
    )


def _paper(visit: Visit, item: Json) -> dict[str, Any]:
    said = visit.words.label("Event", item["type"])
    return {"service": "identification", "said": said, **item}


async def _doable(visit: Visit, case: Json) -> list[dict[str, Any]]:
    """What this person can do on the case now: the open steps of their level and post."""
    found = []
    for item in case["next"]:
        forms = [form for form in CASE_FORMS if form.step == item["step"]]
        allowed = [form for form in forms if await visit.api.may(form.service, form.path)]
        if item["step"] == "approval" and allowed and not await approves(visit):
            allowed = [form for form in allowed if form.name != "approval"]
        mine = visit.level.name in item["levels"]
        found.append({**item, "forms": allowed if mine else [], "mine": mine})
    return found


async def _beside(visit: Visit, case: Json) -> list[Form]:
    """What can be done beside the procedure, as far as it makes sense now."""
    if case["status"] != "OPEN":
        return []
    done = {step["step"] for step in case["steps"] if step["done"]}
    wanted = ["channel-confirmation"] if not case["green_channel"]["entered_on"] else []
    if "authorization" in done and "comparison" not in done:
        wanted.append("revocation")
    if "notice" in done:
        wanted.append("objection")
    if "officers" in done:
        wanted.append("officers")
    forms = [FORMS[name] for name in wanted]
    return [form for form in forms if await visit.api.may(form.service, form.path)]


async def show(visit: Visit) -> Response:
    """The screen of a step."""
    form = acting.form_of(visit, FORMS)
    if form.name == "approval" and not await approves(visit):
        whose = visit.words("县级批准由县级党委农业农村委员会或其授权的人办理,您没有现行的授权")
        raise Refused(403, {"code": "forbidden", "detail": whose})
    return await acting.show(visit, form, await _subject(visit, form))


async def send(visit: Visit) -> Response:
    """The step, done."""
    form = acting.form_of(visit, FORMS)
    if acting.is_tried(visit, form):
        return await notices.tried(visit, form, await _subject(visit, form))
    return await acting.send(visit, form, lambda: _subject(visit, form))


async def show_finding(visit: Visit) -> Response:
    """What was found, to be answered."""
    form = acting.form_of(visit, _FINDINGS)
    return await acting.show(visit, form, _finding(visit))


async def send_finding(visit: Visit) -> Response:
    """The answer."""

    async def load() -> Subject:
        return _finding(visit)

    return await acting.send(visit, acting.form_of(visit, _FINDINGS), load)


def _finding(visit: Visit) -> Subject:
    return Subject(
        title=visit.words("发现的问题"), back="/", ids={"finding_id": visit.id("finding_id")}
    )


async def _subject(visit: Visit, form: Form) -> Subject:
    """A case as a form sees it; asks only what is not known."""
    case_id = visit.id("case_id")
    case = await visit.api.get("identification", f"/cases/{case_id}")
    household = await visit.api.maybe("identification", f"/households/{case['household_id']}")
    named = await heads(visit, [case["household_id"]])
    due = {item["step"]: item["due_on"] for item in case["next"]}.get(form.step)
    late = due is not None and due < visit.today.isoformat()
    own_plan = form is BEGIN
    officers = await _officers(visit, case, form)
    return Subject(
        title=f"{named.get(case['household_id'], '')} {visit.place(case['division'])}".strip(),
        back=f"/cases/{case_id}",
        ids={"case_id": case_id},
        version=None if own_plan else case["version"],
        options={**_options(visit, case, household), **officers},
        facts=[*_facts(visit, case, form), *_nobody(visit, officers)],
        history=case["history"],
        due=due,
        known=frozenset() if late else frozenset({"late_reason"}),
        fixed={"case_id": case_id} if own_plan else {},
        prefill=_prefill(case, form),
        keeper=("identification", case["household_id"]),
        before=_before(case_id, form),
        panel=await _panel(visit, case, form),
    )


def _before(case_id: str, form: Form) -> tuple[str, str] | None:
    """What to look at first: the notice as it will hang; what was said and written so far."""
    if form.name in _READING:
        return f"/cases/{case_id}#words", "查看异议、会议记录和备注"
    return None


def _options(visit: Visit, case: Json, household: Json | None) -> dict[str, Sequence[Option]]:
    numbered = objections(visit, case["history"])
    return {
        "members": members_of(visit, household) if household else (),
        "objections": [(item, numbered[item]) for item in case["open_objections"]],
    }


async def _officers(visit: Visit, case: Json, form: Form) -> dict[str, Sequence[Option]]:
    """Who can be named: who has come in at the case's village, and at its town."""
    if form.name != "officers":
        return {}
    village = case["division"]
    places = {"village_officers": village, "town_officers": ancestor(village, Level.TOWN)}
    known = await visit.api.get("identification", "/officers", division=list(places.values()))
    return {
        source: [
            (item["subject"], _officer(visit, item)) for item in known if item["division"] == place
        ]
        for source, place in places.items()
    }


def _officer(visit: Visit, item: Json) -> str:
    account = str(item["subject"]).removeprefix("person:")
    own = visit.words("本人") if item["subject"] == visit.who.subject else ""
    return " · ".join(filter(None, (account, visit.place(item["division"]), own)))


def _nobody(visit: Visit, officers: Mapping[str, Sequence[Option]]) -> list[str]:
    if not officers or officers["village_officers"]:
        return []
    return [visit.words("本村还没有经办人登录过本系统:请其先登录一次,再来明确。")]


def _facts(visit: Visit, case: Json, form: Form) -> list[str]:
    """What somebody who decides should have before their eyes: the advice and its figures."""
    if case["advice"] is None or form.name not in _DECIDING:
        return []
    return [
        visit.words(
            "系统建议:{advice}",
            advice=visit.words.label("Suggestion", case["advice"]["suggestion"]),
        )
    ]


async def _panel(visit: Visit, case: Json, form: Form) -> tuple[str, Json] | None:
    """What the steps before recorded, for who decides on it."""
    if form.name not in _DECIDING:
        return None
    return "recorded.html", {**await recorded.panel(visit, case), "short": True}


_READING = {"answer-objection", "town-review", "approval", "refusal"}
_DECIDING = {"deliberation", "town-review", "answer-objection", "approval", "refusal", "notice"}


def _prefill(case: Json, form: Form) -> dict[str, Sequence[str]]:
    """What follows from what is known: the category advised, the risks reported."""
    advice = case["advice"] or {}
    made: dict[str, Sequence[str]] = {}
    if form.name == "deliberation" and advice.get("suggestion") in _CATEGORIES:
        made["category"] = [advice["suggestion"]]
    if form.name == "approval" and advice.get("suggestion") in _CATEGORIES:
        made["category"] = [advice["suggestion"]]
    if form.name == "verification":
        made["risks"] = case["risks"]
    return made


_CATEGORIES = {"UNSTABLE_EXIT", "MARGINAL_AT_RISK", "SEVERE_HARDSHIP"}
