"""A county's year, through the service's own commands with the clock moved, then recounted.

Forty households by default; ``DIXIAN_COUNTY_HOUSEHOLDS=10000`` for the long run.
"""

import heapq
import json
import os
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

from services.assistance.domain.elimination import ELIMINATION
from services.assistance.domain.plan import PLAN
from services.assistance.domain.plan_state import MeasureStatus
from shared.contracts.identification import GreenChannelEntered, GreenChannelExited, RiskAdded
from shared.contracts.registry import decode
from shared.contracts.values import Gap, Risk
from shared.kernel.event import Event
from shared.kernel.ids import new_id
from shared.kernel.principal import system
from shared.policy.legal_time import after
from shared.testing.decider import rule
from tests.integration.assistance.conftest import VILLAGE, Office, approved
from tests.integration.assistance.support import (
    APPROVAL,
    DRAFT,
    JOB,
    PROPOSAL,
    SHA,
    VOTE,
    measure,
)

HOUSEHOLDS = int(os.environ.get("DIXIAN_COUNTY_HOUSEHOLDS", "40"))
BEGIN = date(2023, 1, 2)
Steps = AsyncIterator[int]
"""A story's days off: how long until it goes on."""


@dataclass
class Household:
    """One household in the simulation, and what happens to it."""

    office: Office
    chance: Random
    day: date
    case: UUID = field(default_factory=new_id)
    household: UUID = field(default_factory=new_id)
    plan: str = ""

    @property
    def today(self) -> str:
        return self.day.isoformat()

    async def is_approved(self, **changes: Any) -> None:
        event = approved(self.today, case_id=self.case, household_id=self.household, **changes)
        await self.office.hears(event, on=self.today, household_id=self.household)
        shown = (await self.office.get("village", f"/plans/by-case/{self.case}")).json()
        self.plan = shown["plan_id"]

    async def files(self, body: dict[str, Any], *, start: bool = True) -> str:
        filed = await self.office.does("village", f"/plans/{self.plan}/measures", body)
        made = str(filed["events"][0]["data"]["measure_id"])
        if start:
            await self.office.does("department", f"/plans/{self.plan}/measures/{made}/start")
        return made

    async def is_planned(self, body: dict[str, Any] = JOB, **terms: Any) -> None:
        kinds = [body["terms"]["kind"]]
        draft = DRAFT | {
            "willingness_signed_on": self.today,
            "responses": [{"risk": "ILLNESS", "kinds": kinds}],
        }
        await self.office.does("village", f"/plans/{self.plan}/draft", draft)
        await self.files(body | terms)
        await self.office.does("town", f"/plans/{self.plan}/submission")

    async def proposes(self, **changes: Any) -> dict[str, Any]:
        body = PROPOSAL | changes
        answer = await self.office.post("village", f"/plans/{self.plan}/eliminations", body)
        found: dict[str, Any] = answer.json()
        return found

    async def walks(self, at: str) -> Steps:
        """The procedure up to the county's approval."""
        visit = {"officers": ["person:town"], "confirmed": True, "evidence": [SHA]}
        await self.office.does("town", f"{at}/verification", visit)
        await self.office.does("village", f"{at}/deliberation", VOTE)
        review = {"officers": ["person:town"], "passed": True, "feedback": "同意"}
        await self.office.does("town", f"{at}/review", review)
        yield 1
        notice = {"notice_no": "1", "text": "公示。", "photo": SHA}
        await self.office.does("village", f"{at}/notice", notice)
        yield 6
        await self.office.does("village", f"{at}/notice/close")
        await self.office.does("committee", f"{at}/approval", APPROVAL)


async def helped_and_eliminated(home: Household) -> Steps:
    """The ordinary story: a job, half a year, elimination; a try too early is refused."""
    await home.is_approved()
    yield home.chance.randint(1, 9)
    await home.is_planned()
    yield home.chance.randint(20, 170)
    assert (await home.proposes())["rule"] == "R93"
    yield 200
    async for days in home.walks(f"/eliminations/{(await home.proposes())['id']}"):
        yield days


