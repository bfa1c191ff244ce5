"""Read models: tables whose rows are a pure function of one stream's state.

Because a row follows from the state alone, a rollback, a rebuild and an ordinary act all write it
the same way, and none can drift from the events. The tables are SQLAlchemy's; the statements made
from them are plain SQL with the driver's parameters, prepared once a connection.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect

from shared.kernel.event import Event, Recorded
from shared.kernel.refusal import Refusal
from shared.store.writing import Clause, Rewrite, Writes

S = TypeVar("S")
Row = Mapping[str, Any]
Prepare = Callable[[Any], Any]

_DIALECT: Dialect = asyncpg_dialect(  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it bare
    json_serializer=lambda value: orjson.dumps(value).decode()
)


@dataclass(frozen=True)
class View(Generic[S]):
    """One table fed by one category of streams.

    The table has a column ``stream_id``. ``rows(state, last)`` gives all rows the stream has in it
    now: usually one; none when the stream does not appear. It sees the last event as recorded, but
    for its ``position``, which is not known yet (0).
    """

    table: sa.Table
    category: str
    rows: Callable[[S, Recorded[Event]], Sequence[Row]]
    conflicts: Mapping[str, Callable[[], Refusal]] = field(default_factory=dict)
    """What a violated unique index means to the caller, by the index's name."""

    def write(self, writes: Writes, state: S, last: Recorded[Event]) -> None:
        """Add what makes the table say what ``state`` says."""
        rows = self.rows(state, last)
        if not self._one_row_a_stream:
            writes.rewrites.append(self._rewrite(last.stream_id, rows))
        elif rows:
            columns = tuple(rows[0])
            writes.clauses.append(
                Clause(upsert(self.table, columns), values(self.table, columns, rows[0]))
            )
        else:
            writes.clauses.append(Clause(self._delete, [last.stream_id]))

    def _rewrite(self, stream_id: UUID, rows: Sequence[Row]) -> Rewrite:
        columns = tuple(rows[0]) if rows else ()
        made = [values(self.table, columns, row) for row in rows]
        return Rewrite(self._delete, insert(self.table, columns), stream_id, made)

    @cached_property
    def _one_row_a_stream(self) -> bool:
        return [column.name for column in self.table.primary_key] == ["stream_id"]

    @cached_property
    def _delete(self) -> str:
        return f"delete from {table_name(self.table)} where stream_id = $1"  # noqa: S608  # our table


@lru_cache(maxsize=1024)
def insert(table: sa.Table, columns: tuple[str, ...]) -> str:
    """``insert into t (a, b) values ($1, $2)``."""
    names = ", ".join(_quoted(name) for name in columns)
    slots = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    return f"insert into {table_name(table)} ({names}) values ({slots})"  # noqa: S608  # our table


@lru_cache(maxsize=1024)
def upsert(table: sa.Table, columns: tuple[str, ...]) -> str:
    """The insert that becomes an update of a stream's row when there is one."""
    changed = [_quoted(name) for name in columns if name != "stream_id"]
    action = ", ".join(f"{name} = excluded.{name}" for name in changed)
    return f"{insert(table, columns)} on conflict (stream_id) do update set {action}"


def values(table: sa.Table, columns: Sequence[str], row: Row) -> list[Any]:
    """A row's values as the driver takes them (JSON as text, enumerations as their names).

    Raises ``KeyError`` for a row without one of the columns.
    """
    prepare = preparations(table)
    return [prepare[name](row[name]) if name in prepare else row[name] for name in columns]


@lru_cache(maxsize=256)
def preparations(table: sa.Table) -> dict[str, Prepare]:
    """For the columns that need it: how a Python value becomes what the driver takes."""
    made: dict[str, Prepare] = {}
    for column in table.columns:
        prepare = column.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
        if prepare is not None:
            made[column.name] = prepare
    return made


def table_name(table: sa.Table) -> str:
    """The table's name as written in SQL, quoted where need be, without a schema."""
    return _DIALECT.identifier_preparer.format_table(table)


def _quoted(name: str) -> str:
    return _DIALECT.identifier_preparer.quote(name)
