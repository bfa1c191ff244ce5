"""Several writes as one statement.

What a command writes (events, read models, clocks, the answer for its idempotency key) goes to the
server as the clauses of one ``WITH``: one round trip instead of six, and atomic by itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import asyncpg

_PARAMETER = re.compile(r"\$(\d+)")


@dataclass(frozen=True)
class Clause:
    """One ``insert``, ``update`` or ``delete`` and its values, in the order of ``$1``, ``$2``."""

    sql: str
    values: Sequence[Any]


@dataclass(frozen=True)
class Rewrite:
    """A stream's rows in a table of several: all taken out, then these put in."""

    delete: str
    """With the parameter ``$1``, the stream."""
    insert: str
    stream: Any
    rows: Sequence[Sequence[Any]]


@dataclass
class Writes:
    """What is to be written together. The first clause is the append, which returns rows."""

    clauses: list[Clause] = field(default_factory=list)
    rewrites: list[Rewrite] = field(default_factory=list)

    async def run(self, connection: "asyncpg.Connection[Any]") -> list[Any]:
        """Write everything or nothing; the rows of the first clause.

        Raises what the server raises, a unique key's violation above all.
        """
        if not self.rewrites or connection.is_in_transaction():
            return await self._run(connection)
        async with connection.transaction():
            return await self._run(connection)

    async def _run(self, connection: "asyncpg.Connection[Any]") -> list[Any]:
        sql = _together(tuple(clause.sql for clause in self.clauses))
        values = [value for clause in self.clauses for value in clause.values]
        rows: list[Any] = await connection.fetch(sql, *values)
        for rewrite in self.rewrites:
            await connection.execute(rewrite.delete, rewrite.stream)
            if rewrite.rows:
                await connection.executemany(rewrite.insert, rewrite.rows)
        return rows


@lru_cache(maxsize=4096)
def _together(statements: tuple[str, ...]) -> str:
    """``with w0 as (…), w1 as (…) select * from w0``, parameters numbered through.

    The statements are constants of the code; there are as many combinations as commands have
    shapes, so the cache stays small and each connection prepares each one once.
    """
    if len(statements) == 1:
        return statements[0]
    parts, used = [], 0
    for number, statement in enumerate(statements):
        parts.append(f"w{number} as ({_shifted(statement, used)})")
        used += max(int(found) for found in _PARAMETER.findall(statement))
    return f"with {', '.join(parts)} select * from w0"  # noqa: S608  # constants only, see above


def _shifted(statement: str, by: int) -> str:
    return _PARAMETER.sub(lambda found: f"${int(found[1]) + by}", statement)
