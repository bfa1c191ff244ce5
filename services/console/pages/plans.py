"""Help: plans and their measures, after-care and the 2% ledger."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.door import Door
from services.console.forms.assistance import (
    HELP,
    LEDGER_FORMS,
    MEASURE_FORMS,
    PLAN_FORMS,
)
from services.console.forms.form import Form, by_name
from services.console.forms.policy import PUBLISH
from services.console.pages import acting
from services.console.pages.acting import Subject
from services.console.pages.listing import asked_of, listing
from services.console.pages.notes import read, words_of
from services.console.pages.people import heads, members_of, towns
from services.console.pages.tables import offered
from services.console.visit import Visit

_LEDGERS = by_name(LEDGER_FORMS)
_PLANS, _MEASURES = by_name(PLAN_FORMS), by_name(MEASURE_FORMS)
Json = Mapping[str, Any]
_BY_STAGE = {
    "EARLY": ("draft", "measure"),
    "PROVISIONAL": ("draft", "measure"),
    "PLANNING": ("draft", "measure", "submission"),
    "IN_FORCE": ("measure", "proposal", "early-elimination", "no-labour"),
    "AFTER_CARE": ("refresh",),
}
_BY_MEASURE = {"FILED": ("start", "stop"), "STARTED": ("output", "end", "stop")}


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/plans…``, ``/measures``, ``/after-care``, ``/ledger`` and ``/help``."""
    plan = "/plans/{plan_id:uuid}"
    return (
        door.get("/plans", listed),
        door.get(plan, one),
        door.post(f"{plan}/words", words),
        *door.both(f"{plan}/do/{{form}}", show_plan, send_plan),
        *door.both(f"{plan}/measures/{{measure_id:uuid}}/do/{{form}}", show_measure, send_measure),
        door.get("/measures", chase),
        door.get("/after-care", after_care),
        door.get("/ledger", ledger),
        *door.both("/ledger/do/{form}", show_ledger, send_ledger),
        *door.both("/help", show_help, send_help),
    )


async def listed(visit: Visit) -> Response:
    """The plans, the urgent first."""
    asked = asked_of(visit, "stage", "overdue")
    shown = await listing(visit, "assistance", "/plans", asked, at="/plans")
    return visit.render("plans.html", **shown)


async def one(visit: Visit) -> Response:
    """A plan: what is missing, its measures, what was done, and what can be done."""
    return await _shown(visit, await _asked_for(visit), {})


async def words(visit: Visit) -> Response:
    """The same page with the remarks that were asked for; recorded."""
    return await _shown(visit, await _asked_for(visit), await read(visit, visit.id("plan_id")))


async def _asked_for(visit: Visit) -> Json:
    plan: Json = await visit.api.get("assistance", f"/plans/{visit.id('plan_id')}")
    return plan


async def _shown(visit: Visit, plan: Json, full: Json) -> Response:
    forms = [_PLANS[name] for name in _BY_STAGE.get(plan["stage"], ())]
    names = await heads(visit, [plan["household_id"]])
    return visit.render(
        "plan.html",
        plan=plan,
        name=names.get(plan["household_id"], "***"),
        **await words_of(visit, plan["history"], f"/plans/{plan['plan_id']}", full),
        forms=[form for form in forms if await visit.api.may(form.service, form.path)],
        measure_forms={
            status: [
                _MEASURES[name]
                for name in offered
                if await visit.api.may("assistance", _MEASURES[name].path)
            ]
            for status, offered in _BY_MEASURE.items()
        },
    )


async def chase(visit: Visit) -> Response:
    """The chase list: what departments have yet to start, or what runs (R90, R102)."""
    asked = asked_of(visit, "status", "department", "overdue")
    shown = await listing(visit, "assistance", "/measures", asked, at="/measures")
    return visit.render("measures.html", **shown)


async def show_plan(visit: Visit) -> Response:
    """An act on a plan."""
    form = acting.form_of(visit, _PLANS)
    return await acting.show(visit, form, await _plan(visit, form))


async def send_plan(visit: Visit) -> Response:
    """Done."""
    form = acting.form_of(visit, _PLANS)
    return await acting.send(visit, form, lambda: _plan(visit, form))


async def show_measure(visit: Visit) -> Response:
    """An act on a measure."""
    form = acting.form_of(visit, _MEASURES)
    return await acting.show(visit, form, await _plan(visit, form))


async def send_measure(visit: Visit) -> Response:
    """Done."""
    form = acting.form_of(visit, _MEASURES)
    return await acting.send(visit, form, lambda: _plan(visit, form))


