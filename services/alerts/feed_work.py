"""The worker that compares files: one at a time, block after block, from where it was.

Rows are read and checked in a process of their own, the next block while the database works on the
one before. Several workers may run: each takes a file that no other has.
"""

import asyncio
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, TypeVar
from uuid import UUID

import structlog

from services.alerts.domain import feed_commands as c
from services.alerts.domain.feed import FEED, feed_id
from services.alerts.domain.feed_file import FEED_FILE, FeedFile
from services.alerts.handlers.tools import Tools
from services.alerts.read_models import feed_parts, feed_queries
from services.alerts.reading import file as reading
from services.alerts.reading.plan import Block, Plan
from shared.kernel.event import Cause
from shared.kernel.principal import system
from shared.kernel.refusal import OutOfOrder
from shared.store import event_store
from shared.store.application import Application
from shared.store.collecting import rarely_collecting

T = TypeVar("T")
_US = system("alerts")
_AHEAD = 32
"""Parts of a file that are under way to the other process: it takes its time to begin."""
_MINE = "select pg_try_advisory_lock(4, hashtext($1))"
_DONE = "select pg_advisory_unlock(4, hashtext($1))"
_log = structlog.get_logger("dixian.feeds")


@dataclass(frozen=True)
class Sizes:
    """How much is done at a time."""

    rows: int = 50_000
    """Rows of a block: one transaction."""
    open_rows: int = 2_000
    """Of which so many may become leads."""
    first: int = 10_000
    """Rows of the block that the database waits for."""


def own_process() -> Executor:
    """Another interpreter: rows are checked without holding this one up."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_begun)


def _begun() -> None:
    """In the other process: it ends with this one, however that ends, and not by Ctrl-C before."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)


class FeedWorker:
    """Compares what has come in."""

    def __init__(
        self,
        application: Application,
        tools: Tools,
        *,
        executor: Callable[[], Executor] = own_process,
        sizes: Sizes | None = None,
    ) -> None:
        self._application, self._tools = application, tools
        self._make, self._executor = executor, None
        self._sizes = sizes or Sizes()
        self._resting: dict[UUID, tuple[int, float]] = {}

    _executor: Executor | None

    async def run(self, rest: float = 1.0) -> None:
        """Work until cancelled."""
        try:
            while True:
                if not await self.once():
                    self.close()  # until the next file it would only hold memory
                    await asyncio.sleep(rest)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the other process."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None

    async def once(self) -> bool:
        """Compare the next file to its end; whether there was one."""
        async with self._application.database.reading() as tx:
            waiting = await feed_queries.waiting(tx.raw, self._left_alone())
            for file_id in waiting:
                if await tx.raw.fetchval(_MINE, str(file_id)):
                    try:
                        await self._try(file_id)
                    finally:
                        await tx.raw.execute(_DONE, str(file_id))
                    return True
        return False

    async def _try(self, file_id: UUID) -> None:
        try:
            await self._compare(file_id)
            self._resting.pop(file_id, None)
        except OutOfOrder:
            return  # another worker was faster
        except Exception as error:
            # One file's fault is no other's: it is told, and tried again later.
            times = self._resting.get(file_id, (0, 0.0))[0] + 1
            until = asyncio.get_running_loop().time() + min(2.0**times, 900.0)
            self._resting[file_id] = times, until
            _log.exception("feeds.file-failed", file_id=str(file_id), times=times)
            if isinstance(error, BrokenProcessPool):
                self.close()

    def _left_alone(self) -> list[UUID]:
        now = asyncio.get_running_loop().time()
        return [file_id for file_id, (_, until) in self._resting.items() if until > now]

    async def _compare(self, file_id: UUID) -> None:
        file, cause = await self._load(file_id)
        with rarely_collecting():
            async with self._reading(file_id, file) as (unreadable, expected):
                fault = unreadable or await self._blocks(file_id, file, cause, expected)
        await self._application.execute(c.FinishFeed(file_id=file_id, refusal=fault), _US, cause)

    async def _blocks(
        self, file_id: UUID, file: FeedFile, cause: Cause, expected: int | None
    ) -> str:
        """Compare block after block; the code of what made the rest unreadable, if anything."""
        number = file.blocks
        coming = asyncio.ensure_future(
            self._next(file_id, min(self._sizes.first, self._sizes.rows))
        )
        try:
            while True:
                block = await coming
                if not block.ended:
                    coming = asyncio.ensure_future(self._next(file_id, self._sizes.rows))
                if block.rows:
                    number += 1
                    command = c.CompareRows(
                        file_id=file_id, block=number, expected=expected, rows=block
                    )
                    await self._application.execute(command, _US, cause)
                if block.ended:
                    return block.fault
        finally:
            coming.cancel()

    async def _next(self, file_id: UUID, rows: int) -> Block:
        return await self._elsewhere(reading.block, file_id, rows, self._sizes.open_rows)

    async def _load(self, file_id: UUID) -> tuple[FeedFile, Cause]:
        async with self._application.database.reading() as tx:
            history = await event_store.load(tx.raw, self._application.service, file_id)
        began = history[0]
        cause = Cause(
            correlation_id=began.metadata.correlation_id,
            causation_id=began.event_id,
            traceparent=began.metadata.traceparent,
        )
        return FEED_FILE.fold([item.event for item in history]), cause

    @asynccontextmanager
    async def _reading(
        self, file_id: UUID, file: FeedFile
    ) -> AsyncIterator[tuple[str, int | None]]:
        """The file in the other process, ready for the rows that are still to be compared."""
        plan = await self._plan(file)
        handed = deque([asyncio.ensure_future(self._elsewhere(reading.begin, file_id, plan))])
        try:
            async with self._application.database.reading() as tx:
                async for part in feed_parts.each(tx.raw, self._tools.vault, file_id, tx.clock):
                    adding = self._elsewhere(reading.add, file_id, part)
                    handed.append(asyncio.ensure_future(adding))
                    if len(handed) > _AHEAD:
                        await handed.popleft()
            while handed:
                await handed.popleft()
            yield await self._elsewhere(reading.ready, file_id, file.last_row)
        finally:
            for waiting in handed:
                waiting.cancel()
            await self._elsewhere(reading.end, file_id)

    async def _plan(self, file: FeedFile) -> Plan:
        assert file.received is not None
        async with self._application.database.reading() as tx:
            history = await event_store.load(
                tx.raw, self._application.service, feed_id(file.received.feed)
            )
            today = tx.clock.today()
        return Plan(
            feed=file.received.feed,
            division=file.received.division,
            mapping=file.mapping,
            book=FEED.fold([item.event for item in history]).book,
            today=today,
            index=self._tools.index,
        )

    async def _elsewhere(self, work: Callable[..., T], *arguments: Any) -> T:
        if self._executor is None:
            self._executor = self._make()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, partial(work, *arguments))


__all__ = ["FeedWorker", "Sizes", "own_process"]
