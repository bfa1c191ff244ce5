"""The relay to a real Kafka, beside the same bytes through a bare aiokafka producer.

``python -m bench.relay``: committed events read from the table, sent, acknowledged by the broker,
marked as sent; and the same messages, made before, through a producer with the same settings. The
broker is ``KAFKA_BOOTSTRAP_SERVERS`` or one of our own from its jars (Java 17 with Maven).
"""

import argparse
import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from bench import seed
from bench.rounds import Round, alternated, run, table
from dixian.broker import KafkaNode
from shared.bus import reader
from shared.bus.connection import connector
from shared.bus.kafka import KafkaBroker
from shared.bus.port import Message
from shared.bus.relay import Relay, messages
from shared.bus.settings import KafkaSettings
from shared.kernel.ids import new_id
from shared.store.migrate import SHARED, Schema
from shared.testing import example as ex
from shared.testing.databases import service_database
from shared.testing.postgres import EmbeddedPostgres

BARE, RELAY = "a bare aiokafka producer", "the relay, from table to cursor"
SCHEMA = Schema(
    "example",
    locations=[*ex.SCHEMA.locations, SHARED / "bus" / "migrations"],
    metadata=ex.SCHEMA.metadata,
)
_WAITING = 5000
"""Messages that the bare producer has on their way at a time."""


@contextmanager
def kafka() -> Iterator[str]:
    """The bootstrap address of a broker."""
    if given := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield given
        return
    with TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        node = KafkaNode(Path(directory))
        node.start()
        try:
            while not node.is_ready():
                assert node.exit_code() is None, node.log.read_text()[-2000:]
                asyncio.run(asyncio.sleep(0.1))
            yield node.bootstrap
        finally:
            node.stop()


def bare(producer: AIOKafkaProducer, topic: str, made: Sequence[Message]) -> Round:
    """Every message handed over, every acknowledgement awaited, partitions as the key says."""
    ready = [
        (
            message.key,
            message.value,
            [(name, text.encode()) for name, text in message.headers.items()],
        )
        for message in made
    ]

    async def work() -> int:
        for at in range(0, len(ready), _WAITING):
            sending = [
                await producer.send(topic, value, key=key, headers=headers)
                for key, value, headers in ready[at : at + _WAITING]
            ]
            await asyncio.gather(*sending)
        return len(ready)

    return work


def relaying(relay: Relay, connection: "asyncpg.Connection[Any]", count: int) -> Round:
    """From the first event on, as if none had been sent."""

    async def work() -> int:
        await connection.execute("delete from es.reader")
        sent = 0
        async with relay.session() as session:
            while step := await session.step():
                sent += step
        assert sent == count, sent
        return sent

    return work


async def main(events: int, rounds: int, bootstrap: str) -> None:
    """Measure and print."""
    settings = KafkaSettings(
        bootstrap_servers=bootstrap, topic_prefix=f"bench{new_id().hex[-8:]}.", partitions=8
    )
    with TemporaryDirectory(ignore_cleanup_errors=True) as at, EmbeddedPostgres(Path(at)) as server:
        async with service_database(server, SCHEMA) as urls:
            count = await seed.errands(urls.superuser, events // 5)
            connection = await asyncpg.connect(urls.superuser)
            rows, _ = await reader.read_page(connection, reader.Cursor(), count)
            made = messages("example", rows)
            broker = KafkaBroker(settings)
            topic = made[0].topic
            await broker.ensure_topics([topic])
            producer = AIOKafkaProducer(
                bootstrap_servers=bootstrap,
                acks="all",
                enable_idempotence=True,
                compression_type=settings.compression,
                max_batch_size=256 * 1024,
            )
            await producer.start()
            relay = Relay("example", connector(urls.writer), broker)
            contenders = {
                BARE: bare(producer, settings.topic_prefix + topic, made),
                RELAY: relaying(relay, connection, count),
            }
            rates = await alternated(contenders, rounds)
            table(f"{count:,} events to Kafka", rates, BARE, reach={RELAY: {BARE: 0.7}})
            await producer.stop()
            await broker.close()
            await connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with kafka() as address:
        run(main(given.events, given.rounds, address))
