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
    """What is to be written together; the first clause is the one the others follow from."""

    clauses: list[Clause] = field(default_factory=list)
    rewrites: list[Rewrite] = field(default_factory=list)

    async def run(self, connection: "asyncpg.Connection[Any]") -> None:
        """Write everything or nothing. Raises what the server raises, such as a violated key."""
        if not self.rewrites or connection.is_in_transaction():
            await self._run(connection)
            return
        async with connection.transaction():
            await self._run(connection)

    async def _run(self, connection: "asyncpg.Connection[Any]") -> None:
        sql = _together(tuple(clause.sql for clause in self.clauses))
        values = [value for clause in self.clauses for value in clause.values]
        await connection.execute(sql, *values)
        for rewrite in self.rewrites:
            await connection.execute(rewrite.delete, rewrite.stream)
            if rewrite.rows:
                await connection.executemany(rewrite.insert, rewrite.rows)


@lru_cache(maxsize=4096)
def _together(statements: tuple[str, ...]) -> str:
    """``with w1 as (…), w2 as (…) <the first>``, parameters numbered through.

    The statements are constants of the code; there are as many combinations as commands have
    shapes, so the cache stays small and each connection prepares each one once.
    """
    first, *others = statements
    used, parts = _parameters(first), []
    for number, statement in enumerate(others, start=1):
        parts.append(f"w{number} as ({_shifted(statement, used)})")
        used += _parameters(statement)
    return f"with {', '.join(parts)} {first}" if parts else first


def _parameters(statement: str) -> int:
    return max(int(found) for found in _PARAMETER.findall(statement))


def _shifted(statement: str, by: int) -> str:
    return _PARAMETER.sub(lambda found: f"${int(found[1]) + by}", statement)
