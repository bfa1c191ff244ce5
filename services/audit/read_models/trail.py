"""Who did what, when, on whose authority: filtered, by keyset pages, within the asker's divisions.

An answer is read out of the leaf, not out of the columns beside it: what is shown is what was
hashed. The columns only find it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PGUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from services.audit.domain import canonical, words
from services.audit.log.tables import entry, log, opening
from shared.contracts.audit import Gate
from shared.kernel.division import NATION
from shared.kernel.document_number import NoDocumentNumber
from shared.kernel.principal import Principal
from shared.kernel.refusal import NotFound

Short = Annotated[str, Field(max_length=100), NoDocumentNumber]
"""A condition is written down with the reading, so it must hold nobody's number."""
Words = Annotated[
    str,
    StringConstraints(min_length=2, max_length=100, pattern=r"[0-9A-Za-z㐀-鿿]"),
    NoDocumentNumber,
]


class Filter(BaseModel):
    """What is asked; every condition given must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: datetime | None = None
    """Recorded at this instant or later."""
    until: datetime | None = None
    """Recorded before this instant."""
    actor: Short | None = None
    role: Short | None = None
    """One of the roles the actor held."""
    region: Short | None = None
    """A division; everything inside it."""
    service: Short | None = None
    category: Short | None = None
    """The kind of stream: ``case``, ``plan``, ``correction``…"""
    type: Short | None = None
    """The event's name."""
    household: UUID | None = None
    """The key that orders messages: a household, or an order, feed or correction."""
    stream: UUID | None = None
    """A case, plan, order, correction…"""
    correlation: UUID | None = None
    """Everything that followed from one outside request."""
    event: UUID | None = None
    outcome: Short | None = None
    """The code with which an act ended: a disposition, a result, a rating, a refusal's reason."""
    gate: Gate | None = None
    """A correction's gate."""
    text: Words | None = None
    """Words, all of which stand in the entry; a part of a document number will do."""

    @property
    def facets(self) -> frozenset[str]:
        """What the entry must be found by, as ``words`` has it; its region aside."""
        named = ("actor", "service", "category", "type", "role", "outcome", "gate")
        found = {f"{name}:{getattr(self, name)}" for name in named if getattr(self, name)}
        return frozenset(found | set(words.of_text(self.text or "")))


class Place(NamedTuple):
    """Where an entry stands, as a sort key: the log (they are numbered by age), then the index."""

    log_id: int
    idx: int


@dataclass(frozen=True)
class Found:
    """An entry of the trail."""

    place: Place
    origin: str
    envelope: dict[str, Any]
    """The leaf, as JSON; with its data even where the leaf holds only a commitment to it."""

    @property
    def event_id(self) -> UUID:
        """The event's id."""
        return UUID(self.envelope["event_id"])

    @property
    def recorded_at(self) -> datetime:
        """When the event was recorded."""
        return datetime.fromisoformat(self.envelope["recorded_at"])

    @property
    def key(self) -> UUID:
        """The household, or the order, feed or correction."""
        return UUID(self.envelope["key"])

    def as_json(self) -> dict[str, Any]:
        """The entry as it is answered."""
        return {"log": self.origin, "index": self.place.idx, **self.envelope}


class NoSuchEntry(NotFound):
    """There is no such entry, or it lies outside the asker's divisions."""

    def __init__(self, field: str) -> None:
        super().__init__("该审计条目", "audit entry", field=field)


async def whole_streams(connection: AsyncConnection, streams: Collection[UUID]) -> list[Found]:
    """Everything logged of these streams."""
    return await _listed(connection, entry.c.stream_id == sa.any_(_uuids(streams)), limit=None)


async def of_households_of(
    connection: AsyncConnection, streams: Collection[UUID], *, limit: int
) -> list[Found]:
    """Everything logged under the keys that these streams have, the oldest first."""
    keys = sa.select(entry.c.key).where(entry.c.stream_id == sa.any_(_uuids(streams)))
    return await _listed(connection, entry.c.key.in_(keys), limit=limit)


async def _listed(
    connection: AsyncConnection, condition: sa.ColumnElement[bool], *, limit: int | None
) -> list[Found]:
    rows = await connection.execute(
        sa.select(log.c.origin, entry.c.log_id, entry.c.idx, entry.c.leaf)
        .join(log, log.c.log_id == entry.c.log_id)
        .where(condition)
        .order_by(entry.c.log_id, entry.c.idx)
        .limit(limit)
    )
    found = [
        Found(Place(row.log_id, row.idx), row.origin, canonical.decode(row.leaf)) for row in rows
    ]
    return await with_data(connection, found)


def _uuids(values: Collection[UUID]) -> sa.BindParameter[Any]:
    """One parameter, however many there are."""
    return sa.literal(list(values), ARRAY(PGUUID()))


async def at(connection: AsyncConnection, place: Place, asker: Principal) -> Found:
    """The entry at a place. Raises ``NoSuchEntry``, also when the asker may not see it (R1)."""
    rows = await connection.execute(
        sa.select(log.c.origin, entry.c.leaf)
        .join(log, log.c.log_id == entry.c.log_id)
        .where(entry.c.log_id == place.log_id, entry.c.idx == place.idx)
        .where(*within_division(asker.division))
    )
    row = rows.one_or_none()
    if row is None:
        raise NoSuchEntry("index")
    found = Found(place, row.origin, canonical.decode(row.leaf))
    return (await with_data(connection, [found]))[0]


def within_division(division: str) -> Sequence[sa.ColumnElement[bool]]:
    """Entries whose region lies in ``division``; codes nest by prefix (R1)."""
    if division == NATION:
        return ()
    return (entry.c.region.startswith(division, autoescape=True),)


async def with_data(connection: AsyncConnection, found: list[Found]) -> list[Found]:
    """Put the data back into entries whose leaf only commits to it."""
    large = {item.place: item for item in found if "data" not in item.envelope}
    if not large:
        return found
    places = sa.tuple_(opening.c.log_id, opening.c.idx).in_([tuple(place) for place in large])
    rows = await connection.execute(
        sa.select(opening.c.log_id, opening.c.idx, opening.c.value).where(
            places, opening.c.field == "data"
        )
    )
    for row in rows:
        large[Place(row.log_id, row.idx)].envelope["data"] = canonical.decode(row.value)
    return found
