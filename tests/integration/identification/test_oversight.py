"""The detectors and what is done with their findings; the funnel, the trend, the departures."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from shared.contracts.assistance import MeasureStarted, OffRegisterHelpRefused
from shared.contracts.help import FundSource, MeasureKind
from shared.contracts.identification import Approved
from shared.contracts.values import Category, History, Risk
from shared.kernel.event import Metadata
from shared.kernel.ids import new_id
from shared.store import event_store
from shared.testing.casework import COUNTY, PEOPLE, VILLAGE, World, household, person
from shared.testing.decider import rule
from tests.integration.identification.support import (
    findings,
    identified,
    income,
    meeting,
    named,
    register,
)

HARD: dict[str, Any] = {
    "incomes": [income("WAGE", 5_000)],
    "hardship": True,
    "risks": ["ILLNESS"],
    "coping": {"can_cope": False},
}


async def found(world: World, who: str = "county") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await world.get(who, "/findings"))["items"]
    return rows


async def verified(world: World, **case_found: Any) -> tuple[str, str]:
    """A household and its case, verified."""
    home, people = await register(world, **household(person(labour="NONE")))
    case = await world.opened(home, "2023-08-01")
    await named(world, case)
    await world.does(
        "village", f"/cases/{case}/verification", **findings(people[0], **{**HARD, **case_found})
    )
    return home, case


async def looked(world: World) -> tuple[int, int]:
    """Let the detectors look: how much was found, and how much of it was new."""
    answer = (await world.post("province", "/detectors/run")).json()
    return answer["found"], answer["new"]


@rule("R48", "R50")
async def test_an_eligible_household_left_out_is_found_once_and_answered(world: World) -> None:
    _, case = await verified(world)
    assert await looked(world) == (0, 0)
    await world.day("2023-08-17")
    assert await looked(world) == (1, 1)
    assert await looked(world) == (1, 0)
    [row] = await found(world)
    assert (row["kind"], row["rule"], row["case_id"]) == ("OMITTED_ELIGIBLE", "R48", case)
    assert row["figures"] == {"status": "OPEN", "advice_row": 3}
    assert await found(world, "other-county") == []
    answer = {"answer": "CORRECTED", "note": "已督促办理"}
    path = f"/findings/{row['id']}/answer"
    assert (await world.post("other-county", path, answer)).status_code == 404
    await world.does("county", path, **answer)
    await world.refused("county", path, "R50", "already-done", **answer)
    [row] = await found(world)
    assert row["answer"] == "CORRECTED"
    assert (await world.get("county", "/findings", unanswered=True))["items"] == []
    assert await looked(world) == (1, 0)


@rule("R48")
async def test_a_refusal_against_the_table_is_found(world: World) -> None:
    _, case = await verified(world)
    await world.does("village", f"/cases/{case}/deliberation", **meeting("DECLINE"))
    await world.does(
        "county", f"/cases/{case}/refusal", reason="DELIBERATED_AGAINST", note="家庭有其他收入"
    )
    answer = await world.post("county", "/detectors/run")
    assert answer.json() == {"found": 1, "new": 1}
    assert (await world.get("city", "/oversight/departures"))["items"][0]["case_id"] == case
    funnel = await world.get("city", "/oversight/funnel")
    assert (funnel["statuses"], funnel["departed"]) == ({"NOT_IDENTIFIED": 1}, 1)


@rule("R49")
async def test_help_outside_the_mechanism_is_found(world: World) -> None:
    home, case = await verified(world)
    started = MeasureStarted(
        case_id=UUID(case),
        household_id=UUID(home),
        measure_id=uuid4(),
        started_on=date(2023, 8, 1),
        deadlines=(),
    )
    await world.hears(started, key=UUID(home), on="2023-08-01")
    await looked(world)
    [row] = await found(world)
    assert (row["kind"], row["figures"]) == ("OFF_REGISTER", {"status": "OPEN", "measures": 1})


@rule("R49")
async def test_help_that_was_refused_is_told_to_the_detector_once(world: World) -> None:
    refused = OffRegisterHelpRefused(
        household_id=uuid4(),
        division=VILLAGE,
        kind=MeasureKind.CASH,
        fund=FundSource.SOCIAL_FORCES,
        on=date(2023, 8, 1),
    )
    for _ in range(2):
        await world.hears(refused, key=refused.household_id, on="2023-08-01")
    [row] = await found(world)
    assert (row["kind"], row["rule"]) == ("OFF_REGISTER", "R49")
    assert (row["household_id"], row["figures"]["help"]) == (str(refused.household_id), "CASH")
    assert await found(world, "other-county") == []


@rule("R50")
async def test_a_slip_in_the_form_is_found(world: World) -> None:
    await verified(world, risks=["UNSTABLE_EMPLOYMENT"])
    await looked(world)
    assert [row["kind"] for row in await found(world)] == ["NO_LABOUR_BUT_WORK_RISK"]


BULK = 20


async def put_cases(world: World, *cases: dict[str, Any]) -> None:
    """Rows as the view writes them, where only numbers matter."""
    async with world.database.reading() as tx:
        for case in cases:
            row = {
                "stream_id": new_id(),
                "household_id": new_id(),
                "division": VILLAGE,
                "county": COUNTY,
                "policy": "37/2023-1",
                "status": "ELIMINATED",
                "source": "HOTLINE",
                "opened_on": date(2022, 1, 1),
                "priority": 3,
                "departed": False,
                "tracked": False,
                "green_channel": False,
                "leads": [],
                "version": 1,
                "identified_on": date(2022, 1, 15),
                **case,
            }
            slots = ", ".join(f"${number}" for number in range(1, len(row) + 1))
            statement = f"insert into rm.household_case ({', '.join(row)}) values ({slots})"
            await tx.raw.execute(statement, *row.values())


@rule("R114")
async def test_a_rushed_month_is_found(world: World) -> None:
    month = [{"identified_on": date(2023, 7, day)} for day in range(1, 11)]
    before = [{"identified_on": date(2023, number, 1)} for number in range(1, 7) for _ in range(3)]
    await put_cases(world, *month[1:], *before)
    assert await looked(world) == (0, 0), "nine are too few"
    await put_cases(world, month[0])
    await looked(world)
    [row] = await found(world)
    assert row["kind"] == "RUSH_IDENTIFICATION"
    assert row["figures"] == {"when": "2023-07", "count": 10, "median": "1.5"}


@rule("R114")
async def test_a_rush_of_eliminations_is_found(world: World) -> None:
    near = [{"eliminated_on": date(2023, 3, 1) + timedelta(days=day)} for day in range(10)]
    far = [{"eliminated_on": date(2023, 6, 1) + timedelta(days=31 * n)} for n in range(2)]
    await put_cases(world, *near, *far)
    await looked(world)
    [row] = await found(world)
    assert (row["kind"], row["figures"]) == (
        "RUSH_ELIMINATION",
        {"when": "2023", "count": 10, "of": 12},
    )


@rule("R93", "R114")
async def test_an_elimination_before_the_half_year_is_found(world: World) -> None:
    soon = {"identified_on": date(2023, 1, 10), "eliminated_on": date(2023, 7, 9)}
    later = {"identified_on": date(2023, 1, 10), "eliminated_on": date(2023, 7, 10)}
    await put_cases(world, soon, later)
    await looked(world)
    [row] = await found(world)
    assert row["kind"] == "QUICK_ELIMINATION"
    assert row["figures"]["eliminated_on"] == "2023-07-09"


@rule("R114")
async def test_approvals_by_the_dozen_are_found(world: World) -> None:
    """By two people in turn: the county's approvals are what counts."""
    who = ("person:committee", "person:other")
    async with world.database.transaction() as tx:
        for number in range(BULK):
            home = new_id()
            approved = Approved(
                on=date(2023, 8, 1),
                case_id=new_id(),
                household_id=home,
                division=VILLAGE,
                category=Category.MARGINAL_AT_RISK,
                risks=(Risk.ILLNESS,),
                gaps=(),
                identified_on=date(2023, 8, 1),
                authority="章农委〔2023〕8号",
                members=1,
                labour_capable=True,
                per_capita_net=1,
                history=History.ORDINARY,
                deadlines=(),
            )
            drafted = event_store.draft(
                stream_id=approved.case_id,
                category="case",
                after=0,
                key=home,
                region=VILLAGE,
                occurred_on=approved.on,
                recorded_at=tx.clock.now() + timedelta(seconds=number),
                events=[(new_id(), approved)],
                metadata=Metadata(who[number % 2], COUNTY, ("committee",), home, home),
            )
            await event_store.append(tx.raw, drafted)
    await looked(world)
    [row] = await found(world)
    assert row["kind"] == "BULK_APPROVAL"
    assert (row["figures"]["approvers"], row["figures"]["count"]) == (
        "person:committee, person:other",
        BULK,
    )


