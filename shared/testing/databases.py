"""A service's databases for tests: migrated as the owner, used as the writer, as in production."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256

import asyncpg

from shared.store.migrate import Schema, upgrade
from shared.testing.postgres import EmbeddedPostgres

_ROLES = ("owner", "writer", "reader")
_ROLE = """
do $$ begin
    if not exists (select from pg_roles where rolname = '{name}') then
        create role {name} login;
    end if;
end $$
"""


@dataclass(frozen=True)
class Urls:
    """The addresses of one database, one for each role."""

    superuser: str
    owner: str
    """Runs migrations and rebuilds."""
    writer: str
    """The service itself."""
    reader: str
    """May look."""


@asynccontextmanager
async def service_database(server: EmbeddedPostgres, schema: Schema) -> AsyncIterator[Urls]:
    """A new database of the service, migrated; dropped on leaving."""
    rooms = "\n".join(map(str, schema.locations))
    template = f"template_{schema.service}_{sha256(rooms.encode()).hexdigest()[:8]}"

    async def prepare(_url: str) -> None:
        await _provide(server, template, schema.service)
        await upgrade(_urls(server, template, schema.service).owner, schema)

    await server.template(template, prepare)
    async with server.fresh_database(template) as name:
        await _provide(server, name, schema.service)
        # A copy has its template's tables, and not what migrations granted on the database itself.
        await server.run(f'grant temporary on database "{name}" to dixian_{schema.service}_writer')
        yield _urls(server, name, schema.service)


@asynccontextmanager
async def empty_database(server: EmbeddedPostgres, service: str) -> AsyncIterator[Urls]:
    """A new database with the service's roles and nothing in it; dropped on leaving."""
    async with server.fresh_database() as name:
        await _provide(server, name, service)
        yield _urls(server, name, service)


async def kept_database(server: EmbeddedPostgres, schema: Schema) -> Urls:
    """The service's database on a server whose directory is kept: made once, migrated each time."""
    name = f"kept_{schema.service}"
    connection = await asyncpg.connect(server.url())
    there = await connection.fetchval("select true from pg_database where datname = $1", name)
    await connection.close()
    if not there:
        await server.run(f'create database "{name}"')
    await _provide(server, name, schema.service)
    await upgrade(_urls(server, name, schema.service).owner, schema)
    return _urls(server, name, schema.service)


def _urls(server: EmbeddedPostgres, database: str, service: str) -> Urls:
    roles = (server.url(database, f"dixian_{service}_{role}") for role in _ROLES)
    return Urls(server.url(database), *roles)


async def run(url: str, *statements: str) -> None:
    """Run statements on a connection of their own."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _provide(server: EmbeddedPostgres, database: str, service: str) -> None:
    """Make the roles, and give the database to its owner (a copy belongs to whoever copied it)."""
    for role in _ROLES:
        await server.run(_ROLE.format(name=f"dixian_{service}_{role}"))
    await server.run(
        f'alter database "{database}" owner to dixian_{service}_owner',
        # As in production: what is not granted is not there.
        f'revoke all on database "{database}" from public',
        f'grant connect on database "{database}" to dixian_{service}_writer,'
        f" dixian_{service}_reader",
    )
