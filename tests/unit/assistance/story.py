"""One household's story in events, for the tests of the pure domain."""

from datetime import date
from typing import Any
from uuid import UUID

from services.assistance.domain import commands as c
from services.assistance.domain.commands import (
    GuaranteeEvidence,
    Income,
    MeasureTerms,
    RiskEvidence,
    RiskResponse,
)
from services.assistance.domain.context import Surroundings
from services.assistance.domain.plan import PLAN
from services.assistance.domain.plan_state import Plan
from shared.contracts.assistance import MeasureFiled, MeasureStarted, PlanOpened
from shared.contracts.help import (
    Department,
    FundSource,
    Identified,
    MeasureKind,
)
from shared.contracts.values import Category, EliminationMode, Gap, History, Risk
from shared.kernel.deadline import Deadline
from shared.kernel.event import Event
from shared.kernel.principal import Principal, Role
from shared.policy.legal_time import deadline
from shared.policy.parameters import Parameters, PolicyVersion

PLAN_ID = UUID("00000000-0000-4000-8000-000000000001")
CASE = UUID("00000000-0000-4000-8000-000000000002")
HOUSEHOLD = UUID("00000000-0000-4000-8000-000000000003")
NEW = UUID("00000000-0000-4000-8000-000000000004")
NOTE = UUID("00000000-0000-4000-8000-000000000005")
ELIMINATION_ID = UUID("00000000-0000-4000-8000-000000000006")
LEAD = UUID("00000000-0000-4000-8000-000000000007")
VILLAGE = "370112001001"
SHA = "a" * 64
POLICY = PolicyVersion(
    version="37/2023-1",
    document="鲁农发〔2023〕1号",
    division="37",
    effective_from=date(2023, 1, 1),
    parameters=Parameters(monitoring_line={2023: 800_000, 2024: 860_000}),
)
SOMEBODY = Principal("person:somebody", frozenset({Role.OFFICER}), VILLAGE)
COMMITTEE = Principal("person:committee", frozenset({Role.COMMITTEE}), "370112")


def day(text: str) -> date:
    return date.fromisoformat(text)


def identified(**changes: Any) -> Identified:
    """Identified on 2023-03-10, able to work, no gap."""
    facts: dict[str, Any] = {
        "category": Category.UNSTABLE_EXIT,
        "history": History.FORMERLY_POOR,
        "gaps": (),
        "members": 4,
        "labour_capable": True,
        "per_capita_net": 775_000,
        "identified_on": day("2023-03-10"),
        "approved_on": day("2023-03-10"),
    }
    return Identified(**(facts | changes))


def plan_clock(starts_on: date) -> Deadline:
    """Ten days for the plan, with a word on the seventh and on the last (R89)."""
    warn = ("7d", "10d")
    return deadline("plan", "R89", starts_on, "10d", policy=POLICY.version, warn=warn)


def opening(risks: tuple[Risk, ...] = (Risk.ILLNESS,), **changes: Any) -> c.OpenPlan:
    """What follows from the approval."""
    known = identified(**changes)
    return c.OpenPlan(
        plan_id=PLAN_ID,
        case_id=CASE,
        household_id=HOUSEHOLD,
        division=VILLAGE,
        risks=risks,
        identified=known,
        occurred_on=known.approved_on,
    )


def opened(risks: tuple[Risk, ...] = (Risk.ILLNESS,), **changes: Any) -> PlanOpened:
    """A plan that an approval opened."""
    known = identified(**changes)
    return PlanOpened(
        case_id=CASE,
        household_id=HOUSEHOLD,
        division=VILLAGE,
        risks=risks,
        provisional=False,
        identified=known,
        urgent=False,
        deadlines=(plan_clock(known.approved_on),),
    )


def provisional() -> PlanOpened:
    """A plan that the green channel opened on 2023-01-31."""
    return PlanOpened(
        case_id=CASE,
        household_id=HOUSEHOLD,
        division=VILLAGE,
        risks=(Risk.DISASTER,),
        provisional=True,
        identified=None,
        urgent=True,
        deadlines=(
            deadline(
                "first_help", "R70", day("2023-01-31"), "1d", policy=POLICY.version, warn=("1d",)
            ),
        ),
    )


