"""The identification service put together."""

from functools import partial

from services.identification.handlers import application
from services.identification.http import comparison, imports, router
from services.identification.http.evidence import evidence
from services.identification.indexing import keep_indexed
from services.identification.oversight import nightly
from services.identification.reactions import CURES, reactions
from services.identification.schema import SCHEMA
from shared.bus.handler import Each
from shared.bus.port import Broker
from shared.policy.divisions import Divisions
from shared.service.assemble import Blueprint, assemble
from shared.service.authority import Authority, Authorized
from shared.service.known_machines import MACHINES
from shared.web.service import Service, ServiceSettings


def create(settings: ServiceSettings, *, broker: Broker) -> Service:
    """The service, not yet started."""
    divisions = Divisions.load()
    return assemble(
        settings,
        broker,
        Blueprint(
            title="Dixian 底线 · 识别认定 identification",
            application=lambda kit: application(
                kit.database, vault=kit.vault, index=kit.index, divisions=divisions
            ),
            routers=lambda kit, app: [
                router(app, vault=kit.vault, index=kit.index, divisions=divisions),
                evidence(app, kit.evidence),
            ],
            reacts_to=("alerts", "assistance", "audit"),
            cures=CURES,
            handler=lambda kit, app: Authorized(
                Each({**reactions(app), **MACHINES}), Authority.of(kit.settings)
            ),
            larger_bodies={
                imports.PATH: imports.LIMITS.packed,
                comparison.PATH: comparison.LIMITS.packed,
            },
            workers=lambda kit, app: [
                partial(nightly, app, kit.vault),
                partial(keep_indexed, app, kit.index),
            ],
        ),
    )


__all__ = ["SCHEMA", "create"]
