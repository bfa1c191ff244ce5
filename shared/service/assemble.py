"""The composition that all services share; each ``main.py`` says only what is its own.

``assemble`` connects nothing: the pool opens with the first query, the broker with the first
message, so that a service starts while its neighbours are still away and says so on its health.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.bus.cloudevents import topic
from shared.bus.connection import connector
from shared.bus.consumer import Consumer, ConsumerSettings, Cure
from shared.bus.handler import Handler
from shared.bus.port import Broker
from shared.bus.relay import Relay
from shared.evidence.room import EvidenceRoom
from shared.kernel.clock import ShiftedClock, SystemClock
from shared.kernel.principal import system
from shared.service.demo_clock import begin, demo_router
from shared.service.evidence import PATH
from shared.service.observing import Observed, Watch
from shared.service.reconciliation import Reconciliation
from shared.store.application import Application
from shared.store.clockwork import Clockwork
from shared.store.database import Database
from shared.telemetry.metrics import Metrics
from shared.vault.blind_index import BlindIndex
from shared.vault.settings import open_vault
from shared.vault.vault import Vault
from shared.web.access import open_access
from shared.web.app import create_app
from shared.web.auth import Authenticator
from shared.web.health import Check
from shared.web.rate_limit import RateLimiter, TableCounts
from shared.web.routing import Router
from shared.web.service import Service, ServiceSettings, Worker

_CLOCK_INTERVAL = 5.0
_DEMO_CLOCK_INTERVAL = 1.0
"""Seconds between looks at the calendar; a demo's clock is moved by another process."""
_REWRAP_INTERVAL = 10.0
"""Seconds between looks for keys that a former master key wraps."""


@dataclass(frozen=True)
class Kit:
    """What a service's own parts are made of."""

    settings: ServiceSettings
    database: Database
    vault: Vault
    index: BlindIndex
    metrics: Metrics
    broker: Broker
    evidence: EvidenceRoom


def _none(_kit: Kit, _application: Application) -> Sequence[Any]:
    return ()


async def _no_numbers() -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Blueprint:
    """What is a service's own."""

    title: str
    """Of its OpenAPI document."""
    application: Callable[[Kit], Application]
    """Its commands, aggregates and read models."""
    routers: Callable[[Kit, Application], Sequence[Router]]
    """Its door."""
    reacts_to: Sequence[str] = ()
    """The services whose events it takes in."""
    handler: Callable[[Kit, Application], Handler] | None = None
    """What it does with them: ``Each(reactions)`` or ``Together(reaction)``."""
    consumer: ConsumerSettings = field(default_factory=ConsumerSettings)
    """How it takes them in."""
    cures: Mapping[str, Cure] = field(default_factory=dict)
    """Reasons for parking that an act of somebody's ends, and what shows that it was done."""
    workers: Callable[[Kit, Application], Sequence[Worker]] = _none
    """Workers besides the relay, the consumer and the clocks."""
    checks: Callable[[Kit, Application], Sequence[Check]] = _none
    """Parts it cannot do without, besides the database and the bus."""
    numbers: Callable[[Kit, Application], Callable[[], Awaitable[Mapping[str, Any]]]] = (
        lambda _kit, _application: _no_numbers
    )
    """Its own part of the reconciliation, beside recorded, sent and received."""
    opened: Callable[[Kit, Application], Awaitable[None]] | None = None
    """Done once at the start, before the door opens."""
    larger_bodies: Mapping[str, int] | None = None
    """Beginnings of paths with a body limit of their own, in bytes."""


def assemble(
    settings: ServiceSettings,
    broker: Broker,
    blueprint: Blueprint,
    *,
    authenticator: Authenticator | None = None,
) -> Service:
    """The service, made and not yet started.

    Raises ``KeyFileFault`` when a key cannot be read, ``UnsafeAccess`` for settings that production
    must not run with, ``NotChosen`` when production has not chosen who scans evidence files.

    People's tokens and machines' keys are checked unless a test hands in its own ``authenticator``.
    """
    return _Assembly(settings, broker, blueprint, authenticator).service()


