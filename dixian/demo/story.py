"""The story: worked example 1 of the Guide's mechanism, from a call for help to the end of help.

A formerly poor family of four; dialysis has eaten what two wages bring in. Every date is the
example's own; the year is the one in which the Guide was issued.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any
from uuid import uuid4

from dixian.demo.client import Addresses, Answered, Client
from dixian.demo.people import Relative, family
from dixian.demo.screen import Screen
from dixian.people import COUNTY, PROVINCE, VILLAGE
from shared.kernel.money import yuan

Json = dict[str, Any]


@dataclass
class Story:
    """What is known so far, and how to go on."""

    client: Client
    screen: Screen
    today: date = date(2023, 8, 1)
    people: tuple[Relative, ...] = field(default_factory=family)
    household: str = ""
    members: list[Json] = field(default_factory=list)
    case: str = ""
    leads: list[str] = field(default_factory=list)
    order: str = ""
    plan: str = ""
    measure: str = ""
    elimination: str = ""

    def at(self, day: str) -> None:
        """Move the system's business clock to a day, if it is not that day already."""
        self.today = date.fromisoformat(day)
        self.client.move_clock(self.today)
        self.screen.clock(self.today)

    def do(self, who: str, what: str, service: str, path: str, body: Json | None = None) -> Json:
        """One act, shown with what it recorded."""
        receipt = self.client.act(who, service, path, body)
        self.screen.act(self.today, who, what, receipt)
        return receipt

    def refused(self, who: str, what: str, service: str, path: str, body: Json, rule: str) -> None:
        """One act that the rules must refuse; if they do not, the demo fails."""
        try:
            self.client.act(who, service, path, body)
        except Answered as answer:
            if answer.problem.get("rule") != rule:
                raise
            self.screen.refused(self.today, who, what, answer.problem)
        else:
            raise AssertionError(f"{what} was not refused by {rule}")

    def case_act(self, who: str, what: str, path: str, body: Json | None = None) -> Json:
        """One act on the case."""
        return self.do(who, what, "identification", f"/cases/{self.case}/{path}", body)

    def plan_act(self, who: str, what: str, path: str, body: Json | None = None) -> Json:
        """One act on the plan."""
        return self.do(who, what, "assistance", f"/plans/{self.plan}/{path}", body)

    def end_act(self, who: str, what: str, path: str, body: Json | None = None) -> Json:
        """One act on the elimination."""
        path = f"/eliminations/{self.elimination}/{path}"
        return self.do(who, what, "assistance", path, body)


def tell(addresses: Addresses, screen: Screen, *, patience: float = 120.0) -> Story:
    """Tell the whole story. Raises ``Answered``, ``GaveUp`` or ``AssertionError`` if it breaks."""
    client = Client(uuid4(), addresses, patience=patience, waiting=screen.waiting)
    story = Story(client, screen)
    for chapter in CHAPTERS:
        chapter(story)
    return story


def policy(story: Story) -> None:
    """The province publishes the year's line, once."""
    story.screen.chapter("0 政策参数 · the province publishes its parameters")
    story.at("2023-08-01")
    _publish(story, "37/2023-1", "鲁演示发〔2023〕1号", "2023-08-01", {"2023": 800_000})


def _publish(story: Story, version: str, document: str, on: str, lines: Json) -> None:
    try:
        known = story.client.get(
            "province-officer", "identification", "/policy", division=PROVINCE, on=on
        )
        if known["version"] == version:
            story.screen.note(f"{version} 已发布 is in force already")
            return
    except Answered as answer:
        if answer.problem.get("code") != "no-policy-in-force":
            raise
    body = {
        "policy": {
            "version": version,
            "document": document,
            "division": PROVINCE,
            "effective_from": on,
            "parameters": {"monitoring_line": lines, "county_rural_mean": {COUNTY: 2_200_000}},
        }
    }
    what = f"发布{', '.join(f'{year}年监测线{yuan(fen)}元' for year, fen in lines.items())}"
    story.do("province-officer", what, "identification", "/policy", body)


def register(story: Story) -> None:
    """The household stands in the register; its people are in the vault."""
    story.screen.chapter("1 农户登记 · the household register")
    receipt = story.do(
        "village-officer",
        "登记农户(姓名、证件号只进保险库)",
        "identification",
        "/households",
        {
            "division": VILLAGE,
            "hukou_place": VILLAGE,
            "residence": VILLAGE,
            "history": "FORMERLY_POOR",
            "address": "蒲秋村幸福街17号",
            "phone": "13805310017",
            "members": [
                {
                    "name": member.name,
                    "document_number": member.number,
                    "relation": member.relation,
                    "labour": member.labour,
                }
                for member in story.people
            ],
        },
    )
    story.household = receipt["id"]
    path = f"/households/{story.household}"
    shown = story.client.get("village-officer", "identification", path)
    story.members = shown["members"]
    masked = [f"{item['person']['name']} {item['person']['document']}" for item in story.members]
    story.screen.facts("村干部看到的(已脱敏)· what the officer sees, masked", masked)


