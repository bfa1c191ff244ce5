"""The alerts service put together."""

from functools import partial

from services.alerts.handlers import Tools, application
from services.alerts.http import router
from services.alerts.indexing import keep_indexed
from services.alerts.reactions import reactions
from services.alerts.read_models import register
from services.alerts.schema import SCHEMA
from shared.bus.handler import Each
from shared.bus.port import Broker
from shared.contracts.identification import PersonalDataErased
from shared.policy.divisions import Divisions
from shared.service.assemble import Blueprint, Kit, assemble
from shared.vault.erasure import erasing
from shared.web.service import Service, ServiceSettings


def create(settings: ServiceSettings, *, broker: Broker) -> Service:
    """The service, not yet started."""
    divisions = Divisions.load()

    def tools(kit: Kit) -> Tools:
        return Tools(kit.vault, kit.index, divisions)

    return assemble(
        settings,
        broker,
        Blueprint(
            title="Dixian 底线 · 风险线索 alerts",
            application=lambda kit: application(kit.database, tools(kit)),
            routers=lambda kit, app: [router(app, tools(kit))],
            reacts_to=("identification", "assistance"),
            handler=lambda kit, app: Each(
                {**reactions(app), PersonalDataErased: erasing(kit.vault, register.owners_about)}
            ),
            workers=lambda kit, app: [partial(keep_indexed, app, kit.vault, kit.index)],
        ),
    )


__all__ = ["SCHEMA", "create"]
