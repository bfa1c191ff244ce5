"""Kafka behind the port, through aiokafka.

What aiokafka's defaults would get wrong is said here once: producers are idempotent with every
replica's acknowledgement; consumers commit nothing by themselves, begin at the earliest message
when a position is gone, read committed messages only, and are positioned by the service's database.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError, TopicAlreadyExistsError, for_code
from aiokafka.helpers import create_ssl_context

from shared.bus.partition import partition_of
from shared.bus.port import Batch, BrokerUnavailable, Message, Positions, TopicPartition
from shared.bus.settings import KafkaSettings

LARGEST = 8 * 1024 * 1024
"""Bytes of the largest message. Events hold ids, codes and amounts: a thousandth is usual."""
_BATCH = 256 * 1024
_STOP = 5.0


class KafkaBroker:
    """A cluster. Clients are made one by one and closed together at the end."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._open: list[KafkaProducer | KafkaSubscription] = []

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
            **_common(self._settings),
            acks="all",
            enable_idempotence=True,
            # A send is a whole page already: nothing is gained by waiting for more.
            linger_ms=0,
            max_batch_size=_BATCH,
            max_request_size=LARGEST,
            compression_type=self._settings.compression,
        )
        await _started(made, self._settings.request_timeout_ms)
        producer = KafkaProducer(made, self._settings.topic_prefix)
        self._open.append(producer)
        return producer

    async def subscribe(
        self, group: str, topics: Collection[str], positions: Positions, *, member: str = ""
    ) -> "KafkaSubscription":
        """Join the group."""
        made = KafkaSubscription(self._settings, group, topics, positions, member)
        await made.connect()
        self._open.append(made)
        return made

    async def end_offsets(self, topics: Collection[str]) -> Mapping[TopicPartition, int]:
        """The next offset of every partition."""
        prefix = self._settings.topic_prefix
        with reaching():
            async with self._admin() as admin:
                found = await admin.describe_topics([prefix + topic for topic in topics])
            sources = [
                KafkaPartition(topic["topic"], part["partition"])
                for topic in found
                for part in topic["partitions"]
            ]
            consumer = AIOKafkaConsumer(**_common(self._settings))
            await _started(consumer, self._settings.request_timeout_ms)
            try:
                ends = await consumer.end_offsets(sources)
            finally:
                await consumer.stop()
        return {_ours(source, prefix): offset for source, offset in ends.items()}

    async def close(self) -> None:
        """Close what is still open."""
        for each in self._open:
            await each.close()
        self._open.clear()

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
        admin = AIOKafkaAdminClient(**_common(self._settings))
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
        await _stopped(self._producer)

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


