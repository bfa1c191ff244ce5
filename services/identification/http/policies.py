"""The policy book: what is in force, and what other parameters would change."""

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict

from services.identification.domain import commands
from services.identification.http.access import LOOK
from services.identification.read_models import lookups
from services.identification.read_models.trial import try_policy
from shared.kernel.division import DivisionCode
from shared.policy.divisions import Divisions
from shared.policy.parameters import Parameters, PolicyVersion, changed, differences
from shared.store.application import Application
from shared.web.auth import Caller
from shared.web.routing import Router, require


class TrialBody(BaseModel):
    """Parameters to try, and on which cases."""

    model_config = ConfigDict(extra="forbid")

    parameters: Parameters
    """Those to change; the others are tried as they are in force."""
    since: date | None = None
    """Cases opened from this day on; a year ago when absent."""


def register(made: Router, application: Application, divisions: Divisions) -> None:
    """``GET /policy``, ``POST /policy/trial``."""
    database = application.database

    @made.get("/policy", summary="The policy in force.", dependencies=[require(LOOK)])
    async def policy(division: DivisionCode, on: date | None = None) -> PolicyVersion:
        divisions.require(division, field="division")
        async with database.reading() as tx:
            return await lookups.policy_for(tx.sql, division, on or tx.clock.today())

    @made.post(
        "/policy/trial",
        summary="What would have been advised under other parameters; nothing is published.",
        dependencies=[require(commands.PublishPolicy.permission)],
    )
    async def trial(body: TrialBody, caller: Caller) -> dict[str, Any]:
        async with database.transaction() as tx:
            today = tx.clock.today()
            now = await lookups.policy_if_any(tx.sql, caller.division, today)
            before = now.parameters if now else Parameters()
            tried = PolicyVersion(
                version=f"{caller.division}/trial",
                document="",
                division=caller.division,
                effective_from=today,
                parameters=changed(before, body.parameters),
            )
            since = body.since or today.replace(year=today.year - 1, day=1)
            found = await try_policy(tx, tried, since)
            return {"parameters": differences(before, tried.parameters), **found.as_json()}
