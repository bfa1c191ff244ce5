"""Kafka behind the port, through aiokafka.

What aiokafka's defaults would get wrong is said here once: producers are idempotent with every
replica's acknowledgement; consumers commit nothing by themselves, begin at the earliest message
when a position is gone, read committed messages only, and are positioned by the service's database.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import IncompatibleBrokerVersion, TopicAlreadyExistsError, for_code

from shared.bus.kafka_client import common, ours_of, reaching, started, stopped
from shared.bus.kafka_group import KafkaSubscription
from shared.bus.partition import partition_of
from shared.bus.port import BrokerUnavailable, Message, Positions, TopicPartition
from shared.bus.settings import KafkaSettings

LARGEST = 8 * 1024 * 1024
"""Bytes of the largest message. Events hold ids, codes and amounts: a thousandth is usual."""
_BATCH = 256 * 1024


class KafkaBroker:
    """A cluster. Clients are made one by one and closed together at the end."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._open: list[KafkaProducer | KafkaSubscription] = []
        self._asking = asyncio.Lock()
        self._askers: tuple[Any, Any] | None = None

    async def ensure_topics(self, topics: Collection[str]) -> None:
        """Create what is missing and wait until it has leaders."""
        names = [self._settings.topic_prefix + topic for topic in topics]
        with reaching():
            async with self._admin() as admin:
                missing = [
                    name for name, ready in (await _leaders(admin, names)).items() if not ready
                ]
                if missing:
                    await self._create(admin, missing)
                    await _settled(admin, missing)

    async def producer(self) -> "KafkaProducer":
        """A new idempotent producer."""
        made = AIOKafkaProducer(
            **common(self._settings),
            acks="all",
            enable_idempotence=True,
            # A send is a whole page already: nothing is gained by waiting for more.
            linger_ms=0,
            max_batch_size=_BATCH,
            max_request_size=LARGEST,
            compression_type=self._settings.compression,
        )
        await started(made, self._settings.request_timeout_ms)
        producer = KafkaProducer(made, self._settings.topic_prefix)
        self._open.append(producer)
        return producer

    async def subscribe(
        self, group: str, topics: Collection[str], positions: Positions, *, member: str = ""
    ) -> KafkaSubscription:
        """Join the group."""
        made = KafkaSubscription(self._settings, group, topics, positions, member)
        await made.connect()
        self._open.append(made)
        return made

    async def end_offsets(self, topics: Collection[str]) -> Mapping[TopicPartition, int]:
        """The next offset of every partition."""
        prefix = self._settings.topic_prefix
        async with self._asking:
            try:
                with reaching():
                    ends = await self._ends([prefix + topic for topic in topics])
            except BrokerUnavailable:
                await self._hushed()
                raise
        return {ours_of(source, prefix): offset for source, offset in ends.items()}

    async def close(self) -> None:
        """Close what is still open."""
        for each in self._open:
            await each.close()
        self._open.clear()
        await self._hushed()

    async def _ends(self, names: Sequence[str]) -> Mapping[Any, int]:
        """By clients that belong to no group and are kept for the next question."""
        if self._askers is None:
            self._askers = await self._asking_clients()
        admin, asker = self._askers
        sources = [
            KafkaPartition(topic["topic"], part["partition"])
            for topic in await admin.describe_topics(names)
            for part in topic["partitions"]
        ]
        found: Mapping[Any, int] = await asker.end_offsets(sources) if sources else {}
        return found

    async def _asking_clients(self) -> tuple[Any, Any]:
        asker = AIOKafkaConsumer(**common(self._settings))
        await started(asker, self._settings.request_timeout_ms)
        admin = AIOKafkaAdminClient(**common(self._settings))
        try:
            await admin.start()
        except BaseException:
            await admin.close()
            await stopped(asker)
            raise
        return admin, asker

    async def _hushed(self) -> None:
        askers, self._askers = self._askers, None
        if askers is not None:
            await askers[0].close()
            await stopped(askers[1])

    async def _create(self, admin: Any, names: Sequence[str]) -> None:
        configs = {
            "cleanup.policy": "delete",
            # A consumer that joins years later, or begins anew, reads from the first event.
            "retention.ms": "-1",
            "max.message.bytes": str(LARGEST),
            "min.insync.replicas": str(self._settings.min_insync),
        }
        wanted = [
            NewTopic(
                name, self._settings.partitions, self._settings.replication, topic_configs=configs
            )
            for name in names
        ]
        try:
            answer = await admin.create_topics(wanted)
        except IncompatibleBrokerVersion:
            return  # a broker that makes topics when they are first asked for
        for name, code, *said in answer.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise error(f"topic {name}: {said}")

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[Any]:
        admin = AIOKafkaAdminClient(**common(self._settings))
        try:
            await admin.start()
            yield admin
        finally:
            await admin.close()


class KafkaProducer:
    """Sends whole batches, each partition's one after the other."""

    def __init__(self, producer: Any, prefix: str) -> None:
        self._producer = producer
        self._prefix = prefix
        self._counts: dict[str, int] = {}

    async def send_batch(self, messages: Sequence[Message]) -> None:
        """Send all; every replica in sync has them when it returns.

        After an error the producer is of no more use: its numbering may have a hole, at which the
        broker would refuse everything that follows.
        """
        with reaching():
            logs: defaultdict[tuple[str, int], list[Message]] = defaultdict(list)
            for message in messages:
                count = self._counts.get(message.topic) or await self._count(message.topic)
                logs[message.topic, partition_of(message.key, count)].append(message)
            sends = [self._send(topic, part, some) for (topic, part), some in logs.items()]
            results = await asyncio.gather(*sends, return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    raise result

    async def close(self) -> None:
        """Let go of the connection; what is still unsent is given up after some seconds."""
        await stopped(self._producer)

    async def _count(self, topic: str) -> int:
        found = len(await self._producer.partitions_for(self._prefix + topic))
        self._counts[topic] = found
        return found

    async def _send(self, topic: str, part: int, messages: Sequence[Message]) -> None:
        """Send one partition's messages.

        A batch leaves only when the one before it has arrived, so that a failure in the middle
        never lets a later message overtake an earlier one.
        """
        batch = self._producer.create_batch()
        for message in messages:
            if not _appended(batch, message):
                await self._delivered(batch, topic, part)
                batch = self._producer.create_batch()
                _appended(batch, message)
        await self._delivered(batch, topic, part)

    async def _delivered(self, batch: Any, topic: str, part: int) -> None:
        sent = await self._producer.send_batch(batch, self._prefix + topic, partition=part)
        await sent


async def _leaders(admin: Any, names: Sequence[str]) -> dict[str, bool]:
    """Whether each topic is there and each of its partitions has a leader."""
    found = await admin.describe_topics(list(names))
    ready = {
        topic["topic"]: not topic["error_code"]
        and bool(topic["partitions"])
        and all(part["leader"] >= 0 for part in topic["partitions"])
        for topic in found
    }
    return {name: ready.get(name, False) for name in names}


async def _settled(admin: Any, names: Sequence[str]) -> None:
    async with asyncio.timeout(30):
        while not all((await _leaders(admin, names)).values()):  # noqa: ASYNC110  (the cluster's)
            await asyncio.sleep(0.05)


def _appended(batch: Any, message: Message) -> bool:
    headers = [(name, value.encode()) for name, value in message.headers.items()]
    added = batch.append(timestamp=None, key=message.key, value=message.value, headers=headers)
    return added is not None
