"""Department files and alerts: what came in, what became of it, and what waits for a match."""

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.door import Door
from services.console.pages.people import heads
from services.console.visit import Visit


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/files``."""
    return (door.get("/files", alerts),)


async def alerts(visit: Visit) -> Response:
    """Alerts as they came, each with its fate."""
    asked = {name: visit.query(name) or None for name in ("feed", "type", "fate", "cursor")}
    page = await visit.api.get("alerts", "/alerts", limit=50, **asked)
    names = await heads(visit, [row["household_id"] or "" for row in page["items"]])
    following = {name: value for name, value in asked.items() if value and name != "cursor"}
    more = f"/files?{urlencode({**following, 'cursor': page['next']})}" if page["next"] else ""
    return visit.render("alerts.html", rows=page["items"], names=names, next=more, asked=asked)
