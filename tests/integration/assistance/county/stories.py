"""What happens to the households of a county: every kind of story the rules speak of."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

from services.assistance.handlers import plan_id_of
from shared.contracts.audit import CorrectionKind, Target
from shared.contracts.identification import (
    CaseOpened,
    GreenChannelEntered,
    GreenChannelExited,
    RiskAdded,
)
from shared.contracts.values import Gap, History, LeadSource, Risk
from shared.kernel.ids import new_id
from tests.integration.assistance.conftest import VILLAGE, approved
from tests.integration.assistance.county.hands import Hands
from tests.integration.assistance.support import (
    APPROVAL,
    DRAFT,
    JOB,
    PROPOSAL,
    SHA,
    VOTE,
    authorized,
    measure,
)

VILLAGES = {VILLAGE: "village", "370112001002": "other-village"}
Steps = AsyncIterator[int]
"""A story's days off: how long until it goes on."""


@dataclass
class Household:
    """One household of the county, and what happens to it."""

    hands: Hands
    chance: Random
    day: date
    village: str = VILLAGE
    case: UUID = field(default_factory=new_id)
    household: UUID = field(default_factory=new_id)

    @property
    def today(self) -> str:
        return self.day.isoformat()

    @property
    def plan(self) -> str:
        return f"/plans/{plan_id_of(self.case)}"

    @property
    def who(self) -> str:
        """The officer of its village."""
        return VILLAGES[self.village]

    async def hears(self, event: Any) -> None:
        await self.hands.office.hears(event, on=self.today, household_id=self.household)

    async def is_approved(self, **changes: Any) -> None:
        facts = {"case_id": self.case, "household_id": self.household, "division": self.village}
        facts |= {"members": self.chance.randint(1, 6)}
        await self.hears(approved(self.today, **(facts | changes)))

    async def enters_the_channel(self) -> None:
        await self.hears(
            GreenChannelEntered(
                on=self.day,
                case_id=self.case,
                household_id=self.household,
                division=self.village,
                risks=(Risk.ILLNESS,),
                entered_on=self.day,
                deadlines=(),
            )
        )

    async def files(self, body: dict[str, Any], *, start: bool = True) -> str:
        filed = await self.hands.does(self.who, f"{self.plan}/measures", body)
        made = f"{self.plan}/measures/{filed['events'][0]['data']['measure_id']}"
        if start:
            await self.hands.does("department", f"{made}/start")
        return made

    async def is_planned(self, body: dict[str, Any] = JOB) -> str:
        draft = DRAFT | {
            "willingness_signed_on": self.today,
            "responses": [{"risk": "ILLNESS", "kinds": [body["terms"]["kind"]]}],
        }
        await self.hands.does(self.who, f"{self.plan}/draft", draft)
        made = await self.files(body)
        await self.hands.does("town", f"{self.plan}/submission")
        return made

    async def proposes(self, **changes: Any) -> str:
        made = await self.hands.does(self.who, f"{self.plan}/eliminations", PROPOSAL | changes)
        return f"/eliminations/{made['id']}"

    async def may_not_propose(self, rule: str, **changes: Any) -> None:
        body = PROPOSAL | changes
        await self.hands.refused(self.who, f"{self.plan}/eliminations", body, rule=rule)

    async def is_examined(self, at: str) -> None:
        """Verified, deliberated, reviewed, posted."""
        visit = {"officers": ["person:town"], "confirmed": True, "evidence": [SHA]}
        await self.hands.does("town", f"{at}/verification", visit)
        await self.hands.does(self.who, f"{at}/deliberation", VOTE)
        review = {"officers": ["person:town"], "passed": True, "feedback": "同意"}
        await self.hands.does("town", f"{at}/review", review)
        await self.is_posted(at)

    async def is_posted(self, at: str) -> None:
        notice = {"notice_no": "1", "text": "公示。", "photo": SHA}
        await self.hands.does(self.who, f"{at}/notice", notice)

    async def is_decided(self, at: str) -> Steps:
        """The five whole days, and the county's approval."""
        yield 5
        await self.hands.refused(self.who, f"{at}/notice/close", rule="R56")
        yield 1
        await self.hands.does(self.who, f"{at}/notice/close")
        await self.hands.does("committee", f"{at}/approval", APPROVAL)

    async def is_eliminated(self, **changes: Any) -> Steps:
        at = await self.proposes(**changes)
        await self.is_examined(at)
        async for days in self.is_decided(at):
            yield days


