"""What every test may ask for: a PostgreSQL server, and databases on it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from shared.store.migrate import Schema
from shared.testing.databases import Urls, service_database
from shared.testing.postgres import EmbeddedPostgres

NewDatabase = Callable[[Schema], Awaitable[Urls]]


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The session's server.

    Not under pytest's own directory: that one is closed to other accounts by every run that
    begins, and run by root the server has an account of its own.
    """
    with (
        TemporaryDirectory(prefix="dixian-tests-", ignore_cleanup_errors=True) as directory,
        EmbeddedPostgres(Path(directory)) as server,
    ):
        yield server


@pytest.fixture
async def new_database(postgres: EmbeddedPostgres) -> AsyncIterator[NewDatabase]:
    """``await new_database(SCHEMA)``: a migrated database of a service, dropped after the test."""
    async with AsyncExitStack() as stack:

        async def make(schema: Schema) -> Urls:
            return await stack.enter_async_context(service_database(postgres, schema))

        yield make
