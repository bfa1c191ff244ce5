"""Kafka's twin: the same topics, partitions, offsets and groups as a log in PostgreSQL.

The log is the database ``dixian_bus``. A group's members find each other in ``bus.member`` and
share the partitions out by the same rule; a member owns a partition while its session holds the
partition's advisory lock, so the partitions of a process that dies are free at once. Writers
notify; readers wait for that and look by themselves only once a second.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
import orjson

from shared.bus.connection import Connect, closed
from shared.bus.faults import Fault, classify
from shared.bus.membership import Membership
from shared.bus.partition import partition_of
from shared.bus.port import Batch, BrokerUnavailable, Message, Positions, TopicPartition

_READ = """
select u.topic, u.part, l.off, l.key, l.headers::text, l.value
  from unnest($1::text[], $2::int[], $3::bigint[]) u(topic, part, pos)
 cross join lateral (
    select off, key, headers, value from bus.log
     where log.topic = u.topic and log.part = u.part and log.off >= u.pos
     order by off limit $4) l
 order by u.topic, u.part, l.off"""


class EmbeddedBroker:
    """The twin's front door; ``connect`` opens connections to the database ``dixian_bus``."""

    def __init__(self, connect: Connect, *, partitions: int = 8, look_every: float = 1.0) -> None:
        self._connect = connect
        self._partitions = partitions
        self._look_every = look_every
        self._open: list[EmbeddedProducer | EmbeddedSubscription] = []
        self._control: asyncpg.Connection[Any] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def ensure_topics(self, topics: Collection[str]) -> None:
        """Create what is missing, with the number of partitions this broker was made with."""
        async with self._controlling() as connection:
            await connection.execute(
                "insert into bus.head(topic, part)"
                " select t, p from unnest($1::text[]) t, generate_series(0, $2 - 1) p"
                " where not exists (select from bus.head where topic = t)"
                " on conflict do nothing",
                list(topics),
                self._partitions,
            )

    async def producer(self) -> "EmbeddedProducer":
        """A new producer with a connection of its own."""
        with reaching():
            made = EmbeddedProducer(await self._connect())
        self._open.append(made)
        return made

    async def subscribe(
        self,
        group: str,
        topics: Collection[str],
        positions: Positions,
        *,
        member: str = "",  # noqa: ARG002  (an owner here is its session: nothing outlives it)
    ) -> "EmbeddedSubscription":
        """Join the group."""
        made = EmbeddedSubscription(
            self._connect, group, topics, positions, look_every=self._look_every
        )
        self._open.append(made)
        return made

    async def end_offsets(self, topics: Collection[str]) -> Mapping[TopicPartition, int]:
        """The next offset of every partition."""
        async with self._controlling() as connection:
            rows = await connection.fetch(
                "select topic, part, next_offset from bus.head where topic = any($1::text[])",
                list(topics),
            )
        return {TopicPartition(row[0], row[1]): row[2] for row in rows}

    async def close(self) -> None:
        """Close what is still open."""
        for each in self._open:
            await each.close()
        self._open.clear()
        if self._control is not None:
            await closed(self._control)
            self._control = None

    @asynccontextmanager
    async def _controlling(self) -> AsyncIterator["asyncpg.Connection[Any]"]:
        """The connection for questions about the log; a new one when the last was lost."""
        async with self._one_at_a_time:
            with reaching():
                if self._control is None or self._control.is_closed():
                    self._control = await self._connect()
                yield self._control


class EmbeddedProducer:
    """Appends to the log: one statement, one commit for the messages of a topic."""

    def __init__(self, connection: "asyncpg.Connection[Any]") -> None:
        self._connection = connection
        self._counts: dict[str, int] = {}

    async def send_batch(self, messages: Sequence[Message]) -> None:
        """Append all; committed and flushed when it returns."""
        by_topic: defaultdict[str, list[Message]] = defaultdict(list)
        for message in messages:
            by_topic[message.topic].append(message)
        with reaching():
            for topic, some in by_topic.items():
                await self._append(topic, some)

    async def close(self) -> None:
        """Let go of the connection."""
        await closed(self._connection)

    async def _append(self, topic: str, messages: Sequence[Message]) -> None:
        count = await self._count(topic)
        await self._connection.execute(
            "select bus.append($1, $2, $3, $4, $5)",
            topic,
            [partition_of(message.key, count) for message in messages],
            [message.key for message in messages],
            [orjson.dumps(message.headers).decode() for message in messages],
            [message.value for message in messages],
        )

    async def _count(self, topic: str) -> int:
        if topic not in self._counts:
            found = await self._connection.fetchval(
                "select count(*) from bus.head where topic = $1", topic
            )
            if not found:
                raise LookupError(f"there is no topic {topic}")
            self._counts[topic] = found
        return self._counts[topic]


