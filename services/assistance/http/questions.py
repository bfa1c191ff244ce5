"""Questions about plans, measures and eliminations; each answers within the asker's division."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from services.assistance.domain.catalogue import CATALOGUE
from services.assistance.domain.measure_state import MeasureStatus
from services.assistance.domain.plan_state import Stage
from services.assistance.domain.procedure import ELIMINATION_PROCEDURE
from services.assistance.read_models import queries
from services.assistance.read_models.queries import Asked, Lacking
from shared.contracts.help import Department
from shared.kernel.division import DivisionCode
from shared.kernel.principal import Principal, Role, may
from shared.store import event_store
from shared.store.application import Application
from shared.store.database import Transaction
from shared.store.history import told
from shared.web.auth import Caller
from shared.web.context import etag
from shared.web.paging import Cursors, Page, Paged
from shared.web.routing import Router, require

LOOK = may(Role.OFFICER, Role.COMMITTEE, Role.PRINCIPAL, Role.DEPARTMENT, Role.INSPECTOR)
"""Who may look at plans, measures and eliminations of their division."""
Division = Annotated[DivisionCode | None, Query(description="Only this division's subtree.")]
Overdue = Annotated[bool, Query(description="Only what is past its last day.")]


def asked_by(tx: Transaction, caller: Principal, division: str | None) -> Asked:
    """Who asks, for which division, on which day."""
    return Asked(caller, division, tx.clock.today())


def plan_questions(made: Router, application: Application) -> None:
    """The queue, and single plans."""
    database = application.database
    queue: Cursors[Any] = Cursors(tuple[bool, date, UUID])

    @made.get("/plans", dependencies=[require(LOOK)], name="plans")
    async def plans(
        *,
        caller: Caller,
        page: Paged,
        stage: Stage | None = None,
        lacking: Lacking | None = None,
        overdue: Overdue = False,
        division: Division = None,
    ) -> Page[Any]:
        """The queue: urgent ones first (R113), then by their last day (R89).

        ``lacking`` lists the households that no measure reaches (R76, R111), and the plans in force
        that are not complete any more (R44, R78).
        """
        question = {"stage": stage, "lacking": lacking, "overdue": overdue, "division": division}
        async with database.reading() as tx:
            rows = await queries.plans(
                tx.sql,
                asked_by(tx, caller, division),
                stage=stage,
                lacking=lacking,
                overdue=overdue,
                after=queue.after(page, question),
                limit=page.limit + 1,
            )
        return queue.cut(
            rows,
            page,
            question,
            lambda row: (not row["urgent"], row["due_on"] or date.max, row["plan_id"]),
        )

    @made.get("/plans/by-case/{case_id}", dependencies=[require(LOOK)], name="plan_by_case")
    async def plan_by_case(case_id: UUID, caller: Caller, response: Response) -> dict[str, Any]:
        """The plan of a case, with its measures and what is still missing."""
        async with database.reading() as tx:
            found = await queries.one_plan(tx.sql, asked_by(tx, caller, None), case_id=case_id)
        response.headers["ETag"] = etag(found["version"])
        return found

    @made.get("/plans/{plan_id}", dependencies=[require(LOOK)], name="plan")
    async def plan(plan_id: UUID, caller: Caller, response: Response) -> dict[str, Any]:
        """One plan: its measures, what is still missing (R44, R77, R78, R80), what was done."""
        async with database.reading() as tx:
            found = await queries.one_plan(tx.sql, asked_by(tx, caller, None), plan_id=plan_id)
            found["history"] = told(await event_store.load(tx.raw, application.service, plan_id))
        response.headers["ETag"] = etag(found["version"])
        return found


def measure_questions(made: Router, application: Application) -> None:
    """The chase list, and the catalogue."""
    database = application.database
    chase: Cursors[Any] = Cursors(tuple[date, UUID])

    @made.get("/measures", dependencies=[require(LOOK)], name="measures")
    async def measures(
        *,
        caller: Caller,
        page: Paged,
        status: MeasureStatus = MeasureStatus.FILED,
        department: Department | None = None,
        overdue: Overdue = False,
        division: Division = None,
    ) -> Page[Any]:
        """The county's chase list: what departments have yet to start (R90), or what will end."""
        question = {
            "status": status,
            "department": department,
            "overdue": overdue,
            "division": division,
        }
        async with database.reading() as tx:
            rows = await queries.measures(
                tx.sql,
                asked_by(tx, caller, division),
                status=status,
                department=department,
                overdue=overdue,
                after=chase.after(page, question),
                limit=page.limit + 1,
            )
        return chase.cut(
            rows, page, question, lambda row: (row["due_on"] or date.max, row["measure_id"])
        )

    @made.get("/catalogue", dependencies=[require(LOOK)], name="catalogue")
    async def catalogue() -> list[dict[str, Any]]:
        """The kinds of measure: what counts as development, which funds, what needs an end date."""
        return [
            {
                "kind": kind,
                "zh": entry.zh,
                "en": entry.en,
                "group": entry.group,
                "counts_as_development": entry.counts,
                "funds": sorted(entry.funds),
                "by_output": entry.by_output,
                "to_an_end": entry.to_an_end,
                "cross_province": entry.cross_province,
            }
            for kind, entry in CATALOGUE.items()
        ]


