"""What every test may ask for: a PostgreSQL server, and databases on it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from shared.store.migrate import Schema
from shared.testing.databases import Urls, service_database
from shared.testing.postgres import EmbeddedPostgres

TOGETHER = ("end_to_end", "browser", "chaos")
"""Rooms whose tests share what is dear to start: each stays in one lane. The longest, so first."""
_SHORT = 40
NewDatabase = Callable[[Schema], Awaitable[Urls]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first."""
    items.sort(key=lambda item: _lane(item.nodeid) not in TOGETHER)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With lanes side by side (``-n 2``) a file stays together, and so does a dear room."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415  (only where it runs)

    class Lanes(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _lane(nodeid)

    return Lanes(config, log)


def pytest_make_parametrize_id(val: object) -> str | None:
    """A file's content is no name for a test: it may differ with the second it was made in."""
    return "file" if isinstance(val, bytes) and len(val) > _SHORT else None


def _lane(nodeid: str) -> str:
    path = nodeid.partition("::")[0]
    room = path.removeprefix("tests/").partition("/")[0]
    return room if room in TOGETHER else path


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
