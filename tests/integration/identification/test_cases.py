"""Cases over HTTP and the bus: once, in order, on the version seen; the queue; what ends a case."""

import asyncio
from datetime import date
from uuid import UUID, uuid4

from shared.contracts.alerts import LeadMatched
from shared.contracts.assistance import MeasureStarted, RiskEliminated
from shared.contracts.audit import (
    CorrectionAuthorized,
    CorrectionKind,
    CorrectionReason,
    FlagChange,
    Target,
)
from shared.contracts.values import EliminationMode, LeadSource, Risk
from shared.kernel.deadline import Deadline
from shared.kernel.principal import system
from shared.testing.casework import PEOPLE, POLICY, VILLAGE, World, household
from shared.testing.decider import rule
from tests.integration.identification.support import identified, named, register

OFFICERS = {"village_officer": "person:village", "town_officer": "person:town"}


@rule("R25")
async def test_leads_of_one_household_meet_in_one_case(world: World) -> None:
    home, _ = await register(world, **household())
    lead = uuid4()
    case = await world.opened(home, "2023-08-01", lead_id=lead)
    await world.lead(home, "2023-08-01", lead_id=lead)
    await world.lead(home, "2023-08-01", source=LeadSource.DEPARTMENT_ALERT)
    shown = await world.get("county", f"/cases/{case}")
    assert [item["type"] for item in shown["history"]] == ["CaseOpened", "LeadJoined"]
    assert shown["deadlines"][0]["explained"] == (
        "3d from 2023-08-01, policy 37/2023-1 → 2023-08-04"
    )


@rule("R25")
async def test_ten_leads_at_once_open_one_case(world: World) -> None:
    home, _ = await register(world, **household())
    await asyncio.gather(*(world.lead(home, "2023-08-01") for _ in range(10)))
    shown = await world.get("county", f"/households/{home}")
    assert len(shown["cases"]) == 1
    track = await world.get("county", f"/cases/{shown['cases'][0]['id']}")
    assert track["version"] == 10


async def test_a_lead_that_is_matched_later_opens_the_case_then(world: World) -> None:
    home, _ = await register(world, **household())
    matched = LeadMatched(
        lead_id=uuid4(),
        household_id=UUID(home),
        division=VILLAGE,
        source=LeadSource.HOTLINE,
        discovered_on=date(2023, 7, 30),
    )
    await world.hears(matched, key=UUID(home), on="2023-08-01")
    [case] = (await world.get("county", f"/households/{home}"))["cases"]
    assert (case["status"], case["opened_on"]) == ("OPEN", "2023-07-30")


