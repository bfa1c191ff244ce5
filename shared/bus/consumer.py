"""Takes a service's messages in: position and effect in one transaction, each event once.

A batch of one partition is one transaction of the service's database. It begins by locking the
partition's row (two owners of a partition wait for each other), skips what has come before by the
version of its stream, has the rest handled, and ends by moving the position. When handling fails
the transaction is rolled back and the batch is taken message by message: an outage is waited for,
contention is tried again, anything else is parked with its reason, and later messages of the same
key are parked behind it, so that a key's order holds; other keys go on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.bus import inbox
from shared.bus.faults import Fault, back_off, classify
from shared.bus.handler import Handler
from shared.bus.observe import LogObserver, Observer
from shared.bus.parking import Parked
from shared.bus.port import Batch, Broker, Subscription, TopicPartition
from shared.bus.triage import Sorted, Sorter, envelopes
from shared.store.database import Database, Transaction


@dataclass(frozen=True)
class ConsumerSettings:
    """How a consumer goes about it."""

    batch: int = 200
    """Most messages in one transaction."""
    wait: float = 1.0
    """Seconds a fetch waits for something to come."""
    parallel: int = 2
    """Partitions worked on at a time, each with a database connection."""
    tries: int = 8
    """How often contention is tried again before the message is parked."""
    heal_every: float = 2.0
    """Seconds between looks whether what parked messages wait for has come."""


Cure = Callable[[Transaction], Awaitable[object]]
"""Reads what a reason for parking hangs on: another answer than before, and it may be gone."""


class Consumer:
    """One member of a service's consumer group. ``name`` is the group: the service's name."""

    def __init__(
        self,
        name: str,
        database: Database,
        handler: Handler,
        *,
        settings: ConsumerSettings | None = None,
        observer: Observer | None = None,
        cures: Mapping[str, Cure] | None = None,
    ) -> None:
        self.name = name
        self._database = database
        self._handler = handler
        self._settings = settings or ConsumerSettings()
        self.observer = observer or LogObserver()
        self.parked = Parked(name, database, handler, observer=self.observer)
        self._cures = cures or {}
        self._known: dict[str, object] = {}

    async def run(self, broker: Broker, topics: Collection[str], *, member: str = "") -> None:
        """Consume until cancelled, through every outage."""
        subscription = await self._joined(broker, topics, member)
        healed = asyncio.get_running_loop().time()
        try:
            while True:
                await self._patiently(lambda: self.turn(subscription))
                if asyncio.get_running_loop().time() - healed > self._settings.heal_every:
                    await self._patiently(self.heal)
                    await self._patiently(self.cure)
                    healed = asyncio.get_running_loop().time()
        finally:
            await subscription.close()

    async def join(
        self, broker: Broker, topics: Collection[str], *, member: str = ""
    ) -> Subscription:
        """Join the group, at the positions this service's database knows."""
        await broker.ensure_topics(topics)
        return await broker.subscribe(self.name, topics, self._positions, member=member)

    async def turn(self, subscription: Subscription) -> int:
        """Fetch once and take in what came. Returns how many events were new."""
        fetched = await subscription.fetch(self._settings.batch, self._settings.wait)
        room = asyncio.Semaphore(self._settings.parallel)

        async def one(batch: Batch) -> int:
            async with room:
                return await self.take(batch, subscription)

        results = await asyncio.gather(*map(one, fetched), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return sum(result for result in results if isinstance(result, int))

    async def heal(self) -> int:
        """Replay what waited only for a version that has come since. Returns how many."""
        return await self.parked.heal()

    async def cure(self) -> int:
        """Replay what was parked for want of something that has come since. Returns how many.

        Only ever between two turns: what this member parks afterwards it has tried with what is
        there now. The first look after a start finds everything new.
        """
        done = 0
        for reason, read in self._cures.items():
            async with self._database.transaction() as tx:
                now = await read(tx)
            if reason not in self._known or self._known[reason] != now:
                done += await self.parked.retry(reason)
                self._known[reason] = now
        return done

    async def _joined(self, broker: Broker, topics: Collection[str], member: str) -> Subscription:
        joined: list[Subscription] = []

        async def attempt() -> None:
            joined.append(await self.join(broker, topics, member=member))

        while not joined:
            await self._patiently(attempt)
        return joined[0]

    async def _patiently(self, act: Callable[[], Awaitable[object]]) -> None:
        """Do it; on an error tell, wait and do it again, whatever the error: a consumer goes on."""
        attempt = 0
        while True:
            try:
                await act()
            except Exception as error:
                attempt += 1
                self.observer.retrying(f"consumer {self.name}", error, attempt)
                await asyncio.sleep(back_off(attempt))
            else:
                return

    async def _positions(self, sources: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        async with self._database.transaction() as tx:
            return await inbox.positions(tx.raw, self.name, sources)

    async def take(self, batch: Batch, subscription: Subscription) -> int:
        """Take a fetched batch in. Returns how many events were new.

        If it cannot be finished, it will be fetched again, and the error is raised.
        """
        try:
            taken = 0
            for piece in pieces(batch, self._settings.batch):
                settled = await self._settle(piece, subscription)
                taken += settled
        except BaseException:
            subscription.seek(batch.source, batch.start)
            raise
        return taken

    async def _settle(self, batch: Batch, subscription: Subscription) -> int:
        """One piece: whole if possible, else message by message, parking what fails."""
        fault = await self._tried(batch, subscription)
        if isinstance(fault, int):
            return fault
        if len(batch.messages) == 1:
            return await self._once(batch, subscription, fault)
        return sum([await self._settle(one, subscription) for one in pieces(batch, 1)])

    async def _tried(self, batch: Batch, subscription: Subscription) -> int | Exception:
        """Take the batch, waiting out what passes. The count, or the error that will not pass."""
        attempt = 0
        while True:
            try:
                return await self._once(batch, subscription)
            except Exception as error:
                kind = classify(error)
                if kind is Fault.OUTAGE:
                    raise  # fetched again after a pause: meanwhile the partition may move on
                attempt += 1
                if kind is Fault.LASTING or attempt > self._settings.tries:
                    return error
                self.observer.retrying(f"consumer {self.name}", error, attempt)
                await asyncio.sleep(back_off(attempt, first=0.01))

    async def _once(
        self, batch: Batch, subscription: Subscription, fault: Exception | None = None
    ) -> int:
        """One transaction: sort, handle, park, move on."""
        async with self._database.transaction() as tx:
            position = await inbox.lock(tx.raw, self.name, batch.source)
            began_anew = batch.messages[0].offset < batch.start
            if batch.start > position and not began_anew:
                subscription.seek(batch.source, position)  # a batch before this one was not taken
                return 0
            done = await self._sorted(tx, batch, 0 if began_anew else position, fault)
            if done.deliver:
                await self._handler.handle(tx, done.deliver)
            await self._record(tx, batch, position, done, began_anew=began_anew)
        self._tell(batch.source.topic, done)
        if done.filled:
            await self.heal()
        return done.received

    async def _sorted(
        self, tx: Transaction, batch: Batch, position: int, fault: Exception | None
    ) -> Sorted:
        fresh = [message for message in batch.messages if message.offset >= position]
        known = envelopes(fresh)
        streams = {item.stream_id for item in known}
        keys = {item.key for item in known}
        sorter = Sorter(
            await inbox.seen(tx.raw, self.name, streams),
            await inbox.open_of(tx.raw, self.name, batch.source.topic, keys, streams),
            self._handler.wants,
            self._handler.read,
        )
        for message in fresh:
            sorter.take(message, fault)
        return sorter.result

    async def _record(
        self, tx: Transaction, batch: Batch, position: int, done: Sorted, *, began_anew: bool
    ) -> None:
        source = batch.source
        await inbox.see(tx.raw, self.name, source.topic, done.versions)
        await inbox.park(tx.raw, self.name, done.park)
        end = batch.end if began_anew else max(position, batch.end)
        await inbox.advance(tx.raw, self.name, source, end, done.received)

    def _tell(self, topic: str, done: Sorted) -> None:
        if done.received:
            self.observer.received(self.name, topic, done.received)
        if done.repeated:
            self.observer.repeated(self.name, topic, done.repeated)
        for reason, count in done.reasons().items():
            self.observer.parked(self.name, topic, reason, count)


def pieces(batch: Batch, size: int) -> Iterator[Batch]:
    """The batch in pieces of at most ``size`` messages, each beginning where the last ended."""
    start = batch.start
    for first in range(0, len(batch.messages), size):
        part: Sequence[Any] = batch.messages[first : first + size]
        yield Batch(batch.source, start, part)
        start = part[-1].offset + 1
