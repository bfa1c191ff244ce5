"""Makes a service's read models anew from its events, beside the live ones, while it goes on.

1. Every stream is folded in the order of the primary key and its rows are written with COPY into
   copies of the tables. This may be stopped at any time and goes on where it was.
2. Streams that were appended to meanwhile are folded again: those with an event that the snapshot
   taken at the beginning does not show.
3. Under a lock that makes appends wait, the last few are caught up and the copies are put in the
   place of the live tables, all in one short transaction.

Run by the owner role. The clocks (``es.deadline``) are made anew too.
"""

import asyncio
import hashlib
import inspect
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from shared.kernel.decider import Aggregate
from shared.store import event_store
from shared.store.beside import NEXT, OLD, Beside
from shared.store.bulk import Rows
from shared.store.collecting import rarely_collecting
from shared.store.connecting import connect
from shared.store.views import View, table_name

_PAGE = 4000
_SMALL = 500
"""So few streams may be caught up while appends wait."""
_ROUNDS = 20
_PATIENCE = 30
_BEFORE_ALL = UUID(int=0)
# Only a stream's last row needs all its columns; leaving them out of the others, which a rebuild
# reads by the million, saves a third of the time.
_NARROW = """
select stream_id, version, type, schema_version, data::text as data,
       case when last then pos end as pos,
       case when last then event_id end as event_id,
       case when last then category end as category,
       case when last then key end as key,
       case when last then region end as region,
       case when last then occurred_on end as occurred_on,
       case when last then recorded_at end as recorded_at,
       case when last then meta::text end as meta
  from (select *, lead(stream_id) over (order by stream_id, version)
                  is distinct from stream_id as last
          from ({rows}) as wanted) as marked
 order by stream_id, version
"""
_ROWS = _NARROW.format(
    rows="select * from es.event where (stream_id, version) > ($1, $2)"
    " order by stream_id, version limit $3"
)
_STREAMS = _NARROW.format(rows="select * from es.event where stream_id = any($1::uuid[])")
_SINCE = """
select distinct stream_id from es.event
 where (tx >= pg_snapshot_xmax($1::text::pg_snapshot)
        or tx = any (array(select pg_snapshot_xip($1::text::pg_snapshot))))
   and pg_visible_in_snapshot(tx, $2::text::pg_snapshot)
"""
_STATE = f"create table {NEXT}.rebuild (code text, snapshot text, stream uuid, events bigint)"
_LOCK = "lock table es.event in share mode"


class AlreadyRunning(Exception):
    """Another rebuild of this database is under way."""


@dataclass(frozen=True)
class Progress:
    """How far a rebuild is."""

    phase: str
    """``fold``, ``index``, ``catch-up``, ``swap`` or ``done``."""
    events: int
    """Events folded so far, those of an interrupted run included."""
    expected: int
    """About how many there are."""
    seconds: float
    """Since this run began."""
    rate: float
    """Events folded a second, in this run."""


async def rebuild(
    url: str,
    service: str,
    aggregates: Sequence[Aggregate[Any]],
    views: Sequence[View[Any]],
    *,
    progress: Callable[[Progress], None] = lambda _progress: None,
    page: int = _PAGE,
) -> Progress:
    """Make all read models and clocks of a service anew. ``url`` is the owner's.

    Cancelled or killed, it leaves the live tables as they are, and the next run goes on from the
    last page (from the beginning when the code has changed). Raises ``AlreadyRunning``,
    ``CannotBeReplaced``, and whatever a projection raises: a fault is never skipped.
    """
    work = _Rebuild(url, service, aggregates, views, progress=progress, page=page)
    with rarely_collecting():
        try:
            await work.open()
            return await work.run()
        finally:
            await work.close()


