"""The migrated database is what the code believes."""

from services.identification.schema import SCHEMA
from shared.store.drift import drift
from shared.store.migrate import upgrade
from shared.testing.databases import empty_database
from shared.testing.postgres import EmbeddedPostgres


async def test_up_on_empty_and_no_drift(postgres: EmbeddedPostgres) -> None:
    async with empty_database(postgres, "identification") as urls:
        await upgrade(urls.owner, SCHEMA)
        assert await drift(urls.owner, SCHEMA) == []
