"""What is in the event table stays: as the service, as the owner, in every way one might try."""

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import asyncpg
import pytest

from shared.kernel.ids import new_id
from shared.testing.databases import Urls

Connection: TypeAlias = "asyncpg.Connection[Any]"

_INSERT = """
insert into es.event (stream_id, version, event_id, category, type, schema_version, key, region,
                      occurred_on, recorded_at, data, meta)
values ($1, 1, $1, 'errand', 'ErrandClosed', 1, $1, '37', '2023-08-01', now(), '{}', '{}')
"""
_CHANGES = [
    "update es.event set region = '11'",
    "update es.event set region = '11' where false",
    "delete from es.event",
    "truncate es.event",
    "truncate es.event cascade",
    "with gone as (delete from es.event returning 1) select count(*) from gone",
    "merge into es.event e using (select 1) s on true when matched then delete",
    "merge into es.event e using (select 1) s on true when matched then update set region = '1'",
]
_WRITERS_LIMITS = [
    *_CHANGES,
    "alter table es.event disable trigger event_is_append_only",
    "alter table es.event disable trigger all",
    "alter table es.event add column more text",
    "alter table es.event rename to other",
    "drop table es.event",
    "drop trigger event_is_append_only on es.event",
    "drop schema es cascade",
    "create or replace function es.refuse_change() returns trigger language plpgsql as"
    " $$ begin return null; end $$",
    "create rule quietly as on insert to es.event do instead nothing",
    "create trigger other before insert on es.event execute function es.refuse_change()",
    "create table es.other (id int)",
    "create table other (id int)",
    "select setval('es.event_pos', 1)",
    "alter sequence es.event_pos restart",
    "set session_replication_role = replica",
    "select * from es.event for update",
    "do $$ begin lock table es.event in access exclusive mode; end $$",
    "insert into es.event select * from es.event",
    "copy es.event to program 'cat'",
]
_UPSERT = _INSERT + " on conflict (stream_id, version) do update set region = '11'"
_CHOSEN = _INSERT.replace("(stream_id,", "(pos, stream_id,").replace("($1,", "(1, $1,")
_BACK_DATED = _INSERT.replace("(stream_id,", "(tx, stream_id,").replace("($1,", "('3', $1,")


@pytest.fixture
async def writer(urls: Urls) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(urls.writer)
    await connection.execute(_INSERT, new_id())
    yield connection
    await connection.close()


@pytest.fixture
async def owner(urls: Urls) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(urls.owner)
    await connection.execute(_INSERT, new_id())
    yield connection
    await connection.close()


@pytest.mark.parametrize("statement", _WRITERS_LIMITS)
async def test_the_service_can_only_add(writer: Connection, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await writer.execute(statement)
    assert await writer.fetchval("select count(*) from es.event") == 1


@pytest.mark.parametrize("statement", [_UPSERT, _CHOSEN, _BACK_DATED])
async def test_the_service_cannot_add_in_disguise(writer: Connection, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await writer.execute(statement, new_id())


@pytest.mark.parametrize("statement", _CHANGES)
async def test_the_owner_meets_the_trigger(owner: Connection, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await owner.execute(statement)
    assert await owner.fetchval("select region from es.event") == "37"


async def test_the_owner_meets_the_trigger_in_an_upsert(owner: Connection) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await owner.execute(_UPSERT, new_id())


async def test_the_trigger_is_not_left_out_in_replica_mode(urls: Urls) -> None:
    connection = await asyncpg.connect(urls.superuser)
    try:
        await connection.execute("set session_replication_role = replica")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await connection.execute("delete from es.event")
    finally:
        await connection.close()


async def test_the_reader_looks_and_does_nothing_else(urls: Urls) -> None:
    connection = await asyncpg.connect(urls.reader)
    try:
        assert await connection.fetch("select * from es.event") == []
        assert await connection.fetch("select * from rm.errand") == []
        for statement in (_INSERT.replace("$1", "gen_random_uuid()"), "delete from rm.errand"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()