class _Assembly:
    """One service's parts, each made once, and how they are tied together."""

    def __init__(
        self,
        settings: ServiceSettings,
        broker: Broker,
        blueprint: Blueprint,
        authenticator: Authenticator | None,
    ) -> None:
        self.settings, self.broker, self.blueprint = settings, broker, blueprint
        self.wake = asyncio.Event()
        clock = ShiftedClock() if settings.demo else SystemClock()
        vault, index = open_vault(settings.vault)
        self.kit = Kit(
            settings=settings,
            database=Database(settings.database_url, clock=clock),
            vault=vault,
            index=index,
            metrics=Metrics(),
            broker=broker,
            evidence=EvidenceRoom.open(
                settings.evidence, settings.name, vault, production=not settings.demo
            ),
        )
        self.observed = Observed(self.kit.metrics, self.wake)
        self.application = blueprint.application(self.kit)
        self.application.appended = self.observed.appended
        self.clockwork = Clockwork(
            self.application, system(settings.name), failed=self.observed.clock_failed
        )
        self.reconciliation = Reconciliation(
            settings.name, self.kit.database, blueprint.numbers(self.kit, self.application)
        )
        known, self.keys = open_access(settings.oidc, settings.web.mode, self.kit.database.reading)
        self.authenticator = authenticator or known

    def service(self) -> Service:
        return Service(
            name=self.settings.name,
            app=self._app(),
            workers=self._workers(),
            opened=self._opened,
            closed=self._closed,
            application=self.application,
            handler=self._handler(),
        )

    # -- the door ---------------------------------------------------------------------------------

    def _app(self) -> Any:
        routers = list(self.blueprint.routers(self.kit, self.application))
        if self.settings.demo:
            routers.append(demo_router(self.kit.database, moved=self.clockwork.poke))
        return create_app(
            service=self.settings.name,
            title=self.blueprint.title,
            settings=self.settings.web,
            routers=routers,
            authenticator=self.authenticator,
            metrics=self.kit.metrics,
            checks=self._checks(),
            numbers=self.reconciliation.numbers,
            larger_bodies={
                PATH: self.settings.evidence.limit,
                **(self.blueprint.larger_bodies or {}),
            },
            limiter=RateLimiter(TableCounts(self.kit.database.reading), self.settings.web),
        )

    def _checks(self) -> Sequence[Check]:
        topics = [topic(self.settings.name)]
        return (
            Check("database", self._database_answers),
            Check("bus", lambda: self.broker.end_offsets(topics)),
            *self.blueprint.checks(self.kit, self.application),
        )

    async def _database_answers(self) -> None:
        async with self.kit.database.reading() as tx:
            await tx.raw.execute("select 1 from es.event limit 1")

    # -- the workers ------------------------------------------------------------------------------

    def _workers(self) -> Sequence[Worker]:
        return (
            self._relay,
            *((self._consumer,) if self.blueprint.handler is not None else ()),
            self._clocks,
            self._watch,
            self._rewrap,
            *self.blueprint.workers(self.kit, self.application),
        )

    async def _relay(self) -> None:
        connect = connector(self.settings.database_url)
        relay = Relay(
            self.settings.name, connect, self.broker, wake=self.wake, observer=self.observed
        )
        await relay.run()

    def _handler(self) -> Handler | None:
        make = self.blueprint.handler
        return None if make is None else make(self.kit, self.application)

    async def _consumer(self) -> None:
        assert self.blueprint.handler is not None
        consumer = Consumer(
            self.settings.name,
            self.kit.database,
            self.blueprint.handler(self.kit, self.application),
            settings=self.blueprint.consumer,
            observer=self.observed,
            cures=self.blueprint.cures,
        )
        await consumer.run(self.broker, self._topics, member=self.settings.member)

    async def _clocks(self) -> None:
        interval = _DEMO_CLOCK_INTERVAL if self.settings.demo else _CLOCK_INTERVAL
        await self.clockwork.run(asyncio.Event(), interval)

    async def _watch(self) -> None:
        watch = Watch(self.kit.metrics, self.reconciliation, self.broker, self._topics)
        await watch.run()

    async def _rewrap(self) -> None:
        """Wrap anew, under the current master key, what a former one still wraps."""
        while True:
            async with self.kit.database.transaction() as tx:
                done = await self.kit.vault.rewrap(tx.raw)
            await asyncio.sleep(0 if done else _REWRAP_INTERVAL)

    @property
    def _topics(self) -> Sequence[str]:
        return [topic(name) for name in self.blueprint.reacts_to]

    # -- beginning and end -------------------------------------------------------------------------

    async def _opened(self) -> None:
        if self.settings.demo:
            await begin(self.kit.database)
        if self.blueprint.opened is not None:
            await self.blueprint.opened(self.kit, self.application)

    async def _closed(self) -> None:
        await self.kit.database.close()
        await self.keys.close()
