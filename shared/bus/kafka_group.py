"""One member of a Kafka consumer group, positioned by the service's database."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka import TopicPartition as KafkaPartition

from shared.bus.kafka_client import STOP, common, ours_of, reaching, started, stopped
from shared.bus.port import Batch, BrokerUnavailable, Message, Positions, TopicPartition
from shared.bus.settings import KafkaSettings


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
        return frozenset(ours_of(source, self._prefix) for source in self._consumer.assignment())

    async def connect(self) -> None:
        """Join the group, unless that is done."""
        if self._consumer is not None:
            return
        consumer = _consumer(self._settings, self._group, self._member)
        await started(consumer, self._settings.request_timeout_ms)
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
            await stopped(consumer)

    async def on_partitions_revoked(self, revoked: Collection[Any]) -> None:
        """Let the batch in hand be finished, within reason; the database fences the rest."""
        try:
            async with asyncio.timeout(STOP):
                await self._idle.wait()
        except TimeoutError:
            pass
        for source in revoked:
            self._at.pop(ours_of(source, self._prefix), None)

    def on_partitions_assigned(self, assigned: Collection[Any]) -> None:
        """Remember them; ``fetch`` asks for their positions, where an error finds its reader."""
        self._gained = {ours_of(source, self._prefix) for source in assigned}

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
            if records and ours_of(source, self._prefix) in self._at
        ]

    def _batch(self, source: Any, records: Sequence[Any]) -> Batch:
        ours = ours_of(source, self._prefix)
        start = self._at[ours]
        self._at[ours] = records[-1].offset + 1
        return Batch(ours, start, [_message(record, ours) for record in records])

    def _theirs(self, source: TopicPartition) -> Any:
        return KafkaPartition(self._prefix + source.topic, source.partition)


def _consumer(settings: KafkaSettings, group: str, member: str | None) -> Any:
    session = settings.session_timeout_ms
    options = common(settings)
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
