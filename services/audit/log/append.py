"""Appending: a batch of events becomes entries, tiles and a new head, in the caller's transaction.

The consumer's transaction is the only writer's. A batch is sealed and hashed a few entries at a
time, while the database looks up what it knows of them and stores the ones before. Nothing is
signed here: a checkpoint is made of what has been committed.
"""

import asyncio
import io
import os
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

import asyncpg

from services.audit.domain import leaf, merkle
from services.audit.domain.leaf import Entry, Leaf
from services.audit.domain.merkle import Head, TileId
from services.audit.log import completeness, copying
from shared.kernel.clock import SHANGHAI, Clock

A = TypeVar("A")
B = TypeVar("B")
_TURN = 25
"""Entries sealed, and sent, before the connection gets its turn."""

_LOCK = "select pg_advisory_xact_lock(6962, hashtext($1))"
_CURRENT = """
select l.log_id, l.year, h.size, h.edge
  from audit.log l join audit.log_head h using (log_id)
 where l.province = $1 order by l.year desc limit 1
"""
_SEEN = "select event_id from audit.entry where event_id = any($1::uuid[])"
_MOVE_HEAD = """
with filled as (
    insert into audit.tile (log_id, level, n, hashes)
    select $1::int, * from unnest($5::smallint[], $6::bigint[], $7::bytea[])
)
update audit.log_head set size = $3, edge = $4 where log_id = $1 and size = $2
"""


class Transaction(Protocol):
    """An open transaction; ``raw`` is the asyncpg connection it runs on."""

    @property
    def raw(self) -> Any:
        """The asyncpg connection."""
        ...


@dataclass(frozen=True)
class LogName:
    """Whose logs these are: ``dixian.example`` and a province make ``dixian.example/37/2026``."""

    operator: str
    """A name of the operator's that no other log uses, by convention a domain."""
    province: str
    """The province's two digits."""

    def origin(self, year: int) -> str:
        """The log's name in checkpoints and keys."""
        return f"{self.operator}/{self.province}/{year}"


@dataclass(frozen=True)
class Appended:
    """What a batch did: where its new entries stand, and how many had been there before."""

    log_id: int
    start: int
    """The index of the first new entry."""
    size: int
    """The log's size now."""
    repeated: int

    @property
    def count(self) -> int:
        """How many entries were added."""
        return self.size - self.start


class LogWriter:
    """Appends to a province's log of the year, and turns to a new log when the year turns.

    The year is the real one, in Asia/Shanghai, at the time of appending, so that a log's entries
    never depend on clocks that a demo moves.
    """

    def __init__(self, name: LogName, clock: Clock) -> None:
        self._name = name
        self._clock = clock

    def now(self) -> datetime:
        """The log's own time: the real one."""
        return self._clock.now()

    async def append(self, tx: Transaction, entries: Sequence[Entry]) -> Appended:
        """Append those of ``entries`` whose event is not in any log yet, in their order.

        Raises ``NotCanonical`` for data without a canonical form; nothing is then appended.
        """
        raw = tx.raw
        once = list({entry.event_id: entry for entry in reversed(entries)}.values())[::-1]
        ready: _Ready = asyncio.Queue()
        before, sealed = await _both(self._stored(raw, once, ready), _sealed(once, ready))
        log_id, head = before.log_id, before.head
        new = [item for item in sealed if item.entry.event_id not in before.seen]
        if new:
            await _write_openings(raw, log_id, head.size, new)
            grown, full = merkle.extend(head, b"".join(item.hash for item in new))
            await _move_head(raw, log_id, head, grown, full)
            fresh = [item.entry for item in new]
            await completeness.check(raw, fresh, before.versions, self._clock.now())
        return Appended(log_id, head.size, head.size + len(new), len(entries) - len(new))

    async def _stored(
        self, raw: "asyncpg.Connection[Any]", entries: Sequence[Entry], ready: "_Ready"
    ) -> "_Before":
        """Write what gets ``ready`` of the entries, but for the events already in a log."""
        await raw.execute(_LOCK, self._name.province)
        log_id, head = await self._current(raw)
        rows = await raw.fetch(_SEEN, [entry.event_id for entry in entries])
        seen = {row["event_id"] for row in rows}
        versions = await completeness.versions(raw, entries)
        await raw.copy_to_table(
            "entry",
            schema_name="audit",
            columns=copying.COLUMNS,
            source=_rows(log_id, head.size, seen, ready),
            format="binary",
        )
        return _Before(log_id, head, seen, versions)

    async def _current(self, raw: "asyncpg.Connection[Any]") -> tuple[int, Head]:
        """The log of the year and its head. A clock that went back stays with the newest log."""
        year = self._clock.now().astimezone(SHANGHAI).year
        row = await raw.fetchrow(_CURRENT, self._name.province)
        if row is not None and row["year"] >= year:
            return row["log_id"], Head(row["size"], tuple(row["edge"]))
        log_id = await raw.fetchval(
            "select audit.open_log($1, $2, $3)",
            self._name.origin(year),
            self._name.province,
            year,
        )
        return log_id, Head()


