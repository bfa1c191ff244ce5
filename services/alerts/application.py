"""The service's commands, aggregates and read models on a database: what every door opens to."""

from collections.abc import Callable, Sequence
from typing import Any

from services.alerts.domain.alert import ALERT
from services.alerts.domain.lead import LEAD
from services.alerts.domain.order import ORDER
from services.alerts.domain.reveal import REVEAL
from services.alerts.handlers import Tools, handlers
from services.alerts.read_models.views import VIEWS
from shared.kernel.decider import Aggregate
from shared.kernel.event import Event, Recorded
from shared.store.application import Application
from shared.store.database import Database

SERVICE = "alerts"
AGGREGATES: Sequence[Aggregate[Any]] = (ORDER, LEAD, ALERT, REVEAL)


def application(
    database: Database,
    tools: Tools,
    *,
    appended: Callable[[Sequence[Recorded[Event]]], None] = lambda _events: None,
) -> Application:
    """The service on ``database``; ``appended`` is told of every commit."""
    return Application(
        service=SERVICE,
        database=database,
        handlers=handlers(tools),
        aggregates=AGGREGATES,
        views=VIEWS,
        appended=appended,
    )
