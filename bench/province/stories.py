"""What happens to households in a year, and to calls at the hotline: every kind of story.

A story is a generator: it acts, and yields the days until it goes on. Human delays are drawn from
the household's own chance, so that a seed gives the same year again.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from random import Random
from typing import Any

from bench.province.hands import Hands, Json, Refused
from bench.province.places import name_of
from shared.kernel.principal import Role

Steps = AsyncIterator[int]
PHONE = "0531-83712317"
OFFICER, COMMITTEE, DEPARTMENT = Role.OFFICER, Role.COMMITTEE, Role.DEPARTMENT
_GAPS = ("COMPULSORY_EDUCATION", "BASIC_MEDICAL", "HOUSING", "SAFE_WATER")


def paper(what: str) -> str:
    """The SHA-256 under which a file of evidence is cited."""
    return sha256(f"province year: {what}".encode()).hexdigest()


@dataclass
class Case:
    """One household's case, and everybody who works on it."""

    hands: Hands
    chance: Random
    day: date
    id: str
    household: str
    village: str
    plan: str = ""
    elimination: str = ""
    members: list[str] = field(default_factory=list)
    risks: list[str] = field(default_factory=list)

    @property
    def town(self) -> str:
        """The town's code."""
        return self.village[:9]

    @property
    def county(self) -> str:
        """The county's code."""
        return self.village[:6]

    async def case(self, role: Role, at: str, path: str, body: Json | None = None) -> Json:
        """An act on the case."""
        url = f"/cases/{self.id}/{path}"
        return await self.hands.does(role, at, "identification", url, body)

    async def help(self, role: Role, at: str, path: str, body: Json | None = None) -> Json:
        """An act on the plan."""
        return await self.hands.does(role, at, "assistance", f"/plans/{self.plan}/{path}", body)

    async def end(self, role: Role, at: str, path: str, body: Json | None = None) -> Json:
        """An act on the elimination."""
        url = f"/eliminations/{self.elimination}/{path}"
        return await self.hands.does(role, at, "assistance", url, body)

    def rest(self, most: int = 2) -> int:
        """Some days until somebody gets to it."""
        return self.chance.randint(1, most)

    # -- identification ---------------------------------------------------------------------------

    async def is_named(self) -> None:
        """The town names who answers for it."""
        officers = {
            "village_officer": f"person:{name_of(OFFICER, self.village)}",
            "town_officer": f"person:{name_of(OFFICER, self.town)}",
        }
        for place in (self.village, self.town):
            await self.hands.does(OFFICER, place, "identification", "/officers/me", {})
        await self.case(OFFICER, self.town, "officers", officers)
        shown = await self.hands.looks(
            OFFICER, self.village, "identification", f"/households/{self.household}"
        )
        self.members = [item["member_id"] for item in shown["members"]]

    async def is_verified(self, *, hard: bool) -> str:
        """Visited, with the accounts of a household in hardship or without; what is advised."""
        signed = {
            "signer_id": self.members[0],
            "scope": ["BANK", "VEHICLE", "PROPERTY", "BENEFITS"],
            "evidence": [paper("authorisation")],
        }
        await self.case(OFFICER, self.village, "authorization", signed)
        body = _found(self.members[0], len(self.members), hard=hard)
        receipt = await self.case(OFFICER, self.village, "verification", body)
        data = next(item["data"] for item in receipt["events"] if item["type"] == "Verified")
        return str(data["advice"]["suggestion"])

    async def is_compared(self) -> None:
        """The county hears from the departments."""
        sources = ("MEDICAL_INSURANCE", "CIVIL_AFFAIRS", "NATURAL_RESOURCES")
        results = {"results": [{"source": source} for source in sources]}
        await self.case(OFFICER, self.county, "comparison", results)

    async def is_deliberated(self, category: str | None) -> None:
        """The village's representatives hold that it is to be identified, or that it is not."""
        vote: dict[str, Any] = {
            "form": "REPRESENTATIVES",
            "due": 45,
            "present": 38,
            "in_favour": 36 if category else 4,
            "against": 2 if category else 33,
            "abstained": 0 if category else 1,
            "conclusion": "IDENTIFY" if category else "DECLINE",
            "minutes": "到会38人,一致同意评议意见。",
        }
        await self.case(
            OFFICER,
            self.village,
            "deliberation",
            vote | ({"category": category} if category else {}),
        )

    async def is_posted(self) -> None:
        """The notice hangs."""
        notice = {
            "number": f"公示〔{self.day.year}〕{self.chance.randint(1, 99)}号",
            "objection_phone": PHONE,
            "evidence": [paper("posting")],
        }
        await self.case(OFFICER, self.village, "notice", notice)

    async def is_approved(self, category: str) -> None:
        """The county's committee identifies the household, and tells the world."""
        approval = {
            "category": category,
            "authority": "COMMITTEE",
            "document": f"农委纪〔{self.day.year}〕8号",
            "valid_from": self.day.isoformat(),
            "valid_until": self.day.isoformat(),
        }
        await self.case(COMMITTEE, self.county, "approval", approval)
        number = {"number": f"农公告〔{self.day.year}〕12号", "objection_phone": PHONE}
        await self.case(OFFICER, self.county, "announcement", number)

    async def is_declined(self) -> Steps:
        """Voted down: the county declines, and the household is told."""
        await self.is_deliberated(None)
        await self.case(OFFICER, self.town, "town-review", {"passed": True})
        yield self.rest()
        await self.case(COMMITTEE, self.county, "refusal", {"reason": "DELIBERATED_AGAINST"})
        await self.case(OFFICER, self.village, "telling", {"about": "REFUSAL"})

    # -- assistance -------------------------------------------------------------------------------

    async def is_planned(self) -> None:
        """A plan with a job in the workshop."""
        found = await self.hands.looks(
            OFFICER, self.village, "assistance", f"/plans/by-case/{self.id}"
        )
        self.plan, self.risks = found["plan_id"], found["risks"]
        draft = {
            "willing": True,
            "willingness_signed_on": self.day.isoformat(),
            "willingness_evidence": paper("willing"),
            "responses": [{"risk": risk, "kinds": ["WORKSHOP_JOB"]} for risk in self.risks],
        }
        await self.help(OFFICER, self.village, "draft", draft)
        terms = {
            "kind": "WORKSHOP_JOB",
            "fund": "LINKAGE_FUND",
            "department": "HUMAN_RESOURCES",
            "risks": self.risks,
            "takes_part": True,
            "ends_on": (self.day + timedelta(days=700)).isoformat(),
        }
        filed = await self.help(OFFICER, self.village, "measures", {"terms": terms})
        measure = filed["events"][-1]["data"]["measure_id"]
        await self.help(OFFICER, self.village, "submission")
        await self.help(DEPARTMENT, self.county, f"measures/{measure}/start")

    async def is_proposed(self) -> None:
        """The village holds that the risk has ended; everybody before the notice agrees."""
        plan = f"/plans/{self.plan}"
        self.risks = (await self.hands.looks(OFFICER, self.village, "assistance", plan))["risks"]
        path = f"{plan}/eliminations"
        receipt = await self.hands.does(
            OFFICER, self.village, "assistance", path, _stable(self.risks)
        )
        self.elimination = receipt["id"]
        visit = {
            "officers": [f"person:{name_of(OFFICER, self.town)}"],
            "confirmed": True,
            "evidence": [paper("visit")],
        }
        await self.end(OFFICER, self.town, "verification", visit)
        vote = {
            "form": "REPRESENTATIVES",
            "due": 45,
            "present": 40,
            "in_favour": 39,
            "against": 1,
            "minutes": "收入稳定,风险已消除,同意。",
        }
        await self.end(OFFICER, self.village, "deliberation", vote)
        review = {
            "officers": [f"person:{name_of(OFFICER, self.town)}"],
            "passed": True,
            "feedback": "情况属实。",
        }
        await self.end(OFFICER, self.town, "review", review)
        notice = {"notice_no": "1号", "text": "该户拟标注风险消除。", "photo": paper("posting 2")}
        await self.end(OFFICER, self.village, "notice", notice)

    async def is_eliminated(self) -> None:
        """The five days are over: approved, announced, marked; or a new risk has come meanwhile."""
        await self.end(OFFICER, self.village, "notice/close")
        try:
            await self.end(COMMITTEE, self.county, "approval", {"authority": "农委纪〔2024〕2号"})
        except Refused as refused:
            if refused.problem.get("rule") != "R91":
                raise
            await self.end(OFFICER, self.town, "withdrawal", {"note": "新增风险"})
            return
        told = {"notice_no": "5号", "text": "该户风险已稳定消除。"}
        await self.end(OFFICER, self.county, "announcement", told)
        await self.end(OFFICER, self.county, "marking", {"receipt": f"SD{self.day:%Y%m%d}X"})


