"""A service's databases for tests: migrated as the owner, used as the writer, as in production."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from shared.store.migrate import Schema, upgrade
from shared.testing.postgres import EmbeddedPostgres


@dataclass(frozen=True)
class Urls:
    """The addresses of one database, one for each role."""

    superuser: str
    service: str

    @property
    def owner(self) -> str:
        """Runs migrations and rebuilds."""
        return self._as(f"dixian_{self.service}_owner")

    @property
    def writer(self) -> str:
        """The service itself."""
        return self._as(f"dixian_{self.service}_writer")

    @property
    def reader(self) -> str:
        """May look."""
        return self._as(f"dixian_{self.service}_reader")

    def _as(self, role: str) -> str:
        return self.superuser.replace("://postgres:@", f"://{role}@")


@asynccontextmanager
async def service_database(server: EmbeddedPostgres, schema: Schema) -> AsyncIterator[Urls]:
    """A new database of the service, migrated; dropped on leaving."""

    async def prepare(url: str) -> None:
        await _roles(url, schema.service)
        await upgrade(Urls(url, schema.service).owner, schema)

    template = f"template_{schema.service}"
    await server.template(template, prepare)
    async with server.fresh_database(template) as name:
        url = server.url(name)
        await run(url, _OWNED.format(service=schema.service))
        yield Urls(url, schema.service)


@asynccontextmanager
async def empty_database(server: EmbeddedPostgres, service: str) -> AsyncIterator[Urls]:
    """A new database with the service's roles and nothing in it; dropped on leaving."""
    async with server.fresh_database() as name:
        url = server.url(name)
        await _roles(url, service)
        yield Urls(url, service)


async def run(url: str, *statements: str) -> None:
    """Run statements on a connection of their own."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


# A copy of a template belongs to whoever copied it.
_OWNED = """
do $$ begin
    execute format('alter database %I owner to dixian_{service}_owner', current_database());
end $$
"""


async def _roles(url: str, service: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for name in ("owner", "writer", "reader"):
            role = f"dixian_{service}_{name}"
            if not await connection.fetchval("select true from pg_roles where rolname = $1", role):
                await connection.execute(f"create role {role} login")
        await connection.execute(_OWNED.format(service=service))
    finally:
        await connection.close()
