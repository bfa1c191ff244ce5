"""The worked examples over HTTP, on a real PostgreSQL, and what must be refused on the way."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.assistance.schema import SCHEMA
from shared.contracts.audit import (
    CorrectionAuthorized,
    CorrectionKind,
    CorrectionReason,
    FlagChange,
    Target,
)
from shared.contracts.identification import (
    CaseOpened,
    GreenChannelEntered,
    GreenChannelExited,
    RiskAdded,
)
from shared.contracts.values import Gap, LeadSource, Risk
from shared.kernel.ids import new_id
from shared.kernel.principal import system
from shared.store.drift import drift
from shared.testing.databases import Urls
from shared.testing.decider import rule
from tests.integration.assistance.conftest import VILLAGE, Office, approved

SHA = "a" * 64
DRAFT = {
    "willing": True,
    "willingness_signed_on": "2023-03-11",
    "willingness_evidence": SHA,
    "responses": [{"risk": "ILLNESS", "kinds": ["WORKSHOP_JOB"]}],
}
JOB = {
    "terms": {
        "kind": "WORKSHOP_JOB",
        "fund": "INDUSTRY_POLICY",
        "department": "HUMAN_RESOURCES",
        "risks": ["ILLNESS"],
    }
}
PROPOSAL = {
    "mode": "ASSISTED",
    "income": {"wage_income": 3_800_000, "members": 4, "evidence": [SHA]},
    "guarantees": [
        {"gap": gap, "secured": True, "evidence": [SHA]}
        for gap in ("COMPULSORY_EDUCATION", "BASIC_MEDICAL", "HOUSING", "SAFE_WATER")
    ],
    "risks": [{"risk": "ILLNESS", "gone": True, "evidence": [SHA]}],
    "no_new_risk": True,
}
VOTE = {
    "form": "REPRESENTATIVES",
    "due": 30,
    "present": 25,
    "in_favour": 24,
    "against": 1,
    "minutes": "同意消除风险",
}


def measure(kind: str, **changes: Any) -> dict[str, Any]:
    return {"terms": {**JOB["terms"], "kind": kind, **changes}}


async def identified(office: Office, on: str = "2023-03-10", **changes: Any) -> Mapping[str, Any]:
    """A household whose case the county approved on a day; its plan as it is then shown."""
    event = approved(on, **changes)
    await office.today_is(on)
    await office.hears(event, on=on, household_id=event.household_id)
    answer = await office.get("village", f"/plans/by-case/{event.case_id}")
    assert answer.status_code == 200, answer.text
    plan: Mapping[str, Any] = answer.json()
    return plan


async def with_a_job(office: Office, **changes: Any) -> tuple[str, str]:
    """A plan submitted on 2023-03-12 with a job in the workshop since 2023-03-20."""
    plan = (await identified(office, **changes))["plan_id"]
    await office.today_is("2023-03-12")
    await office.does("village", f"/plans/{plan}/draft", DRAFT)
    filed = await office.does("village", f"/plans/{plan}/measures", JOB)
    job = filed["events"][0]["data"]["measure_id"]
    await office.does("town", f"/plans/{plan}/submission")
    await office.today_is("2023-03-20")
    await office.does("department", f"/plans/{plan}/measures/{job}/start")
    return plan, job


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
    assert await office.events(plan["plan_id"]) == ["PlanOpened", "DeadlineMissed"]


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


@rule("R93")
async def test_scenario_14(office: Office) -> None:
    plan, _ = await with_a_job(office)
    await office.today_is("2023-08-15")
    problem = await office.refused("village", f"/plans/{plan}/eliminations", PROPOSAL, rule="R93")
    assert "2023-09-10" in problem["detail"]
    assert problem["question"] == 27
    await office.today_is("2023-09-09")
    await office.refused("village", f"/plans/{plan}/eliminations", PROPOSAL, rule="R93")
    await office.today_is("2023-09-10")
    await office.does("village", f"/plans/{plan}/eliminations", PROPOSAL)


async def publicized(office: Office, plan: str) -> str:
    """An elimination on its way, from 2023-09-11 to the end of its publicity on 2023-09-21."""
    await office.today_is("2023-09-11")
    proposed = await office.does("village", f"/plans/{plan}/eliminations", PROPOSAL)
    at = f"/eliminations/{proposed['id']}"
    visit = {"officers": ["person:town"], "confirmed": True, "evidence": [SHA]}
    await office.does("town", f"{at}/verification", visit)
    await office.does("village", f"{at}/deliberation", VOTE)
    review = {"officers": ["person:town"], "passed": True, "feedback": "情况属实"}
    await office.does("town", f"{at}/review", review)
    await office.today_is("2023-09-15")
    notice = {"notice_no": "2023-15", "text": "该户拟标注风险消除。", "photo": SHA}
    await office.does("village", f"{at}/notice", notice)
    await office.today_is("2023-09-20")
    await office.refused("village", f"{at}/notice/close", rule="R56")
    await office.today_is("2023-09-21")
    await office.does("village", f"{at}/notice/close")
    return at


APPROVAL = {"authority": "章农委〔2023〕12号"}


@rule("R91", "R95", "R101", "R102", "R104")
async def test_the_whole_elimination_stops_no_measure(office: Office) -> None:
    plan, job = await with_a_job(office)
    at = await publicized(office, plan)
    receipt = await office.does("committee", f"{at}/approval", APPROVAL)
    (event,) = receipt["events"]
    assert event["type"] == "RiskEliminated"
    assert event["data"]["returns_to"] == "FORMERLY_POOR"
    result = {"notice_no": "2023-20", "text": "该户风险已消除。"}
    await office.does("county", f"{at}/announcement", result)
    await office.does("county", f"{at}/marking", {"receipt": "370112-2023-09-01"})
    shown = (await office.get("county", at)).json()
    assert shown["status"] == "ELIMINATED"
    assert shown["next"] == []
    after = (await office.get("county", f"/plans/{plan}")).json()
    assert after["stage"] == "AFTER_CARE"
    assert [(item["measure_id"], item["status"]) for item in after["measures"]] == [
        (job, "STARTED")
    ]
    assert (await office.events(plan))[-1] == "AfterCareStarted"
    await office.refused(
        "village", f"/plans/{plan}/eliminations", PROPOSAL, rule="R105", status=409
    )
    running = (await office.get("county", "/measures", status="STARTED")).json()
    assert [item["measure_id"] for item in running["items"]] == [job]


@rule("R95")
async def test_one_elimination_at_a_time_and_a_dropped_one_may_be_tried_again(
    office: Office,
) -> None:
    plan, _ = await with_a_job(office)
    await office.today_is("2023-09-11")
    first = await office.does("village", f"/plans/{plan}/eliminations", PROPOSAL)
    await office.refused("village", f"/plans/{plan}/eliminations", PROPOSAL, rule="R95", status=409)
    refusal = {"officers": ["person:town"], "confirmed": False, "evidence": [SHA]}
    dropped = await office.does("town", f"/eliminations/{first['id']}/verification", refusal)
    assert dropped["events"][0]["data"]["reason"] == "NOT_CONFIRMED"
    second = await office.does("village", f"/plans/{plan}/eliminations", PROPOSAL)
    assert second["events"][0]["data"]["number"] == 2
    assert second["id"] != first["id"]


@rule("R91")
async def test_a_risk_that_comes_on_the_way_stops_the_approval(office: Office) -> None:
    event = approved("2023-03-10")
    plan, _ = await with_a_job(office, case_id=event.case_id, household_id=event.household_id)
    at = await publicized(office, plan)
    risk = RiskAdded(
        case_id=event.case_id,
        household_id=event.household_id,
        lead_id=new_id(),
        risks=(Risk.SCHOOLING,),
    )
    await office.hears(risk, on="2023-09-21")
    problem = await office.refused("committee", f"{at}/approval", APPROVAL, rule="R91")
    assert problem["code"] == "risk-not-gone"
    assert (await office.events(plan))[-1] == "PlanRiskAdded"


@rule("R96", "R97", "R98", "R100")
async def test_a_flagged_household_is_not_eliminated(office: Office) -> None:
    nobody = {"labour_capable": False, "whole_household_no_labour": True}
    plan = (await identified(office, **nobody))["plan_id"]
    filed = await office.does("village", f"/plans/{plan}/measures", measure("DIBAO"))
    dibao = filed["events"][0]["data"]["measure_id"]
    await office.does("department", f"/plans/{plan}/measures/{dibao}/start")
    basis = {"basis": "DIBAO_FULL", "nobody_can_work": True, "evidence": [SHA]}
    await office.does("village", f"/plans/{plan}/no-labour", basis)
    assert not (await office.get("village", f"/plans/{plan}")).json()["no_labour"]
    await office.does("town", f"/plans/{plan}/no-labour/confirmation")
    assert (await office.get("village", f"/plans/{plan}")).json()["no_labour"]
    await office.refused("town", f"/plans/{plan}/no-labour/removal", rule="R100")
    await office.today_is("2023-10-10")
    await office.refused("village", f"/plans/{plan}/eliminations", PROPOSAL, rule="R96", status=409)


@rule("R65")
@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("text", "户主张三,电话13812345678,拟标注风险消除。"),
        ("text", "因尿毒症纳入监测,拟标注风险消除。"),
        ("text", "身份证370112199001011234。"),
        ("notice_no", "370112199001011234"),
    ],
)
async def test_a_notice_says_nothing_sensitive(office: Office, field: str, text: str) -> None:
    plan, _ = await with_a_job(office)
    await office.today_is("2023-09-11")
    proposed = await office.does("village", f"/plans/{plan}/eliminations", PROPOSAL)
    notice = {"notice_no": "2023-15", "text": "公示。", "photo": SHA} | {field: text}
    at = f"/eliminations/{proposed['id']}"
    problem = await office.refused("village", f"{at}/notice", notice, rule="R65")
    assert problem["field"] == field
    assert text not in str(problem)


async def test_free_text_lies_in_the_vault_and_nowhere_else(office: Office) -> None:
    plan, _ = await with_a_job(office)
    at = await publicized(office, plan)
    assert at
    rows = await office.rows("select data::text as data from es.event")
    assert not any("情况属实" in row["data"] for row in rows)
    assert await office.rows("select 1 from vault.record") != []


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


async def test_the_procedure_and_the_catalogue_are_there_to_read(office: Office) -> None:
    procedure = (await office.get("county", "/procedure")).json()
    assert [step["name"] for step in procedure["steps"]][:3] == ["propose", "verify", "deliberate"]
    assert procedure["mermaid"].startswith("flowchart")
    catalogue = (await office.get("county", "/catalogue")).json()
    cash = next(item for item in catalogue if item["kind"] == "CASH")
    assert cash["counts_as_development"] == "NEVER"


async def version_of(office: Office, stream_id: str) -> int:
    return len(await office.events(stream_id))


@rule("R100", "R107", "R108")
async def test_only_the_gates_take_an_elimination_back(office: Office) -> None:
    plan, job = await with_a_job(office)
    at = await publicized(office, plan)
    receipt = await office.does("committee", f"{at}/approval", APPROVAL)
    gone = UUID(receipt["id"])
    await office.refused("village", f"{at}/withdrawal", {"note": "撤回"}, rule="R107", status=409)
    correction = authorized(
        CorrectionKind.ROLLBACK,
        Target(service="assistance", stream_id=gone, version=receipt["version"], to_version=6),
    )
    for _ in range(2):
        await office.hears(correction, on="2023-09-25")
    assert (await office.events(str(gone)))[-2:] == ["RiskEliminated", "RolledBack"]
    assert (await office.get("county", at)).json()["status"] == "OPEN"
    after = (await office.get("county", f"/plans/{plan}")).json()
    assert (after["stage"], after["eliminated_on"]) == ("IN_FORCE", None)
    assert [item["measure_id"] for item in after["measures"]] == [job]
    assert (await office.events(plan))[-2:] == ["AfterCareStarted", "AfterCareEnded"]


@rule("R107", "R108")
async def test_a_correction_of_a_stream_that_has_moved_does_nothing(office: Office) -> None:
    plan, _ = await with_a_job(office)
    late = authorized(
        CorrectionKind.PURGE, Target(service="assistance", stream_id=UUID(plan), version=2)
    )
    await office.hears(late, on="2023-04-01")
    assert "Purged" not in await office.events(plan)
    version = await version_of(office, plan)
    right = authorized(
        CorrectionKind.PURGE, Target(service="assistance", stream_id=UUID(plan), version=version)
    )
    await office.hears(right, on="2023-04-01")
    assert (await office.events(plan))[-1] == "Purged"
    assert (await office.get("county", f"/plans/{plan}")).json()["stage"] == "CLOSED"


@rule("R100", "R108")
async def test_the_gates_take_the_flag_off(office: Office) -> None:
    nobody = {"labour_capable": False, "whole_household_no_labour": True}
    plan = (await identified(office, **nobody))["plan_id"]
    basis = {"basis": "DIBAO_FULL", "nobody_can_work": True, "evidence": [SHA]}
    flag = await office.does("village", f"/plans/{plan}/no-labour", basis)
    await office.does("town", f"/plans/{plan}/no-labour/confirmation")
    correction = authorized(
        CorrectionKind.FLAG_CHANGE,
        Target(service="assistance", stream_id=UUID(flag["id"]), version=2),
        change=FlagChange(flag="no_labour_safety_net", value=False),
    )
    await office.hears(correction, on="2023-04-01")
    assert (await office.events(flag["id"]))[-1] == "FlagChanged"
    assert not (await office.get("village", f"/plans/{plan}")).json()["no_labour"]


def authorized(kind: CorrectionKind, target: Target, **changes: Any) -> CorrectionAuthorized:
    return CorrectionAuthorized(
        correction_id=new_id(),
        city="3701",
        kind=kind,
        targets=(target,),
        reason=CorrectionReason.WRONG_ENTRY,
        filing="国备〔2023〕1号",
        content_sha256=SHA,
        **changes,
    )


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
    await office.does("village", "/help", help_ | {"universal": True})
    plan = await identified(office)
    mine = help_ | {"household_id": plan["household_id"]}
    await office.refused("village", "/help", mine, rule="R49", status=409)
