"""One household and its case, step by step, for the pure domain's tests."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from services.identification.domain import commands as c
from services.identification.domain import internal
from services.identification.domain.case import CASE
from services.identification.domain.case_state import Case
from services.identification.domain.collection import Coping, GivenIncome
from services.identification.domain.context import CaseContext, HouseholdFacts
from shared.contracts.assessment import IncomeKind, Watch
from shared.contracts.identification import Member
from shared.contracts.identification_steps import (
    Conclusion,
    QueryScope,
    Source,
    SourceResult,
)
from shared.contracts.values import (
    Category,
    Gap,
    History,
    Hukou,
    Labour,
    LeadSource,
    MeetingForm,
    Risk,
)
from shared.kernel.decider import Context
from shared.kernel.event import Command, Event
from shared.kernel.principal import Principal, Role, system
from shared.policy.parameters import Parameters, PolicyVersion
from shared.testing.decider import Given, given

VILLAGE, COUNTY = "370114101200", "370114"
CASE_ID, HOME, LEAD = UUID(int=1), UUID(int=2), UUID(int=3)
HEAD, CHILD = UUID(int=4), UUID(int=5)
NOTE, FRESH = UUID(int=6), UUID(int=7)
PHOTO = "a" * 64

SYSTEM = system("identification")
VILLAGER = Principal("person:village", frozenset({Role.OFFICER}), VILLAGE)
TOWNSMAN = Principal("person:town", frozenset({Role.OFFICER}), "370114101")
OFFICER = Principal("person:county", frozenset({Role.OFFICER}), COUNTY)
COMMITTEE = Principal("person:committee", frozenset({Role.COMMITTEE}), COUNTY)

POLICY = PolicyVersion(
    version="37/2023-1",
    document="鲁农发〔2023〕1号",
    division="37",
    effective_from=date(2023, 1, 1),
    parameters=Parameters(monitoring_line={2023: 800_000}, county_rural_mean={COUNTY: 2_200_000}),
)
MEMBERS = (
    Member(member_id=HEAD, is_head=True, labour=Labour.ORDINARY, hukou=Hukou.RURAL),
    Member(member_id=CHILD, labour=Labour.NONE, hukou=Hukou.RURAL),
)
FACTS = HouseholdFacts(HOME, VILLAGE, History.ORDINARY, False, None, MEMBERS)

SAFE = dict.fromkeys(Gap, False)
CALM = dict.fromkeys(Watch, False)

Make = Callable[[date, date, Principal], Context]


def context(*, note: bool = False, **changed: Any) -> Make:
    """Makes the context of a decision; ``note``: the officer wrote one."""
    notes = dict.fromkeys(["minutes", "objection", "answer", "facts"], NOTE)
    if note:
        notes["note"] = NOTE

    def make(today: date, on: date, by: Principal) -> CaseContext:
        made = CaseContext(
            today=today,
            occurred_on=on,
            principal=by,
            policy=POLICY,
            household=FACTS,
            notes=notes,
            content=(NOTE, PHOTO),
            fresh_id=FRESH,
            posts=POSTS,
        )
        return replace(made, **changed)

    return make


# --- commands, each as it should be ---------------------------------------------------------------


def lead(on: str = "2023-08-01", lead_id: UUID = LEAD, *risks: Risk) -> internal.TakeLead:
    return internal.TakeLead(
        lead_id=lead_id,
        household_id=HOME,
        source=LeadSource.HOTLINE,
        discovered_on=date.fromisoformat(on),
        risks=risks or (Risk.ILLNESS,),
    )


POSTS = {
    **dict.fromkeys(("person:village", "person:another", "person:next"), VILLAGE),
    "person:town": VILLAGE[:9],
}
"""Who has come in, and where."""


def officers() -> c.NameOfficers:
    return c.NameOfficers(
        case_id=CASE_ID, village_officer="person:village", town_officer="person:town"
    )


def authorization() -> c.SignAuthorization:
    return c.SignAuthorization(
        case_id=CASE_ID, signer_id=HEAD, scope=(QueryScope.BANK,), evidence=(PHOTO,)
    )


def verification(yuan: int = 10_000, **found: Any) -> c.VerifyHousehold:
    """A household of two with that income in hardship, unable to cope, unless found otherwise."""
    fields: dict[str, Any] = {
        "case_id": CASE_ID,
        "form_version": "2023-1",
        "signer_id": HEAD,
        "incomes": (GivenIncome(kind=IncomeKind.WAGE, amount=yuan * 100),),
        "expenses": (),
        "gaps": SAFE,
        "watch": CALM,
        "risks": (Risk.ILLNESS,),
        "hardship": True,
        "coping": Coping(can_cope=False),
    }
    return c.VerifyHousehold(**{**fields, **found})


def calm_verification(yuan: int = 10_000, **found: Any) -> c.VerifyHousehold:
    """A household of two in which nothing is wrong."""
    calm: dict[str, Any] = {
        "risks": (),
        "hardship": False,
        "income_stable": True,
        "coping": Coping(can_cope=True),
    }
    return verification(yuan, **{**calm, **found})


def comparison() -> c.CompareData:
    return c.CompareData(case_id=CASE_ID, results=(SourceResult(source=Source.CIVIL_AFFAIRS),))


def deliberation(
    conclusion: Conclusion = Conclusion.IDENTIFY,
    category: Category | None = Category.MARGINAL_AT_RISK,
    **counted: int,
) -> c.Deliberate:
    votes = {"due": 40, "present": 33, "recused": 1, "in_favour": 30, "against": 2, "abstained": 0}
    if conclusion is Conclusion.DECLINE:
        votes |= {"in_favour": 2, "against": 30}
        category = None
    return c.Deliberate(
        case_id=CASE_ID,
        form=MeetingForm.REPRESENTATIVES,
        conclusion=conclusion,
        category=category,
        minutes="会议记录",
        town_officers=("person:town",),
        **(votes | counted),
    )


def review() -> c.ReviewTown:
    return c.ReviewTown(case_id=CASE_ID, passed=True)


def notice() -> c.PostNotice:
    return c.PostNotice(case_id=CASE_ID, number="公示1", objection_phone="12317", evidence=(PHOTO,))


def closing() -> c.CloseNotice:
    return c.CloseNotice(case_id=CASE_ID)


def approval(category: Category = Category.MARGINAL_AT_RISK, **changed: Any) -> c.Approve:
    fields: dict[str, Any] = {
        "case_id": CASE_ID,
        "category": category,
        "authority": "COMMITTEE",
        "document": "章农委〔2023〕8号",
        "valid_from": date(2023, 1, 1),
        "valid_until": date(2023, 12, 31),
    }
    return c.Approve(**{**fields, **changed})


def refusal(reason: str, **changed: Any) -> c.DeclineIdentification:
    return c.DeclineIdentification(case_id=CASE_ID, reason=reason, **changed)


# --- histories ------------------------------------------------------------------------------------

Act = tuple[Command, str, Principal]

WAY: Mapping[str, Act] = {
    "opened": (lead(), "2023-08-01", SYSTEM),
    "officers": (officers(), "2023-08-01", TOWNSMAN),
    "authorization": (authorization(), "2023-08-01", VILLAGER),
    "verification": (verification(), "2023-08-03", VILLAGER),
    "comparison": (comparison(), "2023-08-03", OFFICER),
    "deliberation": (deliberation(), "2023-08-05", VILLAGER),
    "town-review": (review(), "2023-08-06", TOWNSMAN),
    "notice": (notice(), "2023-08-06", VILLAGER),
    "publicity": (closing(), "2023-08-12", VILLAGER),
    "approval": (approval(), "2023-08-12", COMMITTEE),
}
"""The straight way, each step on its day."""


def history(*acts: Act, make: Make | None = None) -> tuple[Event, ...]:
    """The events of acts that must all be taken."""
    events: list[Event] = []
    for command, day, by in acts:
        on = date.fromisoformat(day)
        state = CASE.fold(events)
        fresh = CASE_ID if isinstance(command, internal.TakeLead) else FRESH
        made = (make or context(fresh_id=fresh))(on, on, by)
        events += CASE.decide(state, command, made)
    return tuple(events)


def way(to: str, **instead: Act) -> tuple[Event, ...]:
    """The straight way up to and with ``to``; ``instead`` replaces steps (``_`` for ``-``)."""
    acts = []
    for name, act in WAY.items():
        acts.append(instead.get(name.replace("-", "_"), act))
        if name == to:
            break
    return history(*acts)


def case(*events: Event, make: Make | None = None) -> Given[Case]:
    """``given`` on a case."""
    return given(CASE, *events, context=make or context())


def days_after(day: str, number: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=number)).isoformat()
