"""The log in PostgreSQL: exactly once, sealed, complete, provable at every size, turned yearly."""

import asyncio
import itertools
from datetime import UTC, datetime

import asyncpg
import pytest

from services.audit.domain import leaf, merkle
from services.audit.domain.note import open_checkpoint
from services.audit.log import checkpoints, reader
from services.audit.log.append import LogWriter
from services.audit.log.checkpoints import LogForked, NoCheckpoint, Publisher
from services.audit.log.keys import KeyVerifier
from services.audit.log.reader import NoSuchLog, NotInLog
from services.audit.schema import SCHEMA
from shared.store.database import Database
from shared.store.drift import drift
from shared.testing.databases import Urls
from tests.integration.audit.support import NAME, Stopped, append, entry, history, identified

ORIGIN = NAME.origin(2026)


async def test_the_tables_are_those_of_the_code(urls: Urls) -> None:
    assert await drift(urls.owner, SCHEMA) == []


async def test_batches_become_one_tree(database: Database, writer: LogWriter) -> None:
    events = history(30, 24)
    for at in range(0, len(events), 100):
        await append(database, writer, events[at : at + 100])
    async with database.reading() as tx:
        source = await reader.log(tx.raw)
        held = await reader.leaves(tx.raw, source, 0, source.size)
    assert (source.origin, source.size, source.frozen_at) == (ORIGIN, 720, None)
    assert held == [leaf.seal(event, b"").data for event in events]
    hashes = [merkle.leaf_hash(data) for data in held]
    assert source.head.root() == merkle.run_root(b"".join(hashes))


async def test_what_comes_again_is_there_once(database: Database, writer: LogWriter) -> None:
    first = await append(database, writer, history(2, 2))
    again = await append(database, writer, [*history(2, 2), entry(0, 3), entry(0, 3)])
    assert (first.start, first.size, first.repeated) == (0, 4, 0)
    assert (again.start, again.size, again.count, again.repeated) == (4, 5, 1, 5)
    nothing = await append(database, writer, history(2, 2))
    assert (nothing.count, nothing.size, nothing.repeated) == (0, 5, 4)


async def test_a_batch_that_fails_leaves_nothing(database: Database, writer: LogWriter) -> None:
    with pytest.raises(leaf.NotCanonical):
        await append(database, writer, [entry(1, 1), entry(1, 2, data={"n": 2**60})])
    async with database.reading() as tx:
        with pytest.raises(NoSuchLog):
            await reader.log(tx.raw)
    many = [*history(8, 20), entry(9, 1, data={"n": 2**60}), *history(9, 1)]
    with pytest.raises(leaf.NotCanonical):
        await append(database, writer, many)
    assert (await append(database, writer, [entry(1, 1)])).size == 1


async def test_writers_at_once_give_one_sequence(database: Database, writer: LogWriter) -> None:
    events = history(8, 40)
    parts = [[e for e in events if e.stream_id == identified("stream", s)] for s in range(8)]
    halves = [part[at : at + 20] for at in (0, 20) for part in parts]
    for wave in (halves[:8], halves[4:12], halves[8:]):
        await asyncio.gather(*(append(database, writer, part) for part in wave))
    async with database.reading() as tx:
        source = await reader.log(tx.raw)
        assert source.size == 320
        held = await reader.leaves(tx.raw, source, 0, 320)
        assert await tx.raw.fetchval("select count(*) from audit.finding") == 0
    assert source.head.root() == merkle.run_root(b"".join(map(merkle.leaf_hash, held)))


async def test_an_event_that_comes_again_under_another_version_is_still_one(
    database: Database, writer: LogWriter
) -> None:
    """Beyond its stream's end nobody looks for it; the index of the events does."""
    first, elsewhere = entry(1, 1), entry(2, 1)
    await append(database, writer, [first])
    again = entry(1, 2, event_id=first.event_id)
    appended = await append(database, writer, [again, elsewhere])
    assert (appended.start, appended.size, appended.repeated) == (1, 2, 1)
    async with database.reading() as tx:
        held = await tx.raw.fetch("select event_id, version from audit.entry order by idx")
    assert [tuple(row) for row in held] == [(first.event_id, 1), (elsewhere.event_id, 1)]


async def test_a_large_payload_stands_beside_its_commitment(
    database: Database, writer: LogWriter
) -> None:
    big = entry(1, 1, data={"text": "文" * 30_000})
    await append(database, writer, [big, entry(1, 2)])
    async with database.reading() as tx:
        [data] = await reader.leaves(tx.raw, await reader.log(tx.raw), 0, 1)
        [row] = await tx.raw.fetch("select * from audit.opening")
    assert len(data) < 1_000
    opening = leaf.Opening(row["field"], row["salt"], row["value"])
    assert leaf.read(data)["data_sha256"] == opening.commitment()
    assert opening.value.decode().count("文") == 30_000