def elimination_questions(made: Router, application: Application) -> None:
    """Eliminations, and the procedure they follow."""
    database = application.database
    recent: Cursors[Any] = Cursors(tuple[date, UUID])

    @made.get("/eliminations", dependencies=[require(LOOK)], name="eliminations")
    async def eliminations(
        *,
        caller: Caller,
        page: Paged,
        status: Annotated[str | None, Query(pattern="^(OPEN|DROPPED|ELIMINATED)$")] = None,
        early: Annotated[bool | None, Query(description="Only 突击消除 (R93, R114).")] = None,
        unfinished: Annotated[bool, Query(description="Only with a step to be done.")] = False,
        division: Division = None,
    ) -> Page[Any]:
        """Eliminations, the oldest proposal first. No ratio, no ranking (R92)."""
        question = {
            "status": status,
            "early": early,
            "unfinished": unfinished,
            "division": division,
        }
        async with database.reading() as tx:
            rows = await queries.eliminations(
                tx.sql,
                asked_by(tx, caller, division),
                status=status,
                early=early,
                unfinished=unfinished,
                after=recent.after(page, question),
                limit=page.limit + 1,
            )
        return recent.cut(
            rows, page, question, lambda row: (row["proposed_on"], row["elimination_id"])
        )

    @made.get("/eliminations/{elimination_id}", dependencies=[require(LOOK)], name="elimination")
    async def elimination(
        elimination_id: UUID, caller: Caller, response: Response
    ) -> dict[str, Any]:
        """One elimination: its evidence, its steps, its clocks, what was done and by whom."""
        async with database.reading() as tx:
            asked = asked_by(tx, caller, None)
            found = await queries.one_elimination(tx.sql, asked, elimination_id)
            stream = await event_store.load(tx.raw, application.service, elimination_id)
            found["history"] = told(stream)
        response.headers["ETag"] = etag(found["version"])
        return found

    @made.get("/procedure", dependencies=[require(LOOK)], name="procedure")
    async def procedure() -> dict[str, Any]:
        """The elimination procedure as it is declared: what the queue and every picture follow."""
        return {
            "name": ELIMINATION_PROCEDURE.name,
            "rule": ELIMINATION_PROCEDURE.rule,
            "steps": [
                {
                    "name": step.name,
                    "zh": step.label[0],
                    "en": step.label[1],
                    "levels": [level.name for level in step.levels],
                    "needs": list(step.needs),
                    "clock": step.clock,
                    "event": step.done_by[0].__name__,
                    "rule": step.rule,
                }
                for step in ELIMINATION_PROCEDURE.steps
            ],
            "mermaid": ELIMINATION_PROCEDURE.mermaid(),
        }
