"""The alerts service put together."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from services.alerts.feed_work import FeedWorker
from services.alerts.handlers import Tools, application
from services.alerts.http import LARGER_BODIES, router
from services.alerts.http.evidence import evidence
from services.alerts.indexing import keep_indexed
from services.alerts.postman import Postman
from services.alerts.reactions import Reactions, reactions
from services.alerts.read_models import deliveries, register
from services.alerts.schema import SCHEMA
from shared.bus.connection import connector
from shared.bus.handler import Each
from shared.bus.port import Broker
from shared.contracts.identification import PersonalDataErased
from shared.policy.divisions import Divisions
from shared.policy.working_days import known_until
from shared.service.assemble import Blueprint, Kit, assemble
from shared.service.authority import Authority, Authorized
from shared.vault.erasure import erasing
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
            reacts_to=("identification", "assistance", "audit"),
            handler=lambda kit, app: Authorized(
                Each(
                    {
                        **reactions(app),
                        PersonalDataErased: erasing(kit.vault, register.owners_about),
                    },
                    run=Reactions(app).register(),
                ),
                Authority.of(kit.settings),
            ),
            workers=lambda kit, app: (
                postman(kit).run,
                FeedWorker(app, tools(kit)).run,
                partial(keep_indexed, app, kit.vault, kit.index),
            ),
            larger_bodies=LARGER_BODIES,
            numbers=lambda kit, _app: lambda: _numbers(kit),
        ),
    )


async def _numbers(kit: Kit) -> Mapping[str, Any]:
    """What waits to be told to hotlines, what nobody could be told, and how long clocks can run."""
    async with kit.database.reading() as tx:
        today = tx.clock.today()
        return {
            "webhooks": await deliveries.counts(tx.raw),
            "working_days_known_until": known_until(today, await register.calendar(tx.raw, today)),
        }


__all__ = ["SCHEMA", "create"]
