"""My work: everything that waits for this person, from every service, the most urgent first."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.api import Away
from services.console.door import Door
from services.console.forms.assistance import ANSWER
from services.console.pages.people import heads
from services.console.visit import Visit
from shared.kernel.division import Level
from shared.kernel.principal import Role

_SHOWN = 50
_FIELD = (Level.VILLAGE, Level.TOWN)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Item:
    """One thing to do."""

    step: str
    path: str
    """The screen that does it."""
    division: str
    due_on: str | None
    household: str | None = None
    case: str | None = None
    about: str = ""
    urgent: bool = False

    @property
    def order(self) -> tuple[bool, str, bool]:
        """Overdue and soonest due first, the urgent before the rest of a day."""
        return self.due_on is None, self.due_on or "", not self.urgent


Source = Callable[[Visit], Awaitable[Sequence[Item]]]


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/``."""
    return (door.get("/", work),)


async def work(visit: Visit) -> Response:
    """The page."""
    answers = await asyncio.gather(*(_caught(source(visit)) for source in SOURCES.values()))
    away = [answer.service for answer in answers if isinstance(answer, Away)]
    items = sorted(
        (item for answer in answers if not isinstance(answer, Away) for item in answer),
        key=lambda item: item.order,
    )
    steps = Counter(item.step for item in items)
    wanted = visit.query("step")
    shown = [item for item in items if not wanted or item.step == wanted]
    names = await heads(visit, [item.household or "" for item in shown[:_SHOWN]])
    return visit.render(
        "work.html",
        items=[_named(item, names) for item in shown[:_SHOWN]],
        more=len(shown) > _SHOWN,
        steps=steps.most_common(),
        wanted=wanted,
        away=sorted(set(away)),
        doors=await _doors(visit),
        hint=_hint(visit),
    )


async def _caught(question: Awaitable[Sequence[Item]]) -> Sequence[Item] | Away:
    try:
        return await question
    except Away as away:
        return away


def _named(item: Item, names: Mapping[str, str]) -> Item:
    about = names.get(item.household or "", item.about)
    return Item(**{**vars(item), "about": about})


async def _doors(visit: Visit) -> list[tuple[str, str]]:
    wanted = (
        ("/leads/new", "登记线索", "alerts", "/leads"),
        ("/households/new", "登记农户", "identification", "/households"),
        ("/corrections/new", "申请更正", "audit", "/corrections"),
    )
    doors = [(path, words) for path, words, *route in wanted if await visit.api.may(*route)]
    if visit.has(Role.INSPECTOR):
        doors.append(("/trail", "查询审计记录"))
    if await visit.api.may("audit", "/findings", "GET"):
        doors.append(("/checks", "巡检审计日志"))
    return doors


def _hint(visit: Visit) -> str:
    if visit.has(Role.INSPECTOR):
        return "您可以在“审计”中查询任何一件事是谁、何时、依据什么办理的,并核验证明。"
    if visit.has(Role.OPERATOR, Role.ADMINISTRATOR):
        return "系统运维和系统管理岗位不查看农户,也不办理业务。"
    return "新的线索、个案和工单会自动出现在这里。"


async def cases(visit: Visit) -> Sequence[Item]:
    """The steps of identification whose turn it is."""
    page = await visit.api.maybe("identification", "/cases", limit=_SHOWN)
    if page is None or visit.level > Level.COUNTY:
        return ()
    return [
        Item(
            step=row["step"],
            path=f"/cases/{row['case_id']}/do/{row['step']}",
            division=row["division"],
            due_on=row["due_on"],
            household=row["household_id"],
            case=f"/cases/{row['case_id']}",
            urgent=row["priority"] == 1,
        )
        for row in page["items"]
        if not visit.has(Role.COMMITTEE) or row["step"] == "approval"
    ]


async def leads(visit: Visit) -> Sequence[Item]:
    """Leads that wait for their household, and those that are followed."""
    if not visit.has(Role.OFFICER) or visit.level > Level.COUNTY:
        return ()
    step = {"WAITING": "match", "TRACKED": "lead-follow-up"}
    page = await visit.api.get("alerts", "/leads", status=list(step), limit=_SHOWN)
    return [_lead(step[row["status"]], row, visit) for row in page["items"]]