async def helped_and_eliminated(home: Household) -> Steps:
    """The ordinary story: a job, half a year, elimination; a try too early is refused."""
    await home.is_approved()
    yield home.chance.randint(1, 9)
    await home.is_planned()
    yield home.chance.randint(20, 160)
    await home.may_not_propose("R93")
    yield 200
    async for days in home.is_eliminated():
        yield days


async def with_a_loan(home: Household) -> Steps:
    """A loan outlives the elimination: nobody stops it for that, and it ends on its own day."""
    await home.is_approved()
    yield 3
    ends = home.day + timedelta(days=300)
    loan = measure("MICROLOAN", fund="LINKAGE_FUND", ends_on=ends.isoformat(), amount=5_000_000)
    made = await home.is_planned(loan)
    yield 190
    async for days in home.is_eliminated():
        yield days
    stop = {"reason": "NOT_ELIGIBLE", "note": "风险已消除"}
    await home.hands.refused("department", f"{made}/stop", stop, rule="R102")
    await home.hands.refused("department", f"{made}/end", rule="R102")
    yield (ends - home.day).days
    await home.hands.does("department", f"{made}/end")


async def by_output(home: Household) -> Steps:
    """A subsidy pays for what was produced, up to its ceiling, and for nothing else."""
    await home.is_approved()
    yield 6
    terms = {"fund": "LINKAGE_FUND", "amount": 300_000, "rate": 50_000}
    made = await home.is_planned(measure("PRODUCTION_SUBSIDY", **terms))
    yield 40
    nothing: dict[str, Any] = {"evidence": [SHA]}
    await home.hands.refused("department", f"{made}/output", nothing, rule="R86")
    for _ in range(home.chance.randint(0, 3)):
        sold = nothing | {"quantity": home.chance.randint(1, 4)}
        await home.hands.does("department", f"{made}/output", sold)
        yield 20


async def by_nature(home: Household) -> Steps:
    """The risk ended by itself, soon; or nobody is left."""
    await home.is_approved(history=History.ORDINARY)
    yield home.chance.randint(5, 60)
    alone = {"mode": "NATURAL", "cause": "RISK_ENDED_UNAIDED"}
    if home.chance.random() < 0.3:
        alone |= {"cause": "ALL_MEMBERS_DIED", "income": None, "guarantees": []}
    async for days in home.is_eliminated(**alone):
        yield days


async def without_labour(home: Household) -> Steps:
    """Flagged: never eliminated, however long it takes; nobody lifts the flag here."""
    await home.is_approved(labour_capable=False, whole_household_no_labour=True)
    yield 2
    await home.is_planned(measure("DIBAO"))
    basis = {"basis": "DIBAO_FULL", "nobody_can_work": True, "evidence": [SHA]}
    await home.hands.does(home.who, f"{home.plan}/no-labour", basis)
    await home.hands.does("town", f"{home.plan}/no-labour/confirmation")
    yield home.chance.randint(30, 250)
    await home.may_not_propose("R96")
    await home.may_not_propose("R96", mode="NATURAL", cause="RISK_ENDED_UNAIDED")
    await home.hands.refused("town", f"{home.plan}/no-labour/removal", rule="R100")


async def by_the_green_channel(home: Household) -> Steps:
    """A fire: help at once; then either out again, or identified from the day of entry."""
    first = home.day
    await home.enters_the_channel()
    yield home.chance.randint(0, 3)
    await home.files(measure("TEMPORARY_RELIEF"))
    await home.files(measure("GOODS", fund="SOCIAL_FORCES"), start=False)
    yield 18
    if home.chance.random() < 0.5:
        await home.hears(
            GreenChannelExited(
                on=home.day, case_id=home.case, household_id=home.household, note_id=new_id()
            )
        )
        return
    await home.is_approved(identified_on=first)
    yield 5
    await home.is_planned()
    yield (first + timedelta(days=190) - home.day).days
    async for days in home.is_eliminated():
        yield days


