"""Who did what, when, on whose authority: filtered, by keyset pages, within the asker's divisions.

An answer is read out of the leaf, not out of the columns beside it: what is shown is what was
hashed. The columns only find it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from services.audit.domain import canonical
from services.audit.log.tables import entry, log, opening
from shared.kernel.division import NATION
from shared.kernel.principal import Principal
from shared.kernel.refusal import NotFound

_PLAN_EACH = sa.text("set local plan_cache_mode = force_custom_plan")


class Filter(BaseModel):
    """What is asked; every condition given must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: datetime | None = None
    """Recorded at this instant or later."""
    until: datetime | None = None
    """Recorded before this instant."""
    actor: str | None = None
    role: str | None = None
    """One of the roles the actor held."""
    region: str | None = None
    """A division; everything inside it."""
    service: str | None = None
    category: str | None = None
    """The kind of stream: ``case``, ``plan``, ``correction``…"""
    type: str | None = None
    """The event's name."""
    household: UUID | None = None
    """The key that orders messages: a household, or an order, feed or correction."""
    stream: UUID | None = None
    """A case, plan, order, correction…"""
    correlation: UUID | None = None
    """Everything that followed from one outside request."""
    event: UUID | None = None


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


async def search(
    connection: AsyncConnection,
    asked: Filter,
    asker: Principal,
    *,
    after: Place | None = None,
    limit: int,
    oldest_first: bool = False,
) -> list[Found]:
    """Up to ``limit`` entries, the newest first unless told otherwise, that come ``after`` a place.

    The logs are asked one after the other, so that each is walked along an index in its order.
    Needs a transaction: how best to walk depends on the question (a village or the province, a
    rare act or a common one), so that each is planned for itself.
    """
    await connection.execute(_PLAN_EACH)
    condition = sa.and_(sa.true(), *_conditions(asked, asker))
    found: list[Found] = []
    for log_id, origin in await _logs(connection, after, oldest_first):
        start = after.idx if after is not None and after.log_id == log_id else None
        page = _page(log_id, start, oldest_first).where(condition).limit(limit - len(found))
        rows = (await connection.execute(page)).all()
        found += [Found(Place(log_id, row.idx), origin, canonical.decode(row.leaf)) for row in rows]
        if len(found) == limit:
            break
    return await _with_data(connection, found)


async def one(connection: AsyncConnection, event_id: UUID, asker: Principal) -> Found:
    """The entry of an event. Raises ``NoSuchEntry``."""
    place = sa.select(entry.c.log_id, entry.c.idx).where(entry.c.event_id == event_id)
    row = (await connection.execute(place)).one_or_none()
    if row is None:
        raise NoSuchEntry("event_id")
    return await at(connection, Place(row.log_id, row.idx), asker)


async def at(connection: AsyncConnection, place: Place, asker: Principal) -> Found:
    """The entry at a place. Raises ``NoSuchEntry``, also when the asker may not see it (R1)."""
    rows = await connection.execute(
        sa.select(log.c.origin, entry.c.leaf)
        .join(log, log.c.log_id == entry.c.log_id)
        .where(entry.c.log_id == place.log_id, entry.c.idx == place.idx)
        .where(*_within(asker.division))
    )
    row = rows.one_or_none()
    if row is None:
        raise NoSuchEntry("index")
    found = Found(place, row.origin, canonical.decode(row.leaf))
    return (await _with_data(connection, [found]))[0]


def _conditions(asked: Filter, asker: Principal) -> list[sa.ColumnElement[bool]]:
    made = [*_within(asker.division)]
    for name in ("actor", "service", "category", "type"):
        value = getattr(asked, name)
        if value is not None:
            made.append(entry.c[name] == value)
    for name, column in (
        ("household", entry.c.key),
        ("stream", entry.c.stream_id),
        ("correlation", entry.c.correlation_id),
        ("event", entry.c.event_id),
    ):
        value = getattr(asked, name)
        if value is not None:
            made.append(column == value)
    if asked.since is not None:
        made.append(entry.c.recorded_at >= asked.since)
    if asked.until is not None:
        made.append(entry.c.recorded_at < asked.until)
    if asked.role is not None:
        made.append(entry.c.actor_roles.contains([asked.role]))
    if asked.region is not None:
        made += _within(asked.region)
    return made


def _within(division: str) -> Sequence[sa.ColumnElement[bool]]:
    """Entries whose region lies in ``division``; codes nest by prefix (R1)."""
    if division == NATION:
        return ()
    return (entry.c.region.startswith(division, autoescape=True),)


def _page(log_id: int, start: int | None, oldest_first: bool) -> sa.Select[Any]:
    page = sa.select(entry.c.idx, entry.c.leaf).where(entry.c.log_id == log_id)
    if start is not None:
        page = page.where(entry.c.idx > start if oldest_first else entry.c.idx < start)
    return page.order_by(entry.c.idx if oldest_first else entry.c.idx.desc())


async def _logs(
    connection: AsyncConnection, after: Place | None, oldest_first: bool
) -> list[tuple[int, str]]:
    wanted = sa.select(log.c.log_id, log.c.origin)
    if after is not None:
        past = log.c.log_id >= after.log_id if oldest_first else log.c.log_id <= after.log_id
        wanted = wanted.where(past)
    order = log.c.log_id if oldest_first else log.c.log_id.desc()
    rows = await connection.execute(wanted.order_by(order))
    return [(row.log_id, row.origin) for row in rows]


async def _with_data(connection: AsyncConnection, found: list[Found]) -> list[Found]:
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
