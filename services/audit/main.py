"""The audit service put together: the log, its signer, the trail and the gates."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.audit.domain.correction import CORRECTION
from services.audit.handlers import handlers
from services.audit.http import corrections as correction_routes
from services.audit.http import log as log_routes
from services.audit.http import trail as trail_routes
from services.audit.http.service import Audit
from services.audit.log import completeness
from services.audit.log.append import LogWriter
from services.audit.log.checkpoints import Publisher
from services.audit.log.keys import FileKey
from services.audit.reactions import Intake
from services.audit.read_models.corrections import VIEWS
from services.audit.schema import SCHEMA
from services.audit.settings import AuditSettings
from shared.bus.handler import Handler
from shared.bus.port import Broker
from shared.kernel.clock import SystemClock
from shared.service.assemble import Blueprint, Kit, assemble
from shared.store.application import Application
from shared.web.auth import Authenticator
from shared.web.routing import Router
from shared.web.service import Service, ServiceSettings, Worker

NAME = "audit"
SERVICES = ("alerts", "identification", "assistance", NAME)
"""Whose events are logged: everybody's, our own included."""
_KEY_FILE = "audit-log.key"


def create(
    settings: ServiceSettings,
    *,
    broker: Broker,
    own: AuditSettings | None = None,
    authenticator: Authenticator | None = None,
) -> Service:
    """The service, made and not yet started.

    The log keeps real time, whatever a demo's clock says. In demo mode its key is made when there
    is none; elsewhere it must be there.
    """
    parts = _Parts(settings, own or AuditSettings())
    blueprint = Blueprint(
        title="Dixian 底线 · 审计",
        application=_application,
        routers=parts.routers,
        reacts_to=SERVICES,
        handler=parts.handler,
        workers=parts.workers,
        numbers=lambda kit, _application: lambda: _audited(kit),
    )
    return assemble(settings, broker, blueprint, authenticator=authenticator)


def _application(kit: Kit) -> Application:
    return Application(NAME, kit.database, handlers(kit.vault), [CORRECTION], VIEWS)


@dataclass(frozen=True)
class _Parts:
    """What is the audit service's own."""

    settings: ServiceSettings
    own: AuditSettings

    def routers(self, kit: Kit, application: Application) -> Sequence[Router]:
        audit = Audit(kit.database, application, self._publisher(kit), kit.vault, SystemClock())
        rooms = (trail_routes, correction_routes, log_routes)
        return [room.router(audit) for room in rooms]

    def handler(self, _kit: Kit, application: Application) -> Handler:
        return Intake(LogWriter(self.own.name, SystemClock()), application).handler()

    def workers(self, kit: Kit, _application: Application) -> Sequence[Worker]:
        publisher = self._publisher(kit)

        async def sign() -> None:
            while True:
                await publisher.publish()
                await asyncio.sleep(self.own.sign_every)

        return (sign,)

    def _publisher(self, kit: Kit) -> Publisher:
        path = self.own.key_file or self.settings.vault.master_key_file.with_name(_KEY_FILE)
        key = FileKey.at(path, create=self.settings.demo)
        return Publisher(kit.database, key, SystemClock())


async def _audited(kit: Kit) -> Mapping[str, Any]:
    """How many events of each service stand in the log, and what is amiss."""
    async with kit.database.reading() as tx:
        return await completeness.numbers(tx.raw)


__all__ = ["NAME", "SCHEMA", "SERVICES", "create"]
