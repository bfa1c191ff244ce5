"""Questions about the registers: after-care, the flag's mismatches, the ledger, findings."""

from datetime import date
from typing import Annotated, Any

from fastapi import Query

from services.assistance.domain.ledger import is_over
from services.assistance.http.questions import LOOK, Division, asked_by
from services.assistance.read_models import ledger, lookups, registers
from shared.contracts.help import LedgerEntry
from shared.kernel.division import DivisionCode, Level, level_of
from shared.kernel.refusal import Invalid, NotFound
from shared.policy.parameters import in_force
from shared.policy.rules import rule
from shared.store.application import Application
from shared.web.auth import Caller
from shared.web.routing import Router, require

Limit = Annotated[int, Query(ge=1, le=1000)]


def register_questions(made: Router, application: Application) -> None:
    """Lists that people work through, each for the asker's division or a part of it."""
    _aftercare(made, application)
    _ledger(made, application)
    database = application.database

    @made.get("/no-labour/mismatches", dependencies=[require(LOOK)], name="mismatches")
    async def mismatches(
        caller: Caller, division: Division = None, limit: Limit = 200
    ) -> list[dict[str, Any]]:
        """What the quarterly comparison left to be settled (R99)."""
        async with database.reading() as tx:
            return await registers.mismatches(tx.sql, asked_by(tx, caller, division), limit)

    @made.get("/findings/off-register", dependencies=[require(LOOK)], name="off_register")
    async def off_register(
        caller: Caller, division: Division = None, limit: Limit = 200
    ) -> list[dict[str, Any]]:
        """Help that was refused because the household is not in the register: 体外循环 (R49)."""
        async with database.reading() as tx:
            return await registers.off_register(tx.sql, asked_by(tx, caller, division), limit)

    @made.get("/findings/rush", dependencies=[require(LOOK)], name="rush")
    async def rush(
        caller: Caller, division: Division = None, on: date | None = None
    ) -> list[dict[str, Any]]:
        """突击识别、突击消除: counties whose numbers jump (R114). Noticed, never blocked."""
        async with database.reading() as tx:
            asked = asked_by(tx, caller, division)
            return await registers.rush(tx.sql, asked, on or asked.today)


def _aftercare(made: Router, application: Application) -> None:
    database = application.database

    @made.get("/after-care/missing", dependencies=[require(LOOK)], name="missing_refreshes")
    async def missing(
        *,
        year: Annotated[int, Query(ge=2000, le=2100)],
        caller: Caller,
        division: Division = None,
        limit: Limit = 200,
    ) -> list[dict[str, Any]]:
        """Eliminated households whose data of ``year`` nobody has refreshed (R106)."""
        async with database.reading() as tx:
            asked = asked_by(tx, caller, division)
            return await registers.missing_refreshes(tx.sql, asked, year, limit)

    @made.get("/after-care/ending", dependencies=[require(LOOK)], name="ending")
    async def ending(
        caller: Caller,
        days: Annotated[int, Query(ge=0, le=366)] = 30,
        division: Division = None,
        limit: Limit = 200,
    ) -> list[dict[str, Any]]:
        """Running measures whose contract, agreement or school stage ends soon (R102)."""
        async with database.reading() as tx:
            asked = asked_by(tx, caller, division)
            return await registers.ending(tx.sql, asked, days, limit)


@rule("R110", "R111")
def _ledger(made: Router, application: Application) -> None:
    database = application.database

    @made.get("/ledger", dependencies=[require(LOOK)], name="ledger")
    async def ledger_of(division: DivisionCode, caller: Caller) -> dict[str, Any]:
        """Towns and villages of a county or town strictly over the share, and their duties."""
        if level_of(division) > Level.COUNTY:
            raise Invalid(
                "R110",
                code="one-county-at-a-time",
                zh="请按县、镇或村查询",
                en="ask for one county, town or village",
                field="division",
            )
        if not caller.covers(division):
            raise NotFound("区划", "division", field="division")
        async with database.reading() as tx:
            today = tx.clock.today()
            book = await lookups.policy_book(tx.sql)
            percent = in_force(book, division, today).parameters.ledger_percent
            entries = await ledger.figures_of(tx.sql, division, today)
            listed = await registers.listed(tx.sql, division)
        over = [_shown(entry, listed) for entry in entries if is_over(entry, percent)]
        return {"percent": percent, "on": today, "items": over}


def _shown(entry: LedgerEntry, listed: frozenset[str]) -> dict[str, Any]:
    return {
        **entry.model_dump(),
        "share_percent": round(entry.people * 100 / entry.population, 2),
        "in_ledger": entry.division in listed,
        "mass_relapse_risk": level_of(entry.division) is Level.TOWN,
        "duties": ["R111"] if entry.without_measure else [],
    }
