"""Filters that people keep: their own, and those shared with a role they hold."""

from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PGUUID

from services.audit.read_models.trail import Filter
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import NotFound, OutOfOrder

metadata = sa.MetaData(schema="audit")
saved_search = sa.Table(
    "saved_search",
    metadata,
    sa.Column("search_id", PGUUID(), primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("shared_with", sa.Text),
    sa.Column("query", JSONB, nullable=False),
    sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
    sa.Index("saved_search_name", "owner", "name", unique=True),
)

_SAVE = """
insert into audit.saved_search (search_id, owner, division, name, shared_with, query, saved_at)
values ($1, $2, $3, $4, $5, $6::text::jsonb, $7)
"""
# A search is shared downwards: whoever holds the role in a division inside the sharer's.
_VISIBLE = """
select search_id, owner, name, shared_with, query::text, saved_at from audit.saved_search
 where owner = $1
    or (shared_with = any($2::text[]) and (division = 'CN' or starts_with($3, division)))
 order by name, search_id limit 500
"""
_FORGET = "delete from audit.saved_search where search_id = $1 and owner = $2"

Connection: TypeAlias = "asyncpg.Connection[Any]"


class NameTaken(OutOfOrder):
    """The owner has a search of that name."""

    def __init__(self) -> None:
        super().__init__(
            code="search-name-taken",
            zh="您已有同名的常用查询",
            en="you have a saved search of that name",
            field="name",
        )


async def save(
    raw: Connection,
    owner: Principal,
    name: str,
    asked: Filter,
    *,
    shared_with: Role | None,
    now: datetime,
) -> UUID:
    """Keep a filter. Raises ``NameTaken``."""
    search_id = new_id()
    query = asked.model_dump_json(exclude_none=True)
    try:
        await raw.execute(
            _SAVE, search_id, owner.subject, owner.division, name, shared_with, query, now
        )
    except asyncpg.UniqueViolationError as error:
        raise NameTaken from error
    return search_id


async def visible(raw: Connection, asker: Principal) -> list[dict[str, Any]]:
    """The asker's own searches, and those shared with them."""
    rows = await raw.fetch(_VISIBLE, asker.subject, sorted(asker.roles), asker.division)
    return [{**dict(row), "query": orjson.loads(row["query"])} for row in rows]


async def forget(raw: Connection, owner: Principal, search_id: UUID) -> None:
    """Drop one of the owner's. Raises ``NotFound``."""
    if await raw.execute(_FORGET, search_id, owner.subject) == "DELETE 0":
        raise NotFound("常用查询", "saved search", field="search_id")
