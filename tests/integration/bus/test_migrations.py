"""The migrations make exactly the tables that the code believes in."""

from typing import TYPE_CHECKING

from shared.bus.embedded_tables import LOG_SCHEMA
from shared.store.drift import drift
from shared.store.migrate import upgrade
from shared.testing.bus import SCHEMA

if TYPE_CHECKING:
    from tests.integration.bus.conftest import Server


async def test_the_bus_tables_have_not_drifted(server: "Server"):
    await server.run("create database drift_service")
    url = server.url("drift_service")
    await upgrade(url, SCHEMA)
    await upgrade(url, SCHEMA)
    assert await drift(url, SCHEMA) == []


async def test_the_log_has_not_drifted(server: "Server"):
    await server.run("create database drift_log")
    url = server.url("drift_log")
    await upgrade(url, LOG_SCHEMA)
    assert await drift(url, LOG_SCHEMA) == []