class _Rebuild:
    def __init__(
        self,
        url: str,
        service: str,
        aggregates: Sequence[Aggregate[Any]],
        views: Sequence[View[Any]],
        *,
        progress: Callable[[Progress], None],
        page: int,
    ) -> None:
        self._url, self._service, self._page, self._tell = url, service, page, progress
        self._aggregates = {aggregate.name: aggregate for aggregate in aggregates}
        self._views: dict[str, list[View[Any]]] = {}
        for view in views:
            self._views.setdefault(view.category, []).append(view)
        tables = dict.fromkeys(table_name(view.table) for view in views)
        self._beside = [Beside("rm", name) for name in tables] + [Beside("es", "deadline")]
        self._code = _fingerprint(aggregates, views)
        self._connections: list[asyncpg.Connection[Any]] = []
        self._writing: asyncio.Task[None] | None = None
        self._events = self._resumed = self._expected = 0
        self._began = time.monotonic()

    # -- the flow ---------------------------------------------------------------------------------

    async def open(self) -> None:
        """Two connections: one reads ahead while the other writes."""
        for _ in range(2):
            self._connections.append(await connect(self._url))
        self._read, self._write = self._connections
        if not await self._write.fetchval("select pg_try_advisory_lock(20230801)"):
            raise AlreadyRunning

    async def close(self) -> None:
        for connection in self._connections:
            with suppress(OSError, asyncpg.InterfaceError, asyncpg.PostgresError):
                await connection.close(timeout=5)

    async def run(self) -> Progress:
        snapshot, after = await self._resume() or await self._begin()
        await self._fold(after)
        self._report("index")
        for beside in self._beside:
            await beside.index(self._write)
        snapshot = await self._catch_up(snapshot)
        await self._swap(snapshot)
        return self._report("done")

    def _report(self, phase: str) -> Progress:
        seconds = time.monotonic() - self._began
        folded = self._events - self._resumed
        told = Progress(phase, self._events, self._expected, seconds, folded / max(seconds, 1e-9))
        self._tell(told)
        return told

    # -- beginning, or going on -------------------------------------------------------------------

    async def _begin(self) -> tuple[str, UUID]:
        """Empty copies; the snapshot that says what is caught up on afterwards."""
        async with self._write.transaction():
            for schema in (NEXT, OLD):
                await self._write.execute(f"drop schema if exists {schema} cascade")
                await self._write.execute(f"create schema {schema}")
            for beside in self._beside:
                await beside.create(self._write)
            await self._write.execute(_STATE)
            snapshot: str = await self._write.fetchval("select pg_current_snapshot()::text")
            await self._write.execute(
                f"insert into {NEXT}.rebuild values ($1, $2, $3, 0)",  # noqa: S608  # a constant
                self._code,
                snapshot,
                _BEFORE_ALL,
            )
        await self._count()
        return snapshot, _BEFORE_ALL

    async def _resume(self) -> tuple[str, UUID] | None:
        """Where an interrupted run of the same code had come to; ``None`` when there is none."""
        if await self._write.fetchval(f"select to_regclass('{NEXT}.rebuild')") is None:
            return None
        row = await self._write.fetchrow(f"select * from {NEXT}.rebuild")  # noqa: S608
        if row is None or row["code"] != self._code or await self._indexed():
            return None
        self._events = self._resumed = row["events"]
        await self._count()
        return row["snapshot"], row["stream"]

    async def _indexed(self) -> bool:
        """Whether the earlier run had come past the folding: then it begins anew."""
        found: bool = await self._write.fetchval(
            "select exists (select from pg_indexes where schemaname = $1)", NEXT
        )
        return found

    async def _count(self) -> None:
        self._expected = await self._write.fetchval("select last_value from es.event_pos")

    # -- folding ----------------------------------------------------------------------------------

    async def _fold(self, after: UUID) -> None:
        """Every stream after ``after``, a page at a time; a stream cut by a page waits for more.

        One page is read and one is written while another is folded.
        """
        kept: list[Any] = []
        try:
            async for page in self._pages(after):
                rows = kept + page
                cut = len(rows) if len(page) < self._page else _begin_of_last(rows)
                kept = rows[cut:]
                if cut:
                    made = self._project(rows[:cut])
                    await self._written()
                    self._report("fold")
                    self._writing = asyncio.ensure_future(
                        self._fill(made, rows[cut - 1]["stream_id"], self._events)
                    )
            await self._written()
        finally:
            if self._writing is not None:
                self._writing.cancel()

    async def _written(self) -> None:
        """Wait for the page on its way into the copies."""
        if self._writing is not None:
            await self._writing
            self._writing = None

    async def _pages(self, after: UUID) -> AsyncIterator[list[Any]]:
        """Pages in the order of streams and versions; the next is fetched while one is folded."""
        ahead = self._fetch((after, 2**31 - 1))
        while True:
            page = await ahead
            if len(page) < self._page:
                yield page
                return
            ahead = self._fetch((page[-1]["stream_id"], page[-1]["version"]))
            await asyncio.sleep(0)  # so that the question is on its way before the folding begins
            try:
                yield page
            except GeneratorExit:
                ahead.cancel()
                raise

    def _fetch(self, position: tuple[UUID, int]) -> "asyncio.Task[list[Any]]":
        return asyncio.ensure_future(self._read.fetch(_ROWS, *position, self._page))

    async def _fill(self, made: Rows, stream: UUID, events: int) -> None:
        async with self._write.transaction():
            await self._copy(made)
            await self._write.execute(
                f"update {NEXT}.rebuild set stream = $1, events = $2",  # noqa: S608  # a constant
                stream,
                events,
            )

    def _project(self, rows: Sequence[Any]) -> Rows:
        made = Rows()
        for stream in _streams(rows):
            aggregate = self._aggregates[stream[-1]["category"]]
            events = [event_store.decoded(self._service, row) for row in stream]
            state = aggregate.fold(events)
            last = event_store.recorded(self._service, stream[-1], events[-1])
            made.add(self._views.get(aggregate.name, ()), state, aggregate.clocks(state), last)
        self._events += len(rows)
        return made

    async def _copy(self, rows: Rows) -> None:
        await rows.copy(self._write, views=NEXT, clocks=NEXT)

    # -- catching up and swapping -----------------------------------------------------------------

    async def _catch_up(self, done: str) -> str:
        """Fold again what was appended to since ``done``, until that is little."""
        for _ in range(_ROUNDS):
            upto, streams = await self._since(done)
            self._report("catch-up")
            async with self._write.transaction():
                await self._again(streams)
            done = upto
            if len(streams) <= _SMALL:
                break
        return done

    async def _since(self, done: str) -> tuple[str, list[UUID]]:
        upto: str = await self._write.fetchval("select pg_current_snapshot()::text")
        rows = await self._write.fetch(_SINCE, done, upto)
        return upto, [row["stream_id"] for row in rows]

    async def _again(self, streams: Sequence[UUID]) -> None:
        for first in range(0, len(streams), _SMALL):
            part = list(streams[first : first + _SMALL])
            for beside in self._beside:
                await self._write.execute(
                    f"delete from {beside.copy} where stream_id = any($1)",  # noqa: S608
                    part,
                )
            await self._copy(self._project(await self._write.fetch(_STREAMS, part)))

    async def _swap(self, done: str) -> None:
        """Appends wait for a moment; whoever would make them wait long makes this try again."""
        for attempt in range(_PATIENCE):
            try:
                self._report("swap")
                await self._try_to_swap(done)
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
                if attempt == _PATIENCE - 1:
                    raise
                await asyncio.sleep(min(0.1 * 2**attempt, 5.0))
                done = await self._catch_up(done)
            else:
                return

    async def _try_to_swap(self, done: str) -> None:
        async with self._write.transaction():
            await self._write.execute("set local lock_timeout = '1s'")
            await self._write.execute(_LOCK)
            _, streams = await self._since(done)
            await self._again(streams)
            for beside in self._beside:
                await beside.swap(self._write)
            await self._write.execute(f"drop schema {OLD} cascade")
            await self._write.execute(f"drop schema {NEXT} cascade")


def _streams(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The rows in runs of one stream each."""
    first = 0
    for position in range(1, len(rows) + 1):
        if position == len(rows) or rows[position]["stream_id"] != rows[first]["stream_id"]:
            yield rows[first:position]
            first = position


def _begin_of_last(rows: Sequence[Any]) -> int:
    """Where the last stream begins: it may go on in the next page."""
    position = len(rows) - 1
    while position > 0 and rows[position - 1]["stream_id"] == rows[-1]["stream_id"]:
        position -= 1
    return position


def _fingerprint(aggregates: Sequence[Aggregate[Any]], views: Sequence[View[Any]]) -> str:
    """Of the code that folds and projects: an interrupted run is not continued by another code."""
    functions = chain(
        (function for item in aggregates for function in (item.evolve, item.clocks)),
        (view.rows for view in views),
    )
    files = sorted({inspect.getfile(inspect.unwrap(function)) for function in functions})
    return hashlib.sha256(b"\0".join(Path(file).read_bytes() for file in files)).hexdigest()
