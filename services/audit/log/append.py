"""Appending: a batch of events becomes entries, tiles and a new head, in the caller's transaction.

The consumer's transaction is the only writer's; a batch is sealed and hashed part by part, each
part while the database stores the one before. Nothing is signed here: a checkpoint is made of what
has been committed.
"""

import asyncio
import io
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

import asyncpg

from services.audit.domain import leaf, merkle
from services.audit.domain.leaf import Entry, Leaf
from services.audit.domain.merkle import Head, TileId
from services.audit.log import completeness
from shared.kernel.clock import SHANGHAI, Clock

A = TypeVar("A")
B = TypeVar("B")
_PART = 200
"""Entries sealed and stored at once: small enough that little is left to wait for at the ends."""
_TURN = 25
"""Entries sealed before the connection gets its turn."""

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
COLUMNS = (
    "log_id",
    "idx",
    "leaf",
    "event_id",
    "service",
    "category",
    "type",
    "stream_id",
    "version",
    "key",
    "region",
    "recorded_at",
    "actor",
    "actor_roles",
    "correlation_id",
)


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
        try:
            async with tx.raw.transaction():
                return await self._appended(tx.raw, entries, _come_before)
        except asyncpg.UniqueViolationError:
            # An event that stands in the log already brings a version that its stream never had.
            return await self._appended(tx.raw, entries, lambda entries, _versions: entries)

    async def _appended(
        self, raw: "asyncpg.Connection[Any]", entries: Sequence[Entry], doubtful: "_Doubtful"
    ) -> Appended:
        once = list({entry.event_id: entry for entry in reversed(entries)}.values())[::-1]
        parts = [once[at : at + _PART] for at in range(0, len(once), _PART)]
        (log_id, head, seen, versions), first = await _both(
            self._before(raw, once, doubtful), _sealed(*parts[:1])
        )
        new = [entry for entry in once if entry.event_id not in seen]
        hashes: list[bytes] = []
        part = first
        for following in [*parts[1:], ()]:
            fresh = [item for item in part if item.entry.event_id not in seen]
            storing = _store(raw, log_id, head.size + len(hashes), fresh)
            hashes += [item.hash for item in fresh]
            _, part = await _both(storing, _sealed(following))
        if new:
            grown, full = merkle.extend(head, b"".join(hashes))
            await _move_head(raw, log_id, head, grown, full)
            await completeness.check(raw, new, versions, self._clock.now())
        return Appended(log_id, head.size, head.size + len(new), len(entries) - len(new))

    async def _before(
        self, raw: "asyncpg.Connection[Any]", entries: Sequence[Entry], doubtful: "_Doubtful"
    ) -> "_Before":
        """What the entries are added to; from here on nobody else adds."""
        await raw.execute(_LOCK, self._name.province)
        log_id, head = await self._current(raw)
        versions = await completeness.versions(raw, entries)
        asked = [entry.event_id for entry in doubtful(entries, versions)]
        rows = await raw.fetch(_SEEN, asked) if asked else []
        return _Before(log_id, head, {row["event_id"] for row in rows}, versions)

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


class _Before(NamedTuple):
    log_id: int
    head: Head
    seen: set[UUID]
    """Events of the batch that are in a log already."""
    versions: dict[UUID, int]
    """How far each of its streams is."""


class _Sealed(NamedTuple):
    entry: Entry
    leaf: Leaf
    hash: bytes


async def _both(asked: Awaitable[A], sealing: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """What the database answers, and what is made meanwhile; the connection is free afterwards."""
    answer, made = await asyncio.gather(asked, sealing, return_exceptions=True)
    if isinstance(answer, BaseException):
        raise answer
    if isinstance(made, BaseException):
        raise made
    return answer, made


async def _sealed(entries: Iterable[Entry] = ()) -> list[_Sealed]:
    """The entries with their leaves and hashes. Raises ``NotCanonical``."""
    made: list[_Sealed] = []
    for entry in entries:
        if len(made) % _TURN == 0:
            await asyncio.sleep(0)
            salts = io.BytesIO(os.urandom(leaf.SALT_BYTES * _TURN))
        sealed = leaf.seal(entry, salts.read(leaf.SALT_BYTES))
        made.append(_Sealed(entry, sealed, merkle.leaf_hash(sealed.data)))
    return made


_Doubtful = Callable[[Sequence[Entry], Mapping[UUID, int]], Sequence[Entry]]
"""Of which entries it is asked whether they are in a log, given how far their streams are."""


def _come_before(entries: Sequence[Entry], versions: Mapping[UUID, int]) -> Sequence[Entry]:
    """Those that do not lie beyond their stream's end: what is in a log lies within."""
    return [entry for entry in entries if entry.version <= versions[entry.stream_id]]


async def _store(
    raw: "asyncpg.Connection[Any]", log_id: int, start: int, sealed: Sequence[_Sealed]
) -> None:
    """Write sealed entries from the index ``start`` on."""
    placed = list(enumerate(sealed, start))
    rows = [row(log_id, index, item.entry, item.leaf.data) for index, item in placed]
    if rows:
        await raw.copy_records_to_table("entry", schema_name="audit", columns=COLUMNS, records=rows)
    openings = [
        (log_id, index, opened.field, opened.salt, opened.value)
        for index, item in placed
        if (opened := item.leaf.opening) is not None
    ]
    if openings:
        await raw.copy_records_to_table("opening", schema_name="audit", records=openings)


def row(log_id: int, index: int, entry: Entry, data: bytes) -> tuple[Any, ...]:
    """An entry as a row of ``COLUMNS``: its leaf, and beside it what finds it."""
    return (
        log_id,
        index,
        data,
        entry.event_id,
        entry.service,
        entry.category,
        entry.type,
        entry.stream_id,
        entry.version,
        entry.key,
        entry.region,
        entry.recorded_at,
        entry.actor,
        entry.actor_roles,
        entry.correlation_id,
    )


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
