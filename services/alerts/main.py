"""The alerts service put together."""

from services.alerts.handlers import Tools, application
from services.alerts.http import router
from services.alerts.reactions import Reactions
from services.alerts.schema import SCHEMA
from shared.bus.handler import Each
from shared.bus.port import Broker
from shared.policy.divisions import Divisions
from shared.service.assemble import Blueprint, Kit, assemble
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
            reacts_to=("identification", "assistance", "audit"),
            handler=lambda _kit, app: Each(Reactions(app).by_type()),
        ),
    )


__all__ = ["SCHEMA", "create"]
