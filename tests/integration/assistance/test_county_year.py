"""A county's two years, through the service's own doors with the clock moved, then recounted.

A few dozen households over HTTP by default. ``make county`` lives the long one: 10,000 households
through the doors' commands (``DIXIAN_COUNTY_HOUSEHOLDS``), every invariant checked at its end.
"""

import asyncio
import heapq
import json
import os
import time
from collections import Counter, defaultdict
from datetime import date, timedelta
from random import Random
from uuid import UUID

import structlog

from services.assistance.domain.measures import BY_THE_HOUSEHOLD
from services.assistance.oversight import keep_ledgers
from shared.kernel.ids import new_id
from shared.kernel.principal import system
from shared.policy.legal_time import after
from shared.testing.decider import rule
from tests.integration.assistance.conftest import VILLAGE, Office
from tests.integration.assistance.county import recount
from tests.integration.assistance.county.hands import ByCommand, ByHttp, Hands
from tests.integration.assistance.county.recount import Logged
from tests.integration.assistance.county.stories import STORIES, VILLAGES, Household, Steps
from tests.integration.assistance.support import SHA

HOUSEHOLDS = int(os.environ.get("DIXIAN_COUNTY_HOUSEHOLDS", "39"))
BEGIN, END = date(2023, 1, 2), date(2024, 12, 31)
TOWN, COUNTY = VILLAGE[:9], VILLAGE[:6]
AT_ONCE = 16
"""How many households act at the same moment."""
Agenda = list[tuple[date, int, Household, Steps]]


async def live(hands: Hands) -> None:
    """Every household's story, day by day; the clocks speak, the county does its duties."""
    agenda: Agenda = []
    for number in range(HOUSEHOLDS):
        chance = Random(f"20230730-{number}")
        day = BEGIN + timedelta(days=chance.randint(0, 200))
        village = chance.choice(list(VILLAGES))
        home = Household(hands, chance, day, village)
        heapq.heappush(agenda, (day, number, home, STORIES[number % len(STORIES)](home)))
    duties = _duties()
    while agenda or duties:
        today = min(agenda[0][0] if agenda else END, duties[0] if duties else END)
        await hands.office.today_is(today.isoformat())
        await let_clocks_speak(hands.office)
        if duties and duties[0] == today:
            duties.pop(0)
            await does_its_duties(hands, today)
        await act(agenda, today)
    await hands.office.today_is(END.isoformat())
    await let_clocks_speak(hands.office)


