"""What the services need of a broker: Kafka and its embedded twin stand behind it.

A *topic* is a fixed number of *partitions*; a partition is a log whose messages have the offsets
0, 1, 2...; messages with the same key go to the same partition and keep their order. A *group* is
several consumers that share the partitions of their topics between them. The broker never remembers
how far a group has come: the consumer does, in its own database (``es.consumed_partition``).
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class TopicPartition(NamedTuple):
    """One log: a topic and a partition number, from 0."""

    topic: str
    partition: int


class Message(NamedTuple):
    """What travels. A named tuple, because the relay makes tens of thousands a second."""

    topic: str
    key: bytes
    """What keeps order: the text of a UUID, as UTF-8 (CloudEvents ``partitionkey``)."""
    headers: Mapping[str, str]
    value: bytes
    partition: int = -1
    """-1 until the broker has it."""
    offset: int = -1
    """-1 until the broker has it."""

    @property
    def source(self) -> TopicPartition:
        """The log it came from."""
        return TopicPartition(self.topic, self.partition)


@dataclass(frozen=True)
class Batch:
    """Messages of one partition, ascending by offset, and where the reading of them began."""

    source: TopicPartition
    start: int
    """The offset asked for. A first message below it means that the log began anew."""
    messages: Sequence[Message]

    @property
    def end(self) -> int:
        """The offset after the last message."""
        return self.messages[-1].offset + 1


Positions = Callable[[Collection[TopicPartition]], Awaitable[Mapping[TopicPartition, int]]]
"""Asks the consumer's database for the next offset of each partition just assigned."""


class BrokerUnavailable(ConnectionError):
    """The broker does not answer, or has lost the connection. Passes; try again."""


class Producer(Protocol):
    """Writes to the log."""

    async def send_batch(self, messages: Sequence[Message]) -> None:
        """Write all; return when the broker has acknowledged every one.

        Order within a partition is the order given. After an error any part may have been
        written: send the whole batch again. Raises ``BrokerUnavailable`` when that may help.
        """
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class Subscription(Protocol):
    """One member of a group."""

    @property
    def assignment(self) -> frozenset[TopicPartition]:
        """The partitions this member has now."""
        ...

    async def fetch(self, limit: int, wait: float) -> list[Batch]:
        """What has come for this member: at most ``limit`` messages a partition.

        Waits up to ``wait`` seconds for the first. Calling it says that the batches returned
        before are done with: partitions that another member should have are let go of here.
        Partitions newly assigned are first positioned by ``Positions``, whose errors pass through.
        Raises ``BrokerUnavailable``; the next call connects anew.
        """
        ...

    def seek(self, source: TopicPartition, offset: int) -> None:
        """Read on from ``offset``; nothing when the partition is no longer assigned."""
        ...

    async def close(self) -> None:
        """Leave the group."""
        ...


class Broker(Protocol):
    """A Kafka cluster, or its twin."""

    async def ensure_topics(self, topics: Collection[str]) -> None:
        """Create what is missing; topics that exist stay as they are."""
        ...

    async def producer(self) -> Producer:
        """A new producer: idempotent where the broker knows the word, every write acknowledged."""
        ...

    async def subscribe(
        self, group: str, topics: Collection[str], positions: Positions, *, member: str = ""
    ) -> Subscription:
        """Join ``group``. ``member`` names this member across restarts (static membership)."""
        ...

    async def end_offsets(self, topics: Collection[str]) -> Mapping[TopicPartition, int]:
        """The next offset of every partition: what a lag is measured against."""
        ...

    async def close(self) -> None:
        """Let go of everything opened through this broker that is still open."""
        ...
