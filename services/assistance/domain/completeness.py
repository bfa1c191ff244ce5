"""What a plan still lacks (R77–R81, R44), and what should make somebody look twice."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.assistance.domain.catalogue import CATALOGUE, Group
from services.assistance.domain.measure_state import Measure
from services.assistance.domain.plan_state import Plan
from shared.contracts.help import FundSource
from shared.contracts.values import Risk
from shared.kernel.refusal import Refusal
from shared.policy.rules import rule


@dataclass(frozen=True)
class Missing:
    """One thing without which a plan is not complete."""

    rule: str
    code: str
    zh: str
    en: str


class PlanIncomplete(Refusal):
    """The plan cannot be submitted; everything that is missing is named, the first rule leads."""

    def __init__(self, missing: list[Missing]) -> None:
        first = missing[0]
        super().__init__(
            first.rule,
            code="plan-incomplete",
            zh="帮扶计划不完整:" + ";".join(f"{item.zh}({item.rule})" for item in missing),
            en="the plan is not complete: "
            + "; ".join(f"{item.en} ({item.rule})" for item in missing),
        )
        self.missing = tuple(missing)


def must_be_complete(plan: Plan) -> None:
    """Refuse a plan that lacks anything, naming all of it. Raises ``PlanIncomplete``."""
    missing = missing_of(plan)
    if missing:
        raise PlanIncomplete(missing)


def missing_of(plan: Plan) -> list[Missing]:
    """Everything the plan lacks, in the order in which it is best put right."""
    if plan.draft is None:
        return [Missing("R77", "no-draft", "尚未制定帮扶计划", "the plan has not been drafted")]
    return [
        *_unanswered_risks(plan),
        *_unfiled(plan),
        *_without_development(plan),
        *_only_safety_net(plan),
        *_without_safety_net(plan),
    ]


@rule("R77")
def _unanswered_risks(plan: Plan) -> Iterator[Missing]:
    """Each risk has a measure, or the plan gives a reason why it has none."""
    assert plan.draft is not None
    reasoned = {item.risk for item in plan.draft.responses if item.reason is not None}
    answered = {risk for item in plan.live for risk in item.terms.risks}
    for risk in plan.risks:
        if risk not in reasoned | answered:
            yield Missing(
                "R77",
                "risk-unanswered",
                f"风险“{RISK_ZH[risk]}”没有对应的帮扶措施或理由",
                f"risk {risk} has neither a measure nor a reason",
            )


@rule("R77", "R89")
def _unfiled(plan: Plan) -> Iterator[Missing]:
    """What the draft plans has been filed."""
    assert plan.draft is not None
    filed = {item.terms.kind for item in plan.live}
    planned = [kind for item in plan.draft.responses for kind in item.kinds]
    for kind in dict.fromkeys(planned):
        if kind not in filed:
            entry = CATALOGUE[kind]
            yield Missing(
                "R77",
                "measure-not-filed",
                f"计划的措施“{entry.zh}”尚未申报",
                f"the planned measure “{entry.en}” is not filed",
            )


@rule("R78")
def _without_development(plan: Plan) -> Iterator[Missing]:
    """Labour-capable and willing: at least one development measure."""
    if _can_and_will(plan) and not any(item.development for item in plan.live):
        yield Missing(
            "R78",
            "no-development-measure",
            "有劳动能力、有意愿,至少须有一项开发式帮扶措施",
            "able and willing to work: at least one development measure is required",
        )


@rule("R44")
def _only_safety_net(plan: Plan) -> Iterator[Missing]:
    """A labour-capable household is not left with the safety net alone (一兜了之)."""
    if _labour_capable(plan) and plan.live and all(_is_safety_net(item) for item in plan.live):
        yield Missing(
            "R44",
            "only-safety-net",
            "有劳动能力的家庭不得“一兜了之”",
            "a household able to work is not left with the safety net alone",
        )


@rule("R80")
def _without_safety_net(plan: Plan) -> Iterator[Missing]:
    """No labour: the safety net, or the reason why it does not apply."""
    assert plan.draft is not None
    if _labour_capable(plan) or plan.draft.safety_net_reason is not None:
        return
    if not any(_is_safety_net(item) for item in plan.live):
        yield Missing(
            "R80",
            "no-safety-net",
            "无劳动能力家庭须落实兜底保障措施,或说明理由",
            "a household without labour needs a safety-net measure or a reason",
        )


def warnings_of(plan: Plan) -> tuple[str, ...]:
    """The rules that would have the plan otherwise without refusing it."""
    found = (
        ("R79", _one_measure_for_many(plan)),
        ("R80", _safety_net_waived(plan)),
        ("R85", _fund_not_to_household(plan)),
    )
    return tuple(rule_id for rule_id, holds in found if holds)


@rule("R79")
def _one_measure_for_many(plan: Plan) -> bool:
    """Several risks, and a single measure to meet them all."""
    return len(plan.risks) > 1 and len(plan.live) == 1


def _safety_net_waived(plan: Plan) -> bool:
    assert plan.draft is not None
    return not _labour_capable(plan) and plan.draft.safety_net_reason is not None


@rule("R84", "R85")
def _fund_not_to_household(plan: Plan) -> bool:
    """Linkage money on a project that does not reach the household itself."""
    return any(
        item.terms.fund is FundSource.LINKAGE_FUND and not item.terms.to_household
        for item in plan.live
    )


def _labour_capable(plan: Plan) -> bool:
    return plan.identified is not None and plan.identified.labour_capable


def _can_and_will(plan: Plan) -> bool:
    assert plan.draft is not None
    return _labour_capable(plan) and plan.draft.willing


def _is_safety_net(measure: Measure) -> bool:
    return CATALOGUE[measure.terms.kind].group is Group.SAFETY_NET


RISK_ZH = {
    Risk.ILLNESS: "因病",
    Risk.DISASTER: "因自然灾害",
    Risk.DISABILITY: "因残",
    Risk.LABOUR_SHORTAGE: "缺劳动力",
    Risk.ACCIDENT: "意外事故",
    Risk.INDUSTRY_FAILURE: "产业失败",
    Risk.UNSTABLE_EMPLOYMENT: "务工就业不稳",
    Risk.SCHOOLING: "因学",
    Risk.OTHER: "其他",
}
"""The risks as officers read them."""
