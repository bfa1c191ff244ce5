"""Looks for what somebody should look at: what nobody signs, reads in masses or decides in haste.

Each look is one query whose rows are findings; a finding that no longer shows resolves itself. None
of them stops anything: they are for people.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson

from services.audit.log import catalog, completeness
from services.audit.log.blocks import BLOCK
from services.audit.log.rereading import Rereading
from shared.kernel.clock import Clock
from shared.store.database import Database

STALE = "checkpoint-stale"
"""Finding: a log has grown and has not been signed for a minute."""
MASS_READING = "mass-reading"
"""Finding: one person was shown more than 5,000 entries within an hour."""
MASS_EXPORT = "mass-export"
"""Finding: one person exported more than 50,000 rows, or more than ten times, within a day."""
MASS_REVEAL = "mass-reveal"
"""Finding: one person saw the personal data of more than 100 households within an hour."""
HASTY = "hasty-decision"
"""Finding: a gate was passed within a minute of the step before, or within half a minute of the
decider's opening the request."""
SAME_PAIR = "same-pair"
"""Finding: the same two people filed and signed three corrections or more within 90 days."""


@dataclass(frozen=True)
class Look:
    """One thing that is looked for: ``subject`` and ``detail`` of each finding."""

    kind: str
    query: str
    """With the instant of the look as ``$1``."""


LOOKS = (
    Look(
        STALE,
        """
        select l.origin as subject,
               jsonb_build_object('size', h.size, 'signed', coalesce(max(c.size), 0)) as detail
          from audit.log l join audit.log_head h using (log_id)
          left join audit.checkpoint c using (log_id)
         group by l.origin, l.opened_at, h.size
        having h.size > coalesce(max(c.size), 0)
           and coalesce(max(c.signed_at), l.opened_at) < $1::timestamptz - interval '1 minute'
        """,
    ),
    Look(
        MASS_READING,
        """
        select actor as subject, jsonb_build_object('entries', sum(cardinality(events))) as detail
          from audit.access_read where at > $1::timestamptz - interval '1 hour'
         group by actor having sum(cardinality(events)) > 5000
        """,
    ),
    Look(
        MASS_EXPORT,
        """
        select actor as subject,
               jsonb_build_object('exports', count(*), 'rows', sum(rows)) as detail
          from audit.export where asked_at > $1::timestamptz - interval '1 day'
         group by actor having sum(rows) > 50000 or count(*) > 10
        """,
    ),
    Look(
        MASS_REVEAL,
        f"""
        select actor as subject, jsonb_build_object('households', count(distinct key)) as detail
          from audit.log l
          cross join lateral (
               -- The last hour's entries lie in blocks that have some, or behind all whole blocks.
               select coalesce(min(block), (select count(*) from audit.entry_block b
                                             where b.log_id = l.log_id)) as block
                 from audit.entry_block b
                where b.log_id = l.log_id and latest > $1::timestamptz - interval '1 hour') as since
          join audit.entry e on e.log_id = l.log_id and e.idx >= since.block * {BLOCK}
         where type = 'PersonalDataRevealed'
           and recorded_at > $1::timestamptz - interval '1 hour'
         group by actor having count(distinct key) > 100
        """,  # noqa: S608 - a constant of ours
    ),
    Look(
        HASTY,
        """
        select e.stream_id || '/' || e.version as subject,
               jsonb_build_object('type', e.type, 'actor', e.actor,
                   'seconds', extract(epoch from e.recorded_at - b.recorded_at)::int,
                   'opened', extract(epoch from e.recorded_at - r.opened)::int) as detail
          from audit.entry e
          join audit.entry b on b.stream_id = e.stream_id and b.version = e.version - 1
          left join lateral (
               select min(at) as opened from audit.access_read
                where keys @> array[e.stream_id] and actor = e.actor and at <= e.recorded_at) r
            on true
         where e.stream_id in (select stream_id from rm.correction)
           and e.type in ('CityReviewed', 'ProvinceApproved', 'NationallyFiled')
           and (e.recorded_at - b.recorded_at < interval '1 minute'
                or e.recorded_at - r.opened < interval '30 seconds')
           and e.recorded_at > $1::timestamptz - interval '90 days'
        """,
    ),
    Look(
        SAME_PAIR,
        """
        select r.actor || ' ' || s.actor as subject,
               jsonb_build_object('corrections', count(*)) as detail
          from audit.entry r
          join audit.entry s on s.stream_id = r.stream_id and s.type = 'CityReviewed'
         where r.stream_id in (select stream_id from rm.correction)
           and r.type = 'CorrectionRequested'
           and r.recorded_at > $1::timestamptz - interval '90 days'
         group by r.actor, s.actor having count(*) >= 3
        """,
    ),
)
_RESOLVE = """
update audit.finding set resolved_at = $3
 where kind = $1 and resolved_at is null and not subject = any($2::text[])
"""
_LISTED = """
select finding_id, kind, subject, detail::text, raised_at, resolved_at from audit.finding
 where ($1 or resolved_at is null) and ($2::uuid is null or finding_id < $2)
 order by finding_id desc limit $3
"""
_LASTING = frozenset({HASTY})
"""What happened once stays a finding until a person settles it."""


class Watch:
    """Looks every so often."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._rereading = Rereading()

    async def run(self, rest: timedelta = timedelta(seconds=30)) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(rest.total_seconds())

    async def look(self) -> None:
        """Every look once."""
        now = self._clock.now()
        for item in LOOKS:
            async with self._database.transaction() as tx:
                await _look(tx.raw, item, now)
        async with self._database.transaction() as tx:
            await catalog.look(tx.raw, now)
            await self._rereading.look(tx.raw, now)


async def _look(raw: "asyncpg.Connection[Any]", item: Look, now: datetime) -> None:
    found: Mapping[str, Any] = {
        row["subject"]: row["detail"]
        for row in await raw.fetch(
            f"select subject, detail::text from ({item.query}) as look",  # noqa: S608 - constants
            now,
        )
    }
    for subject, detail in found.items():
        await completeness.raise_finding(raw, item.kind, subject, orjson.loads(detail), now)
    if item.kind not in _LASTING:
        await raw.execute(_RESOLVE, item.kind, list(found), now)


async def listed(
    raw: "asyncpg.Connection[Any]", *, resolved: bool, after: Any, limit: int
) -> list[dict[str, Any]]:
    """Findings, the newest first; open ones, or all."""
    rows = await raw.fetch(_LISTED, resolved, after, limit)
    return [{**dict(row), "detail": orjson.loads(row["detail"])} for row in rows]
