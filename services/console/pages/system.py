"""How the system fares, for who runs it; and, in a demo, its clock for who may move it."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.api import SERVICES, Away, Refused
from services.console.door import KEEPERS, Door, NotHere
from services.console.visit import Visit

_CLOCK = "/demo/clock"
_MOST_DAYS = 3650


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/system`` and ``/clock``."""
    return (door.get("/system", system), *door.both("/clock", clock, move))


async def system(visit: Visit) -> Response:
    """Each service: whether it is up, what it has recorded and taken in, and what is parked."""
    if not visit.has(*KEEPERS):
        raise Refused(403, {"code": "forbidden"})
    said = await asyncio.gather(*(_health(visit, name) for name in SERVICES))
    return visit.render("system.html", services=list(zip(SERVICES, said, strict=True)))


async def _health(visit: Visit, service: str) -> dict[str, Any]:
    try:
        shown = await visit.api.get(service, "/health")
    except (Away, Refused):
        return {"status": "down", "parked": 0}
    numbers = shown.get("reconciliation", {})
    received = numbers.get("received", {})
    parked = {topic: item["parked"] for topic, item in received.items() if item["parked"]}
    return {**numbers, "status": shown["status"], "topics": parked, "parked": sum(parked.values())}


async def clock(visit: Visit) -> Response:
    """The demo's day, on all services."""
    return await _shown(visit)


async def move(visit: Visit) -> Response:
    """Forward: some days from the latest of the services' days, or to a day."""
    if not visit.demo:
        raise NotHere
    wanted = _wanted(visit, max((await _days(visit)).values()))
    if wanted is None:
        wrong = visit.words("请填写要拨到的日期,或1至3650之间的天数")
        return await _shown(visit, fault=wrong)
    try:
        for service in SERVICES:
            await visit.api.act(service, _CLOCK, {"today": wanted.isoformat()})
    except Refused as refused:
        return await _shown(visit, fault=str(refused.problem.get("detail", "")))
    return visit.go("/clock", "演示时钟已拨到{day}", day=wanted)


def _wanted(visit: Visit, today: date) -> date | None:
    days, to = (str(visit.form.get(name, "")).strip() for name in ("days", "to"))
    if days.isascii() and days.isdigit() and 0 < int(days) <= _MOST_DAYS:
        return today + timedelta(days=int(days))
    try:
        return date.fromisoformat(to)
    except ValueError:
        return None


async def _shown(visit: Visit, fault: str = "") -> Response:
    if not visit.demo:
        raise NotHere
    return visit.render(
        "clock.html",
        status=422 if fault else 200,
        days=await _days(visit),
        fault=fault,
        may_move=await visit.api.may("identification", _CLOCK),
    )


async def _days(visit: Visit) -> dict[str, date]:
    shown = await asyncio.gather(*(visit.api.get(name, _CLOCK) for name in SERVICES))
    return {
        name: date.fromisoformat(item["today"]) for name, item in zip(SERVICES, shown, strict=True)
    }
