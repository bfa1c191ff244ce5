"""Every page, a file a subject. A page asks the services, and never knows how they keep things."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from services.console.door import Door
from services.console.pages import (
    board,
    cases,
    checks,
    coming_in,
    corrections,
    eliminations,
    files,
    glossary,
    governance,
    households,
    keys,
    leads,
    notices,
    orders,
    plans,
    policy,
    system,
    tables,
    trail,
    work,
)

_SUBJECTS = (
    coming_in.routes,
    work.routes,
    cases.routes,
    notices.routes,
    households.routes,
    leads.routes,
    plans.routes,
    eliminations.routes,
    orders.routes,
    files.routes,
    tables.routes,
    board.routes,
    trail.routes,
    checks.routes,
    corrections.routes,
    keys.routes,
    governance.routes,
    policy.routes,
    system.routes,
    glossary.routes,
)


def routes(door: Door) -> Sequence[BaseRoute]:
    """All of them."""
    return [route for subject in _SUBJECTS for route in subject(door)]
