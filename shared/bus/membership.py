"""How the members of a group share out the partitions of the embedded log.

Every member lists the living members and deals the partitions out by the same rule, so all come to
the same answer without a coordinator. A partition changes hands through an advisory lock: its owner
lets go when it has finished its batch, and only then does the other get it.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from shared.bus.connection import closed
from shared.bus.port import BrokerUnavailable, TopicPartition
from shared.kernel.ids import new_id

_ID = "hashtextextended('bus.member:' || {}, 0)"
_ALIVE = f"""
exists (select from pg_locks l
         where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
           and l.database = (select oid from pg_database where datname = current_database())
           and (l.classid::bigint << 32 | l.objid::bigint) = {_ID.format("m.member::text")})"""  # noqa: S608  (constants)
_OWN = "hashtextextended('bus.part:' || $1 || ':' || t || ':' || p, 0)"
_EACH = "unnest($2::text[], $3::int[]) u(t, p)"


class Membership:
    """One member, for as long as its connection lives."""

    def __init__(
        self,
        connection: "asyncpg.Connection[Any]",
        group: str,
        topics: Sequence[str],
        news: asyncio.Event,
    ) -> None:
        self.connection = connection
        self.changed = True
        """Whether the partitions may have to be shared out anew."""
        self._group = group
        self._topics = topics
        self._news = news
        self._id: UUID = new_id()

    @classmethod
    async def join(
        cls,
        connection: "asyncpg.Connection[Any]",
        group: str,
        topics: Sequence[str],
        news: asyncio.Event,
    ) -> "Membership":
        """Join the group on ``connection``; ``news`` is set when there may be something to do."""
        made = cls(connection, group, topics, news)
        await connection.add_listener("bus_log", made._written)
        await connection.add_listener("bus_group", made._regrouped)
        connection.add_termination_listener(made._ended)
        await connection.execute(f"select pg_advisory_lock({_ID.format('$1')})", str(made._id))
        await connection.execute(
            f"delete from bus.member m where group_name = $1 and not {_ALIVE}",  # noqa: S608
            group,
        )
        await connection.execute(
            "insert into bus.member(group_name, member, topics) values ($1, $2, $3)",
            group,
            made._id,
            list(topics),
        )
        await made._announce()
        return made

    async def share(
        self, owned: frozenset[TopicPartition]
    ) -> tuple[frozenset[TopicPartition], list[TopicPartition]]:
        """Let go of what others should have and take what is free: (kept, gained)."""
        self.changed = False
        wanted = await self._share_of_mine()
        if lost := owned - wanted:
            await self.release(lost)
        missing = wanted - owned
        gained = await self._take(missing) if missing else []
        return owned & wanted, gained

    async def release(self, sources: Collection[TopicPartition]) -> None:
        """Let go of partitions, and tell the others."""
        await self.connection.execute(
            f"select pg_advisory_unlock({_OWN}) from {_EACH}",  # noqa: S608  (constants)
            self._group,
            *_arrays(sources),
        )
        await self._announce()

    async def ends(self, sources: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The next offset of each partition; 0 for one that is not there (any more)."""
        rows = await self.connection.fetch(
            "select t, p, coalesce(h.next_offset, 0) from unnest($1::text[], $2::int[]) u(t, p)"
            " left join bus.head h on h.topic = t and h.part = p",
            *_arrays(sources),
        )
        return {TopicPartition(row[0], row[1]): row[2] for row in rows}

    async def leave(self) -> None:
        """Leave the group: everything this member had is free before the others are told."""
        try:
            await self.connection.execute("select pg_advisory_unlock_all()")
            await self.connection.execute(
                "delete from bus.member where group_name = $1 and member = $2",
                self._group,
                self._id,
            )
            await self._announce()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self.connection.terminate()  # the server lets go of its locks when the session ends
        await closed(self.connection)

    async def _share_of_mine(self) -> frozenset[TopicPartition]:
        members = await self.connection.fetch(
            f"select member, topics from bus.member m where group_name = $1"  # noqa: S608
            f" and {_ALIVE} order by member",
            self._group,
        )
        if all(row["member"] != self._id for row in members):
            raise BrokerUnavailable("this member is no longer in its group")
        heads = await self.connection.fetch(
            "select topic, part from bus.head where topic = any($1::text[]) order by topic, part",
            self._topics,
        )
        together = {row["member"]: row["topics"] for row in members}
        return deal([TopicPartition(*row) for row in heads], together)[self._id]

    async def _take(self, sources: Collection[TopicPartition]) -> list[TopicPartition]:
        rows = await self.connection.fetch(
            f"select t, p, pg_try_advisory_lock({_OWN}) from {_EACH}",  # noqa: S608  (constants)
            self._group,
            *_arrays(sources),
        )
        return [TopicPartition(row[0], row[1]) for row in rows if row[2]]

    async def _announce(self) -> None:
        await self.connection.execute("select pg_notify('bus_group', $1)", self._group)

    def _written(self, *heard: Any) -> None:
        if heard[-1] in self._topics:
            self._news.set()

    def _regrouped(self, *heard: Any) -> None:
        if heard[-1] == self._group:
            self.changed = True
            self._news.set()

    def _ended(self, *_: Any) -> None:
        self._news.set()


def deal(
    sources: Sequence[TopicPartition], members: Mapping[UUID, Collection[str]]
) -> dict[UUID, frozenset[TopicPartition]]:
    """Deal the partitions out in turn, each to a member that subscribes to its topic."""
    hands: dict[UUID, set[TopicPartition]] = {member: set() for member in members}
    turn = 0
    for source in sources:
        able = sorted(member for member, topics in members.items() if source.topic in topics)
        if able:
            hands[able[turn % len(able)]].add(source)
            turn += 1
    return {member: frozenset(hand) for member, hand in hands.items()}


def _arrays(sources: Collection[TopicPartition]) -> tuple[list[str], list[int]]:
    ordered = sorted(sources)
    return [source.topic for source in ordered], [source.partition for source in ordered]
