"""Questions about the registers: after-care, the flag's mismatches, the ledger, findings."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query

from services.assistance.domain.commands.common import QUARTER
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

    @made.get("/no-labour/uncompared", dependencies=[require(LOOK)], name="uncompared")
    async def uncompared(
        quarter: Annotated[str, Query(pattern=QUARTER)],
        caller: Caller,
        division: Division = None,
        limit: Limit = 200,
    ) -> list[dict[str, Any]]:
        """Flagged households that no file of the quarter has spoken of yet (R99)."""
        async with database.reading() as tx:
            asked = asked_by(tx, caller, division)
            return await registers.uncompared(tx.sql, asked, quarter, limit)

    @made.get("/findings/off-register", dependencies=[require(LOOK)], name="off_register")
    async def off_register(
        caller: Caller, division: Division = None, limit: Limit = 200
    ) -> list[dict[str, Any]]:
        """Help that was refused because the household is not in the register: 体外循环 (R49)."""
        async with database.reading() as tx:
            return await registers.off_register(tx.sql, asked_by(tx, caller, division), limit)


def _aftercare(made: Router, application: Application) -> None:
    database = application.database

    @made.get("/after-care/missing", dependencies=[require(LOOK)], name="missing_refreshes")
    async def missing(
        year: int, caller: Caller, division: Division = None, limit: Limit = 200
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
            asked = asked_by(tx, caller, division)
            book = await lookups.policy_book(tx.sql)
            percent = in_force(book, division, asked.today).parameters.ledger_percent
            counted = await ledger.figures_of(tx.sql, division, asked.today)
            listed = await registers.listed(tx.sql, asked)
            unknown = await ledger.without_population(tx.sql, division, asked.today)
        over = [_shown(entry, listed) for entry in counted if is_over(entry, percent)]
        return {
            "percent": percent,
            "on": asked.today,
            "items": over,
            "population_unknown": unknown,
        }

    @made.get("/ledger/entered", dependencies=[require(LOOK)], name="entered")
    async def entered(caller: Caller, division: Division = None) -> list[dict[str, Any]]:
        """What stands in the ledger of any division: since when, reviewed when, due when (R111).

        A town in it, or one whose review found it so, is a warning of 规模性返贫.
        """
        async with database.reading() as tx:
            listed = await registers.listed(tx.sql, asked_by(tx, caller, division))
        return [
            {"division": key, **facts, "mass_relapse_risk": _threatens(key, facts)}
            for key, facts in listed.items()
        ]


def _shown(entry: LedgerEntry, listed: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    facts = listed.get(entry.division, _NOT_LISTED)
    return {
        **entry.model_dump(),
        "share_percent": round(entry.people * 100 / entry.population, 2),
        "in_ledger": entry.division in listed,
        **facts,
        "mass_relapse_risk": _threatens(entry.division, facts),
        "duties": _duties(entry, facts),
    }


def _threatens(division: str, facts: Mapping[str, Any]) -> bool:
    """A whole town over the share, or what the county found when it went through the ledger."""
    return level_of(division) is Level.TOWN or bool(facts["mass_relapse_risk"])


@rule("R111")
def _duties(entry: LedgerEntry, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What R111 asks for: everybody helped, a ledger gone through, mass relapse looked for."""
    return [
        {
            "code": "help-everybody",
            "zh": "未消除风险的监测帮扶对象全部落实帮扶措施",
            "en": "every household under help has a measure carried out",
            "done": entry.without_measure == 0,
        },
        {
            "code": "go-through-the-ledger",
            "zh": "跟踪监测,核对工作台账,排查规模性返贫风险",
            "en": "go through the ledger and look for a mass relapse",
            "done": facts["reviewed_on"] is not None,
            "due_on": facts["review_due_on"],
        },
    ]


_NOT_LISTED: Mapping[str, Any] = {
    "since": None,
    "reviewed_on": None,
    "mass_relapse_risk": False,
    "review_due_on": None,
}
