"""Brokers and databases come and go under relay and consumer; every event arrives once."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from dixian.broker import KafkaNode, missing
from shared.bus.embedded import EmbeddedBroker
from shared.bus.faults import Fault, classify
from shared.bus.kafka import KafkaBroker
from shared.bus.port import Broker
from shared.bus.settings import KafkaSettings
from shared.kernel.ids import new_id
from shared.testing.bus import (
    TOPIC,
    Place,
    Witness,
    consumer_of,
    each_once_in_order,
    effects,
    notes,
    relay_of,
    running,
    until,
)
from shared.testing.bus_suite import received
from shared.testing.kafka import leave_out
from shared.testing.postgres import EmbeddedPostgres

_STREAMS = [new_id() for _ in range(6)]


async def _writing(source: Place, versions: range) -> None:
    for version in versions:
        for stream in _STREAMS:
            while not await _written(source, stream, version + 1):
                try:
                    await notes(source, stream, "n", after=version)
                except Exception as error:
                    if classify(error) is not Fault.OUTAGE:
                        raise


async def _written(source: Place, stream: UUID, version: int) -> bool:
    """Whether it is there: a writer whose connection is cut may have committed all the same."""
    connection = await source.connect()
    try:
        return bool(
            await connection.fetchval(
                "select true from es.event where stream_id = $1 and version = $2", stream, version
            )
        )
    finally:
        await connection.close()


async def _all_received(sink: Place, count: int) -> bool:
    try:
        return await received(sink) == count
    except Exception as error:
        if classify(error) is not Fault.OUTAGE:
            raise
        return False  # the outage has met this look


async def _arrived_once(sink: Place, count: int) -> None:
    await until(lambda: _all_received(sink, count), seconds=60)
    found = await effects(sink)
    each_once_in_order(found)
    assert len(found) == count


async def test_every_connection_is_cut_again_and_again(
    postgres: EmbeddedPostgres,
    embedded: EmbeddedBroker,
    source: Place,
    sink: Place,
    witness: Witness,
) -> None:
    """What a restart of PostgreSQL is to its clients, for the service, its reader and the log."""
    relay = relay_of(source, embedded, page=5)
    consumers = [consumer_of(sink, witness.handler, batch=5) for _ in range(2)]

    async def consume(number: int) -> None:
        await consumers[number].run(embedded, [TOPIC])

    async with running(relay.run, lambda: consume(0), lambda: consume(1)):
        for round_ in range(4):
            await _writing(source, range(round_ * 5, round_ * 5 + 5))
            await postgres.run(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname like 'test\\_%' and pid <> pg_backend_pid()"
            )
        await _arrived_once(sink, 4 * 5 * len(_STREAMS))


@pytest.fixture
def node(tmp_path: Path) -> Iterator[KafkaNode]:
    if lacking := missing():
        leave_out(f"a broker that may be killed needs {lacking}")
    made = KafkaNode(tmp_path / "kafka", heap="256m")
    made.start()
    yield made
    made.stop()


@pytest.fixture
async def broker(node: KafkaNode) -> AsyncIterator[Broker]:
    await _serves(node)
    settings = KafkaSettings(
        bootstrap_servers=node.bootstrap,
        partitions=4,
        session_timeout_ms=6000,
        request_timeout_ms=2000,
    )
    made = KafkaBroker(settings)
    yield made
    await made.close()


async def _serves(node: KafkaNode) -> None:
    async def ready() -> bool:
        assert node.exit_code() is None, node.log.read_text()[-2000:]
        return node.is_ready()

    await until(ready, seconds=60)


@pytest.mark.kafka
async def test_the_broker_is_killed_and_comes_back(
    node: KafkaNode, broker: Broker, source: Place, sink: Place, witness: Witness
) -> None:
    relay = relay_of(source, broker, page=5)
    consumer = consumer_of(sink, witness.handler, batch=5)
    async with running(relay.run, lambda: consumer.run(broker, [TOPIC])):
        await _writing(source, range(5))
        await until(lambda: _all_received(sink, 5 * len(_STREAMS)))
        assert node.pid is not None
        os.kill(node.pid, signal.SIGKILL)
        writing = asyncio.ensure_future(_writing(source, range(5, 15)))
        await asyncio.to_thread(_ended, node)
        assert node.exit_code() == -signal.SIGKILL
        await asyncio.to_thread(node.start)
        await _serves(node)
        await writing
        await _arrived_once(sink, 15 * len(_STREAMS))


def _ended(node: KafkaNode) -> None:
    node.stop()  # waits for the child that is on its way out
