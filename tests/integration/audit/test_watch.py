"""What somebody should look at is found, and goes away when it is no longer so."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from services.audit.domain.leaf import Entry
from services.audit.exports import jobs
from services.audit.log.append import LogWriter
from services.audit.log.blocks import BLOCK
from services.audit.log.checkpoints import Publisher
from services.audit.log.indexer import Indexer
from services.audit.log.watch import Watch, listed
from services.audit.read_models import access
from services.audit.read_models.access import Reading
from services.audit.read_models.search import search
from services.audit.read_models.trail import Filter
from shared.kernel.principal import Principal, Role
from shared.store.database import Database
from shared.tabular.writing import Format
from shared.testing.databases import Urls
from tests.integration.audit.support import NAME, Stopped, append, entry, history, identified

ORIGIN = NAME.origin(2026)

READER = Principal("curious", frozenset({Role.INSPECTOR}), "37")


@pytest.fixture
def watch(database: Database, clock: Stopped) -> Watch:
    return Watch(database, clock)


async def found(database: Database, *, resolved: bool = False) -> list[tuple[str, str, object]]:
    async with database.reading() as tx:
        rows = await listed(tx.raw, resolved=resolved, after=None, limit=50)
    return sorted((row["kind"], row["subject"], row["detail"]) for row in rows)


async def test_a_log_that_nobody_signs(
    database: Database, writer: LogWriter, publisher: Publisher, watch: Watch, clock: Stopped
) -> None:
    await append(database, writer, history(2, 2))
    await publisher.publish()
    clock.instant = datetime.now(UTC) + timedelta(minutes=2)
    await watch.look()
    assert await found(database) == []
    await append(database, writer, history(2, 3))
    await watch.look()
    await watch.look()
    origin = "dixian.example/37/2026"
    assert await found(database) == [("checkpoint-stale", origin, {"size": 6, "signed": 4})]
    await publisher.publish()
    await watch.look()
    assert await found(database) == []
    assert len(await found(database, resolved=True)) == 1


async def test_mass_reading(
    database: Database, writer: LogWriter, watch: Watch, clock: Stopped
) -> None:
    await append(database, writer, history(10, 20))
    async with database.transaction() as tx:
        rows = await search(tx.sql, Filter(), READER, limit=200)
        for _ in range(26):
            reading = Reading(READER, "GET /entries", {}, "r")
            await access.record(tx, reading, rows, clock.now())
    await watch.look()
    assert ("mass-reading", "curious", {"entries": 5200}) in await found(database)


@pytest.mark.parametrize("before", [0, BLOCK + 4], ids=["in a whole block", "behind it"])
async def test_mass_reveals(
    before: int, database: Database, writer: LogWriter, watch: Watch, clock: Stopped
) -> None:
    others = history(1, BLOCK + 4)

    def looks(actor: str, first: int, many: int) -> list[Entry]:
        about = {"type": "PersonalDataRevealed", "category": "reveal", "recorded_at": clock.now()}
        return [
            entry(number, 1, actor=actor, key=identified("household", number), **about)
            for number in range(first, first + many)
        ]

    revealed = [*looks("curious", 1, 101), *looks("busy", 1001, 100)]
    await append(database, writer, [*others[:before], *revealed, *others[before:]])
    while await Indexer(database).once():
        pass
    await watch.look()
    assert await found(database) == [("mass-reveal", "curious", {"households": 101})]
    clock.instant = clock.now() + timedelta(hours=2)
    await watch.look()
    assert await found(database) == []


async def test_hasty_gates_and_the_same_two_again(
    database: Database, writer: LogWriter, watch: Watch, clock: Stopped
) -> None:
    made = []
    for stream, seconds in ((1, 20), (2, 90), (3, 90)):
        start = clock.now() - timedelta(days=stream)
        about = {"service": "audit", "category": "correction"}
        signed = start + timedelta(seconds=seconds)
        made += [
            entry(stream, 1, type="CorrectionRequested", actor="a", recorded_at=start, **about),
            entry(stream, 2, type="CityReviewed", actor="b", recorded_at=signed, **about),
        ]
    await append(database, writer, made)
    async with database.transaction() as tx:
        await tx.raw.execute(
            "insert into rm.correction select stream_id, 2, '3701', 'PURGE', 'OPEN', null, '',"
            " '2026-01-01', null, '' from audit.entry where version = 1"
        )
        for event, seconds in ((made[1], 15), (made[3], 50), (made[5], 10)):
            reader = Principal("b", frozenset({Role.PRINCIPAL}), "3701")
            reading = Reading(reader, "GET /corrections/{correction_id}", {}, "r")
            at = event.recorded_at - timedelta(seconds=seconds)
            await access.record_ids(tx, reading, [event.event_id], [event.stream_id], at)
    await watch.look()
    hasty = {"type": "CityReviewed", "actor": "b"}
    assert await found(database) == [
        ("hasty-decision", f"{made[0].stream_id}/2", {**hasty, "seconds": 20, "opened": 15}),
        ("hasty-decision", f"{made[5].stream_id}/2", {**hasty, "seconds": 90, "opened": 10}),
        ("same-pair", "a b", {"corrections": 3}),
    ]


async def test_mass_exports(database: Database, watch: Watch, clock: Stopped) -> None:
    async with database.transaction() as tx:
        for _ in range(11):
            await jobs.ask(tx, READER, Format.CSV, Filter(), clock.now())
    await watch.look()
    assert await found(database) == [("mass-export", "curious", {"exports": 11, "rows": 0})]


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        (
            "update audit.entry set leaf = leaf || ' ' where idx = 300",
            "the entries from 256 on are not what was hashed",
        ),
        ("delete from audit.entry where idx = 300", "entries are missing from 256 on"),
        (
            "update audit.tile set hashes = overlay(hashes placing '\\x00'::bytea from 5)"
            " where level = 0 and n = 1",
            "the entries from 256 on are not what was hashed",
        ),
        (
            "update audit.log_head set edge[2] = overlay(edge[2] placing '\\x00'::bytea from 40)",
            "tile 1/0 is not over tile 0/1",
        ),
    ],
    ids=["changed", "removed", "tile", "edge"],
)
async def test_what_is_not_what_was_hashed(
    statement: str, what: str, database: Database, writer: LogWriter, watch: Watch, urls: Urls
) -> None:
    await append(database, writer, history(20, 30))
    await watch.look()
    assert await found(database) == []
    superuser = await asyncpg.connect(urls.superuser)
    await superuser.execute("set session_replication_role = replica")
    await superuser.execute(statement)
    await superuser.close()
    await watch.look()
    assert await found(database) == [("verification-failed", f"{ORIGIN} 256", {"what": what})]


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("alter table audit.tile disable trigger is_append_only", "trigger tile.is_append_only"),
        ("alter table audit.entry_1 disable trigger all", "partition entry_1"),
        ("drop trigger is_append_only on audit.entry_1", "partition entry_1"),
        ("grant update on audit.entry to public", "relation entry"),
        (
            "create or replace function audit.refuse_change() returns trigger language plpgsql as"
            " 'begin return new; end'",
            "function refuse_change",
        ),
        ("alter table audit.entry add column note text", "column entry.note"),
        ("create table audit.extra ()", "relation extra"),
    ],
    ids=["trigger", "partition", "dropped", "grant", "function", "column", "table"],
)
async def test_any_ddl_on_the_schema_is_found(
    statement: str,
    what: str,
    database: Database,
    writer: LogWriter,
    watch: Watch,
    urls: Urls,
    clock: Stopped,
) -> None:
    await watch.look()
    await append(database, writer, history(1, 1))
    clock.instant = datetime(2027, 3, 1, tzinfo=UTC)
    await append(database, writer, [entry(0, 2)])
    await watch.look()
    kinds = {kind for kind, _, _ in await found(database)}
    assert "schema-changed" not in kinds, "opening a year's log is no change"
    superuser = await asyncpg.connect(urls.superuser)
    await superuser.execute(statement)
    await superuser.close()
    await watch.look()
    [changed] = [item for item in await found(database) if item[0] == "schema-changed"]
    assert what in changed[1].split(", ")
