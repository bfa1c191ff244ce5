"""The assistance service put together."""

from functools import partial

from services.assistance.handlers import application
from services.assistance.http import router
from services.assistance.http.evidence import evidence
from services.assistance.http.files import LARGEST
from services.assistance.oversight import nightly
from services.assistance.reactions import reactions
from services.assistance.schema import SCHEMA
from shared.bus.handler import Each
from shared.bus.port import Broker
from shared.contracts.identification import PersonalDataErased
from shared.policy.divisions import Divisions
from shared.service.assemble import Blueprint, assemble
from shared.service.authority import Authority, Authorized
from shared.vault.erasure import erasing
from shared.web.service import Service, ServiceSettings


def create(settings: ServiceSettings, *, broker: Broker) -> Service:
    """The service, not yet started."""
    divisions = Divisions.load()
    return assemble(
        settings,
        broker,
        Blueprint(
            title="Dixian 底线 · 帮扶与风险消除 assistance",
            application=lambda kit: application(kit.database, kit.vault, divisions),
            routers=lambda kit, app: [
                router(app, kit.vault, divisions),
                evidence(app, kit.evidence),
            ],
            reacts_to=("identification", "audit"),
            handler=lambda kit, app: Authorized(
                Each({**reactions(app), PersonalDataErased: erasing(kit.vault)}),
                Authority.of(kit.settings),
            ),
            larger_bodies={"/comparisons/": LARGEST, "/populations/": LARGEST},
            workers=lambda _kit, app: [partial(nightly, app)],
        ),
    )


__all__ = ["SCHEMA", "create"]
