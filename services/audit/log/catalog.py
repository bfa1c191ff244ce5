"""Has anybody changed the audit schema? Compared with what the migrations left, at each look.

A trigger that is switched off, a privilege that is given, a function that is replaced: none of it
changes an entry, each of it may come before that. The first look after a migration is what later
ones are compared with; it is kept where nothing can be changed.
"""

from datetime import datetime
from typing import Any

import asyncpg
import orjson

from services.audit.log import completeness

CHANGED = "schema-changed"
"""Finding: the audit schema is not as the migrations left it."""

_REVISIONS = "select string_agg(version_num, ',' order by version_num) from public.alembic_version"
# A year's partition is like the others: what is asked of it is that it is guarded.
_OBJECTS = r"""
with own as (
    select c.oid, c.relname, c.relkind, c.relacl::text as acl, c.relowner::regrole::text as owner
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'audit' and c.relname !~ '^entry_\d+')
select 'relation ' || relname as name, concat_ws(' ', relkind, owner, acl) as is from own
union all
select 'column ' || o.relname || '.' || a.attname,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull)
  from own o join pg_attribute a on a.attrelid = o.oid and a.attnum > 0 and not a.attisdropped
 where o.relkind in ('r', 'p')
union all
select 'trigger ' || o.relname || '.' || t.tgname, concat_ws(' ', t.tgenabled, t.tgfoid::regproc)
  from own o join pg_trigger t on t.tgrelid = o.oid and not t.tgisinternal
union all
select 'function ' || p.proname, concat_ws(' ', p.proowner::regrole, p.proacl::text, md5(p.prosrc))
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'audit'
union all
select 'partition ' || c.relname, 'unguarded'
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
 where i.inhparent = 'audit.entry'::regclass
   and not exists (select from pg_trigger t where t.tgrelid = c.oid
                      and t.tgname = 'is_append_only' and t.tgenabled = 'O')
"""
_KEEP = """
insert into audit.catalog (revision, objects, noted_at) values ($1, $2::text::jsonb, $3)
on conflict (revision) do nothing
"""
_KEPT = "select objects::text from audit.catalog where revision = $1"


async def look(raw: "asyncpg.Connection[Any]", now: datetime) -> None:
    """Compare the schema with what was first seen at this revision."""
    revision = await raw.fetchval(_REVISIONS)
    found: dict[str, str] = {row["name"]: row["is"] for row in await raw.fetch(_OBJECTS)}
    await raw.execute(_KEEP, revision, orjson.dumps(found).decode(), now)
    kept: dict[str, str] = orjson.loads(await raw.fetchval(_KEPT, revision))
    changed = sorted(
        name for name in found.keys() | kept.keys() if found.get(name) != kept.get(name)
    )
    if changed:
        detail = {"revision": revision, "changed": changed[:50]}
        await completeness.raise_finding(raw, CHANGED, ", ".join(changed)[:200], detail, now)
