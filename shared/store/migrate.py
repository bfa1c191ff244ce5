"""Brings a service's database to the newest shape: the store's, the bus's, the vault's, its own.

Each of them is a branch of its own in alembic's graph, so that a room's migrations live beside the
room. Run by the owner role; the service itself runs as the writer role, which owns nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from shared.store.database import DIALECT, creator

SHARED = Path(__file__).resolve().parents[1]
T = TypeVar("T")
_LOCKS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


@dataclass(frozen=True)
class Schema:
    """What a service's database consists of."""

    service: str
    locations: Sequence[Path]
    """Folders of migrations, each a branch."""
    metadata: Sequence[sa.MetaData]
    """The tables the code believes in, for the drift check."""

    @property
    def tables(self) -> sa.MetaData:
        """All tables in one ``MetaData``."""
        together = sa.MetaData()
        for part in self.metadata:
            for table in part.sorted_tables:
                table.to_metadata(together)
        return together

    @property
    def roles(self) -> dict[str, str]:
        """The cluster-wide names of the service's group roles."""
        return {
            "writer": f"dixian_{self.service}_writer",
            "reader": f"dixian_{self.service}_reader",
        }


async def upgrade(url: str, schema: Schema) -> None:
    """Run every migration not yet run. ``url`` is the owner's. Idempotent."""
    async with _one_at_a_time():
        await on_connection(
            url, lambda connection: command.upgrade(_config(connection, schema), "heads")
        )


async def on_connection(url: str, work: Callable[[Connection], T]) -> T:
    """Run ``work`` on a connection of the owner's, in one transaction, alone in this database."""
    engine = create_async_engine(DIALECT, async_creator=creator(url, {"search_path": "rm, public"}))
    try:
        async with engine.begin() as connection:
            # Several processes may start at once: the first migrates, the others wait and find
            # nothing left to do.
            await connection.execute(sa.text("select pg_advisory_xact_lock(20230730)"))
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def _one_at_a_time() -> asyncio.Lock:
    """Alembic keeps its context in module globals: two migrations in one process would mix."""
    return _LOCKS.setdefault(asyncio.get_running_loop(), asyncio.Lock())


def _config(connection: Connection, schema: Schema) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SHARED / "store" / "alembic"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(str(path) for path in schema.locations))
    config.attributes.update(connection=connection, metadata=schema.tables, roles=schema.roles)
    return config
