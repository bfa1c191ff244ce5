"""Lists by pages: what is asked stands in the address, and so does where the next page begins."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from services.console.pages.people import heads
from services.console.visit import Visit

Asked = Mapping[str, str | None]
_ROWS = 50


def asked_of(visit: Visit, *names: str) -> dict[str, str | None]:
    """What the address asks for under these names; ``None`` for nothing."""
    return {name: visit.query(name) or None for name in (*names, "cursor")}


async def listing(
    visit: Visit, service: str, path: str, asked: Asked, *, at: str
) -> dict[str, Any]:
    """A page of a service's list as the page at ``at`` shows it.

    ``rows``, the masked ``names`` of their households, what was ``asked``, and the address of the
    ``next`` page: empty after the last.
    """
    page = await visit.api.get(service, path, limit=_ROWS, **asked)
    rows = page["items"]
    return {
        "rows": rows,
        "names": await heads(visit, [row.get("household_id") or "" for row in rows]),
        "asked": asked,
        "next": more(at, asked, page["next"]),
    }


def more(at: str, asked: Asked, cursor: str | None) -> str:
    """The address of the page that begins at ``cursor``; empty where there is none."""
    if not cursor:
        return ""
    kept = {name: value for name, value in asked.items() if value and name != "cursor"}
    return f"{at}?{urlencode({**kept, 'cursor': cursor})}"
