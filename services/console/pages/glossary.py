"""What the words mean, and what each rule's number stands for."""

from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.door import Door
from services.console.visit import Visit
from services.console.words import glossary as terms
from shared.policy.rules import rules


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/glossary``."""
    return (door.get("/glossary", glossary),)


async def glossary(visit: Visit) -> Response:
    """Terms first, then every rule by its number; a refusal's number leads to its line here."""
    return visit.render("glossary.html", terms=terms(), rules=rules().values())
