"""When a risk may be said to be gone: the named policies of R91–R96 and R76."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from services.assistance.domain.completeness import RISK_ZH
from services.assistance.domain.delegation import Held
from services.assistance.domain.plan_state import Plan
from shared.contracts.help import GuaranteeEvidence, Identified, Income, NaturalCause, RiskEvidence
from shared.contracts.values import AuthorityKind, EliminationMode, Gap, History
from shared.kernel.money import per_head, yuan
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Forbidden, Invalid, OutOfOrder, Refusal
from shared.policy import parameters
from shared.policy.legal_time import after
from shared.policy.parameters import PolicyVersion
from shared.policy.rules import rule

NOBODY_LEFT = frozenset({NaturalCause.ALL_MEMBERS_DIED, NaturalCause.ALL_MEMBERS_MOVED})
"""Natural causes after which there is no household whose income could be asked for (R94)."""


@dataclass(frozen=True)
class Line:
    """The monitoring line an income was held against."""

    amount: int
    """分 per head and year."""
    is_the_years: bool
    """Whether the province had published that year's (R28)."""


@rule("R96")
def has_labour(flagged: bool) -> None:
    """A household flagged as wholly without labour stays under help (暂不消除), in any mode."""
    if flagged:
        raise OutOfOrder(
            "R96",
            code="no-labour-household",
            zh="整户无劳动能力兜底保障户暂不消除风险",
            en="a household wholly without labour is not eliminated",
        )


@rule("R93")
def is_early(plan: Plan, mode: EliminationMode, policy: PolicyVersion, on: date) -> bool:
    """Half a year from the identification date, unless the risk ended naturally (R93, K3).

    Answers whether the act is *early*: before that day, with the county's leave. Raises
    ``Refusal("R93")``, naming the earliest date, where there is no leave.
    """
    assert plan.identified is not None
    earliest = after(plan.identified.identified_on, policy.parameters.stable_income)
    if mode is EliminationMode.NATURAL or on >= earliest:
        return False
    if plan.early_allowed:
        return True
    raise Refusal(
        "R93",
        code="too-early",
        zh=f"帮扶消除须收入持续稳定不少于半年,最早为{earliest};确需提前的须经县级说明理由",
        en=f"assisted elimination needs half a year of stable income: {earliest} at the earliest,"
        " unless the county allows it with a reason",
        field="occurred_on",
    )


@rule("R76")
def help_was_given(plan: Plan, mode: EliminationMode) -> None:
    """An assisted elimination rests on at least one measure that was carried out."""
    if mode is EliminationMode.NATURAL:
        return
    if not any(item.implemented for item in plan.measures.values()):
        raise Refusal(
            "R76",
            code="no-measure-implemented",
            zh="帮扶消除须至少落实过一项帮扶措施",
            en="an assisted elimination needs at least one measure carried out",
            field="mode",
        )


@rule("R94")
def mode_and_cause_agree(mode: EliminationMode, cause: NaturalCause | None) -> None:
    """A natural elimination names its cause; an assisted one has none."""
    if (mode is EliminationMode.NATURAL) != (cause is not None):
        raise Invalid(
            "R94",
            code="cause-of-natural-elimination",
            zh="自然消除须说明原因,帮扶消除不填",
            en="a natural elimination names its cause; an assisted one does not",
            field="cause",
        )


@rule("R91", "R28", "K4")
def income_is_over_the_line(income: Income, policy: PolicyVersion, on: date) -> Line:
    """First condition: net income per head strictly over the line *of that year*.

    Until the province has published it the former line applies, and the answer says so (R28).
    """
    amount, own = parameters.monitoring_line(policy, on.year)
    per_capita = per_head(income.net, income.members)
    if per_capita <= amount:
        raise Refusal(
            "R91",
            code="income-not-over-the-line",
            zh=f"人均纯收入{yuan(per_capita)}元未超过{on.year}年监测线{yuan(amount)}元",
            en=f"net income per head {yuan(per_capita)} is not over the line of {on.year},"
            f" {yuan(amount)} yuan",
            field="income",
        )
    return Line(amount, own)


@rule("R91")
def guarantees_are_secured(guarantees: Collection[GuaranteeEvidence]) -> None:
    """Second condition: the three guarantees and safe water, each secured, each evidenced."""
    secured = {item.gap for item in guarantees if item.secured}
    missing = [gap for gap in Gap if gap not in secured]
    if missing:
        raise Refusal(
            "R91",
            code="guarantee-not-secured",
            zh="“三保障”和饮水安全未全部巩固:" + "、".join(_GAP_ZH[gap] for gap in missing),
            en=f"not secured: {', '.join(missing)}",
            field="guarantees",
        )