async def identified(case: Case) -> Steps:
    """The ordinary way: identified, helped, and eliminated after the half-year."""
    yield case.rest(1)
    await case.is_named()
    yield case.rest()
    category = await case.is_verified(hard=True)
    await case.is_compared()
    yield case.rest()
    await case.is_deliberated(category)
    yield case.rest()
    async for days in _from_review(case, category):
        yield days


async def _from_review(case: Case, category: str) -> Steps:
    await case.case(OFFICER, case.town, "town-review", {"passed": True})
    await case.is_posted()
    yield 6
    await case.case(OFFICER, case.village, "notice/close")
    async for days in _from_approval(case, category):
        yield days


async def _from_approval(case: Case, category: str) -> Steps:
    await case.is_approved(category)
    yield case.rest()
    receipt = {"receipt": f"SD{case.day:%Y%m%d}R{case.chance.randrange(10**6)}"}
    await case.case(OFFICER, case.county, "national-entry", receipt)
    yield case.rest()
    await case.is_planned()
    yield 185 + case.rest(9)
    await case.is_proposed()
    yield 6
    await case.is_eliminated()


async def objected(case: Case) -> Steps:
    """Somebody objects to the notice and is answered; it hangs on, and the case goes its way."""
    yield case.rest(1)
    await case.is_named()
    category = await case.is_verified(hard=True)
    await case.is_compared()
    yield case.rest()
    await case.is_deliberated(category)
    await case.case(OFFICER, case.town, "town-review", {"passed": True})
    await case.is_posted()
    yield 2
    raised = await case.case(OFFICER, case.village, "objections", {"objection": "收入不实"})
    objection = raised["events"][0]["data"]["objection_id"]
    answer = {"objection_id": objection, "upheld": False, "answer": "经核实,情况属实。"}
    await case.case(OFFICER, case.town, "objections/answer", answer)
    yield 6
    await case.case(OFFICER, case.village, "notice/close")
    async for days in _from_approval(case, category):
        yield days


