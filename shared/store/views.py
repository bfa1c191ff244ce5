"""Read models: tables whose rows are a pure function of one stream's state.

Because a row follows from the state alone, a rollback, a rebuild and an ordinary act all write it
the same way, and none can drift from the events.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.kernel.event import Event, Recorded
from shared.kernel.refusal import Refusal

S = TypeVar("S")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class View(Generic[S]):
    """One table fed by one category of streams.

    The table has a column ``stream_id``. ``rows(state, last)`` gives all rows the stream has in it
    now: usually one; none when the stream does not appear.
    """

    table: sa.Table
    category: str
    rows: Callable[[S, Recorded[Event]], Sequence[Row]]
    conflicts: Mapping[str, Callable[[], Refusal]] = field(default_factory=dict)
    """What a violated unique index means to the caller, by the index's name."""

    async def apply(
        self, connection: AsyncConnection, stream_id: UUID, state: S, last: Recorded[Event]
    ) -> None:
        """Make the table say what ``state`` says. Raises the ``Refusal`` of a unique index."""
        rows = self.rows(state, last)
        try:
            if self._one_row_a_stream:
                await self._upsert(connection, stream_id, rows)
            else:
                await self._replace(connection, stream_id, rows)
        except sa.exc.IntegrityError as error:
            raise self._refusal(error) from error

    @property
    def _one_row_a_stream(self) -> bool:
        return [column.name for column in self.table.primary_key] == ["stream_id"]

    async def _upsert(
        self, connection: AsyncConnection, stream_id: UUID, rows: Sequence[Row]
    ) -> None:
        if not rows:
            await connection.execute(self._delete, {"the_stream": stream_id})
            return
        insert = postgresql.insert(self.table).values(dict(rows[0]))
        await connection.execute(
            insert.on_conflict_do_update(
                index_elements=["stream_id"],
                set_={name: insert.excluded[name] for name in rows[0] if name != "stream_id"},
            )
        )

    async def _replace(
        self, connection: AsyncConnection, stream_id: UUID, rows: Sequence[Row]
    ) -> None:
        await connection.execute(self._delete, {"the_stream": stream_id})
        if rows:
            await connection.execute(sa.insert(self.table), [dict(row) for row in rows])

    @property
    def _delete(self) -> sa.Delete:
        return sa.delete(self.table).where(self.table.c.stream_id == sa.bindparam("the_stream"))

    def _refusal(self, error: sa.exc.IntegrityError) -> Exception:
        cause = error.orig.__cause__ if error.orig else None
        if isinstance(cause, asyncpg.UniqueViolationError):
            make = self.conflicts.get(cause.constraint_name or "")
            if make is not None:
                return make()
        return error