async def with_a_loan(home: Household) -> Steps:
    """A loan runs past the elimination; nobody may stop it for that."""
    await home.is_approved()
    yield 3
    ends = (home.day + timedelta(days=700)).isoformat()
    loan = measure("MICROLOAN", fund="LINKAGE_FUND", ends_on=ends)
    await home.is_planned(loan)
    yield 190
    async for days in home.walks(f"/eliminations/{(await home.proposes())['id']}"):
        yield days
    shown = (await home.office.get("county", f"/plans/{home.plan}")).json()
    made = f"/plans/{home.plan}/measures/{shown['measures'][0]['measure_id']}"
    stop = {"reason": "NOT_ELIGIBLE", "note": "风险已消除"}
    await home.office.refused("department", f"{made}/stop", stop, rule="R102", status=409)
    await home.office.refused("department", f"{made}/end", rule="R102", status=409)


async def by_nature(home: Household) -> Steps:
    """The risk ended by itself, soon."""
    await home.is_approved()
    yield home.chance.randint(5, 60)
    natural = {"mode": "NATURAL", "cause": "RISK_ENDED_UNAIDED"}
    async for days in home.walks(f"/eliminations/{(await home.proposes(**natural))['id']}"):
        yield days


async def without_labour(home: Household) -> Steps:
    """Flagged: never eliminated, however long it takes."""
    await home.is_approved(labour_capable=False, whole_household_no_labour=True)
    yield 2
    await home.is_planned(measure("DIBAO"))
    basis = {"basis": "DIBAO_FULL", "nobody_can_work": True, "evidence": [SHA]}
    await home.office.does("village", f"/plans/{home.plan}/no-labour", basis)
    await home.office.does("town", f"/plans/{home.plan}/no-labour/confirmation")
    yield home.chance.randint(30, 250)
    assert (await home.proposes())["rule"] == "R96"
    assert (await home.proposes(mode="NATURAL", cause="RISK_ENDED_UNAIDED"))["rule"] == "R96"


async def by_the_green_channel(home: Household) -> Steps:
    """A fire: help at once; then either out again, or identified from the day of entry."""
    entered = GreenChannelEntered(
        on=home.day,
        case_id=home.case,
        household_id=home.household,
        division=VILLAGE,
        risks=(Risk.ILLNESS,),
        entered_on=home.day,
        deadlines=(),
    )
    first = home.day
    await home.office.hears(entered, on=home.today, household_id=home.household)
    shown = (await home.office.get("village", f"/plans/by-case/{home.case}")).json()
    home.plan = shown["plan_id"]
    await home.files(measure("TEMPORARY_RELIEF"))
    yield 20
    if home.chance.random() < 0.5:
        left = GreenChannelExited(
            on=home.day, case_id=home.case, household_id=home.household, note_id=new_id()
        )
        await home.office.hears(left, on=home.today, household_id=home.household)
        return
    await home.is_approved(identified_on=first)
    yield 5
    await home.is_planned()


async def with_a_new_risk(home: Household) -> Steps:
    """On the way to elimination a new risk comes up: the county must refuse."""
    await home.is_approved(gaps=(Gap.HOUSING,))
    yield 4
    await home.is_planned()
    yield 185
    at = f"/eliminations/{(await home.proposes())['id']}"
    risk = RiskAdded(
        case_id=home.case, household_id=home.household, lead_id=new_id(), risks=(Risk.ACCIDENT,)
    )
    await home.office.hears(risk, on=home.today, household_id=home.household)
    visit = {"officers": ["person:town"], "confirmed": False, "evidence": [SHA]}
    await home.office.does("town", f"{at}/verification", visit)
    yield 3
    assert (await home.proposes())["rule"] == "R91"


async def forgotten(home: Household) -> Steps:
    """Nobody makes a plan: the clock says so, and nothing else happens."""
    await home.is_approved()
    yield 1


