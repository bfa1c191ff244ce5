"""What every service's ``main.py`` is given, and what it gives back.

``services/<name>/main.py`` has ``SCHEMA`` (what its database consists of) and
``create(settings, *, broker) -> Service``. Whoever runs it decides which parts run where: all
services in one process, or each service's HTTP and worker apart.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.evidence.settings import EvidenceSettings
from shared.store.application import Application
from shared.vault.settings import VaultSettings
from shared.web.settings import Mode, OidcSettings, WebSettings

Worker = Callable[[], Awaitable[None]]
"""Runs until cancelled: the relay, the consumer, the clocks. Begun anew after a fault."""


async def nothing() -> None:
    """For a service that has nothing of its own to open or close."""


@dataclass(frozen=True)
class ServiceSettings:
    """Everything a service reads from its environment."""

    name: str
    """``alerts``; also the name of its variable, ``DIXIAN_ALERTS_DATABASE_URL``."""
    database_url: str
    """The writer's."""
    web: WebSettings
    oidc: OidcSettings
    vault: VaultSettings
    evidence: EvidenceSettings = field(default_factory=EvidenceSettings)
    member: str = ""
    """Names this process among its replicas, the same after a restart: ``alerts-worker-1``."""

    @property
    def demo(self) -> bool:
        """Whether the clock may be moved and the demo's people are let in."""
        return self.web.mode is Mode.DEMO


@dataclass(frozen=True)
class Service:
    """One service, made and not yet started."""

    name: str
    app: Any
    """The ASGI application."""
    workers: Sequence[Worker] = ()
    opened: Callable[[], Awaitable[None]] = nothing
    """Opens what the application and the workers share; awaited once, before both."""
    closed: Callable[[], Awaitable[None]] = nothing
    """Closes it again; awaited once, after both."""
    application: Application | None = None
    """Its commands, aggregates and read models, for the tools that look after them."""
    handler: Any = None
    """What it does with its neighbours' events: a ``shared.bus.handler.Handler``, or nothing."""

    async def start(self) -> None:
        """Open what is shared."""
        await self.opened()

    async def stop(self) -> None:
        """Close what is shared."""
        await self.closed()