async def _plan(visit: Visit, form: Form) -> Subject:
    plan_id = visit.id("plan_id")
    plan = await visit.api.get("assistance", f"/plans/{plan_id}")
    household = await visit.api.maybe("identification", f"/households/{plan['household_id']}")
    names = await heads(visit, [plan["household_id"]])
    ids = {"plan_id": plan_id}
    if "measure_id" in visit.request.path_params:
        ids["measure_id"] = visit.id("measure_id")
    missing = [
        item.get("zh" if visit.words.language == "zh" else "en", "") for item in plan["missing"]
    ]
    return Subject(
        title=visit.words("{name}的帮扶计划", name=names.get(plan["household_id"], "***")),
        back=f"/plans/{plan_id}",
        ids=ids,
        version=plan["version"],
        options={"members": members_of(visit, household) if household else ()},
        facts=missing if form.name == "submission" else (),
        due=plan["due_on"] if form.name in {"draft", "submission"} else None,
        prefill=_prefill(plan, household, form),
        keeper=("assistance", plan["household_id"]),
    )


def _prefill(plan: Json, household: Json | None, form: Form) -> dict[str, Sequence[str]]:
    """What the plan knows already: its risks, how many they are."""
    risks = plan["risks"]
    made: dict[str, Sequence[str]] = {}
    if form.name == "draft":
        made = {f"responses.{n}.risk": [risk] for n, risk in enumerate(risks)}
    if form.name == "measure" and len(risks) == 1:
        made["terms.risks"] = risks
    if form.name == "proposal":
        made = {f"risks.{n}.risk": [risk] for n, risk in enumerate(risks)}
        for number, gap in enumerate(
            ("COMPULSORY_EDUCATION", "BASIC_MEDICAL", "HOUSING", "SAFE_WATER")
        ):
            made[f"guarantees.{number}.gap"] = [gap]
    if form.name in {"proposal", "refresh"} and household:
        made["income.members"] = [str(len(household["members"]))]
    return made


async def after_care(visit: Visit) -> Response:
    """Whose data nobody has refreshed, and which measures end soon (R102, R106)."""
    year = visit.query("year") or str(visit.today.year)
    found = await visit.api.together(
        missing=visit.api.get("assistance", "/after-care/missing", year=year),
        ending=visit.api.get("assistance", "/after-care/ending", days=30),
        mismatches=visit.api.get("assistance", "/no-labour/mismatches"),
    )
    rows = [row for part in found.values() for row in part]
    names = await heads(visit, [row["household_id"] for row in rows])
    return visit.render("after_care.html", names=names, year=year, **found)


async def ledger(visit: Visit) -> Response:
    """Towns and villages strictly over the share (R110): followed, never a limit."""
    division = visit.query("division") or visit.who.division
    deep_enough = len(division) >= 6
    asked = {"division": division}
    return visit.render(
        "ledger.html",
        book=await visit.api.maybe("assistance", "/ledger", **asked) if deep_enough else None,
        deep_enough=deep_enough,
        may_publish=await visit.api.may(PUBLISH.service, PUBLISH.path),
        division=division,
        counties=_counties(visit) if not deep_enough else (),
        tables=await offered(visit, "population", "quarter"),
        forms=[f for f in LEDGER_FORMS if await visit.api.may(f.service, f.path)],
    )


def _counties(visit: Visit) -> list[tuple[str, str]]:
    divisions, found = visit.look.divisions, [visit.who.division]
    while found and len(found[0]) < 6 and found[0] != "CN":
        found = [child.code for code in found for child in divisions.children(code)]
    return [(code, visit.place(code)) for code in found if len(code) == 6]


async def show_ledger(visit: Visit) -> Response:
    """Which town's ledger to count anew, or to go through (R110, R111)."""
    return await acting.show(visit, acting.form_of(visit, _LEDGERS), _of_ledger(visit))


async def send_ledger(visit: Visit) -> Response:
    """Counted, or gone through."""

    async def load() -> Subject:
        return _of_ledger(visit)

    return await acting.send(visit, acting.form_of(visit, _LEDGERS), load)


def _of_ledger(visit: Visit) -> Subject:
    return Subject(title=visit.words("台账"), back="/ledger", options={"towns": towns(visit)})


async def show_help(visit: Visit) -> Response:
    """Help that is no measure of a plan (R49, R103)."""
    return await acting.show(visit, HELP, await _help(visit))


async def send_help(visit: Visit) -> Response:
    """Recorded, or refused and noted."""
    return await acting.send(visit, HELP, lambda: _help(visit))


async def _help(visit: Visit) -> Subject:
    chosen = visit.query("household")
    household = await visit.api.maybe("identification", f"/households/{chosen}") if chosen else None
    names = await heads(visit, [chosen])
    village = household["division"] if household else ""
    return Subject(
        title=visit.words("帮扶"),
        back="/plans",
        options={
            "households": [(key, name) for key, name in names.items()],
            "villages": [(village, visit.place(village))] if village else (),
        },
        prefill={"household_id": [chosen]} if chosen else {},
    )
