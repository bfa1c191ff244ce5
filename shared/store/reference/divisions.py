"""Loads the divisions into ``ref.division``: by COPY, whole or not at all."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import asyncpg

from shared.policy.divisions import Divisions

_BATCH = 8_000
_COLUMNS = ("code", "name", "level", "parent", "path")

# A division that the new list no longer has stays, marked: recorded events still name it.
_MERGE = """
insert into ref.division as old (code, name, level, parent, path, current)
select code, name, level, parent, path, true from incoming
on conflict (code) do update
    set name = excluded.name, path = excluded.path, current = true
    where (old.name, old.path, old.current) is distinct from (excluded.name, excluded.path, true)
"""
_RETIRE = """
update ref.division set current = false
where current and not exists (select from incoming where incoming.code = division.code)
"""
_REMEMBER = """
insert into ref.loaded (what, digest, rows, loaded_at) values ('division', $1, $2, $3)
on conflict (what) do update
    set digest = excluded.digest, rows = excluded.rows, loaded_at = excluded.loaded_at
"""


async def loaded_digest(connection: "asyncpg.Connection[Any]") -> str | None:
    """Which list the database holds (``Divisions.digest``); ``None`` when it holds none."""
    digest: str | None = await connection.fetchval(
        "select digest from ref.loaded where what = 'division'"
    )
    return digest


async def load_divisions(
    connection: "asyncpg.Connection[Any]",
    divisions: Divisions,
    *,
    now: datetime,
    progress: Callable[[int], None] = lambda _rows: None,
) -> int:
    """Make ``ref.division`` say what ``divisions`` says; return how many rows were read.

    ``connection`` is the owner's. ``progress`` is told how many rows each batch had. A list that is
    there already is left alone and 0 returned. Stopped half-way, nothing has changed.
    """
    async with connection.transaction():
        await connection.execute("lock table ref.loaded in share row exclusive mode")
        if await loaded_digest(connection) == divisions.digest:
            return 0
        await connection.execute(
            "create temporary table incoming (like ref.division) on commit drop;"
            "alter table incoming alter current set default true"
        )
        for batch in _batches(divisions):
            await connection.copy_records_to_table("incoming", records=batch, columns=_COLUMNS)
            progress(len(batch))
        await connection.execute(_MERGE)
        await connection.execute(_RETIRE)
        await connection.execute(_REMEMBER, divisions.digest, len(divisions), now)
    return len(divisions)


def _batches(divisions: Divisions) -> Iterator[Sequence[tuple[str, str, int, str, str]]]:
    rows = (
        (place.code, place.name, int(place.level), place.parent, divisions.path(place.code))
        for place in divisions
    )
    while batch := list(islice(rows, _BATCH)):
        yield batch