STORIES: tuple[Callable[[Household], Steps], ...] = (
    helped_and_eliminated,
    helped_and_eliminated,
    with_a_loan,
    by_nature,
    without_labour,
    by_the_green_channel,
    with_a_new_risk,
    forgotten,
)


async def live(office: Office) -> None:
    """Every household's story, day by day; the clocks speak every day."""
    chance = Random(20230730)
    agenda: list[tuple[date, int, Household, Steps]] = []
    for number in range(HOUSEHOLDS):
        home = Household(office, chance, BEGIN + timedelta(days=chance.randint(0, 150)))
        story = STORIES[number % len(STORIES)](home)
        heapq.heappush(agenda, (home.day, number, home, story))
    today = BEGIN - timedelta(days=1)
    while agenda:
        day, number, home, story = heapq.heappop(agenda)
        if day != today:
            today = day
            await office.today_is(day.isoformat())
            await office.app.tick(system("assistance"), limit=10_000)
        home.day = day
        wait = await anext(story, None)
        if wait is not None:
            heapq.heappush(agenda, (day + timedelta(days=wait), number, home, story))


async def histories(office: Office) -> dict[str, dict[UUID, list[Event]]]:
    """Everything recorded, by category and stream."""
    found: dict[str, dict[UUID, list[Event]]] = defaultdict(lambda: defaultdict(list))
    rows = await office.rows(
        "select stream_id, category, type, schema_version, data::text as data"
        " from es.event order by stream_id, version"
    )
    for row in rows:
        data = json.loads(row["data"])
        event = decode("assistance", row["type"], row["schema_version"], data)
        found[row["category"]][row["stream_id"]].append(event)
    return found


@rule("R56", "R76", "R89", "R92", "R93", "R96", "R102")
async def test_a_countys_year(office: Office) -> None:
    await live(office)
    recorded = await histories(office)
    plans = {key: PLAN.fold(events) for key, events in recorded["plan"].items()}
    gone = [ELIMINATION.fold(events) for events in recorded["elimination"].values()]
    gone = [state for state in gone if state.eliminated is not None]
    assert gone
    flagged = {
        event.household_id  # type: ignore[attr-defined]
        for events in recorded["no_labour"].values()
        for event in events
        if type(event).__name__ == "NoLabourFlagged"
    }
    for state in gone:
        assert state.eliminated is not None
        plan = plans[state.the_proposal.plan_id]
        assert plan.identified is not None
        earliest = after(plan.identified.identified_on, "6m")
        natural = state.eliminated.mode == "NATURAL"
        assert natural or state.eliminated.eliminated_on >= earliest
        assert state.eliminated.household_id not in flagged
        assert not [item for item in plan.measures.values() if item.status is MeasureStatus.STOPPED]
    await every_figure_is_right(office, recorded, len(gone))


async def every_figure_is_right(
    office: Office, recorded: dict[str, dict[UUID, list[Event]]], gone: int
) -> None:
    types = Counter(
        type(event).__name__
        for streams in recorded.values()
        for events in streams.values()
        for event in events
    )
    plans = [PLAN.fold(events) for events in recorded["plan"].values()]
    asked = {"first": BEGIN.isoformat(), "last": "2024-12-31"}
    found = (await office.get("county", "/figures", **asked)).json()
    assert found["identified"] == sum(plan.identified is not None for plan in plans)
    assert found["eliminated"] == types["RiskEliminated"] == gone == types["AfterCareStarted"]
    assert found["under_help"] == sum(plan.stage in {"PLANNING", "IN_FORCE"} for plan in plans)
    assert found["plans_made"] == sum(plan.submitted_on is not None for plan in plans)
    assert sum(item["filed"] for item in found["measures"]) == types["MeasureFiled"]
    assert sum(item["started"] for item in found["measures"]) == types["MeasureStarted"]
    missed = [
        event
        for streams in recorded["plan"].values()
        for event in streams
        if type(event).__name__ == "DeadlineMissed" and event.kind == "plan"  # type: ignore[attr-defined]
    ]
    assert len(missed) >= HOUSEHOLDS // len(STORIES), "the forgotten are told on"
