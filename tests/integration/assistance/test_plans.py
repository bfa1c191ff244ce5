"""Plans and measures over HTTP on a real PostgreSQL, and what must be refused on the way."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.assistance.schema import SCHEMA
from shared.contracts.identification import (
    CaseOpened,
    GreenChannelEntered,
    GreenChannelExited,
    NotIdentified,
    RiskAdded,
)
from shared.contracts.values import Gap, LeadSource, Risk
from shared.kernel.ids import new_id
from shared.kernel.principal import system
from shared.store.drift import drift
from shared.testing.databases import Urls
from shared.testing.decider import rule
from tests.integration.assistance.conftest import VILLAGE, Office, approved
from tests.integration.assistance.support import (
    APPROVAL,
    DRAFT,
    JOB,
    PROPOSAL,
    SHA,
    identified,
    measure,
    publicized,
    with_a_job,
)


async def test_the_tables_are_what_the_code_believes(urls: Urls) -> None:
    assert await drift(urls.superuser, SCHEMA) == []


@rule("R89")
async def test_an_approval_opens_the_plan_and_its_clock(office: Office) -> None:
    plan = await identified(office)
    assert plan["stage"] == "PLANNING"
    assert plan["due_on"] == "2023-03-20"
    assert plan["clocks"][0]["explained"] == ("10d from 2023-03-10, policy 37/2023-1 → 2023-03-20")
    assert [item["rule"] for item in plan["missing"]] == ["R77"]
    queue = (await office.get("county", "/plans")).json()
    assert [item["plan_id"] for item in queue["items"]] == [plan["plan_id"]]
    assert (await office.get("county", "/plans", overdue=True)).json()["items"] == []
    await office.today_is("2023-03-21")
    assert len((await office.get("county", "/plans", overdue=True)).json()["items"]) == 1
    assert await office.app.tick(system("assistance")) == 1
    assert await office.app.tick(system("assistance")) == 0
    said = ["PlanOpened", "DeadlineWarned", "DeadlineWarned", "DeadlineMissed"]
    assert await office.events(plan["plan_id"]) == said


@rule("R78", "R83", "R86")
async def test_scenario_18(office: Office) -> None:
    """2,000 cash, 800 dividend, generic training: incomplete; then a workshop job: complete."""
    plan = (await identified(office))["plan_id"]
    await office.today_is("2023-03-12")
    kinds = ["CASH", "DIVIDEND", "SKILL_TRAINING"]
    draft = DRAFT | {"responses": [{"risk": "ILLNESS", "kinds": kinds}]}
    await office.does("village", f"/plans/{plan}/draft", draft)
    for body in (
        measure("CASH", fund="SOCIAL_FORCES", amount=200_000),
        measure("DIVIDEND", fund="VILLAGE_COLLECTIVE", amount=80_000),
        measure("SKILL_TRAINING"),
    ):
        await office.does("village", f"/plans/{plan}/measures", body)
    shown = (await office.get("village", f"/plans/{plan}")).json()
    assert shown["development_measures"] == 0
    problem = await office.refused("village", f"/plans/{plan}/submission", rule="R78")
    assert problem["code"] == "plan-incomplete"
    await office.does("village", f"/plans/{plan}/measures", JOB)
    submitted = await office.does("village", f"/plans/{plan}/submission")
    assert submitted["events"][0]["data"]["development_measures"] == 1


@rule("R86")
async def test_scenario_18_a_subsidy_without_output_is_nothing(office: Office) -> None:
    plan = (await identified(office))["plan_id"]
    subsidy = measure("PRODUCTION_SUBSIDY", fund="LINKAGE_FUND", amount=300_000, rate=50_000)
    filed = await office.does("village", f"/plans/{plan}/measures", subsidy)
    made = f"/plans/{plan}/measures/{filed['events'][0]['data']['measure_id']}"
    await office.does("department", f"{made}/start")

    async def paid() -> int:
        shown = (await office.get("county", f"/plans/{plan}")).json()
        return int(shown["measures"][0]["paid"])

    assert await paid() == 0
    await office.refused("department", f"{made}/output", {"evidence": [SHA]}, rule="R86")
    await office.does("department", f"{made}/output", {"quantity": 3, "evidence": [SHA]})
    assert await paid() == 150_000


@rule("R44", "R78")
async def test_scenario_9_dibao_alone(office: Office) -> None:
    plan = (await identified(office))["plan_id"]
    await office.today_is("2023-03-12")
    draft = DRAFT | {"responses": [{"risk": "ILLNESS", "kinds": ["DIBAO"]}]}
    await office.does("village", f"/plans/{plan}/draft", draft)
    await office.does("village", f"/plans/{plan}/measures", measure("DIBAO"))
    problem = await office.refused("village", f"/plans/{plan}/submission", rule="R78")
    assert "R44" in problem["detail"]
    shown = (await office.get("village", f"/plans/{plan}")).json()
    assert [item["rule"] for item in shown["missing"]] == ["R78", "R44"]


@rule("R70", "R73")
async def test_the_green_channel_opens_and_closes_a_provisional_plan(office: Office) -> None:
    case, household = new_id(), new_id()
    entered = GreenChannelEntered(
        on="2023-03-05",
        case_id=case,
        household_id=household,
        division=VILLAGE,
        risks=(Risk.DISASTER,),
        entered_on="2023-03-05",
        deadlines=(),
    )
    await office.today_is("2023-03-05")
    await office.hears(entered, on="2023-03-05", household_id=household)
    plan = (await office.get("village", f"/plans/by-case/{case}")).json()
    assert (plan["stage"], plan["urgent"], plan["due_on"]) == ("PROVISIONAL", True, "2023-03-06")
    relief = measure("TEMPORARY_RELIEF", risks=["DISASTER"], department="CIVIL_AFFAIRS")
    filed = await office.does("village", f"/plans/{plan['plan_id']}/measures", relief)
    given = filed["events"][0]["data"]["measure_id"]
    await office.does("town", f"/plans/{plan['plan_id']}/measures/{given}/start")
    left = GreenChannelExited(
        on="2023-03-20", case_id=case, household_id=household, note_id=new_id()
    )
    for _ in range(2):
        await office.hears(left, on="2023-03-20", household_id=household)
    after = (await office.get("village", f"/plans/{plan['plan_id']}")).json()
    assert after["stage"] == "CLOSED"
    assert [item["status"] for item in after["measures"]] == ["STOPPED"]


@rule("R113")
async def test_the_urgent_come_first_in_the_queue(office: Office) -> None:
    await identified(office, "2023-03-05")
    gap = await identified(office, "2023-03-10", gaps=(Gap.HOUSING,))
    queue = (await office.get("province", "/plans")).json()["items"]
    assert [item["urgent"] for item in queue] == [True, False]
    assert queue[0]["plan_id"] == gap["plan_id"]


async def test_the_queue_turns_its_pages(office: Office) -> None:
    for on in ("2023-03-05", "2023-03-06", "2023-03-07"):
        await identified(office, on)
    first = (await office.get("county", "/plans", limit=2)).json()
    rest = (await office.get("county", "/plans", limit=2, cursor=first["next"])).json()
    seen = [item["approved_on"] for item in first["items"] + rest["items"]]
    assert seen == ["2023-03-05", "2023-03-06", "2023-03-07"]
    assert rest["next"] is None


@rule("R1")
async def test_a_neighbour_sees_and_does_nothing(office: Office) -> None:
    plan = (await identified(office))["plan_id"]
    assert (await office.get("other-village", f"/plans/{plan}")).status_code == 404
    assert (await office.get("other-village", "/plans")).json()["items"] == []
    answer = await office.post("other-village", f"/plans/{plan}/draft", DRAFT)
    assert answer.status_code == 404
    assert (await office.get("operator", "/plans")).status_code == 403
    assert (await office.post("county", f"/plans/{plan}/draft", DRAFT)).status_code == 403


async def test_a_key_gives_one_effect_and_a_stale_version_none(office: Office) -> None:
    plan = (await identified(office))["plan_id"]
    await office.today_is("2023-03-12")
    first = await office.post("village", f"/plans/{plan}/measures", JOB, key="k1")
    again = await office.post("village", f"/plans/{plan}/measures", JOB, key="k1")
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.headers["ETag"] == '"2"'
    stale = await office.post("village", f"/plans/{plan}/draft", DRAFT, if_match='"1"')
    assert (stale.status_code, stale.json()["code"]) == (412, "stale-version")


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"terms": {**JOB["terms"], "kind": "GIFT"}}, "terms.kind", "not-allowed"),
        ({"terms": {**JOB["terms"], "amount": "5"}}, "terms.amount", "wrong-type"),
        ({**JOB, "plan_id": "x"}, "plan_id", "unknown-field"),
        ({}, "terms", "missing-field"),
        ({**JOB, "occurred_on": "2023-03-11"}, "occurred_on", "occurs-in-the-future"),
    ],
)
async def test_bad_input_is_named(
    office: Office, body: dict[str, Any], field: str, code: str
) -> None:
    plan = (await identified(office))["plan_id"]
    answer = await office.post("village", f"/plans/{plan}/measures", body)
    assert answer.status_code == 422
    assert (answer.json()["field"], answer.json()["code"]) == (field, code)
    assert await office.events(plan) == ["PlanOpened"]


@rule("R59", "R105")
async def test_a_plan_is_drafted_while_the_case_is_under_way(office: Office) -> None:
    event = approved("2023-03-10")
    await office.today_is("2023-03-05")
    begin = {"case_id": str(event.case_id)}
    assert (await office.post("village", "/plans", begin)).status_code == 404
    opened = CaseOpened(
        case_id=event.case_id,
        household_id=event.household_id,
        division=VILLAGE,
        lead_id=new_id(),
        source=LeadSource.HOTLINE,
        discovered_on=date(2023, 3, 5),
        deadlines=(),
        previous_case_id=new_id(),
    )
    await office.hears(opened, on="2023-03-05", household_id=event.household_id)
    assert (await office.get("village", f"/plans/by-case/{event.case_id}")).status_code == 404
    assert (await office.post("other-village", "/plans", begin)).status_code == 404
    plan = (await office.does("village", "/plans", begin))["id"]
    filed = await office.does("village", f"/plans/{plan}/measures", JOB)
    start = f"/plans/{plan}/measures/{filed['events'][0]['data']['measure_id']}/start"
    await office.refused("town", start, rule="R59", status=409)
    await office.today_is("2023-03-10")
    await office.hears(event, on="2023-03-10", household_id=event.household_id)
    await office.does("town", start)
    shown = (await office.get("village", f"/plans/by-case/{event.case_id}")).json()
    assert (shown["plan_id"], shown["stage"]) == (plan, "PLANNING")


@rule("R49", "R103")
async def test_help_outside_the_register_is_refused_and_told(office: Office) -> None:
    help_ = {
        "household_id": str(new_id()),
        "division": VILLAGE,
        "kind": "CASH",
        "fund": "SOCIAL_FORCES",
        "universal": False,
    }
    first = await office.post("village", "/help", help_, key="h1")
    again = await office.post("village", "/help", help_, key="h1")
    assert first.status_code == again.status_code == 422
    assert first.json()["code"] == again.json()["code"] == "off-register-help"
    told = await office.rows("select type from es.event where category = 'help'")
    assert [row["type"] for row in told] == ["OffRegisterHelpRefused"]
    policy = {"universal": True, "kind": "MEDICAL_INSURANCE_AID", "fund": "INDUSTRY_POLICY"}
    await office.does("village", "/help", help_ | policy)
    plan = await identified(office)
    mine = help_ | {"household_id": plan["household_id"]}
    await office.refused("village", "/help", mine, rule="R49", status=409)


async def test_a_note_is_read_for_a_purpose_and_that_is_recorded(office: Office) -> None:
    plan, job = await with_a_job(office)
    why = {"reason": "MOVED_AWAY", "note": "户主已随子女迁居"}
    stopped = await office.does("town", f"/plans/{plan}/measures/{job}/stop", why)
    note = stopped["events"][0]["data"]["note_id"]
    look = {"purpose": "ASSISTANCE", "notes": [note]}
    read = await office.does("county", f"/plans/{plan}/notes/reveal", look)
    assert read == {note: "户主已随子女迁居"}
    (told,) = await office.rows("select data from es.event where type = 'PersonalDataRevealed'")
    assert note in str(told["data"])
    assert "迁居" not in str(told["data"])
    forbidden = await office.post("inspector", f"/plans/{plan}/notes/reveal", look)
    assert forbidden.status_code == 403
    elsewhere = await office.post("other-village", f"/plans/{plan}/notes/reveal", look)
    assert elsewhere.status_code == 404
    other = (await identified(office))["plan_id"]
    strange = await office.post("county", f"/plans/{other}/notes/reveal", look)
    assert strange.status_code == 404
    assert len(await office.rows("select 1 from es.event where category = 'reveal'")) == 1


@rule("R62", "R64", "R89", "R93")
async def test_scenario_10(office: Office) -> None:
    """Entered on 01-31, approved on 02-20: identified 01-31, plan due 03-02, eliminable 07-31."""
    case, household = new_id(), new_id()
    entered = GreenChannelEntered(
        on="2023-01-31",
        case_id=case,
        household_id=household,
        division=VILLAGE,
        risks=(Risk.DISASTER,),
        entered_on="2023-01-31",
        deadlines=(),
    )
    await office.today_is("2023-01-31")
    await office.hears(entered, on="2023-01-31", household_id=household)
    plan = (await office.get("village", f"/plans/by-case/{case}")).json()["plan_id"]
    risks = {"risks": ["DISASTER"]}
    filed = await office.does("village", f"/plans/{plan}/measures", measure("GOODS", **risks))
    await office.does(
        "town", f"/plans/{plan}/measures/{filed['events'][0]['data']['measure_id']}/start"
    )
    await office.today_is("2023-02-20")
    event = approved(
        "2023-02-20",
        case_id=case,
        household_id=household,
        risks=(Risk.DISASTER,),
        identified_on=date(2023, 1, 31),
    )
    await office.hears(event, on="2023-02-20", household_id=household)
    shown = (await office.get("village", f"/plans/{plan}")).json()
    assert (shown["identified_on"], shown["stage"]) == ("2023-01-31", "PLANNING")
    assert [item["due_on"] for item in shown["clocks"] if item["kind"] == "plan"] == ["2023-03-02"]
    gone = PROPOSAL | {"risks": [{"risk": "DISASTER", "gone": True, "evidence": [SHA]}]}
    await office.today_is("2023-07-30")
    problem = await office.refused("village", f"/plans/{plan}/eliminations", gone, rule="R93")
    assert "2023-07-31" in problem["detail"]
    await office.today_is("2023-07-31")
    await office.does("village", f"/plans/{plan}/eliminations", gone)


@rule("R44", "R76", "R78")
async def test_a_plan_that_loses_its_development_measure_is_listed(office: Office) -> None:
    plan, job = await with_a_job(office)
    assert (await office.get("county", "/plans", lacking="COMPLETENESS")).json()["items"] == []
    await office.does("village", f"/plans/{plan}/measures", measure("DIBAO"))
    why = {"reason": "HOUSEHOLD_DECLINED", "note": "本人辞职"}
    await office.does("town", f"/plans/{plan}/measures/{job}/stop", why)
    listed = (await office.get("county", "/plans", lacking="COMPLETENESS")).json()["items"]
    assert [item["plan_id"] for item in listed] == [plan]
    shown = (await office.get("county", f"/plans/{plan}")).json()
    assert [item["rule"] for item in shown["missing"]] == ["R77", "R78", "R44"]


@rule("R105")
async def test_a_household_identified_anew_has_both_its_plans(office: Office) -> None:
    """The new case is a plan of its own, and neither forgets the other."""
    first, _ = await with_a_job(office)
    at = await publicized(office, first)
    await office.does("committee", f"{at}/approval", APPROVAL)
    household = (await office.get("county", f"/plans/{first}")).json()["household_id"]
    await office.today_is("2023-12-01")
    second = await identified(office, "2023-12-01", household_id=UUID(household))
    assert second["plan_id"] != first
    assert [(item["plan_id"], item["stage"]) for item in second["other_plans"]] == [
        (first, "AFTER_CARE")
    ]
    back = (await office.get("county", f"/plans/{first}")).json()["other_plans"]
    assert [item["plan_id"] for item in back] == [second["plan_id"]]
    assert (second["identified_on"], back[0]["identified_on"]) == ("2023-12-01", "2023-12-01")


@rule("R101", "R105")
async def test_a_risk_that_crosses_the_elimination_is_not_lost(office: Office) -> None:
    plan, _ = await with_a_job(office)
    at = await publicized(office, plan)
    await office.does("committee", f"{at}/approval", APPROVAL)
    shown = (await office.get("county", f"/plans/{plan}")).json()
    crossing = RiskAdded(
        case_id=shown["case_id"],
        household_id=shown["household_id"],
        lead_id=new_id(),
        risks=(Risk.ACCIDENT,),
    )
    for _ in range(2):
        await office.hears(crossing, on="2023-09-21")
    told = await office.rows("select data from es.event where type = 'RiskSeenAfterElimination'")
    assert len(told) == 1
    assert "ACCIDENT" in str(told[0]["data"])


@rule("R59")
async def test_nothing_is_drafted_for_a_case_that_has_ended(office: Office) -> None:
    case, household = new_id(), new_id()
    opened = CaseOpened(
        case_id=case,
        household_id=household,
        division=VILLAGE,
        lead_id=new_id(),
        source=LeadSource.HOTLINE,
        discovered_on=date(2023, 3, 1),
        deadlines=(),
    )
    await office.hears(opened, on="2023-03-01", household_id=household)
    ended = NotIdentified(
        on="2023-03-01",
        case_id=case,
        household_id=household,
        reason="NO_RISK",
        tracked=False,
        deadlines=(),
    )
    await office.hears(ended, on="2023-03-01", household_id=household)
    problem = await office.refused(
        "village", "/plans", {"case_id": str(case)}, rule="R59", status=409
    )
    assert problem["code"] == "case-concluded"
