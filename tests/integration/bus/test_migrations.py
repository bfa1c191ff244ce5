"""The migrations make exactly the tables that the code believes in."""

import pytest

from shared.bus.embedded_tables import LOG_SCHEMA
from shared.store.drift import drift
from shared.store.migrate import Schema, upgrade
from shared.testing.bus import SCHEMA
from tests.conftest import NewDatabase


@pytest.mark.parametrize("schema", [SCHEMA, LOG_SCHEMA], ids=["service", "log"])
async def test_nothing_has_drifted(new_database: NewDatabase, schema: Schema) -> None:
    urls = await new_database(schema)
    await upgrade(urls.owner, schema)
    assert await drift(urls.owner, schema) == []
