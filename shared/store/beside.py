"""Tables made beside the live ones, alike to the last index and grant, and put in their place.

The copy is made from the server's own description of the live table, not from the code's, so that
whatever a migration gave it (defaults, checks, storage) is there too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

NEXT, OLD = "rm_next", "rm_old"
_CONSTRAINTS = """
select conname, pg_get_constraintdef(oid) as definition from pg_constraint
 where conrelid = $1::regclass and contype in ('p', 'u', 'x') order by conname
"""
_INDEXES = """
select pg_get_indexdef(i.indexrelid) as definition from pg_index i
 where i.indrelid = $1::regclass
   and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
 order by 1
"""
_GRANTS = """
select pg_get_userbyid(a.grantee) as grantee, a.privilege_type from pg_class c,
       aclexplode(c.relacl) a
 where c.oid = $1::regclass and a.grantee not in (0, c.relowner)
"""
# Views and triggers hang on a table's identity, not on its name: they would stay with the old one.
_HANGERS_ON = """
select tgname::text as name from pg_trigger where tgrelid = $1::regclass and not tgisinternal
union
select distinct r.ev_class::regclass::text from pg_depend d join pg_rewrite r on r.oid = d.objid
 where d.refobjid = $1::regclass and d.classid = 'pg_rewrite'::regclass
union
select conname::text from pg_constraint
 where contype = 'f' and $1::regclass in (conrelid, confrelid)
"""
Connection = asyncpg.Connection


class CannotBeReplaced(Exception):
    """Something hangs on a live table that a copy would not have."""

    def __init__(self, table: str, names: Sequence[str]) -> None:
        super().__init__(f"{table} has views, triggers or foreign keys: {', '.join(names)}")


@dataclass(frozen=True)
class Beside:
    """A live table and the copy of it being made in ``rm_next``."""

    schema: str
    name: str
    """As written in SQL, quoted where need be."""

    @property
    def live(self) -> str:
        """``rm.errand``."""
        return f"{self.schema}.{self.name}"

    @property
    def copy(self) -> str:
        """``rm_next.errand``."""
        return f"{NEXT}.{self.name}"

    async def create(self, connection: "Connection[Any]") -> None:
        """Make the copy, empty, without keys and indexes. Raises ``CannotBeReplaced``."""
        hanging = [row["name"] for row in await connection.fetch(_HANGERS_ON, self.live)]
        if hanging:
            raise CannotBeReplaced(self.live, hanging)
        await connection.execute(
            f"create table {self.copy} (like {self.live} including all excluding indexes)"
        )
        for row in await connection.fetch(_GRANTS, self.live):
            await connection.execute(
                f"grant {row['privilege_type']} on {self.copy} to {_quoted(row['grantee'])}"
            )

    async def index(self, connection: "Connection[Any]") -> None:
        """Give the filled copy its keys and indexes, under the same names, and statistics."""
        for row in await connection.fetch(_CONSTRAINTS, self.live):
            name = _quoted(row["conname"])
            await connection.execute(
                f"alter table {self.copy} add constraint {name} {row['definition']}"
            )
        for row in await connection.fetch(_INDEXES, self.live):
            await connection.execute(
                row["definition"].replace(f" ON {self.live} ", f" ON {self.copy} ", 1)
            )
        await connection.execute(f"analyze {self.copy}")

    async def swap(self, connection: "Connection[Any]") -> None:
        """Put the copy in the live one's place, and that one into ``rm_old``."""
        await connection.execute(f"alter table {self.live} set schema {OLD}")
        await connection.execute(f"alter table {self.copy} set schema {self.schema}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
