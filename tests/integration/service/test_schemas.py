"""Every service's database: migrated from nothing it is what the code believes, and rebuildable."""

import importlib

import pytest

from shared.bus.embedded_tables import LOG_SCHEMA
from shared.store.drift import drift
from shared.store.migrate import Schema, upgrade
from shared.testing.databases import empty_database
from shared.testing.postgres import EmbeddedPostgres

SERVICES = ("alerts", "identification", "assistance", "audit")


@pytest.mark.parametrize("service", SERVICES)
async def test_migrations_make_what_the_code_believes(
    postgres: EmbeddedPostgres, service: str
) -> None:
    schema: Schema = importlib.import_module(f"services.{service}.main").SCHEMA
    async with empty_database(postgres, service) as urls:
        await upgrade(urls.owner, schema)
        assert await drift(urls.owner, schema) == []
        await upgrade(urls.owner, schema)
        assert await drift(urls.owner, schema) == []


async def test_the_embedded_log_too(postgres: EmbeddedPostgres) -> None:
    async with empty_database(postgres, LOG_SCHEMA.service) as urls:
        await upgrade(urls.owner, LOG_SCHEMA)
