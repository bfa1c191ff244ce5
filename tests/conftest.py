"""What every test may ask for: a PostgreSQL server, and databases on it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from shared.store.migrate import Schema
from shared.testing.databases import Urls, service_database
from shared.testing.postgres import EmbeddedPostgres

HERE = Path(__file__).parent
TOGETHER = ("end_to_end", "browser", "chaos")
"""Rooms whose tests share what is dear to start: each stays in one lane. The longest, so first."""
_SHORT = 40
NewDatabase = Callable[[Schema], Awaitable[Urls]]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With lanes side by side (``-n 2``) a file stays together, and so does a dear room."""
    items.sort(key=lambda item: _room(item) not in TOGETHER)
    for item in items:
        room = _room(item)
        lane = room if room in TOGETHER else str(item.path.relative_to(HERE))
        item.add_marker(pytest.mark.xdist_group(lane))


def pytest_make_parametrize_id(val: object) -> str | None:
    """A file's content is no name for a test: it may differ with the second it was made in."""
    return "file" if isinstance(val, bytes) and len(val) > _SHORT else None


def _room(item: pytest.Item) -> str:
    return item.path.relative_to(HERE).parts[0]


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The session's server; nobody pulls its plug, so it need not wait for the disk.

    Not under pytest's own directory: that one is closed to other accounts by every run that
    begins, and run by root the server has an account of its own.
    """
    with (
        TemporaryDirectory(prefix="dixian-tests-", ignore_cleanup_errors=True) as directory,
        EmbeddedPostgres(Path(directory), durable=False) as server,
    ):
        yield server


@pytest.fixture
async def new_database(postgres: EmbeddedPostgres) -> AsyncIterator[NewDatabase]:
    """``await new_database(SCHEMA)``: a migrated database of a service, dropped after the test."""
    async with AsyncExitStack() as stack:

        async def make(schema: Schema) -> Urls:
            return await stack.enter_async_context(service_database(postgres, schema))

        yield make