class KafkaSubscription(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """One member of a consumer group."""

    def __init__(
        self,
        settings: KafkaSettings,
        group: str,
        topics: Collection[str],
        positions: Positions,
        member: str,
    ) -> None:
        self._settings = settings
        self._prefix = settings.topic_prefix
        self._group = self._prefix + group
        self._topics = [self._prefix + topic for topic in sorted(topics)]
        self._member = f"{self._group}-{member}" if member else None
        self._ask = positions
        self._consumer: Any = None
        self._at: dict[TopicPartition, int] = {}
        self._gained: set[TopicPartition] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def assignment(self) -> frozenset[TopicPartition]:
        """The partitions this member has now."""
        if self._consumer is None:
            return frozenset()
        return frozenset(_ours(source, self._prefix) for source in self._consumer.assignment())

    async def connect(self) -> None:
        """Join the group, unless that is done."""
        if self._consumer is not None:
            return
        consumer = _consumer(self._settings, self._group, self._member)
        await _started(consumer, self._settings.request_timeout_ms)
        # After the start, which would otherwise wait for the whole group.
        consumer.subscribe(self._topics, listener=self)
        self._consumer = consumer

    def seek(self, source: TopicPartition, offset: int) -> None:
        """Read on from ``offset``."""
        if source in self._at and source in self.assignment:
            self._consumer.seek(self._theirs(source), offset)
            self._at[source] = offset

    async def fetch(self, limit: int, wait: float) -> list[Batch]:
        """What has come, or nothing after ``wait`` seconds."""
        self._idle.set()
        until = asyncio.get_running_loop().time() + wait
        await self.connect()
        while True:
            await self._positioned()
            left = until - asyncio.get_running_loop().time()
            batches = await self._got(limit, min(left, 0.25))
            if batches or left <= 0:
                break
        if batches:
            self._idle.clear()
        return batches

    async def close(self) -> None:
        """Leave the group; a static member's place is kept for its return."""
        self._idle.set()
        self._at.clear()
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await _stopped(consumer)

    async def on_partitions_revoked(self, revoked: Collection[Any]) -> None:
        """Let the batch in hand be finished, within reason; the database fences the rest."""
        try:
            async with asyncio.timeout(_STOP):
                await self._idle.wait()
        except TimeoutError:
            pass
        for source in revoked:
            self._at.pop(_ours(source, self._prefix), None)

    def on_partitions_assigned(self, assigned: Collection[Any]) -> None:
        """Remember them; ``fetch`` asks for their positions, where an error finds its reader."""
        self._gained = {_ours(source, self._prefix) for source in assigned}

    async def _positioned(self) -> None:
        while self._gained:
            gained, self._gained = self._gained, set()
            try:
                asked = await self._ask(gained)
            except BaseException:
                self._gained |= gained
                raise
            for source in gained & self.assignment:
                self._consumer.seek(self._theirs(source), asked[source])
                self._at[source] = asked[source]

    async def _got(self, limit: int, wait: float) -> list[Batch]:
        sources = [self._theirs(source) for source in self._at]
        # Without partitions, while the group assembles, it is asked all the same: only in its
        # answer does the client tell an error of the group.
        wait = wait if sources else min(wait, 0.05)
        try:
            with reaching():
                got = await self._consumer.getmany(
                    *sources,
                    timeout_ms=max(0, int(wait * 1000)),
                    max_records=limit * max(1, len(sources)),
                )
        except BrokerUnavailable:
            # What the client tells here it does not get over by itself: the next fetch joins anew.
            await self.close()
            raise
        # What is not positioned yet comes again, from its position.
        return [
            self._batch(source, records)
            for source, records in got.items()
            if records and _ours(source, self._prefix) in self._at
        ]

    def _batch(self, source: Any, records: Sequence[Any]) -> Batch:
        ours = _ours(source, self._prefix)
        start = self._at[ours]
        self._at[ours] = records[-1].offset + 1
        return Batch(ours, start, [_message(record, ours) for record in records])

    def _theirs(self, source: TopicPartition) -> Any:
        return KafkaPartition(self._prefix + source.topic, source.partition)


@contextmanager
def reaching() -> Iterator[None]:
    """Turn what aiokafka raises into ``BrokerUnavailable``: for its callers all of it may pass."""
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise BrokerUnavailable(f"Kafka: {error!r}") from error


def _common(settings: KafkaSettings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "client_id": "dixian",
        "request_timeout_ms": settings.request_timeout_ms,
        "metadata_max_age_ms": 60_000,
        "security_protocol": settings.security_protocol,
    }
    if "SSL" in settings.security_protocol:
        options["ssl_context"] = create_ssl_context(
            cafile=settings.ssl_cafile and str(settings.ssl_cafile),
            certfile=settings.ssl_certfile and str(settings.ssl_certfile),
            keyfile=settings.ssl_keyfile and str(settings.ssl_keyfile),
        )
    if "SASL" in settings.security_protocol:
        password = settings.sasl_password
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.sasl_username
        options["sasl_plain_password"] = password and password.get_secret_value()
    return options


def _consumer(settings: KafkaSettings, group: str, member: str | None) -> Any:
    session = settings.session_timeout_ms
    options = _common(settings)
    # Joining waits for the slowest member: longer than any other request.
    options["request_timeout_ms"] = session + settings.request_timeout_ms
    return AIOKafkaConsumer(
        **options,
        group_id=group,
        group_instance_id=member,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        session_timeout_ms=session,
        heartbeat_interval_ms=min(3000, session // 10),
        rebalance_timeout_ms=session,
        # A consumer waiting out an outage is not dead: it fetches again when it is over.
        max_poll_interval_ms=24 * 3600 * 1000,
        fetch_max_wait_ms=500,
    )


async def _started(client: Any, timeout_ms: int) -> None:
    try:
        with reaching():
            async with asyncio.timeout(2 * timeout_ms / 1000):
                await client.start()
    except BaseException:
        await _stopped(client)
        raise


async def _stopped(client: Any) -> None:
    """Stop a client. One that cannot reach its broker is left to the end of the event loop."""
    stopping = asyncio.ensure_future(client.stop())
    done, _ = await asyncio.wait([stopping], timeout=_STOP)
    if not done:
        stopping.cancel()
        await asyncio.wait([stopping])


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


def _message(record: Any, source: TopicPartition) -> Message:
    # A header that is no UTF-8 is not ours; it stays readable and ends among the parked.
    headers = {
        name: (value or b"").decode("utf-8", "backslashreplace") for name, value in record.headers
    }
    return Message(
        source.topic,
        record.key or b"",
        headers,
        record.value or b"",
        source.partition,
        record.offset,
    )


def _ours(source: Any, prefix: str) -> TopicPartition:
    return TopicPartition(source.topic.removeprefix(prefix), source.partition)
