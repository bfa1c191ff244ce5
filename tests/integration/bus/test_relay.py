"""The relay misses nothing and reorders no stream, whatever its writers do and whenever it dies."""

import asyncio
import random
from collections import Counter
from uuid import UUID

import pytest

from shared.bus import reader
from shared.bus.cloudevents import envelope
from shared.bus.embedded import EmbeddedBroker
from shared.bus.relay import Relay
from shared.kernel.ids import new_id
from shared.store.event_store import ConcurrentAppend
from shared.testing.bus import (
    SERVICE,
    LosingBroker,
    Noted,
    Place,
    note,
    notes,
    published,
    relay_of,
    running,
    until,
)
from shared.testing.bus_suite import raw_log
from shared.testing.postgres import EmbeddedPostgres


async def _count(at: Place) -> int:
    async with at.database.reading() as tx:
        return int(await tx.raw.fetchval("select count(*) from es.event"))


async def _sent(at: Place) -> int:
    async with at.database.reading() as tx:
        found = await tx.raw.fetchval("select sent from es.reader where name = 'relay'")
        return int(found or 0)


async def _versions(broker: EmbeddedBroker) -> dict[UUID, list[int]]:
    """The versions of every stream in the order they lie in the log."""
    found: dict[UUID, list[int]] = {}
    for messages in (await raw_log(broker)).values():
        for message in messages:
            known = envelope(message)
            found.setdefault(known.stream_id, []).append(known.version)
    return found


class _Undone(Exception):
    pass


async def _write(at: Place, streams: list[UUID], seed: int, times: int) -> None:
    """Append like an inbox does: the transaction has its id before it reads the stream's head."""
    chance = random.Random(seed)
    for _ in range(times):
        stream = chance.choice(streams)
        try:
            async with at.database.transaction() as tx:
                await tx.raw.execute(
                    "insert into es.consumed_stream values ($1, $2, '', 1)", "inbox", new_id()
                )
                if chance.random() < 0.2:
                    await asyncio.sleep(chance.random() * 0.02)
                head = await tx.raw.fetchval(
                    "select coalesce(max(version), 0) from es.event where stream_id = $1", stream
                )
                await note(tx, stream, head, *[Noted(text="n")] * chance.choice([1, 1, 3]))
                if chance.random() < 0.1:
                    await asyncio.sleep(chance.random() * 0.05)
                if chance.random() < 0.1:
                    raise _Undone
        except (_Undone, ConcurrentAppend):
            continue


@pytest.mark.parametrize("seed", [1, 2])
async def test_nothing_is_missed_or_out_of_order_under_writers_that_race_and_abort(
    embedded: EmbeddedBroker, source: Place, seed: int
) -> None:
    hot = [new_id() for _ in range(4)]
    relays = [relay_of(source, LosingBroker(embedded, 2), page=7) for _ in range(2)]
    async with running(*(relay.run for relay in relays)):
        await asyncio.gather(*(_write(source, hot, seed * 10 + n, 40) for n in range(6)))
        recorded = await _count(source)
        await until(lambda: _is(_sent(source), recorded))
    versions = await _versions(embedded)
    for stream, found in versions.items():
        first = list(dict.fromkeys(found))
        assert first == list(range(1, len(first) + 1)), stream
    assert sum(len(set(found)) for found in versions.values()) == recorded
    assert recorded > 100


async def _is(number: "asyncio.Future[int] | object", wanted: int) -> bool:
    return bool(await number == wanted)  # type: ignore[misc]


async def test_an_open_transaction_holds_back_only_its_own_events(
    embedded: EmbeddedBroker, source: Place
) -> None:
    late, early = new_id(), new_id()
    async with source.database.transaction() as tx:
        await note(tx, late, 0, Noted(text="late"))
        await notes(source, early, "a", "b")
        assert await published(relay_of(source, embedded)) == 2
        await notes(source, early, "c", after=2)
        assert await published(relay_of(source, embedded)) == 1
    assert await published(relay_of(source, embedded)) == 1
    assert await published(relay_of(source, embedded)) == 0
    assert await _versions(embedded) == {early: [1, 2, 3], late: [1]}


