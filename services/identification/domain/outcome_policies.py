"""The rules of how a case ends: publicity, approval, refusal. Pure."""

from datetime import date
from uuid import UUID

from services.identification.domain import commands
from services.identification.domain.case_state import Case
from services.identification.domain.collection import DeclineReason
from services.identification.domain.context import CaseContext
from shared.contracts.assessment import Advice, Suggestion
from shared.contracts.identification import Verified
from shared.contracts.identification_steps import Conclusion
from shared.contracts.values import AuthorityKind, Category, History
from shared.kernel.principal import Role
from shared.kernel.refusal import Forbidden, Invalid, OutOfOrder, Refusal
from shared.policy.rules import rule


@rule("R56")
def concluded_to_identify(case: Case) -> Category:
    """What is posted is a household the village wants identified; gives the category."""
    concluded = case.deliberated
    if concluded is None or concluded.category is None:
        raise OutOfOrder(
            "R51",
            code="deliberated-against",
            zh="民主评议未同意识别,不能公示",
            en="the village deliberated against identification",
        )
    return concluded.category


@rule("R56", "K2")
def publicity_is_complete(case: Case, on: date) -> None:
    """Five whole days after the day of posting: approval from P + 6 (R56, K2)."""
    if case.notice is not None and on <= case.notice.last_day:
        raise Invalid(
            "R56",
            code="publicity-not-complete",
            zh=f"公示至{case.notice.last_day},次日起方可办理",
            en=f"the notice hangs until {case.notice.last_day}; possible from the day after",
            field="occurred_on",
        )


@rule("R66")
def no_open_objection(case: Case) -> None:
    """An objection that is not answered suspends the case (R66)."""
    if case.open_objections:
        raise OutOfOrder(
            "R66",
            code="objection-open",
            zh=f"尚有{len(case.open_objections)}条异议未答复",
            en=f"{len(case.open_objections)} objections are not answered",
        )


@rule("R66")
def category_was_publicized(case: Case, category: Category) -> None:
    """What is approved is what hung in the village; anything else is posted anew (R66)."""
    if case.notice is not None and case.notice.category is not category:
        raise Invalid(
            "R66",
            code="category-not-publicized",
            zh="批准类别与公示类别不一致,须重新公示5天",
            en="another category was publicized; changed content is posted anew",
            field="category",
        )


@rule("R6", "R53")
def authority_is_valid(command: commands.Approve, context: CaseContext) -> UUID | None:
    """The committee, or somebody whose delegation holds on the day; gives the delegation (R53)."""
    if not command.valid_from <= context.occurred_on <= command.valid_until:
        raise Invalid(
            "R53",
            code="authority-not-valid",
            zh=f"批准授权有效期为{command.valid_from}至{command.valid_until}",
            en=f"the authority holds from {command.valid_from} to {command.valid_until}",
            field="valid_until",
        )
    is_committee = Role.COMMITTEE in context.principal.roles
    if command.authority is AuthorityKind.COMMITTEE and not is_committee:
        raise Forbidden(
            "以委员会名义批准须由县级党委农业农村委员会办理,其他人员请凭授权批准",
            "only the committee approves in its own name; others by delegation",
            rule="R53",
        )
    if command.authority is AuthorityKind.COMMITTEE:
        return None
    return _delegated(command, context)


def _delegated(command: commands.Approve, context: CaseContext) -> UUID:
    """The committee's own delegation to this very person, by that document, on that day (R53)."""
    for held in context.delegations:
        if held.document == command.document and held.holds_on(context.occurred_on):
            return held.delegation_id
    raise Forbidden(
        "未查到委员会对您本人的有效授权,不能批准",
        "the committee has granted you no delegation of that number that holds on the day",
        rule="R53",
    )


@rule("R53")
def nobody_approves_own_work(case: Case, context: CaseContext) -> None:
    """Who ever answered for the case in village or town decides nothing on it for the county."""
    if context.principal.subject in case.handled_by:
        raise Forbidden(
            "经办人不能批准或否决本人经办的个案",
            "nobody approves their own work",
            rule="R53",
        )


@rule("R7", "R8", "R9", "R10")
def category_fits(case: Case, verified: Verified, category: Category) -> None:
    """The category matches the household's history and its figures (R7–R10)."""
    below = verified.accounts.per_capita_net <= verified.advice.line
    if category is Category.SEVERE_HARDSHIP:
        _must(not below, "R10", "严重困难户人均纯收入应高于监测线", "its income is below the line")
        struck = verified.findings.shock is not None or bool(verified.findings.gaps)
        _must(
            struck, "R10", "严重困难户须有突发事件或突出问题", "neither a shock nor a gap is found"
        )
        return
    wanted, rule_id = (
        (History.FORMERLY_POOR, "R8")
        if category is Category.UNSTABLE_EXIT
        else (History.ORDINARY, "R9")
    )
    _must(case.history is wanted, rule_id, "对象类别与脱贫户属性不符", "its history does not fit")
    _must(below, rule_id, "该类别人均纯收入应不高于监测线", "its income is above the line")
    risky = bool(case.risks or verified.findings.gaps or verified.findings.hardship)
    _must(risky, rule_id, "未发现返贫致贫风险", "no risk was found")


