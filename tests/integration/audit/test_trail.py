"""Questions to the trail: each filter, pages, divisions, several years, and who asked."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.audit.log import indexer
from services.audit.log.append import LogWriter
from services.audit.read_models import access, proofs, trail
from services.audit.read_models import search as search_module
from services.audit.read_models.access import Reading
from services.audit.read_models.search import search
from services.audit.read_models.trail import Filter, NoSuchEntry, Place
from shared.kernel.principal import Principal, Role
from shared.store.database import Database
from tests.integration.audit.support import Stopped, append, entry, history, identified

NOTE = UUID("0a1b2c3d-0000-7000-8000-00000000beef")
PROVINCE = Principal("i-1", frozenset({Role.INSPECTOR}), "37")
COUNTY = Principal("i-2", frozenset({Role.INSPECTOR}), "370102")
ELSEWHERE = Principal("i-3", frozenset({Role.INSPECTOR}), "370202")


async def asked(database: Database, asker: Principal, **conditions: Any) -> list[tuple[int, int]]:
    async with database.transaction() as tx:
        found = await search(tx.sql, Filter(**conditions), asker, limit=100)
    return [tuple(item.place) for item in found]


@pytest.mark.parametrize("covered", [0, 2, 5], ids=["unindexed", "half", "indexed"])
async def test_every_filter_finds_its_entries(
    covered: int, database: Database, writer: LogWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "_FIRST", 1)
    monkeypatch.setattr(search_module, "BLOCK", 2)
    monkeypatch.setattr(indexer, "BLOCK", 2)
    monkeypatch.setattr(indexer, "_BATCH", max(covered, 1))
    start = datetime(2026, 3, 1, tzinfo=UTC)
    events = [
        entry(1, 1),
        entry(1, 2, type="Approved", actor="p-9", actor_roles=("committee", "officer")),
        entry(2, 1, service="alerts", category="order", region="370202004005"),
        entry(3, 1, recorded_at=start + timedelta(days=2), region="37"),
        entry(
            4,
            1,
            type="CityReviewed",
            category="correction",
            recorded_at=start + timedelta(days=1),
            data={"document": "鲁农函〔2026〕12号", "result": "NOT_AT_RISK", "id": str(NOTE)},
        ),
    ]
    await append(database, writer, events)
    for _ in range(covered and 1):
        assert await indexer.Indexer(database).once() == covered
    for conditions, indexes in (
        ({}, [4, 3, 2, 1, 0]),
        ({"actor": "p-9"}, [1]),
        ({"role": "committee"}, [1]),
        ({"region": "370102"}, [4, 1, 0]),
        ({"region": "37"}, [4, 3, 2, 1, 0]),
        ({"region": "%"}, []),
        ({"service": "alerts"}, [2]),
        ({"category": "case", "actor": "p-1"}, [0]),
        ({"type": "Approved"}, [1]),
        ({"household": identified("household", 1)}, [1, 0]),
        ({"stream": identified("stream", 2)}, [2]),
        ({"correlation": identified("request", 3)}, [3]),
        ({"event": identified("event", 1, 2)}, [1]),
        ({"since": start + timedelta(days=1)}, [4, 3]),
        ({"since": start + timedelta(days=1), "until": start + timedelta(days=2)}, [4]),
        ({"since": start + timedelta(days=9)}, []),
        ({"outcome": "NOT_AT_RISK"}, [4]),
        ({"gate": "CITY"}, [4]),
        ({"gate": "NATION"}, []),
        ({"text": "农函"}, [4]),
        ({"text": "鲁农函〔2026〕12号"}, [4]),
        ({"text": "农函 11"}, []),
        ({"text": "city reviewed"}, [4]),
        ({"text": "not_at_risk"}, [4]),
        ({"text": str(NOTE)[:8]}, []),
        ({"text": "p-9", "type": "Approved", "region": "3701"}, [1]),
        ({"household": identified("household", 1), "text": "verified"}, [0]),
        ({"until": start + timedelta(seconds=52)}, [0]),
    ):
        expected = [(1, index) for index in indexes]
        assert await asked(database, PROVINCE, **conditions) == expected, conditions
    assert await asked(database, COUNTY) == [(1, 4), (1, 1), (1, 0)]
    assert await asked(database, ELSEWHERE, region="37") == [(1, 2)]


async def test_pages_go_through_all_years_both_ways(
    database: Database, writer: LogWriter, clock: Stopped
) -> None:
    await append(database, writer, history(3, 4))
    clock.instant = datetime(2027, 5, 1, tzinfo=UTC)
    await append(database, writer, [entry(stream, 5) for stream in range(3)])
    places = [(1, index) for index in range(12)] + [(2, index) for index in range(3)]
    for oldest_first in (True, False):
        walked: list[tuple[int, int]] = []
        after: Place | None = None
        while True:
            async with database.transaction() as tx:
                page = await search(
                    tx.sql, Filter(), PROVINCE, after=after, limit=4, oldest_first=oldest_first
                )
            walked += [tuple(item.place) for item in page]
            if len(page) < 4:
                break
            after = page[-1].place
        assert walked == (places if oldest_first else places[::-1])


async def test_one_entry_is_what_was_hashed(database: Database, writer: LogWriter) -> None:
    big = entry(1, 2, data={"text": "文" * 30_000})
    await append(database, writer, [entry(1, 1), big])
    async with database.reading() as tx:
        first = await trail.at(tx.sql, Place(1, 0), COUNTY)
        second = await trail.at(tx.sql, Place(1, 1), COUNTY)
        assert await proofs.place_of(tx.raw, big.event_id) == (first.origin, 1)
        with pytest.raises(NoSuchEntry):
            await proofs.place_of(tx.raw, UUID(int=9))
        for place, asker in ((Place(1, 2), COUNTY), (Place(1, 0), ELSEWHERE)):
            with pytest.raises(NoSuchEntry):
                await trail.at(tx.sql, place, asker)
    answer = first.as_json()
    assert (answer["log"], answer["index"]) == ("dixian.example/37/2026", 0)
    assert answer["data"] == entry(1, 1).data
    assert (second.envelope["data"], "data_sha256" in second.envelope) == (big.data, True)


async def test_reading_is_written_down(
    database: Database, writer: LogWriter, clock: Stopped
) -> None:
    await append(database, writer, history(2, 2))
    reading = Reading(COUNTY, "GET /entries", {"actor": "p-1"}, "request-1")
    async with database.transaction() as tx:
        found = await search(tx.sql, Filter(actor="p-1"), COUNTY, limit=10)
        await access.record(tx, reading, found, clock.now())
        await access.record(tx, reading, [], clock.now())
    async with database.reading() as tx:
        seen = await access.of_household(tx, identified("household", 1), after=None, limit=5)
        nobody = await access.of_household(tx, identified("household", 0), after=None, limit=5)
        after = seen[0]["read_id"]
        rest = await access.of_household(tx, identified("household", 1), after=after, limit=5)
    [one] = seen
    assert (nobody, rest) == ([], [])
    assert {name: one[name] for name in ("actor", "actor_division", "route", "query")} == {
        "actor": "i-2",
        "actor_division": "370102",
        "route": "GET /entries",
        "query": {"actor": "p-1"},
    }
    assert one["at"] == clock.now()


@pytest.mark.parametrize("oldest_first", [False, True])
async def test_pages_are_the_same_however_much_is_indexed(
    oldest_first: bool,
    database: Database,
    writer: LogWriter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By blocks, by entries, not indexed at all: one order, nothing twice, nothing left out."""
    monkeypatch.setattr(search_module, "_FIRST", 1)
    monkeypatch.setattr(search_module, "_GROWTH", 2)
    monkeypatch.setattr(search_module, "_DATED", 5)
    monkeypatch.setattr(search_module, "_LEAST", 4)
    monkeypatch.setattr(search_module, "BLOCK", 16)
    monkeypatch.setattr(indexer, "BLOCK", 16)
    monkeypatch.setattr(indexer, "_BATCH", 50)
    events = history(20, 10)
    await append(database, writer, events)
    start = events[0].recorded_at
    filters: list[dict[str, Any]] = [
        {"actor": "p-1"},
        {"actor": "p-1", "since": start + timedelta(seconds=300)},
        {"text": "verified", "until": start + timedelta(seconds=500)},
        {"since": start + timedelta(seconds=200), "until": start + timedelta(seconds=400)},
    ]
    expected = []
    for asked_for in filters:
        since, until = asked_for.get("since"), asked_for.get("until")
        hits = [
            index
            for index, event in enumerate(events)
            if ("actor" not in asked_for or event.actor == asked_for["actor"])
            and (since is None or event.recorded_at >= since)
            and (until is None or event.recorded_at < until)
        ]
        expected.append(hits if oldest_first else hits[::-1])
    for _ in range(5):
        for asked_for, hits in zip(filters, expected, strict=True):
            walked: list[int] = []
            after: Place | None = None
            while True:
                async with database.transaction() as tx:
                    page = await search_module.search(
                        tx.sql,
                        Filter(**asked_for),
                        PROVINCE,
                        after=after,
                        limit=7,
                        oldest_first=oldest_first,
                    )
                walked += [item.place.idx for item in page]
                if len(page) < 7:
                    break
                after = page[-1].place
            assert walked == hits, asked_for
        await indexer.Indexer(database).once()
