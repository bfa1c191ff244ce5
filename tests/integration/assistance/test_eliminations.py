"""Elimination, flag and corrections over HTTP, on a real PostgreSQL."""

from datetime import date
from io import BytesIO
from uuid import UUID

import pytest
from docx import Document

from shared.contracts.audit import (
    CorrectionKind,
    FlagChange,
    Target,
)
from shared.contracts.governance import DelegationGranted, DelegationRevoked
from shared.contracts.identification import (
    RiskAdded,
)
from shared.contracts.values import Risk
from shared.kernel.ids import new_id
from shared.testing.decider import rule
from tests.integration.assistance.conftest import Office, approved
from tests.integration.assistance.support import (
    APPROVAL,
    PROPOSAL,
    SHA,
    authorized,
    identified,
    measure,
    publicized,
    reviewed,
    with_a_job,
)


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
    all_of_them = (await office.get("town", "/eliminations")).json()["items"]
    to_do = (await office.get("town", "/eliminations", unfinished=True)).json()["items"]
    assert {row["elimination_id"] for row in all_of_them} == {first["id"], second["id"]}
    assert [row["elimination_id"] for row in to_do] == [second["id"]]


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


@rule("R65")
async def test_the_notice_of_an_elimination_is_printed_as_it_was_posted(office: Office) -> None:
    plan, _ = await with_a_job(office)
    at = await publicized(office, plan)
    [notice] = (await office.get("village", f"{at}/notices")).json()
    assert (notice["kind"], notice["number"], notice["last_day"]) == (
        "notice",
        "2023-15",
        "2023-09-20",
    )
    path = f"{at}/notices/{notice['id']}"
    page = await office.get("village", path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for shown in ("监测对象风险消除公示", "2023-15", "该户拟标注风险消除。", "2023年9月16日"):
        assert shown in page.text
    file = await office.get("county", path, form="docx")
    made = Document(BytesIO(file.content))
    assert "该户拟标注风险消除。" in [paragraph.text for paragraph in made.paragraphs]
    assert (await office.get("committee", path)).status_code == 403
    assert (await office.get("village", f"{at}/notices/{plan}")).status_code == 404
    assert (await office.get("village", f"/eliminations/{plan}/notices")).status_code == 404


@rule("R65", "R95")
async def test_the_notice_of_an_elimination_is_seen_before_it_is_posted(office: Office) -> None:
    plan, _ = await with_a_job(office)
    at = await reviewed(office, plan)
    await office.today_is("2023-09-15")
    wish = {"notice_no": "2023-15", "text": "该户拟标注风险消除。"}
    page = await office.post("village", f"{at}/notice/preview", wish)
    for shown in ("监测对象风险消除公示", "2023-15", wish["text"], "2023年9月16日至2023年9月20日"):
        assert shown in page.text
    file = await office.post("village", f"{at}/notice/preview?form=docx", wish)
    assert wish["text"] in [one.text for one in Document(BytesIO(file.content)).paragraphs]
    told = wish | {"text": "电话13800001234"}
    await office.refused("village", f"{at}/notice/preview", told, rule="R65")
    strangers = await office.post("other-village", f"{at}/notice/preview", wish)
    assert strangers.status_code == 404
    assert (await office.get("village", f"{at}/notices")).json() == []
    await office.does("village", f"{at}/notice", wish | {"photo": SHA})
    await office.refused("village", f"{at}/notice/preview", wish, rule="R95", status=409)


@rule("R66")
async def test_who_answers_an_objection_to_an_elimination_can_read_it(office: Office) -> None:
    plan, _ = await with_a_job(office)
    at = await publicized(office, plan)
    await office.does("village", f"{at}/objections", {"statement": "他家刚买了货车"})
    shown = (await office.get("town", at)).json()
    raised = shown["history"][-1]
    assert raised["type"] == "EliminationObjectionRaised"
    assert [raised["objection"]] == shown["open_objections"]
    assert raised["by"].endswith("village")
    look = {"purpose": "DELIBERATION", "notes": raised["notes"]}
    read = await office.does("town", f"/plans/{plan}/notes/reveal", look)
    assert read == {raised["notes"][0]: "他家刚买了货车"}
    begun = (await office.get("town", f"/plans/{plan}")).json()["history"]
    assert begun[0]["version"] == 1


@rule("R53")
async def test_a_delegate_approves_by_the_committees_delegation_and_no_other(
    office: Office,
) -> None:
    plan, _ = await with_a_job(office)
    at = await publicized(office, plan)
    approval = {"by": "DELEGATION", "authority": "章农委〔2023〕3号"}
    await office.refused("county", f"{at}/approval", approval, rule="R53", status=403)
    granted = DelegationGranted(
        delegation_id=new_id(),
        county="370112",
        holder="person:county",
        document="章农委〔2023〕3号",
        valid_from=date(2023, 9, 1),
        valid_until=date(2023, 9, 30),
        on=date(2023, 9, 1),
    )
    for _ in range(2):
        await office.hears(granted, on="2023-09-01")
    await office.hears(
        granted.model_copy(update={"delegation_id": new_id(), "county": "370114"}), on="2023-09-01"
    )
    own = {"authority": "章农委〔2023〕3号"}
    await office.refused("county", f"{at}/approval", own, rule="R53", status=403)
    await office.refused("inspector", f"{at}/approval", approval, rule="R1", status=403)
    receipt = await office.does("county", f"{at}/approval", approval)
    assert receipt["events"][0]["data"]["delegation_id"] == str(granted.delegation_id)


@rule("R53")
async def test_a_delegation_taken_back_holds_no_more(office: Office) -> None:
    plan, _ = await with_a_job(office)
    at = await publicized(office, plan)
    granted = DelegationGranted(
        delegation_id=new_id(),
        county="370112",
        holder="person:county",
        document="章农委〔2023〕3号",
        valid_from=date(2023, 9, 1),
        valid_until=date(2023, 9, 30),
        on=date(2023, 9, 1),
    )
    await office.hears(granted, on="2023-09-01")
    revoked = DelegationRevoked(
        delegation_id=granted.delegation_id, on=date(2023, 9, 21), note_id=new_id()
    )
    await office.hears(revoked, on="2023-09-21")
    approval = {"by": "DELEGATION", "authority": "章农委〔2023〕3号"}
    await office.refused("county", f"{at}/approval", approval, rule="R53", status=403)