class EmbeddedSubscription:
    """One member of a group. Connects on the first fetch, and anew after a lost connection."""

    def __init__(
        self,
        connect: Connect,
        group: str,
        topics: Collection[str],
        positions: Positions,
        *,
        look_every: float,
    ) -> None:
        self._connect = connect
        self._group = group
        self._topics = sorted(topics)
        self._ask = positions
        self._look_every = look_every
        self._at: dict[TopicPartition, int] = {}
        self._sought: dict[TopicPartition, int] = {}
        self._asked: dict[TopicPartition, int] = {}
        self._news = asyncio.Event()
        self._membership: Membership | None = None
        self._looked = 0.0

    @property
    def assignment(self) -> frozenset[TopicPartition]:
        """The partitions this member owns now."""
        return frozenset(self._at)

    def seek(self, source: TopicPartition, offset: int) -> None:
        """Read on from ``offset``."""
        if source in self._at:
            self._sought[source] = offset

    async def fetch(self, limit: int, wait: float) -> list[Batch]:
        """What has come, or nothing after ``wait`` seconds."""
        now = asyncio.get_running_loop().time
        until = now() + wait
        while True:
            self._news.clear()
            await self._rebalanced(now())
            batches = await self._read(limit)
            left = until - now()
            if batches or left <= 0:
                return batches
            await self._for_news(min(left, self._look_every))

    async def close(self) -> None:
        """Leave the group; its partitions are free for the others at once."""
        membership, self._membership = self._membership, None
        self._at.clear()
        if membership is not None:
            await membership.leave()

    async def _for_news(self, longest: float) -> None:
        try:
            async with asyncio.timeout(longest):
                await self._news.wait()
        except TimeoutError:
            return  # time for a look by itself

    async def _rebalanced(self, now: float) -> None:
        """Bring the owned partitions in line with the group, when it changed or it is time."""
        async with self._group_of() as membership:
            if not membership.changed and now - self._looked < self._look_every:
                return
            kept, gained = await membership.share(frozenset(self._at))
        self._at = {source: self._at[source] for source in kept}
        if gained:
            await self._gain(gained)
        self._looked = now

    async def _gain(self, gained: Collection[TopicPartition]) -> None:
        try:
            asked = await self._ask(gained)
        except BaseException:
            async with self._group_of() as membership:
                await membership.release(gained)
            raise
        self._at.update(asked)
        self._sought.update(asked)

    async def _placed(self, membership: Membership) -> None:
        """Carry the seeks out. One beyond the end: the log was made anew, so from its beginning."""
        sought = {at: offset for at, offset in self._sought.items() if at in self._at}
        self._sought.clear()
        if not sought:
            return
        ends = await membership.ends(sought)
        for source, offset in sought.items():
            self._at[source] = offset if offset <= ends[source] else 0
            self._asked[source] = offset

    async def _read(self, limit: int) -> list[Batch]:
        if not self._at:
            return []
        async with self._group_of() as membership:
            await self._placed(membership)
            sources = list(self._at)
            rows = await membership.connection.fetch(
                _READ,
                [source.topic for source in sources],
                [source.partition for source in sources],
                [self._at[source] for source in sources],
                limit,
            )
        found: defaultdict[TopicPartition, list[Message]] = defaultdict(list)
        for topic, part, off, key, headers, value in rows:
            found[TopicPartition(topic, part)].append(
                Message(topic, key, orjson.loads(headers), value, part, off)
            )
        return [self._batch(source, some) for source, some in found.items()]

    def _batch(self, source: TopicPartition, messages: list[Message]) -> Batch:
        start = self._asked.pop(source, self._at[source])
        batch = Batch(source, start, messages)
        self._at[source] = batch.end
        return batch

    @asynccontextmanager
    async def _group_of(self) -> AsyncIterator[Membership]:
        """The membership, joined if need be; when its connection fails it is given up."""
        try:
            with reaching():
                if self._membership is None:
                    self._membership = await self._joined()
                yield self._membership
        except BrokerUnavailable:
            membership, self._membership = self._membership, None
            self._at.clear()
            if membership is not None:
                membership.connection.terminate()
            raise

    async def _joined(self) -> Membership:
        connection = await self._connect()
        try:
            return await Membership.join(connection, self._group, self._topics, self._news)
        except BaseException:
            connection.terminate()
            raise


@contextmanager
def reaching() -> Iterator[None]:
    """Turn a lost or refused connection into ``BrokerUnavailable``."""
    try:
        yield
    except BrokerUnavailable:
        raise
    except Exception as error:
        if classify(error) is Fault.OUTAGE:
            raise BrokerUnavailable(f"the embedded log: {error!r}") from error
        raise
