"""The database is what the code believes in."""

import asyncpg
import pytest

from services.alerts.schema import SCHEMA
from shared.store.drift import drift
from shared.store.migrate import upgrade
from shared.testing.databases import empty_database, run
from shared.testing.postgres import EmbeddedPostgres
from tests.conftest import NewDatabase


async def test_the_migrated_database_has_no_drift(new_database: NewDatabase) -> None:
    urls = await new_database(SCHEMA)
    assert await drift(urls.owner, SCHEMA) == []


async def test_the_writer_may_stage_a_block_and_only_the_writer(postgres: EmbeddedPostgres) -> None:
    """Where nothing is granted to everybody, as in production, the migrations grant it."""
    async with empty_database(postgres, "alerts") as urls:
        await upgrade(urls.owner, SCHEMA)
        await run(urls.writer, "create temporary table staged (n integer)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await run(urls.reader, "create temporary table staged (n integer)")
