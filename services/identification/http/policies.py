"""The policy book: publish a version, and ask what is in force."""

from datetime import date

from fastapi import Response

from services.identification.domain import commands
from services.identification.http.answers import LOOK, Receipt, execute, summary
from services.identification.read_models import lookups
from shared.kernel.division import DivisionCode
from shared.policy.divisions import Divisions
from shared.policy.parameters import PolicyVersion
from shared.store.application import Application
from shared.web.context import Ctx
from shared.web.routing import Router, require


def register(made: Router, application: Application, divisions: Divisions) -> None:
    """``POST /policy``, ``GET /policy``."""
    database = application.database

    @made.post(
        "/policy",
        summary=summary(commands.PublishPolicy),
        status_code=201,
        response_model=Receipt,
        dependencies=[require(commands.PublishPolicy.permission)],
    )
    async def publish_policy(body: commands.PublishPolicy, ctx: Ctx) -> Response:
        return await execute(application, body, ctx, status=201)

    @made.get("/policy", summary="The policy in force.", dependencies=[require(LOOK)])
    async def policy(division: DivisionCode, on: date | None = None) -> PolicyVersion:
        divisions.require(division, field="division")
        async with database.reading() as tx:
            return await lookups.policy_for(tx.sql, division, on or tx.clock.today())