async def declined(case: Case) -> Steps:
    """Visited and found well: voted down, declined, told."""
    yield case.rest(1)
    await case.is_named()
    yield case.rest()
    await case.is_verified(hard=False)
    await case.is_compared()
    yield case.rest()
    async for days in case.is_declined():
        yield days


async def forgotten(case: Case) -> Steps:
    """Nobody does anything: the clocks say so."""
    yield case.rest(1)


async def flooded(case: Case) -> Steps:
    """Into the green channel at once; a third is identified, the others leave it again."""
    await case.is_named()
    channel = {"cause": "DISASTER"}
    await case.case(OFFICER, case.village, "green-channel/confirmation", channel)
    await case.case(OFFICER, case.town, "green-channel/confirmation", channel)
    entry = channel | {"facts": "暴雨内涝,房屋进水"}
    await case.case(OFFICER, case.county, "green-channel/entry", entry)
    yield case.rest(3)
    await case.case(OFFICER, case.village, "telling", {"about": "CHANNEL_ENTRY"})
    yield case.rest(4)
    hard = case.chance.random() < 1 / 3
    category = await case.is_verified(hard=hard)
    await case.is_compared()
    looked = {"eligible": hard, "note": "镇村实地核查"}
    await case.case(OFFICER, case.county, "green-channel/verification", looked)
    if not hard:
        await case.case(OFFICER, case.county, "green-channel/exit", {"note": "损失已由保险赔付"})
        await case.case(OFFICER, case.village, "telling", {"about": "CHANNEL_EXIT"})
        return
    await case.is_deliberated(category)
    async for days in _from_review(case, category):
        yield days


STORIES: tuple[tuple[float, Callable[[Case], Steps]], ...] = (
    (0.55, identified),
    (0.10, objected),
    (0.25, declined),
    (0.10, forgotten),
)
"""How often each happens."""


def story_for(chance: Random) -> Callable[[Case], Steps]:
    """One of them."""
    weights = [weight for weight, _ in STORIES]
    return chance.choices([story for _, story in STORIES], weights)[0]


def _found(head: str, members: int, *, hard: bool) -> Json:
    """What the visit finds; the bills of a household in hardship leave too little to live on."""
    wage = 600_000 * members if hard else 2_400_000 * members
    body: dict[str, Any] = {
        "form_version": "SD-2023",
        "signer_id": head,
        "incomes": [
            {"kind": "WAGE", "amount": wage},
            {"kind": "OPERATING", "amount": 1_000_000},
            {"kind": "OPERATING_COST", "amount": 600_000},
        ],
        "expenses": [],
        "gaps": dict.fromkeys(_GAPS, False),
        "hardship": False,
        "income_stable": True,
        "coping": {"can_cope": True, "means": ["SAVINGS"]},
        "watch": dict.fromkeys(("MEDICAL_CARE", "SCHOOLING", "EMPLOYMENT", "INDUSTRY"), False),
    }
    if not hard:
        return body
    bill = {
        "type": "MEDICAL",
        "bill": 6_000_000,
        "basic_insurance": 3_000_000,
        "critical_illness": 800_000,
        "medical_aid": 400_000,
        "evidence": [paper("bill")],
    }
    return body | {
        "expenses": [bill],
        "risks": ["ILLNESS"],
        "hardship": True,
        "shock": "ILLNESS",
        "coping": {"can_cope": False, "evidence": [paper("coping")]},
    }


def _stable(risks: list[str]) -> Json:
    return {
        "mode": "ASSISTED",
        "income": {
            "wage_income": 6_900_000,
            "operating_income": 1_100_000,
            "operating_expense": 600_000,
            "members": 4,
            "evidence": [paper("income")],
        },
        "guarantees": [{"gap": gap, "secured": True, "evidence": [paper(gap)]} for gap in _GAPS],
        "risks": [{"risk": risk, "gone": True, "evidence": [paper("gone")]} for risk in risks],
        "no_new_risk": True,
    }
