"""The detectors: what the cases of a division show that somebody must answer for (R48–R50, R114).

Each is one query. A finding's id follows from what was found, so that a detector may run any number
of times. Nothing is blocked by a finding and nothing is decided by it. Those about a county's
numbers as a whole are in ``rushes``; those about one case, the collection form's own checks among
them, stand here. That a document number has 18, 20 or 22 characters is no detector: another one
never gets in.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from services.identification.domain.collection import Health
from services.identification.domain.internal import RaiseFinding
from services.identification.read_models import rushes
from services.identification.read_models.tables import household_case as case
from services.identification.read_models.tables import work_item
from services.identification.read_models.watching import Watched, of_case
from shared.contracts.findings import FindingKind
from shared.contracts.help import MeasureKind
from shared.contracts.values import EliminationMode, Risk
from shared.kernel.document_number import LENGTH
from shared.policy.legal_time import after
from shared.policy.parameters import NoPolicy, monitoring_line
from shared.policy.rules import rule

_EMPLOYMENT = {
    MeasureKind.WORKSHOP_JOB,
    MeasureKind.WELFARE_POST,
    MeasureKind.JOB_PLACEMENT,
    MeasureKind.TRANSPORT_AID,
    MeasureKind.WORK_RELIEF,
    MeasureKind.SKILL_TRAINING,
}
_ACTIVE = ("OPEN", "IDENTIFIED")

Detector = Callable[[Watched], Awaitable[list[RaiseFinding]]]


async def detect(watched: Watched) -> Sequence[RaiseFinding]:
    """Everything that all detectors find."""
    found: list[RaiseFinding] = []
    for detector in DETECTORS:
        found += await detector(watched)
    return found


@rule("R48")
async def omitted_eligible(watched: Watched) -> list[RaiseFinding]:
    """应纳未纳: rows 3 or 6 of the table, and refused, let go, or open past the last day (R48)."""
    overdue = (
        sa.exists()
        .where(work_item.c.stream_id == case.c.stream_id)
        .where(work_item.c.due_on < watched.today)
    )
    query = watched.cases().where(
        case.c.advice_row.in_([3, 6]),
        sa.or_(
            case.c.status.in_(["NOT_IDENTIFIED", "EXITED"]),
            sa.and_(case.c.status == "OPEN", overdue),
        ),
    )
    return [
        of_case(FindingKind.OMITTED_ELIGIBLE, "R48", row, advice_row=row.advice_row)
        for row in await _rows(watched, query)
    ]


@rule("R49")
async def off_register(watched: Watched) -> list[RaiseFinding]:
    """体外循环: measures run for a household neither identified nor in the green channel (R49)."""
    query = watched.cases().where(
        case.c.measures > 0,
        sa.or_(
            case.c.status.in_(["NOT_IDENTIFIED", "EXITED"]),
            sa.and_(case.c.status == "OPEN", sa.not_(case.c.green_channel)),
        ),
    )
    return [
        of_case(FindingKind.OFF_REGISTER, "R49", row, measures=row.measures)
        for row in await _rows(watched, query)
    ]


@rule("R93", "R114")
async def quick_elimination(watched: Watched) -> list[RaiseFinding]:
    """Identified and eliminated within the half-year, and not naturally (R93, R114)."""
    return [
        of_case(FindingKind.QUICK_ELIMINATION, "R114", row, **_days(row))
        for row in await _rows(watched, _eliminated(watched))
        if row.eliminated_on < after(row.identified_on, watched.numbers(row.division).stable_income)
    ]


@rule("R114")
async def same_month_elimination(watched: Watched) -> list[RaiseFinding]:
    """Eliminated in the month of the identification or the next, and not naturally (R114)."""
    return [
        of_case(FindingKind.SAME_MONTH_ELIMINATION, "R114", row, **_days(row))
        for row in await _rows(watched, _eliminated(watched))
        if _month_number(row.eliminated_on) - _month_number(row.identified_on) <= 1
    ]


@rule("R78")
async def no_development(watched: Watched) -> list[RaiseFinding]:
    """Eliminated by help although somebody can work, and none of the help was development (R78)."""
    query = watched.cases().where(
        case.c.elimination_mode == EliminationMode.ASSISTED,
        case.c.can_work,
        case.c.development == 0,
    )
    return [
        of_case(FindingKind.NO_DEVELOPMENT, "R78", row, measures=len(row.begun))
        for row in await _rows(watched, query)
    ]


@rule("R91")
async def income_below_line(watched: Watched) -> list[RaiseFinding]:
    """The income an elimination stood on is not above the line of that year (R91).

    At the time it was; then the year's own line was published, higher than the former one.
    """
    found = []
    query = watched.cases().where(case.c.elimination_income.is_not(None))
    for row in await _rows(watched, query):
        line = _line(watched, row.division, row.eliminated_on.year)
        if line is not None and row.elimination_income <= line:
            figures = {"per_capita_net": row.elimination_income, "line": line, **_days(row)}
            found.append(of_case(FindingKind.INCOME_BELOW_LINE, "R91", row, **figures))
    return found


@rule("R76")
async def unhelped(watched: Watched) -> list[RaiseFinding]:
    """Identified for a month, and no measure has begun (R76)."""
    query = watched.cases().where(
        case.c.status == "IDENTIFIED", sa.func.cardinality(case.c.begun) == 0
    )
    return [
        of_case(FindingKind.UNHELPED, "R76", row, identified_on=str(row.identified_on))
        for row in await _rows(watched, query)
        if after(row.identified_on, watched.numbers(row.division).unhelped) <= watched.today
    ]


@rule("R83")
async def training_only(watched: Watched) -> list[RaiseFinding]:
    """All the employment help a household got is training (R83)."""
    query = watched.cases().where(
        case.c.status.in_(["IDENTIFIED", "ELIMINATED"]),
        case.c.begun.contains([MeasureKind.SKILL_TRAINING]),
    )
    return [
        of_case(FindingKind.TRAINING_ONLY, "R83", row, measures=len(row.begun))
        for row in await _rows(watched, query)
        if _EMPLOYMENT.intersection(row.begun) == {MeasureKind.SKILL_TRAINING}
    ]


@rule("R50")
async def work_risk_without_labour(watched: Watched) -> list[RaiseFinding]:
    """务工就业不稳 as a risk of a household in which nobody can work: a slip in the form."""
    query = watched.cases().where(
        case.c.status.in_(_ACTIVE),
        case.c.risks.contains([Risk.UNSTABLE_EMPLOYMENT]),
        sa.not_(case.c.labour_capable),
    )
    return [
        of_case(FindingKind.NO_LABOUR_BUT_WORK_RISK, "R50", row)
        for row in await _rows(watched, query)
    ]


@rule("R50")
async def disability_unproven(watched: Watched) -> list[RaiseFinding]:
    """因残 as a risk, and nobody with a disability certificate or in that state of health.

    The vault is asked for a yes or a no; nobody's data are read.
    """
    query = watched.cases().where(
        case.c.status.in_(_ACTIVE),
        case.c.advice_row.is_not(None),
        case.c.risks.contains([Risk.DISABILITY]),
    )
    return [
        of_case(FindingKind.DISABILITY_UNPROVEN, "R50", row)
        for row in await _rows(watched, query)
        if not await _somebody_disabled(watched, row.household_id)
    ]


DETECTORS: Sequence[Detector] = (
    omitted_eligible,
    off_register,
    quick_elimination,
    same_month_elimination,
    no_development,
    income_below_line,
    unhelped,
    training_only,
    work_risk_without_labour,
    disability_unproven,
    rushes.rush_identification,
    rushes.bulk_approval,
    rushes.rush_elimination,
    rushes.channel_share,
)
"""All of them, run nightly and on demand."""


async def _rows(watched: Watched, query: sa.Select[Any]) -> Sequence[Any]:
    return list(await watched.tx.sql.execute(query))


def _eliminated(watched: Watched) -> sa.Select[Any]:
    natural = sa.func.coalesce(case.c.elimination_mode, "") == EliminationMode.NATURAL
    return watched.cases().where(case.c.eliminated_on.is_not(None), sa.not_(natural))


def _days(row: Any) -> dict[str, str]:
    return {"identified_on": str(row.identified_on), "eliminated_on": str(row.eliminated_on)}


def _month_number(day: date) -> int:
    return day.year * 12 + day.month


def _line(watched: Watched, division: str, year: int) -> int | None:
    version = watched.policy(division)
    try:
        return None if version is None else monitoring_line(version, year)[0]
    except NoPolicy:
        return None


async def _somebody_disabled(watched: Watched, household_id: Any) -> bool:
    connection = watched.tx.raw
    return await watched.vault.says(
        connection, household_id, "member", lambda data: len(data["document_number"]) > LENGTH
    ) or await watched.vault.says(
        connection, household_id, "details", lambda data: data.get("health") == Health.DISABLED
    )
