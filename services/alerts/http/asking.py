"""What every question of this service shares: who may look, the division, the page."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from services.alerts.read_models.queries import Asked
from shared.kernel.division import DivisionCode
from shared.kernel.principal import Permission, Principal, Role, may
from shared.web.paging import Cursors, PageQuery
from shared.web.routing import require

LOOK: Permission = may(Role.OFFICER, Role.COMMITTEE, Role.PRINCIPAL, Role.INSPECTOR)
"""Who may look at leads of their division."""


class Filter(BaseModel):
    """What every list can be narrowed by."""

    division: DivisionCode | None = None
    """Only this division's subtree."""

    @property
    def columns(self) -> Mapping[str, Any]:
        """The filters that are columns and their values."""
        return self.model_dump(exclude={"division"})


def only(permission: Permission) -> dict[str, Any]:
    """The options of a route for those whom ``permission`` allows."""
    return {"dependencies": [require(permission)]}


def asked(principal: Principal, wanted: Filter, page: PageQuery, cursors: Cursors[Any]) -> Asked:
    """Whose question it is, and the part of the answer: one row more, to know whether it ends."""
    after = cursors.after(page, wanted.model_dump())
    return Asked(principal, wanted.division, after, page.limit + 1)