class _Sealed(NamedTuple):
    entry: Entry
    leaf: Leaf
    hash: bytes


class _Before(NamedTuple):
    """What a batch was added to."""

    log_id: int
    head: Head
    seen: set[UUID]
    """Events of the batch that were in a log already."""
    versions: dict[UUID, int]
    """How far each of its streams was."""


_Ready = asyncio.Queue[list[_Sealed]]
"""What was sealed and is not stored yet, a turn at a time; an empty turn when that was all."""


async def _both(asked: Awaitable[A], sealing: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """What the database answers, and what is made meanwhile; the connection is free afterwards."""
    answer, made = await asyncio.gather(asked, sealing, return_exceptions=True)
    if isinstance(answer, BaseException):
        raise answer
    if isinstance(made, BaseException):
        raise made
    return answer, made


async def _sealed(entries: Sequence[Entry], ready: _Ready) -> list[_Sealed]:
    """The entries with their leaves and hashes, each turn of them ``ready`` once it is made.

    Raises ``NotCanonical``.
    """
    made: list[_Sealed] = []
    try:
        for at in range(0, len(entries), _TURN):
            salts = io.BytesIO(os.urandom(leaf.SALT_BYTES * _TURN))
            turn = [_seal(entry, salts.read(leaf.SALT_BYTES)) for entry in entries[at : at + _TURN]]
            ready.put_nowait(turn)
            made += turn
            await asyncio.sleep(0)
    finally:
        ready.put_nowait([])
    return made


def _seal(entry: Entry, salt: bytes) -> _Sealed:
    sealed = leaf.seal(entry, salt)
    return _Sealed(entry, sealed, merkle.leaf_hash(sealed.data))


async def _rows(log_id: int, start: int, seen: set[UUID], ready: _Ready) -> AsyncIterator[bytes]:
    yield copying.HEADER
    index = start
    while turn := await ready.get():
        new = [item for item in turn if item.entry.event_id not in seen]
        placed = enumerate(new, index)
        yield b"".join(copying.row(log_id, at, item.entry, item.leaf.data) for at, item in placed)
        index += len(new)
    yield copying.TRAILER


async def _write_openings(
    raw: "asyncpg.Connection[Any]", log_id: int, start: int, sealed: Sequence[_Sealed]
) -> None:
    openings = [
        (log_id, index, opened.field, opened.salt, opened.value)
        for index, item in enumerate(sealed, start)
        if (opened := item.leaf.opening) is not None
    ]
    if openings:
        await raw.copy_records_to_table("opening", schema_name="audit", records=openings)


async def _move_head(
    raw: "asyncpg.Connection[Any]",
    log_id: int,
    before: Head,
    after: Head,
    full: dict[TileId, bytes],
) -> None:
    levels, numbers = [tile.level for tile in full], [tile.n for tile in full]
    tiles = (levels, numbers, list(full.values()))
    edge = list(after.edge)
    status = await raw.execute(_MOVE_HEAD, log_id, before.size, after.size, edge, *tiles)
    if status != "UPDATE 1":
        # The lock makes this impossible; if it happens all the same, the batch must not stand.
        raise RuntimeError(f"log {log_id} is no longer at {before.size}")
