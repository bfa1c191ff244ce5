"""What is missing has a name, and comes when it is sent again."""

from dataclasses import astuple

from shared.bus import reconciliation as books
from shared.bus.cloudevents import encode
from shared.bus.embedded import EmbeddedBroker
from shared.bus.port import Message
from shared.bus.relay import resend
from shared.kernel.ids import named_id
from shared.testing.bus import (
    READER,
    SERVICE,
    TOPIC,
    Place,
    Witness,
    notes,
)
from shared.testing.bus_suite import take


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