async def test_a_request_repeated_with_its_key_has_one_effect(world: World) -> None:
    home, _ = await register(world, **household())
    case = await world.opened(home, "2023-08-01")
    path, key = f"/cases/{case}/officers", {"Idempotency-Key": "k1"}
    first = await world.post("town", path, OFFICERS, key)
    again = await world.post("town", path, OFFICERS, key)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["ETag"] == '"2"'
    other = await world.post("town", path, OFFICERS | {"note": "另一内容"}, key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    both = await asyncio.gather(
        *(world.post("town", path, OFFICERS, {"Idempotency-Key": "k2"}) for _ in range(4))
    )
    assert len({answer.text for answer in both}) == 1
    assert (await world.get("town", f"/cases/{case}"))["version"] == 3


async def test_whoever_acts_on_an_old_version_is_told(world: World) -> None:
    home, _ = await register(world, **household())
    case = await world.opened(home, "2023-08-01")
    path = f"/cases/{case}/officers"
    assert (await world.post("town", path, OFFICERS, {"If-Match": '"1"'})).status_code == 200
    stale = await world.post("town", path, OFFICERS, {"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale-version")


@rule("R1", "R4")
async def test_each_level_does_its_own(world: World) -> None:
    home, _ = await register(world, **household())
    case = await world.opened(home, "2023-08-01")
    for who in ("village", "county", "city", "inspector"):
        answer = await world.post(who, f"/cases/{case}/officers", OFFICERS)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    nobody = await world.client.post(f"/cases/{case}/officers", json=OFFICERS)
    assert nobody.status_code == 401


@rule("K6")
async def test_the_future_has_not_happened(world: World) -> None:
    home, _ = await register(world, **household())
    case = await world.opened(home, "2023-08-01")
    await world.refused(
        "town",
        f"/cases/{case}/officers",
        "K6",
        "occurs-in-the-future",
        **OFFICERS,
        occurred_on="2023-08-02",
    )


@rule("R54", "R55")
async def test_the_clocks_speak_once_and_the_queue_shows_it(world: World) -> None:
    home, _ = await register(world, **household())
    case = await world.opened(home, "2023-08-01")
    await named(world, case)
    await world.day("2023-08-17")
    clocks = system("identification")
    application = world.application
    assert await application.tick(clocks) == 1
    assert await application.tick(clocks) == 0
    shown = await world.get("county", f"/cases/{case}")
    assert [item["type"] for item in shown["history"]][2:] == [
        "DeadlineMissed",
        "DeadlineEscalated",
        "DeadlineEscalated",
        "DeadlineWarned",
        "DeadlineWarned",
        "DeadlineWarned",
        "DeadlineMissed",
    ]
    mine = await world.get("village", "/cases", overdue=True)
    assert [row["step"] for row in mine["items"]] == ["verification", "authorization"]
    assert mine["items"][0]["clock"].startswith("3d from 2023-08-01")
    assert [row["step"] for row in (await world.get("county", "/cases"))["items"]] == []


async def test_the_queue_is_read_page_by_page(world: World) -> None:
    cases = set()
    for day in ("2023-07-28", "2023-07-29", "2023-07-30"):
        home, _ = await register(world, **household())
        cases.add(await world.opened(home, day))
    seen: list[str] = []
    page = await world.get("town", "/cases", limit=1)
    while True:
        seen += [row["case_id"] for row in page["items"]]
        if page["next"] is None:
            break
        page = await world.get("town", "/cases", limit=1, cursor=page["next"])
    assert set(seen) == cases
    assert len(seen) == 3
    wrong = await world.client.get("/cases", params={"cursor": "nonsense"}, headers=PEOPLE["town"])
    assert wrong.json()["code"] == "cursor-malformed"


@rule("R42", "R91", "R105")
async def test_a_new_risk_is_added_and_after_elimination_opens_a_new_case(world: World) -> None:
    home, [head] = await register(world, **household())
    case = await world.opened(home, "2023-08-01")
    await identified(world, case, head)
    await world.lead(home, "2023-08-09", risks=(Risk.ACCIDENT,))
    shown = await world.get("county", f"/cases/{case}")
    assert shown["history"][-1]["type"] == "RiskAdded"
    await world.day("2024-03-01")
    eliminated = RiskEliminated(
        case_id=UUID(case),
        household_id=UUID(home),
        mode=EliminationMode.ASSISTED,
        eliminated_on=date(2024, 3, 1),
        division=VILLAGE,
        authority="章农委〔2024〕1号",
    )
    await world.hears(eliminated, key=UUID(home), on="2024-03-01")
    await world.hears(eliminated, key=UUID(home), on="2024-03-01")
    assert (await world.get("county", f"/cases/{case}"))["status"] == "ELIMINATED"
    again = await world.opened(home, "2024-03-01")
    assert again != case
    assert (await world.get("county", f"/cases/{again}"))["previous_case_id"] == case


@rule("R107", "R108")
async def test_an_authorised_correction_is_carried_out_once(world: World) -> None:
    home, [head] = await register(world, **household())
    case = await world.opened(home, "2023-08-01")
    await identified(world, case, head)
    shown = await world.get("county", f"/cases/{case}")

    def authorized(kind: CorrectionKind, **target: int) -> CorrectionAuthorized:
        return CorrectionAuthorized(
            correction_id=uuid4(),
            city="3701",
            kind=kind,
            targets=(
                Target(service="identification", stream_id=UUID(case), **target),
                Target(service="assistance", stream_id=uuid4(), version=1),
            ),
            reason=CorrectionReason.MISIDENTIFIED,
            filing="国乡振备〔2023〕1号",
            content_sha256="0" * 64,
        )

    moved = authorized(CorrectionKind.PURGE, version=shown["version"] - 1)
    await world.hears(moved, key=uuid4(), on="2023-08-09")
    assert (await world.get("county", f"/cases/{case}"))["status"] == "IDENTIFIED"
    rollback = authorized(CorrectionKind.ROLLBACK, version=shown["version"], to_version=2)
    for _ in range(2):
        await world.hears(rollback, key=uuid4(), on="2023-08-09")
    after = await world.get("county", f"/cases/{case}")
    assert (after["status"], after["version"]) == ("OPEN", shown["version"] + 1)
    assert {item["kind"] for item in after["deadlines"]} == {"verify", "identify"}
    purge = authorized(CorrectionKind.PURGE, version=after["version"])
    await world.hears(purge, key=uuid4(), on="2023-08-09")
    assert (await world.get("county", f"/cases/{case}"))["status"] == "PURGED"
    assert await world.opened(home, "2023-08-09") != case


@rule("R108", "R109")
async def test_a_correction_is_carried_out_whole_in_its_time_or_not_at_all(world: World) -> None:
    cases = []
    for _ in range(2):
        home, _ = await register(world, **household())
        cases.append(await world.opened(home, "2023-08-01"))
    versions = [(await world.get("county", f"/cases/{case}"))["version"] for case in cases]

    async def told(second: int, due_on: date, change: FlagChange | None = None) -> list[str]:
        clock = Deadline(
            kind="correction-execution",
            rule="R108",
            starts_on=date(2023, 8, 1),
            length="30d",
            due_on=due_on,
        )
        authorized = CorrectionAuthorized(
            correction_id=uuid4(),
            city="3701",
            kind=CorrectionKind.FLAG_CHANGE if change else CorrectionKind.PURGE,
            targets=tuple(
                Target(service="identification", stream_id=UUID(case), version=version)
                for case, version in zip(cases, (versions[0], second), strict=True)
            ),
            change=change,
            reason=CorrectionReason.DUPLICATE,
            filing="国乡振备〔2023〕2号",
            content_sha256="0" * 64,
            deadlines=(clock,),
        )
        await world.hears(authorized, key=uuid4(), on="2023-08-01")
        return [(await world.get("county", f"/cases/{case}"))["status"] for case in cases]

    in_time, late = date(2099, 1, 1), date(2000, 1, 1)
    flag = FlagChange(flag="no_labour_safety_net", value=False)
    assert await told(versions[1] + 1, in_time) == ["OPEN", "OPEN"]
    assert await told(versions[1], late) == ["OPEN", "OPEN"]
    assert await told(versions[1], in_time, flag) == ["OPEN", "OPEN"]
    assert await told(versions[1], in_time) == ["PURGED", "PURGED"]


@rule("R49")
async def test_a_measure_outside_the_mechanism_is_noted(world: World) -> None:
    home, _ = await register(world, **household())
    case = await world.opened(home, "2023-08-01")
    started = MeasureStarted(
        case_id=UUID(case),
        household_id=UUID(home),
        measure_id=uuid4(),
        started_on=date(2023, 8, 1),
        deadlines=(),
    )
    await world.hears(started, key=UUID(home), on="2023-08-01")
    await world.hears(started, key=UUID(home), on="2023-08-01")
    history = (await world.get("county", f"/cases/{case}"))["history"]
    assert [item["type"] for item in history] == ["CaseOpened", "MeasureNoted"]


@rule("R28", "R29", "K7")
async def test_the_policy_in_force(world: World) -> None:
    found = await world.get("village", "/policy", division=VILLAGE)
    assert found["version"] == "37/2023-1"
    stricter = POLICY | {
        "version": "3701/2023-1",
        "division": "3701",
        "effective_from": "2023-08-02",
    }
    await world.does("city", "/policy", policy=stricter)
    assert (await world.get("village", "/policy", division=VILLAGE))["version"] == "37/2023-1"
    later = await world.get("village", "/policy", division=VILLAGE, on="2023-08-02")
    assert later["version"] == "3701/2023-1"
    elsewhere = await world.get("village", "/policy", division="371721", on="2023-08-02")
    assert elsewhere["version"] == "37/2023-1"
    before = await world.client.get(
        "/policy", params={"division": VILLAGE, "on": "2022-12-31"}, headers=PEOPLE["village"]
    )
    assert (before.status_code, before.json()["code"]) == (409, "no-policy-in-force")


@rule("R27", "R92", "R120")
async def test_a_quota_is_refused_by_its_rule(world: World) -> None:
    tried = POLICY | {"version": "37/2023-2", "parameters": {"quota": 100}}
    await world.refused("province", "/policy", "R27", "never-a-parameter", policy=tried)


@rule("R51")
async def test_the_procedure_is_shown_as_data(world: World) -> None:
    shown = (await world.client.get("/procedure")).json()
    assert len(shown["steps"]) == 11
    assert shown["mermaid"].startswith("flowchart LR")
    assert (await world.client.get("/openapi.json")).status_code == 200
