"""How a filter is answered: by keyset pages, the same quickly for a common act and for a rare one.

A question that names a household, a stream or a request goes along its index. For any other one,
blocks of entries that have all its words are asked where in them the words stand together, a few
blocks first and ever more. What is not a whole block yet has its words entry by entry, and what is
not indexed yet is looked through as it is. Whatever found an entry, the leaf decides whether it is
shown.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice, pairwise
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.audit.domain import canonical, words
from services.audit.log import blocks
from services.audit.log.blocks import BLOCK
from services.audit.log.tables import (
    block_word,
    entry,
    entry_block,
    entry_words,
    indexed,
    log,
    log_head,
)
from services.audit.read_models.trail import Filter, Found, Place, with_data, within_division
from shared.kernel.division import NATION
from shared.kernel.principal import Principal

_PLAN_EACH = sa.text("set local plan_cache_mode = force_custom_plan")
_FIRST, _GROWTH = 2, 6
"""Blocks asked at first, and how many times as many the next time."""
_LEAST = 200
"""Rows fetched at once where the leaf has yet to decide."""
_DATED = 512
"""Places whose dates are looked at at once."""
_KEYED = {"household": "key", "stream": "stream_id", "correlation": "correlation_id"}


class Part(NamedTuple):
    """Entries, or blocks, from ``low`` up to, not including, ``high``."""

    low: int
    high: int


async def search(
    connection: AsyncConnection,
    asked: Filter,
    asker: Principal,
    *,
    after: Place | None = None,
    limit: int,
    oldest_first: bool = False,
) -> list[Found]:
    """Up to ``limit`` entries, the newest first unless told otherwise, that come ``after`` a place.

    Needs a transaction: each question is planned for itself.
    """
    await connection.execute(_PLAN_EACH)
    found: list[Found] = []
    for log_id, origin, size in await _logs(connection, after, oldest_first):
        whole = Part(0, size)
        if after is not None and after.log_id == log_id:
            whole = Part(after.idx + 1, size) if oldest_first else Part(0, min(after.idx, size))
        walk = _Walk(connection, log_id, origin, whole, asked, asker, oldest_first, limit)
        async for item in walk.through():
            found.append(item)
            if len(found) == limit:
                return found
    return found


@dataclass(frozen=True)
class _Walk:
    """One question on its way through one log."""

    connection: AsyncConnection
    log_id: int
    origin: str
    whole: Part
    """What of the log is asked about."""
    asked: Filter
    asker: Principal
    oldest_first: bool
    limit: int

    async def through(self) -> AsyncIterator[Found]:
        """The entries that answer the question, in order."""
        pieces = await self._pieces()
        for piece in pieces if self.oldest_first else reversed(pieces):
            async for item in piece:
                yield item

    async def _pieces(self) -> Sequence[AsyncIterator[Found]]:
        """How the log is looked through, the oldest part first; nothing is asked yet."""
        if self._keyed or not (self._words or self._dated):
            return [self._by_columns(self.whole)]
        covered, opened = await self._open()
        closed = self._within(Part(0, covered // BLOCK * BLOCK))
        if self._words:
            newer = self._by_columns(self._within(Part(covered, self.whole.high)))
            return [self._by_blocks(closed), self._at(opened, whole=not self._dated), newer]
        runs = _runs([block for block, _ in await self._blocks(closed)])
        newer = self._by_columns(self._within(Part(closed.high, self.whole.high)))
        return [*(self._by_columns(self._within(run)) for run in runs), newer]

    async def _open(self) -> tuple[int, Sequence[int]]:
        """How much is indexed, and what answers of that which is not a whole block yet.

        One statement: the words of a block that is whole meanwhile are not here any more.
        """
        hits = sa.and_(
            entry_words.c.log_id == indexed.c.log_id,
            entry_words.c.idx >= indexed.c.size - indexed.c.size % BLOCK,
            entry_words.c.words.contains(_numbers(self._words)),
            *self._places_within(entry_words.c.idx, self.whole),
        )
        asked = (
            sa.select(indexed.c.size, entry_words.c.idx)
            .select_from(indexed.outerjoin(entry_words, hits))
            .where(indexed.c.log_id == self.log_id)
            .order_by(self._ordered(entry_words.c.idx))
        )
        rows = (await self.connection.execute(asked)).all()
        return rows[0].size if rows else 0, [row.idx for row in rows if row.idx is not None]

    async def _blocks(self, part: Part) -> Sequence[tuple[int, bool]]:
        """The whole blocks of a part with entries of the time asked about; whether all are."""
        since, until = self.asked.since, self.asked.until
        every = sa.and_(
            sa.true() if since is None else entry_block.c.earliest >= since,
            sa.true() if until is None else entry_block.c.latest < until,
        )
        wanted = sa.select(entry_block.c.block, every).where(
            entry_block.c.log_id == self.log_id,
            entry_block.c.block >= part.low // BLOCK,
            entry_block.c.block < -(-part.high // BLOCK),
        )
        if since is not None:
            wanted = wanted.where(entry_block.c.latest >= since)
        if until is not None:
            wanted = wanted.where(entry_block.c.earliest < until)
        rows = await self.connection.execute(wanted.order_by(entry_block.c.block))
        return [(block, whole) for block, whole in rows]

    async def _by_blocks(self, part: Part) -> AsyncIterator[Found]:
        """By where in whole blocks the words stand together."""
        span = Part(part.low // BLOCK, -(-part.high // BLOCK))
        dated = dict(await self._blocks(part)) if self._dated else None
        if dated is not None:
            span = Part(min(dated, default=0), max(dated, default=-1) + 1)
        for some in _spans(span, oldest_first=self.oldest_first):
            rows = (await self.connection.execute(self._standing(some))).all()
            inside = [row for row in rows if dated is None or row.block in dated]
            # Neighbours of one kind together: all of the time asked about, or perhaps not.
            for whole, alike in groupby(inside, lambda row: dated is None or dated[row.block]):
                found = (idx for row in alike for idx in self._places(row.block, row.places))
                kept = (idx for idx in found if part.low <= idx < part.high)
                async for item in self._at(kept, whole=whole):
                    yield item

    def _standing(self, span: Part) -> sa.Select[Any]:
        """The blocks of a span that have all words, and where in them each stands."""
        wanted = self._words
        return (
            sa.select(block_word.c.block, sa.func.array_agg(block_word.c.places).label("places"))
            .where(
                block_word.c.log_id == self.log_id,
                block_word.c.word == sa.any_(_numbers(wanted)),
                *self._places_within(block_word.c.block, span),
            )
            .group_by(block_word.c.block)
            .having(sa.func.count() == len(wanted))
            .order_by(self._ordered(block_word.c.block))
        )

    def _places(self, block: int, packed: Sequence[bytes]) -> Iterator[int]:
        for place in blocks.in_order(blocks.common(packed), ascending=self.oldest_first):
            yield block * BLOCK + place

    async def _at(self, places: Iterable[int], *, whole: bool) -> AsyncIterator[Found]:
        """The entries at places, in their order; ``whole``: all are of the time asked about."""
        waiting = iter(places)
        while some := list(islice(waiting, self.limit if whole else _DATED)):
            if not whole:
                some = await self._of_the_time(some)
            for at in range(0, len(some), self.limit):
                asked = self._select(entry.c.idx, entry.c.leaf, of=some[at : at + self.limit])
                async for item in self._shown((await self.connection.execute(asked)).all()):
                    yield item

    async def _of_the_time(self, places: Sequence[int]) -> list[int]:
        asked = self._select(entry.c.idx, of=places).where(*self._times())
        return list((await self.connection.scalars(asked)).all())

    def _select(self, *columns: Any, of: Sequence[int]) -> sa.Select[Any]:
        chosen = sa.any_(sa.cast(sa.literal(of, ARRAY(sa.BigInteger)), ARRAY(sa.BigInteger)))
        return (
            sa.select(*columns)
            .where(entry.c.log_id == self.log_id, entry.c.idx == chosen)
            .order_by(self._ordered(entry.c.idx))
        )

    async def _by_columns(self, part: Part) -> AsyncIterator[Found]:
        """By what the columns beside the leaf can tell."""
        count = max(self.limit, _LEAST) if self._blind else self.limit
        while part.low < part.high:
            asked = (
                sa.select(entry.c.idx, entry.c.leaf)
                .where(entry.c.log_id == self.log_id, *self._conditions())
                .where(*self._places_within(entry.c.idx, part))
                .order_by(self._ordered(entry.c.idx))
                .limit(count)
            )
            rows = (await self.connection.execute(asked)).all()
            async for item in self._shown(rows):
                yield item
            if len(rows) < count:
                return
            last = rows[-1].idx
            part = Part(last + 1, part.high) if self.oldest_first else Part(part.low, last)

    async def _shown(self, rows: Sequence[Any]) -> AsyncIterator[Found]:
        found = [
            Found(Place(self.log_id, row.idx), self.origin, canonical.decode(row.leaf))
            for row in rows
        ]
        for item in await with_data(self.connection, found):
            if self._answers(item):
                yield item

    def _answers(self, item: Found) -> bool:
        """Whether the leaf itself answers the question, whatever found it."""
        asked, at = self.asked, item.recorded_at
        if (asked.since and at < asked.since) or (asked.until and at >= asked.until):
            return False
        return self._facets <= words.of_entry(item.envelope)

    def _conditions(self) -> Sequence[sa.ColumnElement[bool]]:
        """What of the question the columns beside the leaf can tell."""
        asked = self.asked
        named = ("actor", "service", "category", "type")
        made = [entry.c[name] == getattr(asked, name) for name in named if getattr(asked, name)]
        for name, column in (*_KEYED.items(), ("event", "event_id")):
            if getattr(asked, name) is not None:
                made.append(entry.c[column] == getattr(asked, name))
        if asked.role is not None:
            made.append(entry.c.actor_roles.contains([asked.role]))
        divisions = (*within_division(self.asker.division), *within_division(self._region))
        return [*made, *self._times(), *divisions]

    def _times(self) -> Sequence[sa.ColumnElement[bool]]:
        since, until = self.asked.since, self.asked.until
        made = [] if since is None else [entry.c.recorded_at >= since]
        return made if until is None else [*made, entry.c.recorded_at < until]

    def _places_within(self, column: Any, part: Part) -> Sequence[sa.ColumnElement[bool]]:
        return (column >= part.low, column < part.high)

    def _within(self, part: Part) -> Part:
        return Part(max(part.low, self.whole.low), min(part.high, self.whole.high))

    def _ordered(self, column: Any) -> Any:
        return column if self.oldest_first else column.desc()

    @property
    def _dated(self) -> bool:
        return self.asked.since is not None or self.asked.until is not None

    @property
    def _keyed(self) -> bool:
        """Whether few entries can answer, along an index of their own."""
        return any(getattr(self.asked, name) is not None for name in (*_KEYED, "event"))

    @property
    def _region(self) -> str:
        return NATION if self.asked.region is None else self.asked.region

    @property
    def _facets(self) -> frozenset[str]:
        places = {self._region, self.asker.division} - {NATION}
        return self.asked.facets | {f"region:{place}" for place in places}

    @property
    def _words(self) -> list[int]:
        """The words to look for; the log's own province tells nothing, which all of it is in."""
        return words.numbers(self._facets - {f"region:{self.origin.split('/')[1]}"})

    @property
    def _blind(self) -> bool:
        """Whether the columns beside the leaf cannot tell all of it."""
        asked = self.asked
        return any(item is not None for item in (asked.text, asked.outcome, asked.gate))


