"""What somebody should look at is found, and goes away when it is no longer so."""

from datetime import UTC, datetime, timedelta

import pytest

from services.audit.domain.leaf import Entry
from services.audit.log.append import LogWriter
from services.audit.log.checkpoints import Publisher
from services.audit.log.watch import Watch, listed
from services.audit.read_models import access, trail
from services.audit.read_models.access import Reading
from services.audit.read_models.trail import Filter
from shared.kernel.principal import Principal, Role
from shared.store.database import Database
from tests.integration.audit.support import Stopped, append, entry, history, identified

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
        rows = await trail.search(tx.sql, Filter(), READER, limit=200)
        for _ in range(26):
            reading = Reading(READER, "GET /entries", {}, "r")
            await access.record(tx, reading, rows, clock.now())
    await watch.look()
    assert ("mass-reading", "curious", {"entries": 5200}) in await found(database)


async def test_mass_reveals(
    database: Database, writer: LogWriter, watch: Watch, clock: Stopped
) -> None:
    def looks(actor: str, first: int, many: int) -> list[Entry]:
        about = {"type": "PersonalDataRevealed", "category": "reveal", "recorded_at": clock.now()}
        return [
            entry(number, 1, actor=actor, key=identified("household", number), **about)
            for number in range(first, first + many)
        ]

    await append(database, writer, [*looks("curious", 1, 101), *looks("busy", 1001, 100)])
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
    await watch.look()
    hasty = {"type": "CityReviewed", "actor": "b", "seconds": 20}
    assert await found(database) == [
        ("hasty-decision", f"{made[0].stream_id}/2", hasty),
        ("same-pair", "a b", {"corrections": 3}),
    ]
