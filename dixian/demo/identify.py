"""The procedure: from the first visit to the entry into the national system."""

from datetime import timedelta

from dixian.demo.story import Json, Story, evidence
from dixian.people import VILLAGE
from shared.kernel.money import yuan


def fieldwork(story: Story) -> None:
    """Officers named, authorisation signed, household verified, data compared."""
    story.screen.chapter("3 入户核实与信息比对 · verification and comparison")
    story.do(
        "county-officer",
        "交办12317工单",
        "alerts",
        f"/orders/{story.order}/assignment",
        {"assignee": VILLAGE[:9], "instruction": "请入户核实并回复申报人"},
    )
    story.at(1)
    officers(story)
    authorization(story)
    story.at(2)
    verification(story)
    comparison(story)


def officers(story: Story) -> None:
    """The town names who answers for the case."""
    story.case_act(
        "town-officer",
        "明确村镇责任人",
        "officers",
        {
            "village_officer": "person:village-officer",
            "town_officer": "person:town-officer",
        },
    )


def authorization(story: Story) -> None:
    """The household lets its assets be looked up."""
    story.case_act(
        "village-officer",
        "农户签订授权承诺书",
        "authorization",
        {
            "signer_id": story.members[0]["member_id"],
            "scope": ["BANK", "VEHICLE", "PROPERTY", "BENEFITS"],
            "evidence": [evidence("authorisation")],
        },
    )


def verification(story: Story) -> None:
    """The village visits the household; its accounts are computed."""
    found = _found(story.members[0]["member_id"])
    verified = story.case_act("village-officer", "入户核实收支与三保障", "verification", found)
    _show_accounts(story, verified)


def comparison(story: Story) -> None:
    """The county hears from the departments."""
    story.case_act(
        "county-officer",
        "县级信息比对",
        "comparison",
        {
            "results": [
                {"source": source}
                for source in ("MEDICAL_INSURANCE", "CIVIL_AFFAIRS", "NATURAL_RESOURCES")
            ]
        },
    )


def _found(head: str) -> Json:
    return {
        "form_version": "SD-2023",
        "signer_id": head,
        "incomes": [
            {"kind": "WAGE", "amount": 2_400_000},
            {"kind": "OPERATING", "amount": 1_000_000},
            {"kind": "OPERATING_COST", "amount": 600_000},
            {"kind": "TRANSFER", "amount": 300_000},
        ],
        "expenses": [
            {
                "type": "MEDICAL",
                "bill": 6_000_000,
                "basic_insurance": 3_000_000,
                "critical_illness": 800_000,
                "medical_aid": 400_000,
                "evidence": [evidence("bill")],
            }
        ],
        "gaps": dict.fromkeys(
            ("COMPULSORY_EDUCATION", "BASIC_MEDICAL", "HOUSING", "SAFE_WATER"), False
        ),
        "watch": {"MEDICAL_CARE": True, "SCHOOLING": False, "EMPLOYMENT": False, "INDUSTRY": False},
        "risks": ["ILLNESS"],
        "hardship": True,
        "shock": "ILLNESS",
        "coping": {"can_cope": False, "evidence": [evidence("coping")]},
    }


def _show_accounts(story: Story, receipt: Json) -> None:
    data = next(item["data"] for item in receipt["events"] if item["type"] == "Verified")
    accounts, advice = data["accounts"], data["advice"]
    story.screen.facts(
        "系统计算的账 · computed, never typed",
        [
            f"家庭纯收入 net              {yuan(accounts['net']):>12} 元",
            f"人均纯收入 per head         {yuan(accounts['per_capita_net']):>12} 元",
            f"合规自付支出 out of pocket  {yuan(accounts['spent']):>12} 元",
            f"建议 advice: {advice['suggestion']} {advice.get('category') or ''}",
        ],
    )


def procedure(story: Story) -> None:
    """Deliberated, reviewed, publicised for five whole days, approved, announced, entered."""
    story.screen.chapter("4 评议、审核、公示、批准 · the procedure")
    story.at(4)
    deliberation(story)
    story.at(5)
    _answer_the_caller(story)
    town_review(story)
    notice(story)
    story.at(10)
    path = f"/cases/{story.case}"
    story.refused(
        "village-officer", "提前结束公示", "identification", f"{path}/notice/close", {}, rule="R56"
    )
    story.at(11)
    publicity(story)
    approval(story)
    story.case_act(
        "county-officer",
        "县级公告",
        "announcement",
        {"number": f"章农公告〔{story.today.year}〕12号", "objection_phone": "0531-83212317"},
    )
    story.at(14)
    story.case_act(
        "county-officer",
        "录入全国系统",
        "national-entry",
        {"receipt": f"SD{story.today:%Y%m%d}R"},
    )


def deliberation(story: Story) -> None:
    """The village's representatives deliberate."""
    story.case_act(
        "village-officer",
        "村民代表会议民主评议",
        "deliberation",
        {
            "form": "REPRESENTATIVES",
            "due": 45,
            "present": 38,
            "in_favour": 36,
            "against": 1,
            "abstained": 1,
            "conclusion": "IDENTIFY",
            "category": "UNSTABLE_EXIT",
            "minutes": "到会38人,同意36人,一致认为该户因病支出较大,应纳入监测。",
        },
    )


def town_review(story: Story) -> None:
    """The town passes the case."""
    story.case_act("town-officer", "镇级审核反馈", "town-review", {"passed": True})


def notice(story: Story) -> None:
    """The notice hangs in the village."""
    story.case_act(
        "village-officer",
        "村内张贴公示",
        "notice",
        {
            "number": f"蒲秋公示〔{story.today.year}〕3号",
            "objection_phone": "0531-83712317",
            "evidence": [evidence("posting")],
        },
    )


def publicity(story: Story) -> None:
    """Five whole days have passed, and nobody objected."""
    story.case_act("village-officer", "公示期满,无异议", "notice/close")


def approval(story: Story) -> None:
    """The county's committee identifies the household."""
    decided = story.today - timedelta(days=1)
    story.case_act(
        "county-committee",
        "县级批准",
        "approval",
        {
            "category": "UNSTABLE_EXIT",
            "authority": "COMMITTEE",
            "document": f"章农委纪〔{story.today.year}〕8号",
            "valid_from": decided.isoformat(),
            "valid_until": (decided + timedelta(days=20)).isoformat(),
        },
    )


def _answer_the_caller(story: Story) -> None:
    path = f"/orders/{story.order}"
    story.do(
        "town-officer",
        "办理12317工单",
        "alerts",
        f"{path}/handling",
        {"result": "RESOLVED", "answer": "已入户核实并经民主评议,拟纳入监测帮扶,现开始公示。"},
    )
    story.do("county-officer", "办结12317工单", "alerts", f"{path}/closure", {})
    story.do("machine:hotline", "回访:满意", "alerts", f"{path}/rating", {"rating": "SATISFIED"})
