"""The collection form's own checks, and what a neighbour's events add to them: each is found."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.identification.oversight import nightly
from services.identification.read_models import rushes
from shared.contracts.assistance import (
    MeasureFiled,
    MeasureStarted,
    RiskEliminated,
)
from shared.contracts.help import Department, FundSource, MeasureKind, MeasureTerms
from shared.contracts.values import EliminationMode, Risk
from shared.evidence.room import EvidenceRoom
from shared.testing.casework import COUNTY, VILLAGE, World, household, person
from shared.testing.decider import rule
from tests.integration.identification.support import identified, register
from tests.integration.identification.test_oversight import found, looked, put_cases


async def monitored(world: World, *people: dict[str, Any]) -> tuple[str, str]:
    """A household identified on 2023-08-09."""
    await world.day("2023-08-01")
    home, members = await register(world, **household(*people))
    case = await world.opened(home, "2023-08-01")
    await identified(world, case, members[0])
    return home, case


async def helped(
    world: World, home: str, case: str, kind: MeasureKind, *, development: bool = False
) -> None:
    """A measure of the assistance service was filed for the household, and began."""
    measure = uuid4()
    ids = {"case_id": UUID(case), "household_id": UUID(home), "measure_id": measure}
    terms = MeasureTerms(
        kind=kind,
        fund=FundSource.INDUSTRY_POLICY,
        department=Department.HUMAN_RESOURCES,
        risks=(Risk.ILLNESS,),
    )
    filed = MeasureFiled(
        **ids,
        filed_on=date(2023, 8, 10),
        terms=terms,
        development=development,
        provisional=False,
        deadlines=(),
    )
    await world.hears(filed, key=UUID(home), on="2023-08-10")
    started = MeasureStarted(**ids, started_on=date(2023, 8, 11), deadlines=())
    await world.hears(started, key=UUID(home), on="2023-08-11")


async def eliminated(
    world: World, home: str, case: str, on: str, *, fen: int = 900_000, mode: str = "ASSISTED"
) -> None:
    """The assistance service eliminated the risk."""
    event = RiskEliminated(
        case_id=UUID(case),
        household_id=UUID(home),
        mode=EliminationMode(mode),
        eliminated_on=date.fromisoformat(on),
        division=VILLAGE,
        authority="章农委〔2024〕1号",
        per_capita_net=fen,
    )
    await world.day(on)
    await world.hears(event, key=UUID(home), on=on)


async def kinds(world: World) -> list[str]:
    """What the detectors find now, by kind."""
    await looked(world)
    return sorted(row["kind"] for row in await found(world))


@rule("R76", "R50")
async def test_a_month_without_help_is_found_on_its_day(world: World) -> None:
    await monitored(world)
    await world.day("2023-09-08")
    assert await kinds(world) == []
    await world.day("2023-09-09")
    assert await kinds(world) == ["UNHELPED"]
    [row] = await found(world)
    assert (row["rule"], row["division"]) == ("R76", COUNTY)
    assert row["figures"] == {"status": "IDENTIFIED", "identified_on": "2023-08-09"}


@rule("R76")
async def test_help_that_began_in_time_is_no_finding(world: World) -> None:
    home, case = await monitored(world)
    await helped(world, home, case, MeasureKind.WELFARE_POST, development=True)
    await world.day("2023-12-31")
    assert await kinds(world) == []


@rule("R83", "R50")
async def test_employment_help_that_is_training_alone_is_found(world: World) -> None:
    home, case = await monitored(world)
    await helped(world, home, case, MeasureKind.SKILL_TRAINING)
    await helped(world, home, case, MeasureKind.MEDICAL_AID)
    assert await kinds(world) == ["TRAINING_ONLY"]
    other, other_case = await monitored(world)
    await helped(world, other, other_case, MeasureKind.SKILL_TRAINING)
    await helped(world, other, other_case, MeasureKind.JOB_PLACEMENT, development=True)
    assert await kinds(world) == ["TRAINING_ONLY"], "training beside a job is found nowhere"


@rule("R78", "R50")
async def test_an_elimination_without_development_is_found_where_somebody_can_work(
    world: World,
) -> None:
    home, case = await monitored(world)
    await helped(world, home, case, MeasureKind.MEDICAL_AID)
    await eliminated(world, home, case, "2024-03-01")
    assert await kinds(world) == ["NO_DEVELOPMENT"]
    no_labour, its_case = await monitored(world, person(labour="NONE"))
    await helped(world, no_labour, its_case, MeasureKind.MEDICAL_AID)
    await eliminated(world, no_labour, its_case, "2024-10-01")
    assert await kinds(world) == ["NO_DEVELOPMENT"]


@rule("R114", "R93")
@pytest.mark.parametrize(
    ("on", "mode", "expected"),
    [
        ("2023-09-30", "ASSISTED", ["QUICK_ELIMINATION", "SAME_MONTH_ELIMINATION"]),
        ("2023-10-01", "ASSISTED", ["QUICK_ELIMINATION"]),
        ("2024-02-08", "ASSISTED", ["QUICK_ELIMINATION"]),
        ("2024-02-09", "ASSISTED", []),
        ("2023-08-20", "NATURAL", []),
    ],
)
async def test_eliminations_that_come_too_soon_are_found(
    world: World, on: str, mode: str, expected: list[str]
) -> None:
    home, case = await monitored(world)
    await helped(world, home, case, MeasureKind.JOB_PLACEMENT, development=True)
    await eliminated(world, home, case, on, mode=mode)
    assert await kinds(world) == expected


@rule("R91", "R28", "K4")
async def test_an_income_that_the_years_own_line_overtook_is_found(world: World) -> None:
    """Eliminated in the first quarter over the former line; then the year's own was published."""
    home, case = await monitored(world)
    await helped(world, home, case, MeasureKind.JOB_PLACEMENT, development=True)
    await eliminated(world, home, case, "2024-03-01", fen=850_000)
    assert await kinds(world) == []
    policy = {
        "version": "37/2024-1",
        "document": "鲁农发〔2024〕1号",
        "division": "37",
        "effective_from": "2024-03-20",
        "parameters": {"monitoring_line": {"2023": 800_000, "2024": 850_000}},
    }
    await world.does("province", "/policy", policy=policy)
    await world.day("2024-03-20")
    assert await kinds(world) == ["INCOME_BELOW_LINE"]
    [row] = await found(world)
    assert (row["figures"]["per_capita_net"], row["figures"]["line"]) == (850_000, 850_000)