async def open_findings(database: Database) -> list[tuple[str, str, str]]:
    async with database.reading() as tx:
        rows = await tx.raw.fetch(
            "select kind, subject, coalesce(detail ->> 'missing', detail ->> 'twice') what"
            " from audit.finding where resolved_at is null order by kind, subject"
        )
    return [tuple(row) for row in rows]


async def test_a_gap_is_found_and_resolves_itself(database: Database, writer: LogWriter) -> None:
    stream = str(identified("stream", 7))
    await append(database, writer, [entry(7, 1), entry(7, 3), entry(8, 1)])
    assert await open_findings(database) == [("stream-gap", stream, "[2]")]
    await append(database, writer, [entry(7, 5), entry(8, 2)])
    assert await open_findings(database) == [("stream-gap", stream, "[2]")]
    await append(database, writer, [entry(7, 2), entry(7, 4)])
    assert await open_findings(database) == []


async def test_a_version_told_twice_is_found(database: Database, writer: LogWriter) -> None:
    other = entry(7, 2, event_id=identified("forged"))
    await append(database, writer, [entry(7, 1), entry(7, 2)])
    await append(database, writer, [other, entry(7, 4)])
    stream = str(identified("stream", 7))
    assert await open_findings(database) == [
        ("stream-doubled", stream, "[2]"),
        ("stream-gap", stream, "[3]"),
    ]


async def test_checkpoints_and_proofs_at_every_size(
    database: Database, writer: LogWriter, publisher: Publisher, verifier: KeyVerifier
) -> None:
    events = history(20, 30)
    for at in (0, 1, 255, 256, 257, 511, 600):
        done = at
        async with database.reading() as tx:
            size = (await reader.log(tx.raw)).size if at else 0
        await append(database, writer, events[size:done] or events[:1])
        await publisher.publish()
    assert await publisher.publish() == []
    async with database.reading() as tx:
        source = await reader.log(tx.raw)
        served = [await checkpoints.latest(tx.raw, source, at) for at in (1, 255, 257, 599, None)]
        opened = [open_checkpoint(item.note, [verifier], ORIGIN) for item in served]
        assert [item.size for item in opened] == [1, 255, 257, 511, 600]
        for older, newer in itertools.pairwise(opened):
            proof = await reader.consistency(tx.raw, source, older.size, newer.size)
            merkle.verify_consistency(older.size, newer.size, proof, older.root, newer.root)
            assert await reader.root(tx.raw, source, older.size) == older.root
            for index in (0, older.size - 1, older.size, newer.size - 1):
                [data] = await reader.leaves(tx.raw, source, index, index + 1)
                proof = await reader.inclusion(tx.raw, source, index, newer.size)
                merkle.verify_inclusion(
                    index, newer.size, merkle.leaf_hash(data), proof, newer.root
                )


async def test_what_is_not_there_is_refused(
    database: Database, writer: LogWriter, publisher: Publisher
) -> None:
    await append(database, writer, history(3, 100))
    async with database.reading() as tx:
        source = await reader.log(tx.raw)
        with pytest.raises(NoCheckpoint):
            await checkpoints.latest(tx.raw, source)
        with pytest.raises(NoSuchLog):
            await reader.log(tx.raw, "other")
        for index, size in ((300, 300), (-1, 300), (0, 301)):
            with pytest.raises(NotInLog):
                await reader.inclusion(tx.raw, source, index, size)
        with pytest.raises(NotInLog):
            await reader.consistency(tx.raw, source, 2, 301)
        with pytest.raises(NotInLog):
            await reader.root(tx.raw, source, 301)
        with pytest.raises(NotInLog):
            await reader.leaves(tx.raw, source, 299, 301)
        for level, n, width in ((0, 1, 45), (0, 1, 0), (0, 2, 1), (1, 0, 2), (0, 0, 257)):
            with pytest.raises(NotInLog):
                await reader.tile(tx.raw, source, merkle.TileId(level, n), width)
        assert len(await reader.tile(tx.raw, source, merkle.TileId(0, 1), 44)) == 44 * 32


CHANGES = [
    "update audit.entry set actor = 'x'",
    "delete from audit.entry",
    "truncate audit.entry",
    "update audit.entry_1 set actor = 'x'",
    "delete from audit.entry_1",
    "truncate audit.entry_1",
    "truncate audit.log cascade",
    "delete from audit.log_head",
    "update audit.log set origin = 'x'",
    "update audit.tile set n = 9",
    "delete from audit.tile",
    "truncate audit.tile",
    "update audit.checkpoint set size = 9",
    "delete from audit.checkpoint",
    "truncate audit.checkpoint cascade",
    "update audit.opening set value = ''",
    "delete from audit.access_read",
    "alter table audit.entry detach partition audit.entry_1",
    "drop table audit.entry_1",
    "alter table audit.entry_1 disable trigger all",
    "set session_replication_role = replica",
    "insert into audit.entry select * from audit.entry on conflict (log_id, idx)"
    " do update set actor = 'x'",
]
OWNERS = [
    text
    for text in CHANGES
    if not text.startswith(("alter", "drop", "set", "insert", "delete from audit.log_head"))
]


