"""The database is what the code believes in."""

from services.alerts.schema import SCHEMA
from shared.store.drift import drift
from tests.conftest import NewDatabase


async def test_the_migrated_database_has_no_drift(new_database: NewDatabase) -> None:
    urls = await new_database(SCHEMA)
    assert await drift(urls.owner, SCHEMA) == []
