"""Help and its end: the plan, the measures, the elimination after the half-year."""

from dixian.demo.client import Answered
from dixian.demo.reports import publish
from dixian.demo.story import Json, Story, evidence


def assistance(story: Story) -> None:
    """The plan is drafted, completed and submitted; a job in the workshop begins."""
    story.screen.chapter("5 帮扶计划与措施 · the plan")
    story.plan = story.client.eventually("the plan", lambda: _plan_of(story))
    story.at("2023-08-16")
    story.plan_act(
        "village-officer",
        "制定帮扶计划",
        "draft",
        {
            "willing": True,
            "willingness_signed_on": "2023-08-16",
            "willingness_evidence": evidence("willing"),
            "responses": [{"risk": "ILLNESS", "kinds": ["MEDICAL_AID", "WORKSHOP_JOB"]}],
        },
    )
    ends = {"ends_on": "2025-08-31"}
    _file(story, "MEDICAL_AID", "INDUSTRY_POLICY", "MEDICAL_INSURANCE", {"amount": 600_000})
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
    story.at("2023-08-20")
    story.plan_act("town-officer", "帮扶车间上岗", f"measures/{story.measure}/start")
    _answer_the_caller(story)
    story.at("2024-01-31")
    story.plan_act(
        "town-officer",
        "登记务工收入",
        f"measures/{story.measure}/output",
        {"quantity": 5, "amount": 1_500_000, "evidence": [evidence("wages")]},
    )


def _plan_of(story: Story) -> str | None:
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


def _answer_the_caller(story: Story) -> None:
    path = f"/orders/{story.order}"
    story.do(
        "town-officer",
        "办理12317工单",
        "alerts",
        f"{path}/handling",
        {"result": "RESOLVED", "answer": "已纳入监测帮扶,并安排帮扶车间就业。"},
    )
    story.do("county-officer", "办结12317工单", "alerts", f"{path}/closure", {})
    story.do("machine:hotline", "回访:满意", "alerts", f"{path}/rating", {"rating": "SATISFIED"})


def elimination(story: Story) -> None:
    """After the half-year: proposed, verified, deliberated, reviewed, publicised, eliminated."""
    story.screen.chapter("6 风险消除 · half a year later")
    story.at("2024-02-11")
    path = f"/plans/{story.plan}/eliminations"
    story.refused(
        "village-officer", "不满半年申请消除", "assistance", path, _stable(), rule="R93"
    )
    story.at("2024-02-20")
    publish(
        story,
        "37/2024-1",
        "鲁演示发〔2024〕1号",
        "2024-02-20",
        {"2023": 800_000, "2024": 850_000},
    )
    story.at("2024-02-21")
    story.elimination = story.do(
        "village-officer", "提出风险消除", "assistance", path, _stable()
    )["id"]
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
            "notice_no": "蒲秋公示〔2024〕1号",
            "text": "该户收入稳定超过监测线,拟标注风险消除。",
            "photo": evidence("posting 2"),
        },
    )
    story.at("2024-02-27")
    story.end_act("village-officer", "公示期满", "notice/close")
    story.end_act(
        "county-committee", "县级批准消除", "approval", {"authority": "章农委纪〔2024〕2号"}
    )
    story.end_act(
        "county-officer",
        "公告",
        "announcement",
        {"notice_no": "章农公告〔2024〕5号", "text": "该户风险已稳定消除。"},
    )
    story.end_act("county-officer", "系统标注", "marking", {"receipt": "370114-2024-0227-01"})


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
