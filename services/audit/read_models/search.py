"""How a filter is answered: by keyset pages, the same quickly for a common act and for a rare one.

A question that names a household, a stream or a request goes along its index. For any other one the
blocks of entries that have all its words, and cover its time, are found; what is common in them is
walked to, what is rare is looked up in the words' index. What is not indexed yet is looked through
as it is. Whatever found an entry, the leaf decides whether it is shown.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.audit.domain import canonical, words
from services.audit.log.indexer import BLOCK
from services.audit.log.tables import entry, entry_block, entry_words, indexed, log, log_head
from services.audit.read_models.trail import Filter, Found, Place, with_data, within_division
from shared.kernel.division import NATION
from shared.kernel.principal import Principal

_PLAN_EACH = sa.text("set local plan_cache_mode = force_custom_plan")
_RARE = 10_000
"""Up to so many answers are looked up; more are walked to."""
_FEW = 8
"""So few blocks are simply walked."""
_LEAST = 200
"""Rows fetched at once where the leaf has yet to decide."""
_KEYED = {"household": "key", "stream": "stream_id", "correlation": "correlation_id"}


Query = Callable[["Part", int], sa.Select[Any]]
"""Asks for up to so many entries of a part, in order."""


class Part(NamedTuple):
    """Entries from ``low`` up to, not including, ``high``."""

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
    for log_id, origin, size, covered in await _logs(connection, after, oldest_first):
        whole = Part(0, size)
        if after is not None and after.log_id == log_id:
            whole = Part(after.idx + 1, size) if oldest_first else Part(0, min(after.idx, size))
        walk = _Walk(connection, log_id, origin, covered, asked, asker, oldest_first)
        async for item in walk.through(whole, limit - len(found)):
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
    covered: int
    """How many entries are indexed."""
    asked: Filter
    asker: Principal
    oldest_first: bool

    async def through(self, whole: Part, limit: int) -> AsyncIterator[Found]:
        """The entries of ``whole`` that answer the question, in order."""
        for query, part in await self._pieces(whole):
            async for item in self._pages(query, part, limit):
                yield item

    async def _pieces(self, whole: Part) -> list[tuple[Query, Part]]:
        """Which parts are looked through, how, and in which order."""
        if self._keyed:
            return [(self._by_columns, whole)]
        blocks_end = self.covered // BLOCK * BLOCK
        walking = self._by_walking if self._words else self._by_columns
        pieces = [
            *await self._old_pieces(Part(whole.low, min(whole.high, blocks_end))),
            (walking, Part(max(whole.low, blocks_end), min(whole.high, self.covered))),
            (self._by_columns, Part(max(whole.low, self.covered), whole.high)),
        ]
        some = [(query, part) for query, part in pieces if part.low < part.high]
        return some if self.oldest_first else some[::-1]

    async def _old_pieces(self, part: Part) -> list[tuple[Query, Part]]:
        """How whole blocks are looked through, the oldest first."""
        if part.low >= part.high:
            return []
        if not self._words and self.asked.since is None and self.asked.until is None:
            return [(self._by_columns, part)]
        blocks = await self._blocks(part)
        if self._words and len(blocks) > _FEW and await self._is_rare(blocks):
            return [(self._by_index, part)]
        query = self._by_walking if self._words else self._by_columns
        runs = [Part(max(run.low, part.low), min(run.high, part.high)) for run in _runs(blocks)]
        return [(query, run) for run in runs]

    async def _blocks(self, part: Part) -> Sequence[int]:
        """The blocks that can hold an answer: all words in them, and the time."""
        wanted = sa.select(entry_block.c.block).where(
            entry_block.c.log_id == self.log_id,
            entry_block.c.block >= part.low // BLOCK,
            entry_block.c.block <= (part.high - 1) // BLOCK,
        )
        if self._words:
            wanted = wanted.where(entry_block.c.words.contains(_numbers(self._words)))
        if self.asked.since is not None:
            wanted = wanted.where(entry_block.c.latest >= self.asked.since)
        if self.asked.until is not None:
            wanted = wanted.where(entry_block.c.earliest < self.asked.until)
        return (await self.connection.scalars(wanted.order_by(entry_block.c.block))).all()

    async def _is_rare(self, blocks: Sequence[int]) -> bool:
        """Whether few entries of ``blocks`` answer, judged by the first, a middle and the last."""
        looked = {blocks[0], blocks[len(blocks) // 2], blocks[-1]}
        hits = sa.or_(
            *(
                sa.and_(entry_words.c.idx >= one * BLOCK, entry_words.c.idx < (one + 1) * BLOCK)
                for one in looked
            )
        )
        counted = (
            sa.select(sa.func.count())
            .where(entry_words.c.log_id == self.log_id, hits)
            .where(entry_words.c.words.contains(_numbers(self._words)))
        )
        found = (await self.connection.scalars(counted)).one()
        return found * len(blocks) <= _RARE * len(looked)

    async def _pages(self, query: Query, piece: Part, limit: int) -> AsyncIterator[Found]:
        count = max(limit, _LEAST) if query == self._by_columns and self._blind else limit
        while piece.low < piece.high:
            rows = (await self.connection.execute(query(piece, count))).all()
            found = [
                Found(Place(self.log_id, row.idx), self.origin, canonical.decode(row.leaf))
                for row in rows
            ]
            for item in await with_data(self.connection, found):
                if self._answers(item):
                    yield item
            if len(rows) < count:
                return
            last = rows[-1].idx
            piece = Part(last + 1, piece.high) if self.oldest_first else Part(piece.low, last)

    def _answers(self, item: Found) -> bool:
        """Whether the leaf itself answers the question, whatever found it."""
        asked, at = self.asked, item.recorded_at
        if (asked.since and at < asked.since) or (asked.until and at >= asked.until):
            return False
        return self._facets <= words.of_entry(item.envelope)

    def _by_columns(self, piece: Part, count: int) -> sa.Select[Any]:
        return (
            sa.select(entry.c.idx, entry.c.leaf)
            .where(entry.c.log_id == self.log_id, *self._conditions())
            .where(entry.c.idx >= piece.low, entry.c.idx < piece.high)
            .order_by(self._ordered(entry.c.idx))
            .limit(count)
        )

    def _by_walking(self, piece: Part, count: int) -> sa.Select[Any]:
        walked = self._having_words(piece).order_by(self._ordered(entry_words.c.idx)).limit(count)
        return self._leaves(walked.subquery())

    def _by_index(self, piece: Part, count: int) -> sa.Select[Any]:
        # Materialised, so that the index is really asked.
        hits = (
            self._having_words(piece).cte("hits").prefix_with("materialized", dialect="postgresql")
        )
        newest = sa.select(hits.c.idx).order_by(self._ordered(hits.c.idx)).limit(count)
        return self._leaves(newest.subquery())

    def _having_words(self, piece: Part) -> sa.Select[Any]:
        return sa.select(entry_words.c.idx).where(
            entry_words.c.log_id == self.log_id,
            entry_words.c.words.contains(_numbers(self._words)),
            entry_words.c.idx >= piece.low,
            entry_words.c.idx < piece.high,
        )

    def _leaves(self, places: sa.Subquery) -> sa.Select[Any]:
        return (
            sa.select(entry.c.idx, entry.c.leaf)
            .join(places, places.c.idx == entry.c.idx)
            .where(entry.c.log_id == self.log_id)
            .order_by(self._ordered(entry.c.idx))
        )

    def _conditions(self) -> Sequence[sa.ColumnElement[bool]]:
        """What of the question the columns beside the leaf can tell."""
        asked = self.asked
        named = ("actor", "service", "category", "type")
        made = [entry.c[name] == getattr(asked, name) for name in named if getattr(asked, name)]
        for name, column in (*_KEYED.items(), ("event", "event_id")):
            if getattr(asked, name) is not None:
                made.append(entry.c[column] == getattr(asked, name))
        if asked.since is not None:
            made.append(entry.c.recorded_at >= asked.since)
        if asked.until is not None:
            made.append(entry.c.recorded_at < asked.until)
        if asked.role is not None:
            made.append(entry.c.actor_roles.contains([asked.role]))
        return [*made, *within_division(self.asker.division), *within_division(self._region)]

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
        """The words to look for; none where only a province is asked for, which is everything."""
        facets = self._facets
        return [] if len(facets) == 1 and self._province in facets else words.numbers(facets)

    @property
    def _province(self) -> str:
        return f"region:{self.origin.split('/')[1]}"

    @property
    def _blind(self) -> bool:
        """Whether the columns beside the leaf cannot tell all of it."""
        asked = self.asked
        return any(item is not None for item in (asked.text, asked.outcome, asked.gate))

    def _ordered(self, column: Any) -> Any:
        return column if self.oldest_first else column.desc()


def _numbers(wanted: Sequence[int]) -> sa.ColumnElement[Any]:
    return sa.cast(sa.literal(list(wanted), ARRAY(sa.Integer)), ARRAY(sa.Integer))


def _runs(blocks: Sequence[int]) -> list[Part]:
    """Blocks that follow each other, as one part each."""
    starts = [block for before, block in pairwise([-2, *blocks]) if block != before + 1]
    ends = [block for block, behind in pairwise([*blocks, -2]) if behind != block + 1]
    return [Part(a * BLOCK, (b + 1) * BLOCK) for a, b in zip(starts, ends, strict=True)]


async def _logs(
    connection: AsyncConnection, after: Place | None, oldest_first: bool
) -> list[tuple[int, str, int, int]]:
    """The logs in order, from that of ``after`` on: id, origin, size, how much is indexed."""
    covered = sa.func.coalesce(indexed.c.size, 0)
    wanted = (
        sa.select(log.c.log_id, log.c.origin, log_head.c.size, covered)
        .join(log_head, log_head.c.log_id == log.c.log_id)
        .outerjoin(indexed, indexed.c.log_id == log.c.log_id)
    )
    if after is not None:
        past = log.c.log_id >= after.log_id if oldest_first else log.c.log_id <= after.log_id
        wanted = wanted.where(past)
    order = log.c.log_id if oldest_first else log.c.log_id.desc()
    rows = await connection.execute(wanted.order_by(order))
    return [tuple(row) for row in rows]
