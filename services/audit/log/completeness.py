"""Is everything here? Every stream's versions must arrive 1, 2, 3… without a gap, each once.

A stream that does not simply go on is examined; a version that is missing, or there twice, is a
finding, and a gap resolves itself when what was missing arrives. The findings are derived: deleting
them hides nothing from ``verify``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.audit.domain.leaf import Entry
from shared.kernel.ids import new_id

GAP = "stream-gap"
"""Finding: a version of a stream has not arrived."""
DOUBLED = "stream-doubled"
"""Finding: a version of a stream arrived twice, as two events."""

_VERSIONS = """
select stream_id, (select max(version) from audit.entry e where e.stream_id = asked.stream_id)
  from unnest($1::uuid[]) as asked(stream_id)
"""
_COUNT_SERVICES = """
insert into audit.audited as a (service, entries)
select * from unnest($1::text[], $2::bigint[])
on conflict (service) do update set entries = a.entries + excluded.entries
"""
_RAISE = """
insert into audit.finding (finding_id, kind, subject, detail, raised_at)
values ($1, $2, $3, $4::text::jsonb, $5)
on conflict (kind, subject) where resolved_at is null do nothing
"""
_RESOLVE = """
update audit.finding set resolved_at = $2
 where resolved_at is null and kind = 'stream-gap' and subject = $1
"""
_MISSING = """
select v from generate_series(  -- among a hundred more than there are, a hundred are missing
           1, least($2::int, 100 + (select count(*) from audit.entry where stream_id = $1))) v
 where not exists (select from audit.entry e where e.stream_id = $1 and e.version = v)
 order by v limit 100
"""
_TWICE = """
select version from audit.entry where stream_id = $1
 group by version having count(*) > 1 order by version limit 100
"""


async def versions(raw: "asyncpg.Connection[Any]", entries: Sequence[Entry]) -> dict[UUID, int]:
    """The highest version there is of each stream that ``entries`` belong to; 0 for none."""
    streams = list({entry.stream_id: None for entry in entries})
    return {row[0]: row[1] or 0 for row in await raw.fetch(_VERSIONS, streams)}


async def check(
    raw: "asyncpg.Connection[Any]",
    entries: Sequence[Entry],
    before: Mapping[UUID, int],
    now: datetime,
) -> None:
    """See whether ``entries``, now written, simply go on from the versions ``before`` them."""
    services = Counter(entry.service for entry in entries)
    await raw.execute(_COUNT_SERVICES, list(services), list(services.values()))
    reached = dict(before)
    strayed: dict[UUID, Entry] = {}
    for entry in entries:
        stream, version = entry.stream_id, entry.version
        if version == reached[stream] + 1:
            reached[stream] = version
        else:
            strayed[stream] = entry
            reached[stream] = max(reached[stream], version)
    for stream, entry in strayed.items():
        await _examine(raw, entry, reached[stream], now)


async def numbers(raw: "asyncpg.Connection[Any]") -> dict[str, Any]:
    """``{"audited": {"alerts": 7, …}, "incomplete_streams": 0, "open_findings": 0}``."""
    audited = await raw.fetch("select service, entries from audit.audited order by service")
    return {
        "audited": {row["service"]: row["entries"] for row in audited},
        "incomplete_streams": await raw.fetchval(
            "select count(*) from audit.finding where resolved_at is null and kind = 'stream-gap'"
        ),
        "open_findings": await raw.fetchval(
            "select count(*) from audit.finding where resolved_at is null"
        ),
    }


async def raise_finding(
    raw: "asyncpg.Connection[Any]",
    kind: str,
    subject: str,
    detail: Mapping[str, Any],
    now: datetime,
) -> None:
    """Raise a finding unless the same one is open already."""
    await raw.execute(_RAISE, new_id(), kind, subject, orjson.dumps(detail).decode(), now)


async def _examine(
    raw: "asyncpg.Connection[Any]", entry: Entry, version: int, now: datetime
) -> None:
    """Look at a stream that did not simply go on, and say exactly what is amiss."""
    subject = str(entry.stream_id)
    missing = [row["v"] for row in await raw.fetch(_MISSING, entry.stream_id, version)]
    twice = [row["version"] for row in await raw.fetch(_TWICE, entry.stream_id)]
    about = {"service": entry.service, "category": entry.category, "version": version}
    if missing:
        await raise_finding(raw, GAP, subject, {**about, "missing": missing}, now)
    else:
        await raw.execute(_RESOLVE, subject, now)
    if twice:
        await raise_finding(raw, DOUBLED, subject, {**about, "twice": twice}, now)
