"""The example service on databases of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from shared.kernel.clock import ShiftedClock
from shared.store.application import Application
from shared.store.database import Database
from shared.store.migrate import Schema
from shared.testing import example as ex
from shared.testing.databases import Urls


@pytest.fixture
async def urls(new_database: Callable[[Schema], Awaitable[Urls]]) -> Urls:
    return await new_database(ex.SCHEMA)


@pytest.fixture
async def database(urls: Urls) -> AsyncIterator[Database]:
    opened = ex.database(urls.writer)
    yield opened
    await opened.close()


@pytest.fixture
async def demo(urls: Urls) -> AsyncIterator[Database]:
    """The same database with a clock that can be moved."""
    opened = ex.database(urls.writer, ShiftedClock())
    yield opened
    await opened.close()


@pytest.fixture
def app(database: Database) -> Application:
    return ex.example(database)