async def act(agenda: Agenda, today: date) -> None:
    """Everybody whose day it is, some at once."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, home: Household, story: Steps) -> None:
        async with gate:
            home.day = today
            wait = await anext(story, None)
        if wait is not None:
            heapq.heappush(agenda, (today + timedelta(days=wait), number, home, story))

    while agenda and agenda[0][0] == today:
        due = []
        while agenda and agenda[0][0] == today:
            _, number, home, story = heapq.heappop(agenda)
            due.append(one(number, home, story))
        await asyncio.gather(*due)


async def let_clocks_speak(office: Office) -> None:
    """As the worker does, some streams at once."""
    while due := await office.app.due(AT_ONCE * 50):
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(category: str, stream: UUID, gate: asyncio.Semaphore = gate) -> None:
            async with gate:
                assert await office.app.tick_stream(category, stream, system("assistance"))

        await asyncio.gather(*(one(category, stream) for category, stream in due))


def _duties() -> list[date]:
    """The first of every month, and the last day."""
    months = [(2023 + number // 12, number % 12 + 1) for number in range(1, 24)]
    return [date(year, month, 1) for year, month in months]


async def does_its_duties(hands: Hands, today: date) -> None:
    """The year's population, the daily count of the ledger, its review, the quarter's file."""
    office = hands.office
    people = {VILLAGE: 40 * HOUSEHOLDS, "370112001002": max(1, HOUSEHOLDS // 2)}
    if today.month in {1, 2}:
        lines = "".join(f"{village},{number}\n" for village, number in people.items())
        await sends(office, f"/populations/{today.year}", f"division,people\n{lines}")
    await keep_ledgers(office.app)
    if today.month in {4, 7, 10}:
        quarter = f"{today.year}Q{(today.month - 1) // 3}"
        left = await office.get("county", "/no-labour/uncompared", quarter=quarter, limit=1000)
        lost = [item["household_id"] for item in left.json()]
        lines = "".join(
            f"{household},{'NONE' if number % 7 == 3 else 'DIBAO_FULL'}\n"
            for number, household in enumerate(lost)
        )
        lines += f"{new_id()},NONE\nnobody,NONE\n"
        answer = await sends(office, f"/comparisons/{quarter}", f"household_id,benefit\n{lines}")
        assert (answer["changed"], answer["wrong"]) == (len(lost), 2)
    listed = (await office.get("county", "/ledger/entered")).json()
    lacking = (await office.get("county", "/plans", lacking="HELP", limit=1)).json()["items"]
    if listed and not lacking:
        review = {"town": TOWN, "mass_relapse_risk": False, "evidence": [SHA]}
        await hands.does("county", "/ledger/reviews", review)


async def sends(office: Office, path: str, text: str) -> dict[str, object]:
    headers = {"x-person": "county", "content-type": "text/csv"}
    answer = await office.client.post(path, content=text, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


async def log_of(office: Office) -> list[Logged]:
    """Everything recorded, each stream in its order."""
    rows = await office.rows(
        "select stream_id, category, type, data::text as data, meta->>'actor' as actor"
        " from es.event order by stream_id, version"
    )
    return [
        Logged(
            row["stream_id"],
            row["category"],
            row["type"],
            json.loads(row["data"]) | {"_actor": row["actor"]},
        )
        for row in rows
    ]


@rule("R56", "R73", "R76", "R86", "R89", "R92", "R93", "R96", "R99", "R102", "R110", "R113")
async def test_a_countys_years(office: Office) -> None:
    began = time.monotonic()
    await live(ByHttp(office) if HOUSEHOLDS < 1000 else ByCommand(office))
    lived = time.monotonic()
    log = await log_of(office)
    streams: dict[UUID, list[Logged]] = defaultdict(list)
    for line in log:
        streams[line.stream].append(line)
    flagged = flagged_ever(log)
    for lines in streams.values():
        if lines[0].category == "plan":
            elimination_stopped_nothing(lines)
            clocks_spoke_once(lines)
            subsidies_followed_output(lines)
            channel_exit_stopped_everything(lines)
        if lines[0].category == "elimination":
            the_procedure_was_walked(lines, streams, flagged)
    compared = await every_figure_is_the_logs(office, log)
    await the_ledger_is_the_logs(office, log, flagged)
    counted = Counter(line.type for line in log)
    for kind in ALL_KINDS:
        assert counted[kind], f"no {kind}: a story was not lived"
    structlog.get_logger("county").info(
        "county.lived",
        households=HOUSEHOLDS,
        events=len(log),
        streams=len(streams),
        seconds_lived=round(lived - began),
        seconds_checked=round(time.monotonic() - lived),
        figures_recounted=compared,
        by_type=dict(counted.most_common()),
    )


ALL_KINDS = (
    "RiskEliminated",
    "EliminationDropped",
    "EliminationObjectionAnswered",
    "EarlyEliminationAllowed",
    "NoLabourFlagged",
    "FlagUpheld",
    "OffRegisterHelpRefused",
    "OutputRecorded",
    "MeasureEnded",
    "PlanClosed",
    "Purged",
    "RefreshRecorded",
    "LedgerEntered",
    "DeadlineWarned",
    "DeadlineMissed",
)


def flagged_ever(log: list[Logged]) -> set[str]:
    """Nobody's flag was lifted: the gates did not speak."""
    assert not any(line.type == "FlagChanged" for line in log)
    return {line.data["household_id"] for line in log if line.type == "NoLabourFlagged"}


def elimination_stopped_nothing(lines: list[Logged]) -> None:
    """R102: after an elimination a measure ends on its day, or by the household's own doing."""
    starts = [number for number, line in enumerate(lines) if line.type == "AfterCareStarted"]
    if not starts:
        return
    ends = {
        line.data["measure_id"]: line.data["terms"]["ends_on"]
        for line in lines
        if line.type == "MeasureFiled"
    }
    for line in lines[starts[0] :]:
        if line.type == "MeasureStopped":
            assert line.data["reason"] in BY_THE_HOUSEHOLD
        if line.type == "MeasureEnded":
            last = ends[line.data["measure_id"]]
            assert last is None or line.data["ended_on"] >= last


def clocks_spoke_once(lines: list[Logged]) -> None:
    """Each miss once, and none of what was done in time."""
    missed_lines = [line for line in lines if line.type == "DeadlineMissed"]
    missed = [(line.data["kind"], line.data["due_on"]) for line in missed_lines]
    assert len(missed) == len(set(missed))
    warned = Counter(
        (line.data["kind"], line.data["due_on"]) for line in lines if line.type == "DeadlineWarned"
    )
    assert all(times <= 2 for times in warned.values())
    submitted = [line for line in lines if line.type == "PlanSubmitted"]
    for line in submitted[:1]:
        before = [item.data["kind"] for item in lines[: lines.index(line)] if item in missed_lines]
        assert line.data["on_time"] is ("plan" not in before)


