"""The work queue, a case's track, and the procedure as data."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, StringConstraints

from services.identification.domain.procedure import IDENTIFICATION
from services.identification.http.access import LOOK
from services.identification.read_models import queries
from services.identification.read_models.queries import QueueFilter, QueueKey
from shared.kernel.division import Level
from shared.store.application import Application
from shared.web.auth import Caller
from shared.web.paging import Cursors, Page, Paged
from shared.web.routing import Router, public, require

_QUEUE: Cursors[QueueKey] = Cursors(QueueKey)


class QueueQuery(BaseModel):
    """What of the queue to show."""

    step: Annotated[str, StringConstraints(max_length=40)] | None = None
    level: Literal["mine", "all", "VILLAGE", "TOWN", "COUNTY"] = "mine"
    """Whose turn it is; ``mine`` is the caller's own level, and anybody's above the county."""
    overdue: bool = False
    waiting: bool = False
    """Also what can only be done later."""


def register(made: Router, application: Application) -> None:
    """``GET /cases``, ``GET /cases/{case_id}``, ``GET /procedure``."""
    database = application.database

    @made.get("/cases", summary="The work queue.", dependencies=[require(LOOK)])
    async def queue(
        caller: Caller, page: Paged, asked: Annotated[QueueQuery, Query()]
    ) -> Page[dict[str, Any]]:
        question = asked.model_dump()
        wanted = QueueFilter(
            step=asked.step,
            level=_turn(asked.level, caller.level),
            overdue=asked.overdue,
            waiting=asked.waiting,
        )
        async with database.reading() as tx:
            rows = await queries.queue(
                tx.sql,
                caller,
                wanted,
                today=tx.clock.today(),
                after=_QUEUE.after(page, question),
                limit=page.limit + 1,
            )
        return _QUEUE.cut([dict(row) for row in rows], page, question, _queue_key)

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
