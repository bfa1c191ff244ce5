"""Department alerts as they can be looked at; ``intake`` is how they come."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from services.alerts.domain import commands as c
from services.alerts.http.asking import LOOK, Filter, asked, only
from services.alerts.read_models import queries
from services.alerts.read_models.queries import AlertKey, Row
from shared.contracts.alerts import AlertType, Fate
from shared.kernel.principal import Permission, Role, may
from shared.store.application import Application
from shared.web.auth import Caller
from shared.web.paging import Cursors, Page, Paged
from shared.web.routing import Router

LOOK_AT_ALERTS: Permission = may(*LOOK.roles, Role.FEED)

_ALERTS: Cursors[AlertKey] = Cursors(AlertKey)


class AlertFilter(Filter):
    """Which alerts."""

    feed: c.Feed | None = None
    type: AlertType | None = None
    fate: Fate | None = None


def alert_questions(made: Router, application: Application) -> None:
    """Add the list and the single alert."""
    database = application.database

    @made.get("/alerts", summary="Alerts, as they came.", **only(LOOK_AT_ALERTS))
    async def alerts(
        caller: Caller, page: Paged, wanted: Annotated[AlertFilter, Query()]
    ) -> Page[Row]:
        question = asked(caller, wanted, page, _ALERTS)
        async with database.reading() as tx:
            rows = await queries.alerts(tx.sql, question, wanted.columns)
        return _ALERTS.cut(
            rows, page, wanted.model_dump(), lambda row: AlertKey(row["received_at"], row["id"])
        )

    @made.get("/alerts/{alert_id}", summary="One alert and its fate.", **only(LOOK_AT_ALERTS))
    async def alert(alert_id: UUID, caller: Caller) -> Row:
        async with database.reading() as tx:
            return await queries.one_alert(tx.sql, caller, alert_id)
