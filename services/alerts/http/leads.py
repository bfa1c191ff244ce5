"""Leads: what can be done to one, and what can be asked."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Query, Response
from pydantic import Field

from services.alerts.domain import commands as c
from services.alerts.domain.lead import LeadStatus
from services.alerts.domain.register import Suggestion
from services.alerts.handlers import Tools
from services.alerts.http.asking import LOOK, Filter, asked, only
from services.alerts.http.intake import DECLARATION_DOOR
from services.alerts.read_models import queries, register
from services.alerts.read_models.queries import LeadKey, Row
from shared.contracts.values import LeadDisposition, LeadSource
from shared.policy.rules import rule
from shared.store.application import Application
from shared.store.database import Transaction
from shared.web.auth import Caller
from shared.web.context import Ctx, etag
from shared.web.doors import Door, carry_out
from shared.web.paging import Cursors, Page, Paged
from shared.web.routing import Router

DOORS = (
    Door("/leads", c.RegisterLead, 201),
    Door("/leads/{lead_id}/match", c.MatchLead),
    Door("/leads/{lead_id}/disposition", c.DisposeLead),
    Door("/leads/{lead_id}/follow-up", c.FollowLead),
)
"""What can be done to leads, one at a time: no door ends many leads (R42)."""

_LEADS: Cursors[LeadKey] = Cursors(LeadKey)


class LeadFilter(Filter):
    """Which leads."""

    status: Annotated[list[LeadStatus], Field(default_factory=list)]
    """Any of these; all where none is named."""
    source: LeadSource | None = None
    disposition: LeadDisposition | None = None
    household_id: UUID | None = None
    raised: bool | None = None
    """Left open for over a month (R42)."""


def declaration_door(made: Router, application: Application) -> None:
    """Add the door of the portals.

    Its answer says that it was taken, and nothing of whom it found: a portal need not know who
    stands in the register.
    """

    @made.post(
        "/declarations",
        status_code=201,
        operation_id="DeclareRisk",
        summary="A household declares its risk itself, on a portal.",
        **only(c.DeclareRisk.permission),
    )
    async def declare(body: c.DeclareRisk, ctx: Ctx) -> Response:
        receipt = await carry_out(application, DECLARATION_DOOR, body, ctx)
        headers = {"Idempotency-Replayed": "true"} if receipt.replayed else {}
        taken = orjson.dumps({"id": receipt.body["id"]})
        return Response(taken, 201, headers, "application/json")


def lead_questions(made: Router, application: Application, tools: Tools) -> None:
    """Add the lists and the single lead."""
    database = application.database

    @made.get("/leads", summary="The leads, the oldest first.", **only(LOOK))
    async def leads(
        caller: Caller, page: Paged, wanted: Annotated[LeadFilter, Query()]
    ) -> Page[Row]:
        question = asked(caller, wanted, page, _LEADS)
        async with database.reading() as tx:
            rows = await _told(tx, await queries.leads(tx.sql, question, wanted.columns))
        return _LEADS.cut(
            rows, page, wanted.model_dump(), lambda row: LeadKey(row["discovered_on"], row["id"])
        )

    @made.get("/leads/{lead_id}", summary="One lead, with the households it may be.", **only(LOOK))
    async def lead(lead_id: UUID, caller: Caller, response: Response) -> dict[str, Any]:
        async with database.reading() as tx:
            [found] = await _told(tx, [await queries.one_lead(tx.sql, caller, lead_id)])
            person = found["person_id"]
            people = await tools.vault.masked(tx.raw, [person] if person else [])
            suggested = await register.suggestions(tx.raw, lead_id)
        response.headers["ETag"] = etag(found["version"])
        shown = [_suggestion(item) for item in suggested]
        return {**found, "person": people.get(person), "suggestions": shown}


@rule("R28")
async def _told(tx: Transaction, rows: Sequence[Row]) -> list[Row]:
    """Each lead with whether it waits for nothing but a policy to be published (R28)."""
    waiting = await register.awaiting_policy(tx.raw, rows, today=tx.clock.today())
    return [{**row, "awaits_policy": row["id"] in waiting} for row in rows]


def _suggestion(item: Suggestion) -> dict[str, Any]:
    return {
        "household_id": item.household.household_id,
        "division": item.household.division,
        "why": item.why,
    }
