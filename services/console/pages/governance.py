"""Who may approve in the committee's place, and what the offices agreed among themselves."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.api import Answer
from services.console.door import Door, NotHere
from services.console.forms.form import by_name
from services.console.forms.governance import GOVERNANCE_FORMS, REVOKE
from services.console.forms.policy import PUBLISH
from services.console.pages import acting
from services.console.pages.acting import Subject
from services.console.visit import Visit

_FORMS = by_name(GOVERNANCE_FORMS)
_AT = "/governance"
Json = Mapping[str, Any]


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/governance…``."""
    return (
        door.get(_AT, listed),
        *door.both(f"{_AT}/do/{{form}}", show, send),
        *door.both(f"{_AT}/delegations/{{delegation_id:uuid}}/revocation", show_end, send_end),
    )


async def listed(visit: Visit) -> Response:
    """Delegations, joint meetings and mergings of one's own division and of those within it."""
    found = await visit.api.together(
        delegations=visit.api.get("identification", "/delegations", limit=100),
        agreed=visit.api.get("identification", "/coordination", limit=100),
    )
    return visit.render(
        "governance.html",
        delegations=found["delegations"]["items"],
        agreed=found["agreed"]["items"],
        forms=[f for f in GOVERNANCE_FORMS if await visit.api.may(f.service, f.path)],
        may_publish=await visit.api.may(PUBLISH.service, PUBLISH.path),
        may_revoke=await visit.api.may(REVOKE.service, REVOKE.path),
    )


async def show(visit: Visit) -> Response:
    """Something new to record."""
    return await acting.show(visit, acting.form_of(visit, _FORMS), await _new(visit))


async def send(visit: Visit) -> Response:
    """Recorded."""

    def then(_answer: Answer) -> str:
        return _AT

    return await acting.send(visit, acting.form_of(visit, _FORMS), lambda: _new(visit), then)


async def _new(visit: Visit) -> Subject:
    return Subject(title=visit.words("议事和授权"), back=_AT)


async def show_end(visit: Visit) -> Response:
    """A delegation, before it is taken back."""
    return await acting.show(visit, REVOKE, await _delegation(visit))


async def send_end(visit: Visit) -> Response:
    """Taken back."""
    return await acting.send(visit, REVOKE, lambda: _delegation(visit))


async def _delegation(visit: Visit) -> Subject:
    wanted = visit.id("delegation_id")
    page = await visit.api.get("identification", "/delegations", limit=200)
    row: Json | None = next((item for item in page["items"] if item["id"] == wanted), None)
    if row is None:
        raise NotHere
    until = visit.words("{day}止", day=row["valid_until"])
    return Subject(
        title=visit.words("议事和授权"),
        back=_AT,
        ids={"delegation_id": wanted},
        version=row["version"],
        facts=[f"{row['holder']} · {row['document']} · {until}"],
    )