@rule("R50")
async def test_a_disability_that_nobody_has_is_found_without_looking_at_anybody(
    world: World,
) -> None:
    async def afflicted(**more: Any) -> str:
        await world.day("2023-08-01")
        home, people = await register(world, **household(person(**more)))
        case = await world.opened(home, "2023-08-01", risks=(Risk.DISABILITY,))
        await identified(world, case, people[0])
        return case

    unproven = await afflicted()
    certified = person()["document_number"] + "43"
    await afflicted(document_number=certified)
    await afflicted(details={"health": "DISABLED"})
    assert await kinds(world) == ["DISABILITY_UNPROVEN"]
    [row] = await found(world)
    assert row["case_id"] == unproven
    async with world.database.reading() as tx:
        query = "select distinct purpose from vault.reveal"
        purposes = [row["purpose"] for row in await tx.raw.fetch(query)]
    assert purposes == ["NOTICE"], "but for the names on the notices nobody was looked at"


@rule("R75")
async def test_the_green_channel_in_place_of_the_procedure_is_found(world: World) -> None:
    by_channel = {"identified_on": date(2023, 5, 1), "green_channel": True}
    usual = {"identified_on": date(2023, 6, 1)}
    await put_cases(world, *[by_channel] * 10, *[usual] * 40)
    assert "GREEN_CHANNEL_SHARE" not in await kinds(world), "ten of fifty are 20%"
    await put_cases(world, by_channel)
    assert "GREEN_CHANNEL_SHARE" in await kinds(world)


