"""The alerts service put together."""

from collections.abc import Mapping
from typing import Any

from services.alerts.handlers import Tools, application
from services.alerts.http import router
from services.alerts.http.evidence import evidence
from services.alerts.postman import Postman
from services.alerts.reactions import Reactions
from services.alerts.read_models import deliveries
from services.alerts.schema import SCHEMA
from shared.bus.connection import connector
from shared.bus.handler import Each
from shared.bus.port import Broker
from shared.policy.divisions import Divisions
from shared.service.assemble import Blueprint, Kit, assemble
from shared.web.outbound import Guard, Outbound, OutboundSettings
from shared.web.service import Service, ServiceSettings


def create(settings: ServiceSettings, *, broker: Broker) -> Service:
    """The service, not yet started."""
    divisions = Divisions.load()

    outbound = OutboundSettings()
    guard = Guard(settings.web.mode, outbound)

    def tools(kit: Kit) -> Tools:
        return Tools(kit.vault, kit.index, divisions, guard)

    def postman(kit: Kit) -> Postman:
        return Postman(
            kit.database,
            connector(settings.database_url, server_settings={"search_path": "rm, public"}),
            kit.vault,
            Outbound(guard, outbound),
            tried=lambda outcome: kit.metrics.webhooks.labels(outcome).inc(),
        )

    return assemble(
        settings,
        broker,
        Blueprint(
            title="Dixian 底线 · 风险线索 alerts",
            application=lambda kit: application(kit.database, tools(kit)),
            routers=lambda kit, app: [router(app, tools(kit)), evidence(app, kit.evidence)],
            reacts_to=("identification", "assistance"),
            handler=lambda _kit, app: Each(Reactions(app).by_type()),
            workers=lambda kit, _app: (postman(kit).run,),
            numbers=lambda kit, _app: lambda: _told(kit),
        ),
    )


async def _told(kit: Kit) -> Mapping[str, Any]:
    """What waits to be told to hotlines, and what nobody could be told."""
    async with kit.database.reading() as tx:
        return {"webhooks": await deliveries.counts(tx.raw)}


__all__ = ["SCHEMA", "create"]
