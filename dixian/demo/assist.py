"""Help and its end: the plan, the measures, the elimination after the half-year."""

from datetime import timedelta

from dixian.demo.client import Answered
from dixian.demo.reports import publish
from dixian.demo.story import Json, Story, evidence
from shared.policy.legal_time import after


def assistance(story: Story) -> None:
    """The plan is drafted, completed and submitted; a job in the workshop begins."""
    story.screen.chapter("5 帮扶计划与措施 · the plan")
    story.plan = story.client.eventually("the plan", lambda: plan_of(story))
    story.at(15)
    draft(story)
    ends = {"ends_on": story.day(761)}
    aid = file_aid(story)
    story.refused(
        "village-officer",
        "没有开发式措施就提交计划",
        "assistance",
        f"/plans/{story.plan}/submission",
        {},
        rule="R78",
    )
    filed = _file(
        story, "WORKSHOP_JOB", "LINKAGE_FUND", "HUMAN_RESOURCES", ends | {"takes_part": True}
    )
    story.measure = filed["events"][-1]["data"]["measure_id"]
    story.plan_act("village-officer", "提交帮扶计划", "submission")
    story.at(19)
    story.plan_act("town-officer", "帮扶车间上岗", f"measures/{story.measure}/start")
    aid_id = aid["events"][-1]["data"]["measure_id"]
    story.plan_act("medical-officer", "落实医疗救助", f"measures/{aid_id}/start")
    story.at(183)
    story.plan_act(
        "town-officer",
        "登记务工收入",
        f"measures/{story.measure}/output",
        {"quantity": 5, "amount": 1_500_000, "evidence": [evidence("wages")]},
    )


def draft(story: Story) -> None:
    """The village says what is to be done about each risk."""
    story.plan_act(
        "village-officer",
        "制定帮扶计划",
        "draft",
        {
            "willing": True,
            "willingness_signed_on": story.today.isoformat(),
            "willingness_evidence": evidence("willing"),
            "responses": [{"risk": "ILLNESS", "kinds": ["MEDICAL_AID"]}],
        },
    )


def file_aid(story: Story) -> Json:
    """The village applies for medical aid."""
    more = {"amount": 600_000}
    return _file(story, "MEDICAL_AID", "INDUSTRY_POLICY", "MEDICAL_INSURANCE", more)


def plan_of(story: Story) -> str | None:
    """The plan's id, once there is one."""
    try:
        found = story.client.get("village-officer", "assistance", f"/plans/by-case/{story.case}")
    except Answered as answer:
        if answer.status == 404:
            return None
        raise
    return str(found["plan_id"])


def _file(story: Story, kind: str, fund: str, department: str, more: Json) -> Json:
    terms = {"kind": kind, "fund": fund, "department": department, "risks": ["ILLNESS"], **more}
    return story.plan_act("village-officer", f"申报措施 {kind}", "measures", {"terms": terms})


def elimination(story: Story) -> None:
    """After the half-year: proposed, verified, deliberated, reviewed, publicised, eliminated."""
    story.screen.chapter("6 风险消除 · half a year later")
    approved = story.first + timedelta(days=11)
    half_a_year = after(approved, "6m")
    story.at_date(half_a_year - timedelta(days=1))
    path = f"/plans/{story.plan}/eliminations"
    story.refused("village-officer", "不满半年申请消除", "assistance", path, _stable(), rule="R93")
    story.at_date(half_a_year + timedelta(days=8))
    publish(story)
    story.at_date(half_a_year + timedelta(days=9))
    propose(story)
    story.end_act(
        "village-officer",
        "民主评议",
        "deliberation",
        {
            "form": "REPRESENTATIVES",
            "due": 45,
            "present": 40,
            "in_favour": 39,
            "against": 1,
            "minutes": "收入稳定,风险已消除,同意。",
        },
    )
    story.end_act(
        "town-officer",
        "镇级审核",
        "review",
        {"officers": ["person:town-officer"], "passed": True, "feedback": "情况属实。"},
    )
    story.end_act(
        "village-officer",
        "张贴公示",
        "notice",
        {
            "notice_no": f"蒲秋公示〔{story.today.year}〕1号",
            "text": "该户收入稳定超过监测线,拟标注风险消除。",
            "photo": evidence("posting 2"),
        },
    )
    story.at_date(half_a_year + timedelta(days=15))
    story.end_act("village-officer", "公示期满", "notice/close")
    story.end_act(
        "county-committee",
        "县级批准消除",
        "approval",
        {"authority": f"章农委纪〔{story.today.year}〕2号"},
    )
    story.end_act(
        "county-officer",
        "公告",
        "announcement",
        {"notice_no": f"章农公告〔{story.today.year}〕5号", "text": "该户风险已稳定消除。"},
    )
    story.end_act("county-officer", "系统标注", "marking", {"receipt": f"SD{story.today:%Y%m%d}X"})


def propose(story: Story) -> None:
    """The village holds that the conditions are met; the town has visited the household."""
    path = f"/plans/{story.plan}/eliminations"
    receipt = story.do("village-officer", "提出风险消除", "assistance", path, _stable())
    story.elimination = receipt["id"]
    story.end_act(
        "town-officer",
        "入户核实",
        "verification",
        {
            "officers": ["person:village-officer", "person:town-officer"],
            "confirmed": True,
            "evidence": [evidence("visit")],
        },
    )


def _stable() -> Json:
    return {
        "mode": "ASSISTED",
        "income": {
            "wage_income": 3_900_000,
            "operating_income": 1_100_000,
            "transfer_income": 300_000,
            "operating_expense": 600_000,
            "members": 4,
            "evidence": [evidence("income")],
        },
        "guarantees": [
            {"gap": gap, "secured": True, "evidence": [evidence(gap)]}
            for gap in ("COMPULSORY_EDUCATION", "BASIC_MEDICAL", "HOUSING", "SAFE_WATER")
        ],
        "risks": [{"risk": "ILLNESS", "gone": True, "evidence": [evidence("illness")]}],
        "no_new_risk": True,
    }
