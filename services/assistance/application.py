"""The service's commands, aggregates and read models on a database: what every door opens to."""

from collections.abc import Callable, Sequence
from typing import Any

from services.assistance.domain.elimination import ELIMINATION
from services.assistance.domain.no_labour import NO_LABOUR
from services.assistance.domain.plan import PLAN
from services.assistance.domain.policy_book import POLICY
from services.assistance.handlers import handlers
from services.assistance.read_models.views import VIEWS
from shared.kernel.decider import Aggregate
from shared.kernel.event import Event, Recorded
from shared.store.application import Application
from shared.store.database import Database
from shared.vault.vault import Vault

SERVICE = "assistance"
AGGREGATES: Sequence[Aggregate[Any]] = (PLAN, ELIMINATION, NO_LABOUR, POLICY)


def application(
    database: Database,
    vault: Vault,
    *,
    appended: Callable[[Sequence[Recorded[Event]]], None] = lambda _events: None,
) -> Application:
    """The service on ``database``; ``appended`` is told of every commit."""
    return Application(
        service=SERVICE,
        database=database,
        handlers=handlers(vault),
        aggregates=AGGREGATES,
        views=VIEWS,
        appended=appended,
    )
