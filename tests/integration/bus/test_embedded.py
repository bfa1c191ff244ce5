"""The embedded log passes the suite of every broker, and keeps what is its own promise."""

import asyncio

import pytest

from shared.bus.embedded import EmbeddedBroker
from shared.bus.port import Broker
from shared.kernel.ids import new_id
from shared.testing.bus import TOPIC, Place, notes, published, relay_of
from shared.testing.bus_suite import BrokerSuite, raw_log


@pytest.fixture
def broker(embedded: EmbeddedBroker) -> Broker:
    return embedded


@pytest.fixture
def second_broker(second_embedded: EmbeddedBroker) -> Broker:
    return second_embedded


class TestEmbedded(BrokerSuite):
    """The suite."""


async def test_two_writers_leave_no_gap(embedded: EmbeddedBroker, source: Place) -> None:
    await embedded.ensure_topics([TOPIC])
    await notes(source, new_id(), "a", "b", "c")
    await published(relay_of(source, embedded))
    [some] = (await raw_log(embedded)).values()

    async def write(times: int) -> None:
        producer = await embedded.producer()
        for _ in range(times):
            keys = [str(new_id()).encode() for _ in range(6)]
            await producer.send_batch([some[0]._replace(key=key) for key in keys])
        await producer.close()

    await asyncio.gather(*(write(20) for _ in range(4)))
    log = await raw_log(embedded)
    assert sum(map(len, log.values())) == 3 + 4 * 20 * 6
    for messages in log.values():
        assert [message.offset for message in messages] == list(range(len(messages)))
