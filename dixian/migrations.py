"""``dixian migrate``: databases, roles, tables, reference data and topics, brought up to date.

Safe to run at any time and from several places at once: what is done is left alone.
"""

from collections.abc import Callable

from rich.console import Console

from dixian.composition import module
from dixian.demo_keys import let_in
from dixian.divisions import import_divisions
from dixian.provision import EMBEDDED_BUS, SERVICES, provision, tenants
from dixian.settings import DatabaseSettings, ProcessSettings
from shared.bus.brokers import open_broker
from shared.bus.cloudevents import topic
from shared.bus.embedded_tables import LOG_SCHEMA
from shared.bus.settings import Bus, BusSettings
from shared.store.migrate import upgrade
from shared.web.settings import Mode, WebSettings

_KEEPS_DIVISIONS = "identification"
_KNOWS_MACHINES = "alerts"


async def migrate(
    console: Console, password_of: Callable[[str], str], *, admin_url: str = ""
) -> None:
    """Bring everything up to date. Without an ``admin_url`` databases and roles must exist."""
    databases, bus = DatabaseSettings(), BusSettings()
    embedded = bus.bus is Bus.EMBEDDED
    if url := admin_url or databases.admin_url:
        await provision(url, tenants(embedded_bus=embedded), password_of)
    for name in SERVICES:
        await upgrade(databases.owner(name), module(name).SCHEMA)
    if embedded:
        await upgrade(databases.owner(EMBEDDED_BUS), LOG_SCHEMA)
    if WebSettings().mode is Mode.DEMO:
        await let_in(databases.owner(_KNOWS_MACHINES))
    await import_divisions(
        databases.owner(_KEEPS_DIVISIONS), ProcessSettings().divisions_file, console
    )
    await _topics(bus)


async def _topics(settings: BusSettings) -> None:
    broker = open_broker(settings)
    try:
        await broker.ensure_topics([topic(name) for name in SERVICES])
    finally:
        await broker.close()
