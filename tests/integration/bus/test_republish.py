"""After the bus was lost everything is published again, and takes effect once."""

from contextlib import AsyncExitStack

import pytest

from shared.bus.cloudevents import topic
from shared.bus.connection import closed
from shared.bus.embedded import EmbeddedBroker
from shared.bus.republish import RelayRuns, begin_anew
from shared.kernel.ids import new_id
from shared.testing.bus import SERVICE as NOTING
from shared.testing.bus import (
    Place,
    Witness,
    consumer_of,
    each_once_in_order,
    effects,
    notes,
    published,
    relay_of,
    running,
    until,
)


async def _taken_in(sink: Place, witness: Witness, broker: EmbeddedBroker, count: int) -> None:
    consumer = consumer_of(sink, witness.handler)

    async def all_there() -> bool:
        return len(await effects(sink)) >= count

    async with running(lambda: consumer.run(broker, [topic(NOTING)])):
        await until(all_there)


async def _begun_anew(at: Place) -> int:
    connection = await at.connect()
    try:
        return await begin_anew(connection)
    finally:
        await closed(connection)


async def test_what_a_lost_bus_had_not_delivered_comes_and_nothing_comes_twice(
    source: Place,
    sink: Place,
    embedded: EmbeddedBroker,
    second_embedded: EmbeddedBroker,
    witness: Witness,
) -> None:
    streams = [new_id() for _ in range(20)]
    for stream in streams:
        await notes(source, stream, "a", "b")
    await published(relay_of(source, embedded))
    await _taken_in(sink, witness, embedded, 40)
    for stream in streams:
        await notes(source, stream, "c", after=2)
    await published(relay_of(source, embedded))  # sent, not yet received: and the bus is lost

    assert await _begun_anew(source) == 60
    await _begun_anew(sink)
    assert await published(relay_of(source, second_embedded)) == 60
    await _taken_in(sink, witness, second_embedded, 60)
    each_once_in_order(await effects(sink))
    assert len(await effects(sink)) == 60
    async with source.database.reading() as tx:
        assert await tx.raw.fetchval("select sent from es.reader where name = 'relay'") == 60
    async with sink.database.reading() as tx:
        received = await tx.raw.fetchval("select sum(received) from es.consumed_partition")
    assert received == 60


async def test_a_service_whose_relay_runs_is_not_set_back(
    source: Place, embedded: EmbeddedBroker
) -> None:
    await notes(source, new_id(), "a")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(relay_of(source, embedded).session())
        with pytest.raises(RelayRuns):
            await _begun_anew(source)
