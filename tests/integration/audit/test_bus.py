"""Over the bus: everything that is sent is logged as it was sent, exactly once, whatever comes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from services.audit.domain import leaf
from services.audit.domain.note import Checkpoint, Note
from services.audit.log import reader
from services.audit.log.append import LogWriter
from services.audit.log.checkpoints import Publisher
from services.audit.log.telling import TOPIC, Teller, key_of
from services.audit.main import SERVICES, create
from services.audit.settings import AuditSettings
from shared.bus.cloudevents import headers, topic
from shared.bus.connection import connector
from shared.bus.embedded import EmbeddedBroker
from shared.bus.embedded_tables import LOG_SCHEMA
from shared.bus.kafka import KafkaBroker
from shared.bus.port import Broker, Message, TopicPartition
from shared.bus.settings import KafkaSettings
from shared.store.database import Database
from shared.store.migrate import Schema
from shared.testing.databases import Urls
from shared.web.service import Service
from tests.integration.audit.door import settings_of
from tests.integration.audit.support import NAME, append, entry


@pytest.fixture
async def broker(
    new_database: Callable[[Schema], Awaitable[Urls]],
) -> AsyncIterator[EmbeddedBroker]:
    made = EmbeddedBroker(connector((await new_database(LOG_SCHEMA)).writer), partitions=2)
    await made.ensure_topics([topic(name) for name in SERVICES])
    yield made
    await made.close()


@pytest.fixture
async def running(urls: Urls, broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Service]:
    """The service with its workers."""
    made = create(settings_of(urls, tmp_path), broker=broker, own=AuditSettings(sign_every=0.1))
    await made.start()
    tasks = [asyncio.create_task(worker()) for worker in made.workers]
    yield made
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
    await made.stop()


def message(stream: UUID, version: int, value: bytes, **changes: Any) -> Message:
    made: dict[str, Any] = {
        "service": "alerts",
        "event_id": str(UUID(int=stream.int + version)),
        "type_name": "NeverHeardOf",
        "schema_version": 7,
        "stream_id": str(stream),
        "version": version,
        "key": str(stream),
        "category": "lead",
        "region": "370102",
        "occurred_on": "2026-03-01",
        "recorded_at": datetime(2026, 3, 1, 2, 3, tzinfo=UTC),
        "correlation_id": str(uuid4()),
        "causation_id": str(uuid4()),
        "actor": "p-1",
        "actor_division": "370102",
        "actor_roles": ["officer", "committee"],
        "traceparent": "",
    }
    made.update(changes)
    return Message(topic(made["service"]), str(stream).encode(), headers(**made), value)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.02)


async def logged(database: Database) -> list[dict[str, Any]]:
    async with database.reading() as tx:
        found = await reader.logs(tx.raw)
        if not found:
            return []
        return [leaf.read(data) for data in await reader.leaves(tx.raw, found[0], 0, found[0].size)]


async def test_what_is_sent_is_logged_as_it_was_sent(
    running: Service, broker: EmbeddedBroker, database: Database
) -> None:
    one, other = uuid4(), uuid4()
    producer = await broker.producer()
    sent = [message(one, version, b'{"new":[1,null,"\xe6\x96\x87"]}') for version in (1, 2)]
    await producer.send_batch([*sent, sent[0], message(other, 1, b"[]"), *sent])
    await producer.send_batch([message(other, 2, b'{"x":1}'), message(one, 3, b'{"last":true}')])

    async def all_there() -> bool:
        return len(await logged(database)) == 3

    await until(all_there)
    found = [item for item in await logged(database) if item["stream_id"] == str(one)]
    assert [item["version"] for item in found] == [1, 2, 3]
    assert found[0]["data"] == {"new": [1, None, "文"]}
    assert (found[0]["type"], found[0]["schema_version"]) == ("NeverHeardOf", 7)
    assert (found[0]["actor_roles"], found[0]["recorded_at"]) == (
        ["officer", "committee"],
        "2026-03-01T02:03:00.000000Z",
    )

    async def parked() -> list[str]:
        async with database.reading() as tx:
            rows = await tx.raw.fetch("select reason from es.parked order by version")
        return [row["reason"] for row in rows]

    async def both_parked() -> bool:
        return await parked() == ["malformed", "behind"]

    await until(both_parked)

    async def signed() -> bool:
        async with database.reading() as tx:
            return bool(
                await tx.raw.fetchval("select exists (select from audit.checkpoint where size = 3)")
            )

    await until(signed)


async def test_the_numbers_add_up(
    running: Service, broker: EmbeddedBroker, database: Database
) -> None:
    stream = uuid4()
    producer = await broker.producer()
    value = orjson.dumps({"n": 1})
    await producer.send_batch([message(stream, version, value) for version in range(1, 301)])

    async def audited() -> bool:
        async with database.reading() as tx:
            rows = await tx.raw.fetch("select service, entries from audit.audited")
        return [tuple(row) for row in rows] == [("alerts", 300)]

    await until(audited)
    async with database.reading() as tx:
        received = await tx.raw.fetchval(
            "select sum(received) from es.consumed_partition where consumer = 'audit'"
        )
    assert received == 300


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def either(
    request: pytest.FixtureRequest, new_database: Callable[[Schema], Awaitable[Urls]]
) -> AsyncIterator[Broker]:
    """The embedded log, and Kafka."""
    made: EmbeddedBroker | KafkaBroker
    if request.param == "kafka":
        servers = request.getfixturevalue("kafka_bootstrap")
        prefix = f"t{uuid4().hex[-12:]}."
        made = KafkaBroker(KafkaSettings(bootstrap_servers=servers, topic_prefix=prefix))
    else:
        made = EmbeddedBroker(connector((await new_database(LOG_SCHEMA)).writer), partitions=2)
    yield made
    await made.close()


async def test_checkpoints_go_to_a_topic_of_their_own(
    either: Broker, database: Database, writer: LogWriter, publisher: Publisher
) -> None:
    teller = Teller(database, either)
    await either.ensure_topics([TOPIC])
    producer = await either.producer()
    assert await teller.once(producer) == 0
    for stream in range(3):
        await append(database, writer, [entry(stream, 1)])
        await publisher.publish()
    assert (await teller.once(producer), await teller.once(producer)) == (3, 0)
    await append(database, writer, [entry(9, 1)])
    await publisher.publish()
    assert await teller.once(producer) == 1

    async def from_the_first(asked: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        return dict.fromkeys(asked, 0)

    reading = await either.subscribe("witness", [TOPIC], from_the_first)
    came: list[Message] = []
    async with asyncio.timeout(60):
        while len(came) < 4:
            came += [item for batch in await reading.fetch(10, 5) for item in batch.messages]
    await reading.close()
    origin = NAME.origin(2026)
    notes = [Checkpoint.parse(Note.parse(item.value).text) for item in came]
    assert [(note.origin, note.size) for note in notes] == [(origin, n) for n in (1, 2, 3, 4)]
    assert [item.headers["size"] for item in came] == ["1", "2", "3", "4"]
    assert {item.key for item in came} == {str(key_of(origin)).encode()}