async def with_a_new_risk(home: Household) -> Steps:
    """On the way to elimination a new risk comes up: the county must refuse."""
    await home.is_approved(gaps=(Gap.HOUSING,))
    yield 4
    await home.is_planned()
    yield 185
    at = await home.proposes()
    await home.is_examined(at)
    await home.hears(
        RiskAdded(
            case_id=home.case, household_id=home.household, lead_id=new_id(), risks=(Risk.ACCIDENT,)
        )
    )
    yield 6
    await home.hands.does(home.who, f"{at}/notice/close")
    await home.hands.refused("committee", f"{at}/approval", APPROVAL, rule="R91")
    await home.hands.does("town", f"{at}/withdrawal", {"note": "新增风险"})
    await home.may_not_propose("R91")


async def by_the_countys_leave(home: Household) -> Steps:
    """Eliminated before the half-year because the county said why: it is listed."""
    await home.is_approved()
    yield 5
    await home.is_planned()
    yield 60
    await home.may_not_propose("R93")
    leave = {"authority": "章农委〔2023〕9号", "note": "务工收入稳定"}
    await home.hands.does("committee", f"{home.plan}/early-elimination", leave)
    async for days in home.is_eliminated():
        yield days


async def with_objections(home: Household) -> Steps:
    """One objection changes the notice, the next ends the proposal; the second proposal holds."""
    await home.is_approved()
    yield 5
    await home.is_planned()
    yield 186
    at = await home.proposes()
    await home.is_examined(at)
    for upheld in (False, True):
        yield 2
        raised = await home.hands.does("town", f"{at}/objections", {"statement": "收入不实"})
        objection = raised["events"][0]["data"]["objection_id"]
        answer = {"upheld": upheld, "changed": not upheld, "answer": "已核实"}
        await home.hands.does("town", f"{at}/objections/{objection}/answer", answer)
        if not upheld:
            await home.is_posted(at)
    yield 30
    async for days in home.is_eliminated():
        yield days


async def identified_anew(home: Household) -> Steps:
    """Eliminated, refreshed, struck again: a new case with a plan of its own."""
    await home.is_approved()
    yield 2
    await home.is_planned()
    yield 183
    async for days in home.is_eliminated():
        yield days
    aid = {
        "household_id": str(home.household),
        "division": home.village,
        "kind": "YULU_GRANT",
        "fund": "LINKAGE_FUND",
        "universal": False,
    }
    await home.hands.does(home.who, "/help", aid)
    yield 60
    income = {"wage_income": 4_000_000, "members": 4, "evidence": [SHA]}
    refresh = {"year": home.day.year, "income": income, "new_risk": True}
    await home.hands.does(home.who, f"{home.plan}/refreshes", refresh)
    yield 10
    home.case = new_id()
    await home.is_approved()
    yield 8
    await home.is_planned()


async def outside_the_register(home: Household) -> Steps:
    """A gift before anything is known of the household is refused and told; then the case opens."""
    gift = {
        "household_id": str(home.household),
        "division": home.village,
        "kind": "CASH",
        "fund": "SOCIAL_FORCES",
        "universal": False,
    }
    await home.hands.refused(home.who, "/help", gift, rule="R49")
    await home.hands.refused(home.who, "/help", gift | {"universal": True}, rule="R103")
    yield 1
    await home.hears(
        CaseOpened(
            case_id=home.case,
            household_id=home.household,
            division=home.village,
            lead_id=new_id(),
            source=LeadSource.CADRE_SCREENING,
            discovered_on=home.day,
            deadlines=(),
        )
    )
    await home.hands.does(home.who, "/plans", {"case_id": str(home.case)})
    made = await home.files(JOB, start=False)
    await home.hands.refused("department", f"{made}/start", rule="R59")
    yield 12
    await home.is_approved()
    yield home.chance.randint(1, 50)
    await home.hands.does("department", f"{made}/start")


async def withdrawn(home: Household) -> Steps:
    """Entered by mistake: the gates withdraw it, and it never was one."""
    await home.is_approved()
    yield 3
    await home.files(JOB, start=False)
    target = Target(service="assistance", stream_id=plan_id_of(home.case), version=2)
    await home.hears(authorized(CorrectionKind.PURGE, target))


async def forgotten(home: Household) -> Steps:
    """Nobody makes a plan: the clock says so, and nothing else happens."""
    await home.is_approved()
    yield 1


STORIES: tuple[Callable[[Household], Steps], ...] = (
    helped_and_eliminated,
    with_a_loan,
    by_output,
    by_nature,
    without_labour,
    by_the_green_channel,
    with_a_new_risk,
    by_the_countys_leave,
    with_objections,
    identified_anew,
    outside_the_register,
    withdrawn,
    forgotten,
)
