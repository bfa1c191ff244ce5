"""Recorded = sent = received, and what is missing has a name."""

from dataclasses import astuple

from shared.bus import reconciliation as books
from shared.bus.cloudevents import encode
from shared.bus.embedded import EmbeddedBroker
from shared.bus.port import Message
from shared.bus.relay import resend
from shared.bus.tally import TALLY, Tally, recorded, recount
from shared.kernel.ids import named_id, new_id
from shared.testing.bus import (
    READER,
    SERVICE,
    TOPIC,
    Noted,
    Place,
    Witness,
    note,
    notes,
    published,
    relay_of,
)
from shared.testing.bus_suite import take


async def test_the_numbers_agree_when_everything_has_arrived(
    embedded: EmbeddedBroker, source: Place, sink: Place, witness: Witness
) -> None:
    await notes(source, new_id(), "a", "b")
    await notes(source, new_id(), "c")
    async with source.database.reading() as tx:
        assert await books.report(tx.raw, SERVICE) == books.Report(
            books.Outgoing(SERVICE, recorded=3, sent=0), ()
        )
    await published(relay_of(source, embedded))
    witness.fails("c", ValueError("no"))
    await take(embedded, sink, witness, 3)
    async with source.database.reading() as tx:
        out = await books.outgoing(tx.raw, SERVICE)
    async with sink.database.reading() as tx:
        told = await books.report(tx.raw, "sinking", READER)
    assert (astuple(out), out.waiting) == ((SERVICE, 3, 3), 0)
    assert told.incoming == (books.Incoming(READER, TOPIC, received=3, parked=1),)


async def test_what_did_not_arrive_is_named_and_sent_again(
    embedded: EmbeddedBroker, source: Place, sink: Place, witness: Witness
) -> None:
    whole, holed, unknown = (named_id("stream", str(n)) for n in range(3))
    sent = await notes(source, whole, "a", "b")
    lost = await notes(source, holed, "a", "b", "c", "d")
    await notes(source, unknown, "a", "b")
    some: list[Message] = [encode(item) for item in (*sent, lost[0], lost[2])]
    await embedded.ensure_topics([TOPIC])
    producer = await embedded.producer()
    await producer.send_batch(some)
    await take(embedded, sink, witness, 4)

    missing = await _missing(source, sink)
    assert [(item.stream_id, item.version) for item in missing] == sorted(
        [(holed, 2), (holed, 4), (unknown, 1), (unknown, 2)]
    )
    wanted = [(item.stream_id, item.version) for item in missing]
    assert await resend(source.connect, embedded, SERVICE, wanted) == 4
    await take(embedded, sink, witness, 8)
    assert await _missing(source, sink) == []


async def _missing(source: Place, sink: Place) -> list[books.Missing]:
    """The dialogue of the two services, as it goes over HTTP."""
    async with source.database.reading() as out, sink.database.reading() as into:
        differing = books.differing(
            await books.buckets(out.raw), await books.received_buckets(into.raw, READER, TOPIC)
        )
        found = []
        for bucket in differing:
            page = await books.heads(out.raw, bucket)
            assert await books.heads(out.raw, bucket, after=page[-1].stream_id) == []
            found += await books.missing(into.raw, READER, page)
    return sorted(found, key=astuple)


async def test_the_tally_settles_what_can_no_longer_change(source: Place) -> None:
    tally = Tally(settling=0)
    connection = await source.connect()
    try:
        await notes(source, new_id(), "a", "b")
        async with source.database.transaction() as tx:
            await note(tx, new_id(), 0, Noted(text="late"))
            await notes(source, new_id(), "c")
            await tally.settle(connection)
            await tally.settle(connection)  # one transaction is open: nothing is settled
            assert await _tally(connection) is None
            assert await recorded(connection) == 3
        await tally.settle(connection)
        assert await _tally(connection) == 4
        await notes(source, new_id(), "d")
        assert await recorded(connection) == 5
        await tally.settle(connection)
        assert await _tally(connection) == 4
        await tally.settle(connection)
        assert (await _tally(connection), await recorded(connection)) == (5, 5)
        assert await recount(connection) == 5
    finally:
        await connection.close()


async def _tally(connection: object) -> int | None:
    found = await connection.fetchval(  # type: ignore[attr-defined]
        "select sent from es.reader where name = $1", TALLY
    )
    return None if found is None else int(found)