async def test_the_first_read_covers_all_history_page_by_page(
    embedded: EmbeddedBroker, source: Place
) -> None:
    stream = new_id()
    await notes(source, stream, *["n"] * 50)
    assert await published(relay_of(source, embedded, page=10)) == 50
    await notes(source, stream, *["n"] * 50, after=50)
    assert await published(relay_of(source, embedded, page=7)) == 50
    assert await _versions(embedded) == {stream: list(range(1, 101))}
    assert await _sent(source) == 100


async def test_a_page_interrupted_is_taken_up_where_it_stood(
    embedded: EmbeddedBroker, source: Place
) -> None:
    stream = new_id()
    await notes(source, stream, *["n"] * 30)
    async with relay_of(source, embedded, page=10).session() as session:
        assert await session.step() == 10
        assert await session.step() == 10
    await notes(source, stream, "n", after=30)
    assert await published(relay_of(source, embedded, page=10)) == 11
    assert await _versions(embedded) == {stream: list(range(1, 32))}
    assert await _sent(source) == 31


async def test_one_relay_is_active_and_another_takes_over(
    embedded: EmbeddedBroker, source: Place
) -> None:
    first, second = relay_of(source, embedded), relay_of(source, embedded)
    async with running(second.run):
        await until(lambda: _true(second))
        async with asyncio.timeout(0.3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1), first.session():
                    raise AssertionError("two relays are active")
        assert not first.active
        standing_by = asyncio.ensure_future(first.run())
    await until(lambda: _true(first))
    await notes(source, new_id(), "a")
    await until(lambda: _is(_sent(source), 1))
    standing_by.cancel()
    await asyncio.gather(standing_by, return_exceptions=True)
    assert not first.active


async def _true(relay: Relay) -> bool:
    return relay.active


async def test_a_lost_connection_to_the_database_is_made_anew(
    postgres: EmbeddedPostgres, embedded: EmbeddedBroker, source: Place
) -> None:
    relay = relay_of(source, embedded)
    async with running(relay.run):
        await notes(source, new_id(), "a")
        await until(lambda: _is(_sent(source), 1))
        name = source.url.rpartition("/")[2].partition("?")[0]
        await postgres.run(
            "select pg_terminate_backend(l.pid) from pg_locks l join pg_database d"
            f" on d.oid = l.database where l.locktype = 'advisory' and d.datname = '{name}'"
        )
        await notes(source, new_id(), "b")
        await until(lambda: _is(_sent(source), 2))
    assert sum(map(len, (await _versions(embedded)).values())) == 2


async def test_a_woken_relay_does_not_wait_for_its_next_look(
    embedded: EmbeddedBroker, source: Place
) -> None:
    wake = asyncio.Event()
    made = relay_of(source, embedded, poll_woken=60)
    relay = Relay(
        SERVICE, source.connect, embedded, wake=wake, settings=made.settings, observer=made.observer
    )
    async with running(relay.run):
        await until(lambda: _true(relay))
        await notes(source, new_id(), "a")
        wake.set()
        await until(lambda: _is(_sent(source), 1), seconds=10)


async def test_a_look_at_the_tail_reads_the_tail_alone(
    embedded: EmbeddedBroker, source: Place
) -> None:
    """However much history there is: growth must not make the idle look dearer."""
    for _ in range(4):
        await notes(source, new_id(), *["n"] * 500)
    await published(relay_of(source, embedded))
    await notes(source, new_id(), "new")
    connection = await source.connect()
    await connection.execute(reader.PLANNER)
    cursor = await reader.load(connection, "relay")
    plan = await connection.fetch(
        "explain (analyze, costs off, timing off, summary off, buffers off) " + reader.SINCE,
        cursor.done,
        1000,
    )
    rows, _ = await reader.read_page(connection, cursor, 1000)
    await connection.close()
    text = "\n".join(row[0] for row in plan)
    assert len(rows) == 1
    assert "event_tx_pos" in text
    assert "Seq Scan" not in text
    assert "event_pos_key" not in text
    touched = Counter(word for word in text.split() if word.startswith("rows=2"))
    assert not touched, text
