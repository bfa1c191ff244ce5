"""The audit service put together: settings and the parts it shares with others, into one whole."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from fastapi import FastAPI

from services.audit.domain.correction import CORRECTION
from services.audit.handlers import handlers
from services.audit.http import corrections as correction_routes
from services.audit.http import log as log_routes
from services.audit.http import trail as trail_routes
from services.audit.http.service import Audit
from services.audit.log.append import LogWriter
from services.audit.log.checkpoints import Publisher
from services.audit.log.keys import FileKey
from services.audit.reactions import Intake
from services.audit.read_models.corrections import VIEWS
from services.audit.schema import SCHEMA
from services.audit.settings import AuditSettings
from shared.bus.cloudevents import topic
from shared.bus.connection import connector
from shared.bus.consumer import Consumer
from shared.bus.port import Broker
from shared.bus.relay import Relay
from shared.kernel.clock import Clock, SystemClock
from shared.kernel.principal import system
from shared.store import clockwork
from shared.store.application import Application
from shared.store.database import Database
from shared.telemetry.metrics import Metrics
from shared.vault.vault import Vault
from shared.web.app import create_app
from shared.web.auth import Authenticator
from shared.web.health import Check
from shared.web.routing import Router
from shared.web.settings import Mode, WebSettings

NAME = "audit"
SERVICES = ("alerts", "identification", "assistance", NAME)
"""Whose events are logged: everybody's, our own included."""

Worker = Callable[[], Awaitable[None]]


@dataclass
class AuditService:
    """The service as a process hosts it."""

    database: Database
    application: Application
    publisher: Publisher
    relay: Relay
    consumer: Consumer
    broker: Broker
    app: FastAPI
    sign_every: float
    wake: asyncio.Event
    name: str = NAME
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def workers(self) -> Sequence[Worker]:
        """What runs beside the HTTP side: each until cancelled."""
        return (self.relay.run, self.consume, self.sign, self.tick)

    async def start(self) -> None:
        """Nothing to open: connections are made when they are needed."""

    async def stop(self) -> None:
        """Let go of the database."""
        self._stop.set()
        await self.database.close()

    async def consume(self) -> None:
        """Log everybody's events as they come."""
        await self.consumer.run(self.broker, [topic(service) for service in SERVICES])

    async def sign(self) -> None:
        """Sign what has grown, again and again."""
        while True:
            await self.publisher.publish()
            await asyncio.sleep(self.sign_every)

    async def tick(self) -> None:
        """Close corrections whose gate let its time pass."""
        await clockwork.run(self.application, system(NAME), self._stop)


def create(
    *,
    settings: AuditSettings,
    web: WebSettings,
    authenticator: Authenticator,
    broker: Broker,
    vault: Vault,
    clock: Clock,
    metrics: Metrics | None = None,
    routers: Sequence[Router] = (),
) -> AuditService:
    """The whole service. ``clock`` is the acts' (the demo's moves); the log itself keeps real time.

    In demo mode the log's key is made when there is none; elsewhere it must be there.
    """
    database = Database(settings.database_url, clock=clock)
    wake = asyncio.Event()
    application = Application(
        NAME, database, handlers(vault), [CORRECTION], VIEWS, appended=lambda _events: wake.set()
    )
    key = FileKey.at(settings.key_file, create=web.mode is Mode.DEMO)
    publisher = Publisher(database, key, SystemClock())
    intake = Intake(LogWriter(settings.name, SystemClock()), application)
    audit = Audit(database, application, publisher, vault, SystemClock())
    own = [made(audit) for made in (trail_routes.router, correction_routes.router)]
    app = create_app(
        service=NAME,
        title="Dixian 底线 · 审计",
        settings=web,
        routers=[*own, log_routes.router(audit), *routers],
        authenticator=authenticator,
        metrics=metrics or Metrics(),
        checks=[Check("database", lambda: _reachable(database))],
    )
    return AuditService(
        database=database,
        application=application,
        publisher=publisher,
        relay=Relay(NAME, connector(settings.database_url), broker, wake=wake),
        consumer=Consumer(NAME, database, intake.handler()),
        broker=broker,
        app=app,
        sign_every=settings.sign_every,
        wake=wake,
    )


async def _reachable(database: Database) -> None:
    async with database.reading() as tx:
        await tx.raw.execute("select 1")


__all__ = ["NAME", "SCHEMA", "AuditService", "create"]
