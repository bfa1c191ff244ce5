"""The embedded log passes the suite of every broker, and keeps what is its own promise."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from shared.bus.connection import connector
from shared.bus.embedded import EmbeddedBroker
from shared.bus.port import Broker
from shared.kernel.ids import new_id
from shared.testing.bus import TOPIC, Place, notes, published, relay_of
from shared.testing.bus_suite import BrokerSuite, raw_log

if TYPE_CHECKING:
    from tests.integration.bus.conftest import Server


@pytest.fixture
def broker(embedded: EmbeddedBroker) -> Broker:
    return embedded


@pytest.fixture
async def second_broker(server: "Server") -> AsyncIterator[EmbeddedBroker]:
    url = server.url(await server.copy("log"), "dixian_bus_writer")
    made = EmbeddedBroker(connector(url), partitions=4, look_every=0.1)
    yield made
    await made.close()


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