def _numbers(wanted: Sequence[int]) -> sa.ColumnElement[Any]:
    return sa.cast(sa.literal(list(wanted), ARRAY(sa.Integer)), ARRAY(sa.Integer))


def _spans(whole: Part, *, oldest_first: bool) -> Iterator[Part]:
    """Blocks from one end to the other: few at first, then ever more at once."""
    low, high, count = *whole, _FIRST
    while low < high:
        some = (
            Part(low, min(low + count, high))
            if oldest_first
            else Part(max(high - count, low), high)
        )
        yield some
        low, high = (some.high, high) if oldest_first else (low, some.low)
        count *= _GROWTH


def _runs(found: Sequence[int]) -> list[Part]:
    """Blocks that follow each other, as one part of entries each."""
    starts = [block for before, block in pairwise([-2, *found]) if block != before + 1]
    ends = [block for block, behind in pairwise([*found, -2]) if behind != block + 1]
    return [Part(a * BLOCK, (b + 1) * BLOCK) for a, b in zip(starts, ends, strict=True)]


async def _logs(
    connection: AsyncConnection, after: Place | None, oldest_first: bool
) -> Sequence[Any]:
    """The logs in order, from that of ``after`` on: id, origin, size."""
    wanted = sa.select(log.c.log_id, log.c.origin, log_head.c.size).join(
        log_head, log_head.c.log_id == log.c.log_id
    )
    if after is not None:
        past = log.c.log_id >= after.log_id if oldest_first else log.c.log_id <= after.log_id
        wanted = wanted.where(past)
    order = log.c.log_id if oldest_first else log.c.log_id.desc()
    return (await connection.execute(wanted.order_by(order))).all()
