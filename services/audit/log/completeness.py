"""Is everything here? Every stream's versions must arrive 1, 2, 3… without a gap, each once.

A stream whose number of entries is not its highest version is a finding; it resolves itself when
what was missing arrives. The findings are derived: deleting them hides nothing from ``verify``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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

_COUNT_STREAMS = """
insert into audit.stream as s (stream_id, service, category, key, region, version, entries)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::int[],
                     $7::int[])
on conflict (stream_id) do update
   set version = greatest(s.version, excluded.version), entries = s.entries + excluded.entries,
       region = case when excluded.version > s.version then excluded.region else s.region end
returning new.stream_id, coalesce(old.version, 0) as before, new.version, new.entries
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
select v from generate_series(1, $2::int) v
 where not exists (select from audit.entry e where e.stream_id = $1 and e.version = v)
 order by v limit 100
"""
_TWICE = """
select version from audit.entry where stream_id = $1
 group by version having count(*) > 1 order by version limit 100
"""


@dataclass
class _Brought:
    """What a batch brought of one stream."""

    last: Entry
    """The one with the highest version."""
    versions: list[int] = field(default_factory=list)

    def in_order_after(self, before: int) -> bool:
        """Whether the versions simply go on from ``before``."""
        return self.versions == list(range(before + 1, before + 1 + len(self.versions)))


async def count(raw: "asyncpg.Connection[Any]", entries: Sequence[Entry], now: datetime) -> None:
    """Bring the counts of streams and services up to date; raise and resolve findings."""
    streams = _by_stream(entries)
    rows = await raw.fetch(
        _COUNT_STREAMS,
        list(streams),
        [item.last.service for item in streams.values()],
        [item.last.category for item in streams.values()],
        [item.last.key for item in streams.values()],
        [item.last.region for item in streams.values()],
        [max(item.versions) for item in streams.values()],
        [len(item.versions) for item in streams.values()],
    )
    services = Counter(entry.service for entry in entries)
    await raw.execute(_COUNT_SERVICES, list(services), list(services.values()))
    for row in rows:
        brought = streams[row["stream_id"]]
        if row["entries"] != row["version"] or not brought.in_order_after(row["before"]):
            await _examine(raw, brought.last, row["version"], now)


async def numbers(raw: "asyncpg.Connection[Any]") -> dict[str, Any]:
    """``{"audited": {"alerts": 7, …}, "incomplete_streams": 0, "open_findings": 0}``."""
    audited = await raw.fetch("select service, entries from audit.audited order by service")
    return {
        "audited": {row["service"]: row["entries"] for row in audited},
        "incomplete_streams": await raw.fetchval(
            "select count(*) from audit.stream where entries <> version"
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


def _by_stream(entries: Sequence[Entry]) -> dict[UUID, _Brought]:
    streams: dict[UUID, _Brought] = {}
    for entry in entries:
        brought = streams.setdefault(entry.stream_id, _Brought(entry))
        brought.versions.append(entry.version)
        if entry.version > brought.last.version:
            brought.last = entry
    return streams


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