@rule("R75")
async def test_the_funnel_and_the_trend(world: World) -> None:
    home, [head] = await register(world, **household())
    case = await world.opened(home, "2023-08-01")
    await identified(world, case, head)
    other, _ = await register(world, **household())
    await world.opened(other, "2023-08-09")
    funnel = await world.get("county", "/oversight/funnel")
    assert funnel["statuses"] == {"IDENTIFIED": 1, "OPEN": 1}
    assert {row["step"]: row["count"] for row in funnel["waiting_for"]} == {
        "announcement": 1,
        "national-entry": 1,
        "officers": 1,
    }
    assert (funnel["green_channel"], funnel["cases"]) == (0, 2)
    assert await world.get("county", "/oversight/trend") == [
        {"month": "2023-08", "opened": 2, "identified": 1, "not_identified": 0, "eliminated": 0}
    ]
    village = await world.client.get("/oversight/funnel", headers=PEOPLE["village"])
    assert village.status_code == 403


@rule("R15", "R28", "K7")
async def test_parameters_are_tried_on_past_cases_before_they_are_published(world: World) -> None:
    _, case = await verified(world, incomes=[income("WAGE", 8_500)])
    shown = await world.get("county", f"/cases/{case}")
    assert shown["advice"]["suggestion"] == "NOT_IDENTIFY"
    tried = {"parameters": {"monitoring_line": {"2023": 900_000}}}
    answer = await world.post("province", "/policy/trial", tried)
    assert answer.json() == {
        "parameters": {"monitoring_line": {"from": {"2023": 800_000}, "to": {"2023": 900_000}}},
        "assessed": 1,
        "changed": 1,
        "without_line": 0,
        "more_urgent": 0,
        "less_urgent": 0,
        "moves": [{"from": "NOT_IDENTIFY", "to": "MARGINAL_AT_RISK", "count": 1}],
        "cases": [{"case_id": case, "from": "NOT_IDENTIFY", "to": "MARGINAL_AT_RISK"}],
        "not_listed": 0,
    }
    same = {"parameters": {"monitoring_line": {"2023": 800_000}}}
    assert (await world.post("city", "/policy/trial", same)).json()["changed"] == 0
    next_year = {"parameters": {"monitoring_line": {"2024": 950_000}}}
    assert (await world.post("city", "/policy/trial", next_year)).json()["changed"] == 0
    dearer = {"parameters": {"former_poverty_standard": 850_000}}
    urgent = (await world.post("province", "/policy/trial", dearer)).json()
    assert (urgent["changed"], urgent["more_urgent"]) == (0, 1)
    assert urgent["parameters"] == {"former_poverty_standard": {"from": 400_000, "to": 850_000}}
    quota = {"parameters": {"quota": 5}}
    assert (await world.post("province", "/policy/trial", quota)).json()["rule"] == "R27"
    assert (await world.post("county", "/policy/trial", same)).status_code == 403
    assert (await world.get("county", "/policy", division=VILLAGE))["version"] == "37/2023-1"


@rule("R1")
async def test_the_numbers_of_any_division_inside_ones_own_down_to_the_village(
    world: World,
) -> None:
    await verified(world)
    await world.day("2023-08-20")
    [town] = await world.get("county", "/oversight/places")
    assert (town["division"], town["cases"], town["open"], town["overdue"]) == (
        VILLAGE[:9],
        1,
        1,
        1,
    )
    [village] = await world.get("city", "/oversight/places", division=VILLAGE[:9])
    assert village["division"] == VILLAGE
    inside = await world.get("city", "/oversight/funnel", division=VILLAGE)
    assert (inside["division"], inside["cases"]) == (VILLAGE, 1)
    other = await world.get("province", "/oversight/funnel", division="371721")
    assert other["cases"] == 0
    assert await world.get("province", "/oversight/trend", division="371721") == []
    for path in ("funnel", "trend", "places"):
        answer = await world.client.get(
            f"/oversight/{path}", params={"division": "371721"}, headers=PEOPLE["county"]
        )
        assert answer.status_code == 404
