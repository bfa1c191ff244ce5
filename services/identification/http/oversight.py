"""The county's and the city's view: funnel, trend, departures, detectors and their findings."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from services.identification.http.access import OVERSEE, RowKey
from services.identification.oversight import run_detectors
from services.identification.read_models import oversight
from shared.kernel.division import DivisionCode
from shared.kernel.principal import Principal
from shared.kernel.refusal import NotFound
from shared.store.application import Application
from shared.vault.vault import Vault
from shared.web.auth import Caller
from shared.web.paging import Cursors, Page, Paged
from shared.web.routing import Router, require

_ROWS: Cursors[RowKey] = Cursors(RowKey)


class Inside(BaseModel):
    """Which part of the caller's division."""

    division: DivisionCode | None = None
    """Only this division's subtree; the caller's own when absent."""

    def of(self, caller: Principal) -> str:
        """The division. Raises ``NotFound`` for one outside the caller's (R1)."""
        if self.division is None:
            return caller.division
        if not caller.covers(self.division):
            raise NotFound("区划", "division", field="division")
        return self.division


class Since(Inside):
    """From when on."""

    since: date | None = None
    """The first day; a year ago when absent."""


class Which(Inside):
    """Which findings."""

    unanswered: bool = False


def register(made: Router, application: Application, vault: Vault) -> None:
    """``/oversight/…`` and ``/findings``."""
    database = application.database

    @made.get("/oversight/funnel", summary="How many stand where.", dependencies=[require(OVERSEE)])
    async def funnel(caller: Caller, asked: Annotated[Inside, Query()]) -> Mapping[str, Any]:
        async with database.reading() as tx:
            return await oversight.funnel(tx.sql, asked.of(caller), tx.clock.today())

    @made.get(
        "/oversight/places",
        summary="The divisions directly inside one, each with its numbers.",
        dependencies=[require(OVERSEE)],
    )
    async def places(caller: Caller, asked: Annotated[Inside, Query()]) -> list[dict[str, Any]]:
        async with database.reading() as tx:
            rows = await oversight.places(tx.sql, asked.of(caller), tx.clock.today())
        return [dict(row) for row in rows]

    @made.get("/oversight/trend", summary="Month by month.", dependencies=[require(OVERSEE)])
    async def trend(caller: Caller, asked: Annotated[Since, Query()]) -> list[Any]:
        async with database.reading() as tx:
            today = tx.clock.today()
            since = asked.since or today.replace(year=today.year - 1, day=1)
            return list(await oversight.trend(tx.sql, asked.of(caller), since))

    @made.get(
        "/oversight/departures",
        summary="Decisions that depart from the advice.",
        dependencies=[require(OVERSEE)],
    )
    async def departures(caller: Caller, page: Paged) -> Page[dict[str, Any]]:
        after = _ROWS.after(page, {"list": "departures"})
        async with database.reading() as tx:
            rows = await oversight.departures(
                tx.sql, caller.division, after=after and after.id, limit=page.limit + 1
            )
        shown = [dict(row) for row in rows]
        question = {"list": "departures"}
        return _ROWS.cut(shown, page, question, lambda row: RowKey(row["case_id"]))

    @made.get("/findings", summary="What the detectors found.", dependencies=[require(OVERSEE)])
    async def findings(
        caller: Caller, page: Paged, which: Annotated[Which, Query()]
    ) -> Page[dict[str, Any]]:
        question = which.model_dump()
        after = _ROWS.after(page, question)
        async with database.reading() as tx:
            rows = await oversight.findings(
                tx.sql,
                which.of(caller),
                unanswered=which.unanswered,
                after=after and after.id,
                limit=page.limit + 1,
            )
        shown = [dict(row) for row in rows]
        return _ROWS.cut(shown, page, question, lambda row: RowKey(row["id"]))

    @made.post(
        "/detectors/run",
        summary="Look now, in the caller's division.",
        dependencies=[require(OVERSEE)],
    )
    async def run(caller: Caller) -> dict[str, int]:
        found, new = await run_detectors(application, vault, caller.division)
        return {"found": found, "new": new}
