"""Whether a migrated database is what the code believes: tables, keys, indexes, seal, privileges.

Alembic compares tables, columns and types. It does not look at primary keys, at the condition of a
partial index or at privileges; those are compared here, on the server's own rendering of both.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from shared.store.migrate import Schema, on_connection

_INDEXES = "select tablename, indexdef from pg_indexes where schemaname = :schema"
_SEAL = """
select tgenabled::text from pg_trigger
 where tgrelid = 'es.event'::regclass and tgname = 'event_is_append_only'
"""
_EVENT_PRIVILEGES = """
select privilege_type from (
    select privilege_type from information_schema.table_privileges
     where table_schema = 'es' and table_name = 'event' and grantee = :writer
    union
    select privilege_type || ' ' || column_name from information_schema.column_privileges
     where table_schema = 'es' and table_name = 'event' and grantee = :writer
       and privilege_type <> 'SELECT'
) as granted
"""
_READ_MODEL_PRIVILEGES = """
select c.relname, p.name from pg_class c
  join pg_namespace n on n.oid = c.relnamespace,
       (values ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) as p(name)
 where n.nspname = 'rm' and c.relkind in ('r', 'p')
   and not has_table_privilege(:writer, c.oid, p.name)
"""
_SET_BY_THE_SERVER = {"pos", "tx"}


async def drift(url: str, schema: Schema) -> list[str]:
    """Each difference in words; empty when there is none. ``url`` is the owner's."""
    return await on_connection(url, lambda connection: list(_differences(connection, schema)))


def _differences(connection: Connection, schema: Schema) -> Iterator[str]:
    yield from _tables(connection, schema)
    yield from _indexes(connection, schema)
    if "es.event" in schema.tables.tables:  # the embedded log has no events of its own
        yield from _seal(connection)
        yield from _privileges(connection, schema)


def _tables(connection: Connection, schema: Schema) -> Iterator[str]:
    options = {"include_schemas": True, "include_name": _ours}
    context = MigrationContext.configure(connection, opts=options)
    for difference in compare_metadata(context, schema.tables):
        yield f"table: {difference}"


def _ours(name: str | None, kind: str, _parents: Any) -> bool:
    return kind != "table" or name != "alembic_version"


def _indexes(connection: Connection, schema: Schema) -> Iterator[str]:
    """Primary keys and indexes, definition by definition.

    The tables of the code are made in scratch schemas and taken back, so that the server renders
    both sides in the same words.
    """
    tables = schema.tables
    scratch = {table.schema: f"drift_{table.schema or 'rm'}" for table in tables.sorted_tables}
    aside = connection.begin_nested()
    for copy in scratch.values():
        connection.execute(sa.schema.CreateSchema(copy))
    translated = connection.execution_options(
        schema_translate_map={**scratch}
    )  # SQLAlchemy adds to it
    tables.create_all(translated, checkfirst=False)
    wanted = {name: _defined(connection, copy) for name, copy in scratch.items()}
    aside.rollback()
    for name, expected in wanted.items():
        found = _defined(connection, name or "rm")
        yield from (f"index missing: {item}" for item in sorted(expected - found))
        yield from (f"index not in the code: {item}" for item in sorted(found - expected))


def _defined(connection: Connection, schema: str) -> set[str]:
    rows = connection.execute(sa.text(_INDEXES), {"schema": schema})
    return {row.indexdef.replace(f" {schema}.", " ") for row in rows}


def _seal(connection: Connection) -> Iterator[str]:
    enabled = connection.execute(sa.text(_SEAL)).scalar()
    if enabled != "A":
        yield f"the trigger event_is_append_only is not always on (tgenabled = {enabled})"


def _privileges(connection: Connection, schema: Schema) -> Iterator[str]:
    writer = {"writer": schema.roles["writer"]}
    columns = {column.name for column in schema.tables.tables["es.event"].columns}
    wanted = {"SELECT", *(f"INSERT {name}" for name in columns - _SET_BY_THE_SERVER)}
    found = set(connection.execute(sa.text(_EVENT_PRIVILEGES), writer).scalars())
    yield from (f"the writer lacks {name} on es.event" for name in sorted(wanted - found))
    yield from (f"the writer has {name} on es.event" for name in sorted(found - wanted))
    for table, privilege in connection.execute(sa.text(_READ_MODEL_PRIVILEGES), writer):
        yield f"the writer lacks {privilege} on rm.{table}"