def _lead(step: str, row: Row, visit: Visit) -> Item:
    return Item(
        step=step,
        path=f"/leads/{row['id']}" if step == "match" else f"/leads/{row['id']}/do/{step}",
        division=row["division"],
        due_on=row["due_on"],
        household=row["household_id"],
        case=f"/leads/{row['id']}",
        about=visit.words.label("LeadSource", row["source"]),
        urgent=row["raised"],
    )


async def orders(visit: Visit) -> Sequence[Item]:
    """Work orders in this person's hands."""
    if not visit.has(Role.OFFICER) or visit.level > Level.PROVINCE:
        return ()
    from_the_county_up = ("ACCEPTED", "HANDLED", "DISSATISFIED")
    statuses = ("ASSIGNED", *(from_the_county_up if visit.level >= Level.COUNTY else ()))
    page = await visit.api.get("alerts", "/orders", status=statuses, limit=_SHOWN)
    found = []
    for row in page["items"]:
        step = _order_step(row, visit)
        if step:
            found.append(
                Item(
                    step=step,
                    path=f"/orders/{row['id']}/do/{step}",
                    division=row["unit"],
                    due_on=row["handle_by"],
                    case=f"/orders/{row['id']}",
                    about=visit.words.label("OrderKind", row["kind"]),
                    urgent=row["card"] == "RED",
                )
            )
    return found


def _order_step(row: Row, visit: Visit) -> str:
    if row["status"] == "ASSIGNED":
        return "handling" if row["unit"] == visit.who.division else ""
    if visit.level < Level.COUNTY or visit.level > Level.CITY:
        return ""
    return {"ACCEPTED": "assignment", "HANDLED": "closure", "DISSATISFIED": "supervision"}[
        row["status"]
    ]


async def plans(visit: Visit) -> Sequence[Item]:
    """Plans that are not submitted yet."""
    if not visit.has(Role.OFFICER) or visit.level not in _FIELD:
        return ()
    pages = await asyncio.gather(
        *(
            visit.api.get("assistance", "/plans", stage=stage, limit=_SHOWN)
            for stage in ("PROVISIONAL", "PLANNING")
        )
    )
    return [
        Item(
            step="draft" if not row["measures"] else "submission",
            path=f"/plans/{row['plan_id']}",
            division=row["division"],
            due_on=row["due_on"],
            household=row["household_id"],
            case=f"/cases/{row['case_id']}",
            urgent=row["urgent"],
        )
        for page in pages
        for row in page["items"]
    ]


async def measures(visit: Visit) -> Sequence[Item]:
    """Measures that wait to be started."""
    if not visit.has(Role.OFFICER, Role.DEPARTMENT) or visit.level > Level.COUNTY:
        return ()
    if visit.has(Role.OFFICER) and visit.level is Level.VILLAGE:
        return ()
    page = await visit.api.get("assistance", "/measures", status="FILED", limit=_SHOWN)
    return [
        Item(
            step="start",
            path=f"/plans/{row['plan_id']}/measures/{row['measure_id']}/do/start",
            division=row["division"],
            due_on=row["due_on"],
            household=row["household_id"],
            case=f"/plans/{row['plan_id']}",
            about=visit.words.label("MeasureKind", row["kind"]),
        )
        for row in page["items"]
    ]


async def eliminations(visit: Visit) -> Sequence[Item]:
    """The steps of elimination whose turn it is."""
    if not visit.has(Role.OFFICER, Role.COMMITTEE) or visit.level > Level.COUNTY:
        return ()
    page, procedure = await asyncio.gather(
        visit.api.get("assistance", "/eliminations", unfinished=True, limit=_SHOWN),
        visit.api.fixed("assistance", "/procedure"),
    )
    mine = {step["name"] for step in procedure["steps"] if visit.level.name in step["levels"]}
    by_committee = {"approve"}
    wanted = by_committee if visit.has(Role.COMMITTEE) else mine - by_committee
    steps = [
        _elimination(step, row)
        for row in page["items"]
        for step in row["next"]
        if step in wanted and _is_time(step, row, visit.today)
    ]
    return [*steps, *await _objections(visit, page["items"])]