@rule("R21", "R22")
def household_in_scope(advice: Advice) -> None:
    """Nobody outside the scope is identified (R21, R22)."""
    if advice.suggestion is Suggestion.OUT_OF_SCOPE:
        raise Invalid(
            "R21",
            code="out-of-scope",
            zh="该户享受城镇相关保障政策,不属于识别范围",
            en="the household has urban benefits and is out of scope",
        )


@rule("R15")
def departure_is_explained(*, departs: bool, context: CaseContext) -> None:
    """People decide; departing from the advice needs a reason (R15, A3)."""
    if departs and context.note_id is None:
        raise Invalid(
            "R15",
            code="departure-reason-required",
            zh="决定与系统建议不一致,请说明理由",
            en="the decision departs from the advice; say why",
            field="note",
        )


@rule("R27")
def no_quota(command: commands.DeclineIdentification) -> None:
    """Everybody who qualifies is taken: no cap can refuse anybody (R27)."""
    if command.reason is DeclineReason.NO_PLACES_LEFT:
        raise Invalid(
            "R27",
            code="no-quota",
            zh="不得设置规模限制,应纳尽纳",
            en="there is no cap: whoever qualifies is identified",
            field="reason",
        )


@rule("R43", "R13")
def dibao_is_no_reason(command: commands.DeclineIdentification) -> None:
    """低保 is never a reason not to identify (R43)."""
    if command.reason is DeclineReason.HAS_DIBAO:
        raise Invalid(
            "R43",
            code="dibao-is-no-reason",
            zh="坚决杜绝以落实低保为由不识别监测帮扶对象",
            en="drawing 低保 is no reason not to identify",
            field="reason",
        )


@rule("R20")
def relocated_stay_in_scope(command: commands.DeclineIdentification, case: Case) -> None:
    """An urban hukou got by relocation is no reason (R20)."""
    if command.reason is DeclineReason.URBAN_HUKOU and case.relocated:
        raise Invalid(
            "R20",
            code="relocated-in-scope",
            zh="易地扶贫搬迁转为城镇户籍的应及时识别,不能以城镇户籍为由不识别",
            en="a relocated household stays in scope whatever its hukou",
            field="reason",
        )


@rule("R30")
def was_deliberated(case: Case) -> None:
    """Nobody is turned down without a deliberation (R30)."""
    if "deliberation" not in case.done:
        raise OutOfOrder(
            "R30",
            code="not-deliberated",
            zh="未经民主评议,不能作出不识别决定",
            en="not without a deliberation",
        )


@rule("R30", "R32")
def reason_fits_findings(command: commands.DeclineIdentification, verified: Verified) -> None:
    """The reason is borne out by what was verified (R30, R32)."""
    advice, findings, reason = verified.advice, verified.findings, command.reason
    below = verified.accounts.per_capita_net <= advice.line
    reasons = DeclineReason
    calm = not findings.gaps and not findings.risks
    borne_out = {
        reasons.BELOW_LINE_STABLE: below and findings.income_stable and calm,
        reasons.ABOVE_LINE_NO_HARDSHIP: not below and not findings.hardship and not findings.gaps,
        reasons.CAN_COPE: findings.can_cope and bool(findings.coping_evidence),
        reasons.OUT_OF_SCOPE: advice.suggestion is Suggestion.OUT_OF_SCOPE,
        reasons.URBAN_HUKOU: advice.suggestion is Suggestion.OUT_OF_SCOPE,
        reasons.DELIBERATED_AGAINST: True,
    }[reason]
    if not borne_out:
        raise Invalid(
            _REASON_RULES.get(reason, "R30"),
            code="reason-not-borne-out",
            zh="不识别理由与核实情况不符",
            en="what was verified does not bear that reason out",
            field="reason",
        )


_REASON_RULES = {
    DeclineReason.CAN_COPE: "R32",
    DeclineReason.ABOVE_LINE_NO_HARDSHIP: "R32",
    DeclineReason.OUT_OF_SCOPE: "R21",
    DeclineReason.URBAN_HUKOU: "R21",
}


@rule("R31")
def village_concluded_so(command: commands.DeclineIdentification, case: Case) -> None:
    """“Deliberated against” needs a deliberation that was against (R31)."""
    against = case.deliberated is not None and case.deliberated.conclusion is Conclusion.DECLINE
    if command.reason is DeclineReason.DELIBERATED_AGAINST and not against:
        raise Invalid(
            "R31",
            code="not-deliberated-against",
            zh="民主评议结论为同意识别,不能以评议不通过为由",
            en="the village deliberated in favour",
            field="reason",
        )


def _must(holds: bool, rule_id: str, zh: str, en: str) -> None:
    if not holds:
        raise Refusal(rule_id, code="category-does-not-fit", zh=zh, en=en, field="category")
