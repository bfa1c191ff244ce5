"""Migrations: up on empty, again, and several at once; and the tables are those in the code."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest
import sqlalchemy as sa

from shared.store.drift import drift
from shared.store.migrate import upgrade
from shared.testing import example as ex
from shared.testing.databases import Urls, empty_database, run
from shared.testing.postgres import EmbeddedPostgres


@pytest.fixture
async def empty(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    async with empty_database(postgres, "example") as urls:
        yield urls.owner


async def test_up_on_empty_and_again(empty: str) -> None:
    await upgrade(empty, ex.SCHEMA)
    before = await _catalogue(empty)
    await upgrade(empty, ex.SCHEMA)
    assert await _catalogue(empty) == before
    assert await drift(empty, ex.SCHEMA) == []


_UPGRADE = """
import asyncio, sys
from shared.store.migrate import upgrade
from shared.testing.example import SCHEMA
asyncio.run(upgrade(sys.argv[1], SCHEMA))
"""


async def test_three_processes_at_once(empty: str) -> None:
    started = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", _UPGRADE, empty)
        for _ in range(3)
    ]
    assert [await process.wait() for process in started] == [0, 0, 0]
    assert await drift(empty, ex.SCHEMA) == []


async def test_two_databases_of_one_service_at_once(postgres: EmbeddedPostgres) -> None:
    async with AsyncExitStack() as stack:
        several = [
            await stack.enter_async_context(empty_database(postgres, "example")) for _ in range(3)
        ]
        await asyncio.gather(*(upgrade(urls.owner, ex.SCHEMA) for urls in several))


_DIFFERENCES = [
    "alter table rm.errand add column surplus text",
    "alter table rm.errand drop column total",
    "alter table rm.errand alter column total type integer",
    "alter table rm.errand alter column total drop not null",
    "alter table rm.errand_note drop constraint errand_note_pkey",
    "alter table rm.errand_note drop constraint errand_note_pkey,"
    " add constraint errand_note_pkey primary key (stream_id)",
    "drop index rm.one_open_errand",
    "drop index rm.one_open_errand;"
    " create index one_open_errand on rm.errand (household_id) where open",
    "drop index rm.one_open_errand;"
    " create unique index one_open_errand on rm.errand (household_id)",
    "drop table rm.errand_note",
    "create table rm.surplus (id int)",
    "drop index es.event_key_pos",
    "alter table es.event drop column tx",
    "drop trigger event_is_append_only on es.event",
    "alter table es.event disable trigger event_is_append_only",
    "grant update on es.event to dixian_example_writer",
    "grant insert on es.event to dixian_example_writer",
    "revoke delete on rm.errand from dixian_example_writer",
]


@pytest.mark.parametrize("planted", _DIFFERENCES)
async def test_a_planted_difference_is_found(urls: Urls, planted: str) -> None:
    assert await drift(urls.owner, ex.SCHEMA) == []
    await run(urls.owner, planted)
    assert await drift(urls.owner, ex.SCHEMA) != []


async def test_a_table_the_code_knows_and_no_migration_makes_is_found(urls: Urls) -> None:
    more = sa.MetaData()
    sa.Table("unmade", more, sa.Column("id", sa.Integer, primary_key=True))
    schema = ex.SCHEMA.__class__("example", ex.SCHEMA.locations, [*ex.SCHEMA.metadata, more])
    assert await drift(urls.owner, schema) != []


async def _catalogue(url: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        found = await connection.fetch(
            "select table_schema, table_name, column_name, data_type, column_default"
            "  from information_schema.columns where table_schema in ('es', 'rm', 'public')"
            " order by 1, 2, ordinal_position"
        )
        return [tuple(row) for row in found]
    finally:
        await connection.close()