def terms(kind: MeasureKind = MeasureKind.WORKSHOP_JOB, **changes: Any) -> MeasureTerms:
    """A workshop job for the illness; other kinds by name."""
    facts: dict[str, Any] = {
        "kind": kind,
        "fund": FundSource.INDUSTRY_POLICY,
        "department": Department.HUMAN_RESOURCES,
        "risks": (Risk.ILLNESS,),
    }
    return MeasureTerms(**(facts | changes))


def filing(kind: MeasureKind = MeasureKind.WORKSHOP_JOB, **changes: Any) -> c.FileMeasure:
    return c.FileMeasure(plan_id=PLAN_ID, terms=terms(kind, **changes))


def filed(number: int, made: MeasureTerms, *, development: bool, on: str = "2023-03-12") -> Event:
    """A measure on file, its department's clock running."""
    measure_id = measure(number)
    clock = deadline(f"start:{measure_id}", "R90", day(on), "30d", policy=POLICY.version)
    return MeasureFiled(
        case_id=CASE,
        household_id=HOUSEHOLD,
        measure_id=measure_id,
        filed_on=day(on),
        terms=made,
        development=development,
        provisional=False,
        deadlines=(clock,),
    )


def started(number: int, on: str = "2023-03-20") -> Event:
    return MeasureStarted(
        case_id=CASE,
        household_id=HOUSEHOLD,
        measure_id=measure(number),
        started_on=day(on),
        deadlines=(),
    )


def measure(number: int) -> UUID:
    return UUID(int=0x4000_8000_0000_0000_0100 + number)


def drafting(*responses: RiskResponse, willing: bool = True, **changes: Any) -> c.DraftPlan:
    return c.DraftPlan(
        plan_id=PLAN_ID,
        willing=willing,
        willingness_signed_on=day("2023-03-11"),
        willingness_evidence=SHA,
        responses=responses or (RiskResponse(risk=Risk.ILLNESS, kinds=(WORKSHOP,)),),
        **changes,
    )


WORKSHOP = MeasureKind.WORKSHOP_JOB


def decided(state: Plan | Any, command: Any, aggregate: Any = PLAN, on: str = "2023-03-12") -> Any:
    """The events of a command, straight from the aggregate."""
    return aggregate.decide(state, command, around()(day(on), day(on), SOMEBODY))


def around(**changes: Any) -> Any:
    """Makes the context of a decision; ``changes`` are its look-ups."""
    facts: dict[str, Any] = {"book": (POLICY,), "new_id": NEW, "note_id": NOTE}

    def make(today: date, occurred_on: date, principal: Principal) -> Surroundings:
        return Surroundings(today, occurred_on, principal, **(facts | changes))

    return make


def income(per_head: int = 950_000, members: int = 4) -> Income:
    """So much net per head, 分."""
    return Income(wage_income=per_head * members, members=members, evidence=(SHA,))


def guarantees(*, unsecured: Gap | None = None) -> tuple[GuaranteeEvidence, ...]:
    return tuple(
        GuaranteeEvidence(gap=gap, secured=gap is not unsecured, evidence=(SHA,)) for gap in Gap
    )


def proposing(**changes: Any) -> c.ProposeElimination:
    """All four conditions met, assisted, 9,500 yuan a head."""
    facts: dict[str, Any] = {
        "plan_id": PLAN_ID,
        "mode": EliminationMode.ASSISTED,
        "income": income(),
        "guarantees": guarantees(),
        "risks": (RiskEvidence(risk=Risk.ILLNESS, gone=True, evidence=(SHA,)),),
        "no_new_risk": True,
    }
    return c.ProposeElimination(**(facts | changes))


def helped(**changes: Any) -> Plan:
    """A plan in force with one development measure running."""
    return PLAN.fold([opened(**changes), filed(1, terms(), development=True), started(1)])