@rule("R114", "K7")
async def test_a_rush_is_seen_in_its_own_month_by_the_citys_tighter_number(world: World) -> None:
    await put_cases(world, *[{"identified_on": date(2023, 8, day)} for day in range(1, 7)])
    await world.day("2023-08-15")
    assert await kinds(world) == []
    tighter = {
        "version": "3701/2023-1",
        "document": "济农发〔2023〕1号",
        "division": "3701",
        "effective_from": "2023-08-15",
        "parameters": {
            "monitoring_line": {"2023": 800_000},
            "former_poverty_standard": 400_000,
            "rush_month_at_least": 6,
        },
    }
    await world.does("city", "/policy", policy=tighter)
    assert await kinds(world) == ["RUSH_IDENTIFICATION"]


@rule("R114")
async def test_every_threshold_at_its_edge(world: World) -> None:
    """Three times the median is not above it; forty percent is not over forty percent."""
    usual = [{"identified_on": date(2022, 7 + n, 1)} for n in range(6) for _ in range(4)]
    usual += [{"identified_on": date(2023, 1 + n, 1)} for n in range(6) for _ in range(4)]
    july = [{"identified_on": date(2023, 7, 1 + n)} for n in range(12)]
    await put_cases(world, *usual, *july)
    assert await kinds(world) == []
    await put_cases(world, {"identified_on": date(2023, 7, 31)})
    assert await kinds(world) == ["RUSH_IDENTIFICATION"]
    long_ago = {"identified_on": date(2020, 1, 1)}
    apart = [{**long_ago, "eliminated_on": date(2021, 1 + n // 2, 1 + n)} for n in range(15)]
    near = [{**long_ago, "eliminated_on": date(2021, 11, 1 + n)} for n in range(9)]
    last = [{**long_ago, "eliminated_on": date(2021, 11, 30)}]
    await put_cases(world, *apart, *near, *last)
    assert await kinds(world) == ["RUSH_IDENTIFICATION"], "10 of 25 are 40%"
    await put_cases(world, {**long_ago, "eliminated_on": date(2021, 12, 1)})
    assert await kinds(world) == ["RUSH_IDENTIFICATION"], "the thirty-first day is outside"
    await put_cases(world, {**long_ago, "eliminated_on": date(2021, 11, 10)})
    assert await kinds(world) == ["RUSH_ELIMINATION", "RUSH_IDENTIFICATION"]


@rule("R114")
def test_twenty_approvals_within_ten_minutes_and_not_a_second_more() -> None:
    start, window = datetime(2023, 8, 1, 9, tzinfo=UTC), timedelta(minutes=10)
    within = [start + window / 19 * n for n in range(20)]
    assert rushes.bursts(within, window, 20) == [(0, 20)]
    assert rushes.bursts(within[:-1], window, 20) == []
    late = [*within[:-1], within[-1] + timedelta(seconds=1)]
    assert rushes.bursts(late, window, 20) == []
    assert rushes.bursts([start - timedelta(hours=1), *within], window, 20) == [(1, 20)]


@rule("R48", "R49", "R114")
async def test_the_detectors_run_every_night(world: World, room: EvidenceRoom) -> None:
    await put_cases(world, {"identified_on": date(2023, 7, 1), "eliminated_on": date(2023, 7, 30)})
    worker = asyncio.create_task(nightly(world.application, room.vault))
    try:
        async with asyncio.timeout(60):
            while not await found(world):
                assert not worker.done(), worker.exception()
    finally:
        worker.cancel()
    assert {row["kind"] for row in await found(world)} >= {"QUICK_ELIMINATION"}


@rule("R50", "R106", "R107")
async def test_no_finding_can_be_taken_away(world: World) -> None:
    """No route deletes one, and the store refuses whoever tries it beside the routes."""
    await put_cases(world, {"identified_on": date(2023, 7, 1), "eliminated_on": date(2023, 7, 30)})
    await looked(world)
    [row, *_] = await found(world)
    gone = await world.client.delete(f"/findings/{row['id']}")
    assert gone.status_code in {404, 405}
    app = world.client._transport.app  # type: ignore[attr-defined]  # the test's own transport
    acts = [route for route in app.routes if not route.path.startswith("/evidence")]
    assert {method for route in acts for method in route.methods} <= {"GET", "HEAD", "POST"}
    with pytest.raises(Exception, match=r"append-only|permission denied"):
        async with world.database.transaction() as tx:
            await tx.raw.execute("delete from es.event where category = 'finding'")
