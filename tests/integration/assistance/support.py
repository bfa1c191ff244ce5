"""What the tests over HTTP share: bodies, and how a household gets so far."""

from collections.abc import Mapping
from typing import Any

from shared.contracts.audit import (
    CorrectionAuthorized,
    CorrectionKind,
    CorrectionReason,
    Target,
)
from shared.kernel.ids import new_id
from tests.integration.assistance.conftest import Office, approved

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
    answer = await office.get("county", f"/plans/by-case/{event.case_id}")
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


async def publicized(office: Office, plan: str, **changes: Any) -> str:
    """An elimination on its way, from 2023-09-11 to the end of its publicity on 2023-09-21."""
    at = await reviewed(office, plan, **changes)
    await office.today_is("2023-09-15")
    notice = {"notice_no": "2023-15", "text": "该户拟标注风险消除。", "photo": SHA}
    await office.does("village", f"{at}/notice", notice)
    await office.today_is("2023-09-20")
    await office.refused("village", f"{at}/notice/close", rule="R56")
    await office.today_is("2023-09-21")
    await office.does("village", f"{at}/notice/close")
    return at


async def reviewed(office: Office, plan: str, **changes: Any) -> str:
    """An elimination on its way, to the town's review on 2023-09-11."""
    await office.today_is("2023-09-11")
    body = PROPOSAL | changes
    proposed = await office.does("village", f"/plans/{plan}/eliminations", body)
    at = f"/eliminations/{proposed['id']}"
    visit = {"officers": ["person:town"], "confirmed": True, "evidence": [SHA]}
    await office.does("town", f"{at}/verification", visit)
    await office.does("village", f"{at}/deliberation", VOTE)
    review = {"officers": ["person:town"], "passed": True, "feedback": "情况属实"}
    await office.does("town", f"{at}/review", review)
    return at


APPROVAL = {"authority": "章农委〔2023〕12号"}


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
