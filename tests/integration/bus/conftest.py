"""Two services' databases and a log on a real server, with the roles of production."""

from collections.abc import AsyncIterator

import pytest

from shared.bus.connection import connector
from shared.bus.embedded import EmbeddedBroker
from shared.bus.embedded_tables import LOG_SCHEMA
from shared.testing.bus import EFFECTS, SCHEMA, Place, Witness, place
from shared.testing.databases import run
from tests.conftest import NewDatabase


@pytest.fixture
async def source(new_database: NewDatabase) -> AsyncIterator[Place]:
    """The noting service's database."""
    made = place((await new_database(SCHEMA)).writer)
    yield made
    await made.database.close()


@pytest.fixture
async def sink(new_database: NewDatabase) -> AsyncIterator[Place]:
    """The reading service's database."""
    urls = await new_database(SCHEMA)
    await run(urls.owner, EFFECTS)
    made = place(urls.writer)
    yield made
    await made.database.close()


async def _log(new_database: NewDatabase) -> EmbeddedBroker:
    urls = await new_database(LOG_SCHEMA)
    return EmbeddedBroker(connector(urls.writer), partitions=4, look_every=0.1)


@pytest.fixture
async def embedded(new_database: NewDatabase) -> AsyncIterator[EmbeddedBroker]:
    made = await _log(new_database)
    yield made
    await made.close()


@pytest.fixture
async def second_embedded(new_database: NewDatabase) -> AsyncIterator[EmbeddedBroker]:
    """Another log, with nothing in it."""
    made = await _log(new_database)
    yield made
    await made.close()


@pytest.fixture
def witness() -> Witness:
    return Witness()
