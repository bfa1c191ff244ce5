"""The audit service put together: the log, its signer, the trail and the gates."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from services.audit.domain.correction import CORRECTION
from services.audit.domain.signing_key import SIGNING_KEY
from services.audit.exports.jobs import Exporter
from services.audit.handlers import handlers
from services.audit.http import corrections as correction_routes
from services.audit.http import exports as export_routes
from services.audit.http import following as following_routes
from services.audit.http import keys as key_routes
from services.audit.http import log as log_routes
from services.audit.http import trail as trail_routes
from services.audit.http.evidence import EVIDENCE, evidence
from services.audit.http.service import Audit
from services.audit.log import completeness
from services.audit.log.append import LogWriter
from services.audit.log.checkpoints import Publisher
from services.audit.log.forwarding import Forwarder
from services.audit.log.indexer import Indexer
from services.audit.log.keys import FileKey, SigningKey, sm2_key
from services.audit.log.telling import Teller
from services.audit.log.watch import Watch
from services.audit.log.witnesses import Cosigner, read_witnesses
from services.audit.reactions import Intake
from services.audit.read_models import corrections, signing_keys
from services.audit.read_models.proofs import Prover
from services.audit.schema import SCHEMA
from services.audit.settings import KEY_FILE, AuditSettings
from shared.bus.consumer import ConsumerSettings
from shared.bus.handler import Handler
from shared.bus.port import Broker
from shared.evidence.stream import KeepEvidence, keeping
from shared.evidence.tables import EVIDENCE_VIEW
from shared.kernel.clock import SHANGHAI, SystemClock
from shared.service.assemble import Blueprint, Kit, assemble
from shared.store.application import Application
from shared.store.database import Database
from shared.vault.vault import Vault
from shared.web.auth import Authenticator
from shared.web.routing import Router
from shared.web.service import Service, ServiceSettings, Worker

NAME = "audit"
SERVICES = ("alerts", "identification", "assistance", NAME)
"""Whose events are logged: everybody's, our own included."""
_TOGETHER = 1000
"""Most events logged in one transaction: a batch costs the same round trips at any size."""
_PATIENCE = 10.0
"""Seconds a witness may take."""


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
        application=parts.application,
        routers=parts.routers,
        reacts_to=SERVICES,
        handler=parts.handler,
        consumer=ConsumerSettings(batch=_TOGETHER),
        workers=parts.workers,
        opened=parts.opened,
        numbers=lambda kit, _application: lambda: _audited(kit),
    )
    return assemble(settings, broker, blueprint, authenticator=authenticator)


def application(database: Database, vault: Vault, key: SigningKey) -> Application:
    """The corrections, their documents and the keys on ``database``; ``key`` is the log's."""

    def seal(said: bytes) -> str:
        return key.sign(said).hex()

    return Application(
        NAME,
        database,
        {**handlers(vault, seal), KeepEvidence: keeping(EVIDENCE)},
        [CORRECTION, EVIDENCE, SIGNING_KEY],
        (*corrections.VIEWS, EVIDENCE_VIEW, signing_keys.VIEW),
    )


@dataclass(frozen=True)
class _Parts:
    """What is the audit service's own."""

    settings: ServiceSettings
    own: AuditSettings

    def application(self, kit: Kit) -> Application:
        return application(kit.database, kit.vault, self._key)

    def routers(self, kit: Kit, application: Application) -> Sequence[Router]:
        audit = Audit(
            kit.database,
            application,
            self._publisher(kit),
            Prover(kit.database),
            kit.vault,
            SystemClock(),
        )
        rooms = (
            trail_routes,
            following_routes,
            correction_routes,
            key_routes,
            export_routes,
            log_routes,
        )
        doors = [room.router(audit) for room in rooms]
        return [*doors, evidence(application, kit.evidence)]

    def handler(self, _kit: Kit, application: Application) -> Handler:
        return Intake(LogWriter(self.own.name, SystemClock()), application).handler()

    def workers(self, kit: Kit, _application: Application) -> Sequence[Worker]:
        publisher = self._publisher(kit)

        async def sign() -> None:
            while True:
                await publisher.publish()
                await asyncio.sleep(self.own.sign_every)

        async def cosign() -> None:
            async with self._cosigner(kit) as cosigner:
                while True:
                    await cosigner.round()
                    await asyncio.sleep(self.own.sign_every)

        exporter = Exporter(kit.database, publisher, SystemClock())
        watch = Watch(kit.database, SystemClock())
        teller = Teller(kit.database, kit.broker)
        made = [sign, teller.run, exporter.run, Indexer(kit.database).run, watch.run]
        if self.own.witness_file:
            made.append(cosign)
        if self.own.receiver:
            made.append(Forwarder(kit.database, self.own.receiver).run)
        return made

    async def opened(self, kit: Kit, _application: Application) -> None:
        """Refuse to start when a witness has seen more of the log than there is."""
        if self.own.witness_file:
            year = SystemClock().now().astimezone(SHANGHAI).year
            async with self._cosigner(kit) as cosigner:
                await cosigner.must_not_be_ahead(self.own.name.origin(year))

    @asynccontextmanager
    async def _cosigner(self, kit: Kit) -> AsyncIterator[Cosigner]:
        assert self.own.witness_file is not None
        witnesses = read_witnesses(self.own.witness_file)
        async with httpx.AsyncClient(timeout=_PATIENCE) as client:
            yield Cosigner(
                kit.database, self._publisher(kit), witnesses, client, clock=SystemClock()
            )

    @property
    def _key(self) -> FileKey:
        path = self.own.key_file or self.settings.vault.master_key_file.with_name(KEY_FILE)
        return FileKey.at(path, create=self.settings.demo)

    def _publisher(self, kit: Kit) -> Publisher:
        second = self.own.sm2_key_file
        sm2 = None if second is None else sm2_key(second, create=self.settings.demo)
        return Publisher(kit.database, self._key, SystemClock(), sm2)


async def _audited(kit: Kit) -> Mapping[str, Any]:
    """How many events of each service stand in the log, and what is amiss."""
    async with kit.database.reading() as tx:
        return await completeness.numbers(tx.raw)


__all__ = ["NAME", "SCHEMA", "SERVICES", "create"]