async def _objections(visit: Visit, rows: Sequence[Row]) -> list[Item]:
    """What was said against an elimination, for who may answer it (R66)."""
    open_ = [(row, item) for row in rows for item in row["open_objections"]]
    if not open_ or not await visit.api.may(ANSWER.service, ANSWER.path):
        return []
    return [
        replace(_elimination(ANSWER.name, row, f"?objection={item}"), step=ANSWER.step)
        for row, item in open_
    ]


def _is_time(step: str, row: Row, today: date) -> bool:
    """Whether a step may be done already: nothing is over while an objection is open (R66)."""
    if step not in {"publicize", "approve"}:
        return True
    return not row["open_objections"] and row["notice"]["last_day"] < today.isoformat()


def _elimination(step: str, row: Row, objection: str = "") -> Item:
    due = {clock["kind"]: clock["due_on"] for clock in row["clocks"]}
    return Item(
        step=step,
        path=f"/eliminations/{row['elimination_id']}/do/{step}{objection}",
        division=row["division"],
        due_on=due.get(step),
        household=row["household_id"],
        case=f"/eliminations/{row['elimination_id']}",
    )


async def corrections(visit: Visit) -> Sequence[Item]:
    """Corrections at this person's gate."""
    gate = {
        (Role.PRINCIPAL, Level.CITY): "CITY",
        (Role.OFFICER, Level.PROVINCE): "PROVINCE",
        (Role.PRINCIPAL, Level.PROVINCE): "PROVINCE",
        (Role.OFFICER, Level.NATION): "NATION",
    }
    gates = {gate.get((role, visit.level)) for role in visit.who.roles} - {None}
    if not gates:
        return ()
    if "PROVINCE" in gates and visit.has(Role.OFFICER):
        gates.add("NATION")
    step = {"CITY": "city-review", "PROVINCE": "province-approval", "NATION": "national-filing"}
    page = await visit.api.get("audit", "/corrections", status="OPEN", limit=_SHOWN)
    return [
        Item(
            step=step[row["gate"]],
            path=f"/corrections/{row['stream_id']}",
            division=row["city"],
            due_on=row["due_on"],
            case=f"/corrections/{row['stream_id']}",
            about=visit.words.label("CorrectionKind", row["kind"]),
        )
        for row in page["items"]
        if row["gate"] in gates
    ]


async def keys(visit: Visit) -> Sequence[Item]:
    """Signing keys that wait for somebody else to confirm whose they are."""
    if not visit.has(Role.ADMINISTRATOR):
        return ()
    page = await visit.api.maybe("audit", "/signing-keys", limit=_SHOWN)
    return [
        Item(
            step="confirmation",
            path=f"/keys/{row['stream_id']}/do/confirmation",
            division=row["division"],
            due_on=None,
            about=row["owner"],
        )
        for row in (page or {"items": ()})["items"]
        if row["status"] == "ENROLLED"
    ]


async def findings(visit: Visit) -> Sequence[Item]:
    """What the detectors found and nobody has answered."""
    if not visit.has(Role.OFFICER) or visit.level not in (Level.COUNTY, Level.CITY):
        return ()
    page = await visit.api.get("identification", "/findings", unanswered=True, limit=_SHOWN)
    return [
        Item(
            step="finding-answer",
            path=f"/findings/{row['id']}/do/finding-answer",
            division=row["division"],
            due_on=None,
            household=row["household_id"],
            case=f"/cases/{row['case_id']}" if row["case_id"] else None,
            about=visit.words.label("FindingKind", row["kind"]),
        )
        for row in page["items"]
    ]


SOURCES: Mapping[str, Source] = {
    "cases": cases,
    "leads": leads,
    "orders": orders,
    "plans": plans,
    "measures": measures,
    "eliminations": eliminations,
    "corrections": corrections,
    "findings": findings,
    "keys": keys,
}
"""Where work comes from."""