def subsidies_followed_output(lines: list[Logged]) -> None:
    """R86: never more than the ceiling, nothing without output."""
    terms = {
        line.data["measure_id"]: line.data["terms"] for line in lines if line.type == "MeasureFiled"
    }
    paid: Counter[str] = Counter()
    for line in lines:
        if line.type == "OutputRecorded":
            paid[line.data["measure_id"]] += line.data["amount"]
            if terms[line.data["measure_id"]]["kind"] == "PRODUCTION_SUBSIDY":
                assert line.data["quantity"] > 0
    assert all(amount <= terms[key]["amount"] for key, amount in paid.items())


def channel_exit_stopped_everything(lines: list[Logged]) -> None:
    """R73: who leaves the green channel has no measure left."""
    if lines[-1].type != "PlanClosed":
        return
    filed = {line.data["measure_id"] for line in lines if line.type == "MeasureFiled"}
    over = {
        line.data["measure_id"] for line in lines if line.type in {"MeasureStopped", "MeasureEnded"}
    }
    assert filed == over


def the_procedure_was_walked(
    lines: list[Logged], streams: dict[UUID, list[Logged]], flagged: set[str]
) -> None:
    """R53, R56, R76, R93, R95, R96: what must lie before an elimination does."""
    found = {line.type: line for line in lines}
    if "RiskEliminated" not in found:
        return
    order = [line.type for line in lines if line.type in _STEPS]
    assert [kind for kind in _STEPS if kind in order] == list(dict.fromkeys(reversed(order)))[::-1]
    gone, proposed = found["RiskEliminated"].data, found["EliminationProposed"].data
    assert gone["household_id"] not in flagged
    posted = date.fromisoformat(found["EliminationNoticePosted"].data["posted_on"])
    assert date.fromisoformat(gone["eliminated_on"]) >= posted + timedelta(days=6)
    before = lines[: lines.index(found["RiskEliminated"])]
    assert gone["_actor"] not in {line.data["_actor"] for line in before}
    plan = streams[UUID(proposed["plan_id"])]
    known = next(line.data["identified"] for line in plan if line.data.get("identified"))
    earliest = after(date.fromisoformat(known["identified_on"]), "6m")
    allowed = any(line.type == "EarlyEliminationAllowed" for line in plan)
    early = date.fromisoformat(gone["eliminated_on"]) < earliest
    if gone["mode"] == "ASSISTED":
        assert not early or (allowed and gone["early"])
        assert any(line.type == "MeasureStarted" for line in plan)
        assert proposed["per_capita_net"] > proposed["line"]


_STEPS = (
    "EliminationProposed",
    "EliminationVerified",
    "EliminationDeliberated",
    "EliminationReviewed",
    "EliminationNoticePosted",
    "EliminationPublicized",
    "RiskEliminated",
)


async def every_figure_is_the_logs(office: Office, log: list[Logged]) -> int:
    """Every figure of county, town and villages, for both years, each half and some odd days."""
    periods = [
        (BEGIN, END),
        (date(2023, 1, 1), date(2023, 12, 31)),
        (date(2024, 1, 1), date(2024, 12, 31)),
        (date(2023, 4, 17), date(2023, 9, 3)),
        (date(2023, 8, 1), date(2023, 8, 31)),
    ]
    compared = 0
    for inside in (COUNTY, TOWN, *VILLAGES):
        for first, last in periods:
            asked = {"division": inside, "first": first.isoformat(), "last": last.isoformat()}
            answer = (await office.get("county", "/figures", **asked)).json()
            counted = recount.figures(log, inside, first, last, END)
            assert answer == counted, (inside, first, last)
            compared += len(answer) - 1 + 6 * len(answer["measures"])
    assert not [name for name in answer if "ratio" in name or "target" in name]
    return compared


async def the_ledger_is_the_logs(office: Office, log: list[Logged], flagged: set[str]) -> None:
    """R110: people under help by village, the flagged left out, against the latest population."""
    people: Counter[str] = Counter()
    for plan in recount.plans_of(log).values():
        under_help = plan.approved_on and not plan.over and plan.eliminated_on is None
        if under_help and plan.household not in flagged:
            people[plan.division] += plan.members
    answer = (await office.get("county", "/ledger", division=COUNTY)).json()
    shown = {item["division"]: item["people"] for item in answer["items"]}
    over = {
        village: number
        for village, number in people.items()
        if number * 100 > 2 * {VILLAGE: 40 * HOUSEHOLDS}.get(village, max(1, HOUSEHOLDS // 2))
    }
    assert {key: number for key, number in shown.items() if len(key) == 12} == over
    listed = {item["division"] for item in (await office.get("county", "/ledger/entered")).json()}
    assert set(over) <= listed