@rule("R91")
def every_risk_is_gone(plan: Plan, found: Collection[RiskEvidence]) -> None:
    """Third condition: every risk of the household, later ones included, is evidenced as gone."""
    if len({item.risk for item in found}) < len(found):
        raise Invalid(
            "R91",
            code="risk-twice",
            zh="同一风险只应说明一次",
            en="a risk is spoken of twice",
            field="risks",
        )
    gone = {item.risk for item in found if item.gone}
    left = [risk for risk in plan.risks if risk not in gone]
    if left:
        raise Refusal(
            "R91",
            code="risk-not-gone",
            zh="风险尚未消除:" + "、".join(RISK_ZH[risk] for risk in left),
            en=f"not gone: {', '.join(left)}",
            field="risks",
        )


@rule("R104")
def status_after(known: Identified) -> History:
    """A formerly poor household is managed as one again: its policies go on (四个不摘)."""
    return known.history


@rule("R91")
def no_risk_is_new(no_new_risk: bool) -> None:
    """Fourth condition: nothing new has come up."""
    if not no_new_risk:
        raise Refusal(
            "R91",
            code="new-risk",
            zh="存在新增返贫致贫风险,不能消除",
            en="there is a new risk",
            field="no_new_risk",
        )


@rule("R94")
def income_is_known(income: Income | None, cause: NaturalCause | None) -> None:
    """Income and guarantees are asked for as long as there is a household to ask."""
    nobody_left = cause in NOBODY_LEFT
    if nobody_left == (income is not None):
        raise Invalid(
            "R91",
            code="income-required" if income is None else "income-of-nobody",
            zh="须据实填写收入" if income is None else "全户死亡或迁出的不填收入",
            en="income is required" if income is None else "nobody is left to have an income",
            field="income",
        )


def period_before(on: date) -> tuple[date, date]:
    """The 12 full months that end with the month before ``on`` (R36; PROPOSED)."""
    last = on.replace(day=1) - timedelta(days=1)
    first = last + timedelta(days=1)
    return first.replace(year=first.year - 1), last


@rule("R53")
def hands_are_clean(actor: str, hands: Collection[str]) -> None:
    """Nobody approves what they have worked on themselves, delegation included."""
    if actor in hands:
        raise Forbidden(
            "经办人不得批准本人经办的事项", "nobody approves their own work", rule="R53"
        )


@rule("R53")
def authority_is_valid(
    by: AuthorityKind, document: str, principal: Principal, held: Collection[Held], on: date
) -> UUID | None:
    """The committee in its own name, or who holds its delegation by that document on that day.

    Answers with the delegation. Raises ``Forbidden``.
    """
    if by is AuthorityKind.COMMITTEE:
        if Role.COMMITTEE not in principal.roles:
            raise Forbidden(
                "以委员会名义批准须由县级党委农业农村委员会办理,其他人员请凭授权批准",
                "only the committee approves in its own name; others by delegation",
                rule="R53",
            )
        return None
    for delegation in held:
        if delegation.holds(document, on):
            return delegation.delegation_id
    raise Forbidden(
        "您没有该文号的授权,或授权在批准日无效",
        "you hold no delegation of that number that is valid on that day",
        rule="R53",
    )


@rule("R56", "K2")
def publicity_is_over(last_day: date, on: date) -> None:
    """A notice posted on P hangs through P + 5; the act is possible from P + 6 on."""
    if on <= last_day:
        raise Refusal(
            "R56",
            code="publicity-not-over",
            zh=f"公示至{last_day},次日起方可办理",
            en=f"the publicity runs through {last_day}; the act is possible from the day after",
            field="occurred_on",
        )


@rule("R66")
def no_objection_is_open(open_objections: Collection[object]) -> None:
    """An objection suspends what follows until it is answered."""
    if open_objections:
        raise OutOfOrder(
            "R66",
            code="objection-open",
            zh="公示期间的异议尚未核实答复",
            en="an objection is not yet answered",
        )


_GAP_ZH = {
    Gap.COMPULSORY_EDUCATION: "义务教育",
    Gap.BASIC_MEDICAL: "基本医疗",
    Gap.HOUSING: "住房安全",
    Gap.SAFE_WATER: "饮水安全",
}
