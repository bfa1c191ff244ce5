"""The work queue, a case's track, and the procedure as data."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from services.identification.domain.procedure import IDENTIFICATION
from services.identification.domain.work import TASKS
from services.identification.http.access import LOOK
from services.identification.http.acts import DOORS
from services.identification.read_models import queries
from services.identification.read_models import queue as work
from services.identification.read_models.queue import QueueFilter, QueueKey
from shared.contracts.values import LeadSource
from shared.kernel.division import DivisionCode, Level
from shared.kernel.principal import Principal
from shared.store.application import Application
from shared.web.auth import Caller
from shared.web.paging import Cursors, Page, Paged
from shared.web.routing import Router, public, require

_QUEUE: Cursors[QueueKey] = Cursors(QueueKey)


_ACTS = {door.command: door.path for door in DOORS}
_RECORDED = {"verification": ("incomes", "expenses", "gaps", "watch", "coping")}
"""What a step needs by its rule, though a body without it can be read (R14, R16)."""


class QueueQuery(BaseModel):
    """What of the queue to show."""

    step: Literal[tuple(TASKS)] | None = None  # type: ignore[valid-type]  # the names there are
    level: Literal["mine", "all", "VILLAGE", "TOWN", "COUNTY"] = "mine"
    """Whose turn it is; ``mine`` is the caller's own level, and anybody's above the county."""
    division: DivisionCode | None = None
    priority: Annotated[int, Field(ge=1, le=3)] | None = None
    source: LeadSource | None = None
    green_channel: bool | None = None
    household_id: UUID | None = None
    due_by: date | None = None
    named: bool = False
    """Only cases for which the caller answers as a named officer (R5)."""
    overdue: bool = False
    waiting: bool = False
    """Also what can only be done later."""

    def filter(self, caller: Principal) -> QueueFilter:
        """The same, as it is asked of the table."""
        given = self.model_dump(exclude={"level", "named"})
        return QueueFilter(
            **given,
            level=_turn(self.level, caller.level),
            named=caller.subject if self.named else None,
        )


def register(made: Router, application: Application) -> None:
    """``GET /cases``, ``GET /cases/{case_id}``, ``GET /procedure``."""
    database = application.database

    @made.get("/cases", summary="The work queue.", dependencies=[require(LOOK)])
    async def queue(
        caller: Caller, page: Paged, asked: Annotated[QueueQuery, Query()]
    ) -> Page[dict[str, Any]]:
        question = asked.model_dump(mode="json")
        async with database.reading() as tx:
            rows = await work.queue(
                tx.sql,
                caller,
                asked.filter(caller),
                today=tx.clock.today(),
                after=_QUEUE.after(page, question),
                limit=page.limit + 1,
            )
        return _QUEUE.cut([_with_act(row) for row in rows], page, question, _queue_key)

    @made.get("/cases/{case_id}", summary="A case's track.", dependencies=[require(LOOK)])
    async def case(case_id: UUID, caller: Caller) -> dict[str, Any]:
        async with database.reading() as tx:
            return dict(await queries.track(tx, caller, case_id))

    @made.get("/procedure", summary="The procedure as data.", dependencies=[public()])
    async def procedure() -> dict[str, Any]:
        return _PROCEDURE


def _turn(level: str, own: Level) -> Level | None:
    if level == "mine":
        return own if own <= Level.COUNTY else None
    return None if level == "all" else Level[level]


def _with_act(row: Mapping[str, Any]) -> dict[str, Any]:
    """How it is done: where to send it, and which fields it takes at least."""
    command = TASKS[row["step"]].command
    needs = [
        name
        for name, field in command.model_fields.items()
        if field.is_required() and name != "case_id"
    ]
    if row["overdue"] and "late_reason" in command.model_fields:
        needs.append("late_reason")
    needs += _RECORDED.get(row["step"], ())
    return {**row, "act": f"POST {_ACTS[command]}", "needs": needs}


def _queue_key(row: Mapping[str, Any]) -> QueueKey:
    return QueueKey(
        priority=row["priority"],
        due_on=row["due_on"] or date.max,
        case_id=row["case_id"],
        step=row["step"],
        level=int(Level[row["level"]]),
    )


_PROCEDURE: dict[str, Any] = {
    "name": IDENTIFICATION.name,
    "rule": IDENTIFICATION.rule,
    "steps": [
        {
            "name": step.name,
            "label": step.label[0],
            "label_en": step.label[1],
            "levels": [level.name for level in step.levels],
            "command": step.command.__name__,
            "events": [event.__name__ for event in step.done_by],
            "needs": list(step.needs),
            "clock": step.clock,
            "rule": step.rule,
        }
        for step in IDENTIFICATION.steps
    ],
    "mermaid": IDENTIFICATION.mermaid(),
}