@pytest.mark.parametrize("statement", CHANGES)
async def test_the_writer_cannot_change_the_log(
    database: Database, writer: LogWriter, publisher: Publisher, statement: str
) -> None:
    await append(database, writer, history(2, 130))
    await publisher.publish()
    async with database.reading() as tx:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.raw.execute(statement)


async def test_triggers_stop_even_the_owner(
    database: Database, writer: LogWriter, publisher: Publisher, urls: Urls
) -> None:
    await append(database, writer, history(2, 130))
    await publisher.publish()
    owner = await asyncpg.connect(urls.owner)
    for statement in OWNERS:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute(statement)
    await owner.close()


async def test_the_year_turns(
    database: Database, writer: LogWriter, publisher: Publisher, clock: Stopped, urls: Urls
) -> None:
    await append(database, writer, [entry(1, 1)])
    clock.instant = datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC)
    await append(database, writer, [entry(1, 2)])
    clock.instant = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)  # midnight in Shandong
    turned = await append(database, writer, [entry(1, 1), entry(1, 3)])
    clock.instant = datetime(2026, 12, 31, 15, 0, tzinfo=UTC)  # a clock set back
    stayed = await append(database, writer, [entry(1, 4)])
    assert (turned.start, turned.size, turned.repeated) == (0, 1, 1)
    assert (stayed.log_id, stayed.size) == (turned.log_id, 2)
    assert {item.origin: item.size for item in await publisher.publish()} == {
        "dixian.example/37/2026": 2,
        "dixian.example/37/2027": 2,
    }
    async with database.reading() as tx:
        new, old = await reader.logs(tx.raw)
        assert (new.year, new.frozen_at, old.year) == (2027, None, 2026)
        assert old.frozen_at is not None
        assert await tx.raw.fetchval("select count(*) from audit.finding") == 0
        for statement in ("truncate audit.entry_2", "select audit.open_log('x', '37', 2026) + 0"):
            if statement.startswith("select"):
                assert await tx.raw.fetchval(statement) == old.log_id
            else:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await tx.raw.execute(statement)
        with pytest.raises(asyncpg.RaiseError, match="in the past"):
            await tx.raw.execute("select audit.open_log('x', '37', 2025)")
    owner = await asyncpg.connect(urls.owner)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="INSERT refused"):
        await owner.execute(
            "insert into audit.entry (log_id, idx, leaf, event_id, service, category, type,"
            " stream_id, version, key, region, recorded_at, actor,"
            " actor_roles, correlation_id) select log_id, 9, leaf, event_id, service,"
            " category, type, stream_id, version, key, region, recorded_at, actor,"
            " actor_roles, correlation_id from audit.entry"
            " where log_id = 1 limit 1"
        )
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="is fixed"):
        await owner.execute("update audit.log set frozen_at = null")
    await owner.close()


async def test_publishers_at_once_sign_one_root(
    database: Database, writer: LogWriter, publisher: Publisher
) -> None:
    for at in range(5):
        await append(database, writer, [entry(at, 1)])
        await asyncio.gather(*(publisher.publish() for _ in range(4)))
    async with database.reading() as tx:
        rows = await tx.raw.fetch("select size, count(*) n from audit.checkpoint group by 1")
    assert sorted((row["size"], row["n"]) for row in rows) == [(n, 1) for n in range(1, 6)]


async def test_a_rewritten_or_cut_log_is_not_signed(
    database: Database, writer: LogWriter, publisher: Publisher, urls: Urls
) -> None:
    await append(database, writer, history(2, 3))
    await publisher.publish()
    owner = await asyncpg.connect(urls.owner)
    other, _ = merkle.extend(merkle.Head(), b"".join(merkle.leaf_hash(b"%d" % n) for n in range(8)))
    cut, _ = merkle.extend(merkle.Head(), merkle.leaf_hash(b"0"))
    for head in (other, cut):
        await owner.execute(
            "update audit.log_head set size = $1, edge = $2", head.size, list(head.edge)
        )
        with pytest.raises(LogForked):
            await publisher.publish()
    await owner.close()
    async with database.reading() as tx:
        assert await tx.raw.fetchval("select count(*) from audit.checkpoint") == 1
        rows = await tx.raw.fetch("select kind, subject from audit.finding")
    assert [tuple(row) for row in rows] == [("log-forked", ORIGIN)]
