"""The log itself: how long it is, its keys, and what somebody should look at."""

from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.door import Door
from services.console.pages.listing import more
from services.console.visit import Visit


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/checks``."""
    return (door.get("/checks", shown),)


async def shown(visit: Visit) -> Response:
    """The logs, and what is wrong and not settled; settled ones too where they are asked for."""
    settled = "true" if visit.query("settled") else None
    cursor = visit.query("cursor") or None
    found = await visit.api.together(
        page=visit.api.get("audit", "/findings", limit=50, resolved=settled, cursor=cursor),
        logs=visit.api.get("audit", "/logs"),
    )
    return visit.render(
        "checks.html",
        rows=found["page"]["items"],
        logs=found["logs"],
        settled=bool(settled),
        next=more("/checks", {"settled": settled and "1"}, found["page"]["next"]),
    )