def leads(story: Story) -> None:
    """A call to 12317 and an alert of the medical insurance: two leads, one case."""
    story.screen.chapter("2 风险线索 · two leads, one case")
    order = story.do(
        "machine:hotline",
        "12317申报:老人透析,钱不够",
        "alerts",
        "/orders",
        {
            "order_no": f"DEMO{story.client.run.hex[:12].upper()}",
            "kind": "APPLY",
            "called_on": "2023-08-01",
            "division": VILLAGE,
            "caller": {
                "name": story.people[0].name,
                "document_number": story.people[0].number,
                "phone": "13805310017",
            },
            "text": "老母亲长期透析,今年自付一万八,家里撑不住了,想申请监测帮扶。",
            "risks": ["ILLNESS"],
        },
    )
    story.order = order["id"]
    alert = story.do(
        "machine:medical-insurance",
        "医保预警:自付18,000元,超过阈值",
        "alerts",
        "/alerts",
        {
            "feed": "medical-insurance",
            "external_id": f"MI-{story.client.run.hex[:12]}",
            "type": "MEDICAL_EXPENSE",
            "person": {"name": story.people[3].name, "document_number": story.people[3].number},
            "division": COUNTY,
            "amount": 1_800_000,
            "period": "2023-07",
            "occurred_on": "2023-08-01",
        },
    )
    story.leads = [_lead_of(order), _lead_of(alert)]
    dispositions = [_disposed(story, lead) for lead in story.leads]
    cases = {item["case_id"] for item in dispositions}
    assert len(cases) == 1, f"two cases for one household: {cases}"
    story.case = cases.pop()
    story.screen.facts(
        "两条线索,一个个案 · two leads, one case",
        [f"{item['disposition']:16} lead {item['lead_id']}" for item in dispositions]
        + [f"case {story.case}"],
    )


def _lead_of(receipt: Json) -> str:
    for item in receipt["events"]:
        if item["data"].get("lead_id"):
            return str(item["data"]["lead_id"])
    raise AssertionError("no lead came of it")


def _disposed(story: Story, lead: str) -> Json:
    def look() -> Json | None:
        shown = story.client.get("county-officer", "alerts", f"/leads/{lead}")
        return shown if shown.get("case_id") else None

    return story.client.eventually(f"the disposition of lead {lead}", look)


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
    story.at("2023-08-02")
    story.case_act(
        "town-officer",
        "明确村镇责任人",
        "officers",
        {
            "village_officer": "person:village-officer",
            "town_officer": "person:town-officer",
        },
    )
    head = story.members[0]["member_id"]
    story.case_act(
        "village-officer",
        "农户签订授权承诺书",
        "authorization",
        {
            "signer_id": head,
            "scope": ["BANK", "VEHICLE", "PROPERTY", "BENEFITS"],
            "evidence": [evidence("authorisation")],
        },
    )
    story.at("2023-08-03")
    found = _found(head)
    verified = story.case_act("village-officer", "入户核实收支与三保障", "verification", found)
    _show_accounts(story, verified)
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
            f"合规自付支出 out of pocket  {yuan(accounts['expenses']):>12} 元",
            f"建议 advice: {advice['suggestion']} {advice.get('category') or ''}",
        ],
    )


def procedure(story: Story) -> None:
    """Deliberated, reviewed, publicised for five whole days, approved, announced, entered."""
    story.screen.chapter("4 评议、审核、公示、批准 · the procedure")
    story.at("2023-08-05")
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
    story.at("2023-08-06")
    story.case_act("town-officer", "镇级审核反馈", "town-review", {"passed": True})
    story.case_act(
        "village-officer",
        "村内张贴公示",
        "notice",
        {
            "number": "蒲秋公示〔2023〕3号",
            "objection_phone": "0531-83712317",
            "evidence": [evidence("posting")],
        },
    )
    approval = {
        "category": "UNSTABLE_EXIT",
        "authority": "COMMITTEE",
        "document": "章农委纪〔2023〕8号",
        "valid_from": "2023-08-11",
        "valid_until": "2023-08-31",
    }
    story.at("2023-08-11")
    path = f"/cases/{story.case}"
    story.refused(
        "village-officer", "提前结束公示", "identification", f"{path}/notice/close", {}, "R56"
    )
    story.at("2023-08-12")
    story.case_act("village-officer", "公示期满,无异议", "notice/close")
    story.case_act("county-committee", "县级批准", "approval", approval)
    story.case_act(
        "county-officer",
        "县级公告",
        "announcement",
        {"number": "章农公告〔2023〕12号", "objection_phone": "0531-83212317"},
    )
    story.at("2023-08-15")
    story.case_act(
        "county-officer", "录入全国系统", "national-entry", {"receipt": "370114-2023-0815-01"}
    )


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
        "R78",
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
    story.refused("village-officer", "不满半年申请消除", "assistance", path, _stable(story), "R93")
    story.at("2024-02-20")
    _publish(
        story,
        "37/2024-1",
        "鲁演示发〔2024〕1号",
        "2024-02-20",
        {"2023": 800_000, "2024": 850_000},
    )
    story.at("2024-02-21")
    story.elimination = story.do(
        "village-officer", "提出风险消除", "assistance", path, _stable(story)
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


def _stable(_story: Story) -> Json:
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


def evidence(what: str) -> str:
    """The SHA-256 under which a file of evidence is cited."""
    return sha256(f"demo evidence: {what}".encode()).hexdigest()


CHAPTERS: tuple[Callable[[Story], None], ...] = (
    policy,
    register,
    leads,
    fieldwork,
    procedure,
    assistance,
    elimination,
)
