"""The work queue: what is to be done now, by whom, until when (R113).

Read in its order from an index: by county and level where the caller's division lies in a county,
by place for a village, in the order itself above the county.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.identification.domain.work import TASKS
from services.identification.read_models.queries import starts_with
from services.identification.read_models.tables import work_item
from shared.contracts.values import LeadSource
from shared.kernel.division import NATION, Level, within
from shared.kernel.principal import Principal
from shared.kernel.refusal import Forbidden
from shared.policy.rules import rule

_COUNTY_DIGITS, _VILLAGE_DIGITS = 6, 12


class QueueKey(NamedTuple):
    """The order of the queue."""

    priority: int
    due_on: date
    case_id: UUID
    step: str
    level: int


@dataclass(frozen=True)
class QueueFilter:
    """What of the queue to show; everything that is ``None`` or false asks for nothing."""

    step: str | None = None
    level: Level | None = None
    """Whose turn; ``None``: anybody's."""
    division: str | None = None
    """Only what lies inside it."""
    priority: int | None = None
    source: LeadSource | None = None
    """The channel of the case's first lead."""
    green_channel: bool | None = None
    household_id: UUID | None = None
    due_by: date | None = None
    """Only what has its last day by then."""
    named: str | None = None
    """Only cases for which this officer answers (R5)."""
    overdue: bool = False
    """Only what is past its last day."""
    waiting: bool = False
    """Also what can only be done later."""


@rule("R1", "R113")
async def queue(
    connection: AsyncConnection,
    principal: Principal,
    wanted: QueueFilter,
    *,
    today: date,
    after: QueueKey | None,
    limit: int,
) -> Sequence[Mapping[str, Any]]:
    """What is to be done in the caller's division, the most urgent first (R113).

    Raises ``Forbidden`` for a division that is not inside the caller's (R1).
    """
    division = wanted.division or principal.division
    if not within(division, principal.division):
        raise Forbidden("该区划不在您的辖区内", "the division is outside your own")
    query = queue_query(division, wanted, today=today, after=after, limit=limit)
    return [_shown(row, today) for row in (await connection.execute(query)).mappings()]


def queue_query(
    division: str, wanted: QueueFilter, *, today: date, after: QueueKey | None, limit: int
) -> sa.Select[Any]:
    """The statement."""
    item = work_item.c
    order = (item.priority, item.due_on, item.stream_id, item.step, item.level)
    query = sa.select(work_item).where(*_inside(division), *_asked(wanted, today))
    if after is not None:
        query = query.where(sa.tuple_(*order) > sa.tuple_(*after))
    return query.order_by(*order).limit(limit)


def _asked(wanted: QueueFilter, today: date) -> list[sa.ColumnElement[bool]]:
    item = work_item.c
    equal = {
        item.step: wanted.step,
        item.level: None if wanted.level is None else int(wanted.level),
        item.priority: wanted.priority,
        item.source: wanted.source,
        item.green_channel: wanted.green_channel,
        item.household_id: wanted.household_id,
    }
    found = [column == value for column, value in equal.items() if value is not None]
    if wanted.named is not None:
        found.append(item.officers.contains([wanted.named]))
    if wanted.due_by is not None:
        found.append(item.due_on <= wanted.due_by)
    if wanted.overdue:
        found.append(item.due_on < today)
    if not wanted.waiting:
        found.append(item.ready_on <= today)
    return found


def _inside(division: str) -> list[sa.ColumnElement[bool]]:
    """The division's slice of the queue; by county where it lies in one."""
    if division == NATION:
        return []
    if len(division) == _VILLAGE_DIGITS:
        return [work_item.c.division == division]
    slices = [starts_with(work_item.c.division, division)]
    if len(division) >= _COUNTY_DIGITS:
        slices.append(work_item.c.county == division[:_COUNTY_DIGITS])
    return slices


def _shown(row: Mapping[str, Any], today: date) -> dict[str, Any]:
    due, task = row["due_on"], TASKS[row["step"]]
    return {
        "case_id": row["stream_id"],
        "household_id": row["household_id"],
        "division": row["division"],
        "step": row["step"],
        "label": task.label[0],
        "label_en": task.label[1],
        "rule": task.rule,
        "level": Level(row["level"]).name,
        "priority": row["priority"],
        "source": row["source"],
        "green_channel": row["green_channel"],
        "officers": row["officers"],
        "ready_on": row["ready_on"],
        "due_on": None if due == date.max else due,
        "overdue": due < today,
        "days_late": (today - due).days if due < today else 0,
        "clock": row["clock"],
    }
