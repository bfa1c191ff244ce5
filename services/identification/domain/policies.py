"""The rules a case's acts must meet, each by its name. Pure; each raises its ``Refusal`` or passes.

The rules that concern one act only stand beside that act's policy here; figures and the decision
table are in ``accounts`` and ``advice``.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from services.identification.domain import commands
from services.identification.domain.case_state import Case
from services.identification.domain.context import CaseContext
from services.identification.domain.procedure import IDENTIFICATION
from shared.contracts.assessment import Watch
from shared.contracts.identification import LateReason, Member
from shared.contracts.identification_steps import Conclusion, ExemptionGround
from shared.contracts.values import Benefit, Gap, History, Hukou, MeetingForm
from shared.kernel.division import Level, ancestor
from shared.kernel.refusal import Forbidden, Invalid, OutOfOrder
from shared.policy.legal_time import after
from shared.policy.rules import rule


@rule("R1", "R26")
def owner_acts(case: Case, context: CaseContext) -> None:
    """The place that owns the case acts; the place a household moved from only helps (R26)."""
    if not context.principal.covers(case.division):
        raise Forbidden(
            "该户由迁入地负主体责任,迁出地配合,不能办理",
            "the place it moved to owns the case; yours collaborates",
            rule="R26",
        )


def is_open(case: Case) -> None:
    """The procedure is still going on."""
    if not case.open:
        raise OutOfOrder(
            "R51",
            code="case-closed",
            zh="该个案已办结,不能再办理此事项",
            en="the case is closed",
        )


def is_monitored(case: Case) -> None:
    """The household is identified and its risk not eliminated."""
    if not case.monitored:
        raise OutOfOrder(
            "R51",
            code="not-identified",
            zh="该户尚未识别认定,不能办理此事项",
            en="the household is not identified",
        )


@rule("R51", "R60")
def step_is_open(case: Case, step: str) -> None:
    """Each step in its turn, once; none skipped and none added (R51, R60)."""
    IDENTIFICATION.must_be_open(step, case.done)


@rule("R5")
def officers_are_named(case: Case) -> None:
    """No case goes on without named officers in village and town (R5)."""
    if case.officers is None:
        raise OutOfOrder(
            "R5",
            code="no-named-officers",
            zh="请先明确镇村专人负责",
            en="village and town must first name the officers who answer for the case",
        )


@rule("R5")
def two_officers(command: commands.NameOfficers) -> None:
    """Village and town answer with a person each: nobody is both (R5)."""
    if command.village_officer == command.town_officer:
        raise Invalid(
            "R5",
            code="one-officer-twice",
            zh="村级、镇级须分别明确专人,不能为同一人",
            en="village and town each name somebody; nobody is both",
            field="town_officer",
        )


@rule("R5")
def officers_work_there(
    command: commands.NameOfficers, division: str, context: CaseContext
) -> None:
    """Each named officer is somebody who can act: known here, at the case's village or town (R5).

    Whoever has never come in might be a slip of the pen, and nobody could go on.
    """
    for field, level in (("village_officer", Level.VILLAGE), ("town_officer", Level.TOWN)):
        place = ancestor(division, level)
        subject = getattr(command, field)
        if context.posts.get(subject) == place:
            continue
        known = subject in context.posts
        raise Invalid(
            "R5",
            code="officer-elsewhere" if known else "officer-unknown",
            zh=f"该人员不是本{level.label[0]}的经办人,请从列表中选择"
            if known
            else "没有这个账号,或该人员从未登录过:请核对账号,或请其先登录一次",
            en=f"they do not work in this {level.name.lower()}"
            if known
            else "nobody of that account has ever come in: check it, or let them sign in once",
            field=field,
        )


@rule("R5")
def reviewer_is_another(case: Case, context: CaseContext) -> None:
    """The town reviews what the village did: not the village's own officer (R5, R51)."""
    if case.officers is not None and context.principal.subject == case.officers[0]:
        raise Forbidden(
            "村级经办人不能在镇级审核本人经办的个案",
            "the village's officer does not review their own work",
            rule="R51",
        )


@rule("R5")
def named_officer_acts(case: Case, context: CaseContext) -> None:
    """The officers named verify; somebody else is named first (R5)."""
    if case.officers is not None and context.principal.subject not in case.officers:
        raise Forbidden(
            "入户核实由已明确的镇村专人办理,如需换人请先变更",
            "the named officers verify; name yourself first",
            rule="R5",
        )


@rule("K6")
def in_time_order(case: Case, context: CaseContext, *steps: str) -> None:
    """No act lies before the acts it stands on, or before the case itself (K6)."""
    needed = [case.done[name] for name in steps if name in case.done]
    not_before(context, max([case.floor, *needed]))


@rule("K6")
def not_before(context: CaseContext, earliest: date | None) -> None:
    """An act is not dated before what it answers or follows (K6)."""
    if earliest is not None and context.occurred_on < earliest:
        raise Invalid(
            "K6",
            code="before-previous-act",
            zh=f"发生日期{context.occurred_on}早于前一环节{earliest}",
            en=f"dated {context.occurred_on}, before the act it follows ({earliest})",
            field="occurred_on",
        )


@rule("K5", "R54", "R55", "R63", "R67", "R71")
def late_is_explained(
    case: Case, kind: str, on: date, reason: LateReason | None
) -> LateReason | None:
    """After its last day an act needs a reason; it is still taken (R54, R55, K5).

    Gives the reason to record: none for an act in time.
    """
    running = case.clocks.get(kind)
    if running is None or on <= running.deadline.due_on:
        return None
    if reason is None:
        due = running.deadline
        raise Invalid(
            due.rule,
            code="late-reason-required",
            zh=f"应于{due.due_on}前办理,已逾期,请说明原因",
            en=f"due on {due.due_on} ({due.explain()}): late, so a reason is needed",
            field="late_reason",
        )
    return reason


@rule("R52")
def may_be_looked_up(case: Case) -> None:
    """No comparison without the household's signed authorisation (R52)."""
    if not case.authorized:
        raise OutOfOrder(
            "R52",
            code="no-authorization",
            zh="农户尚未签署授权承诺书,不能开展信息比对",
            en="the household has not signed the authorisation",
        )


_DIMENSIONS = {
    "incomes": "收入",
    "expenses": "合规自付支出",
    "gaps": "突出问题",
    "coping": "自主应对能力",
}


@rule("R14")
def all_dimensions_recorded(command: commands.VerifyHousehold) -> None:
    """Income, compliant expenses, gaps and coping: all four, though a list may be empty (R14)."""
    given = {
        "incomes": command.incomes is not None,
        "expenses": command.expenses is not None,
        "gaps": bool(command.gaps),
        "coping": command.coping is not None,
    }
    missing = [name for name, is_given in given.items() if not is_given]
    if missing:
        lacking = "、".join(_DIMENSIONS[name] for name in missing)
        raise Invalid(
            "R14",
            code="dimension-missing",
            zh=f"缺少{lacking}:收入、合规自付支出、突出问题、自主应对能力四个方面均须采集",
            en=f"{', '.join(missing)} missing: income, expenses, gaps and coping are all needed",
            field=missing[0],
        )


_CHECKED: Mapping[str, str] = {
    Gap.COMPULSORY_EDUCATION: "义务教育",
    Gap.BASIC_MEDICAL: "基本医疗",
    Gap.HOUSING: "住房安全",
    Gap.SAFE_WATER: "饮水安全",
    Watch.MEDICAL_CARE: "就医",
    Watch.SCHOOLING: "就学",
    Watch.EMPLOYMENT: "就业",
    Watch.INDUSTRY: "产业",
}


@rule("R16")
def checklist_is_complete(command: commands.VerifyHousehold) -> None:
    """The four guarantees and the four watch items, each answered (R16)."""
    for field, missing in (
        ("gaps", set(Gap) - set(command.gaps)),
        ("watch", set(Watch) - set(command.watch)),
    ):
        if missing:
            raise Invalid(
                "R16",
                code="checklist-incomplete",
                zh=f"核查清单不完整,缺少: {'、'.join(_CHECKED[item] for item in sorted(missing))}",
                en=f"the checklist lacks {', '.join(sorted(missing))}",
                field=field,
            )


@rule("R21", "R22")
def benefits_are_checked(command: commands.VerifyHousehold, members: Sequence[Member]) -> None:
    """Of whoever is not of rural registration the urban benefits are looked at, and said (R21).

    "None" is said too: it is not the same as not having asked.
    """
    checked = {item.member_id for item in command.members if "benefits" in item.model_fields_set}
    for member in members:
        rural = member.hukou is Hukou.RURAL
        if member.co_living and not rural and member.member_id not in checked:
            raise Invalid(
                "R22" if member.hukou in _MAY_BE_COUNTED else "R21",
                code="benefits-not-checked",
                zh="家庭成员为非农业户籍的,须核实是否享受城镇相关保障政策",
                en="of each member without rural registration, say which benefits they draw",
                field="members",
            )


_MAY_BE_COUNTED = {Hukou.URBAN, Hukou.COLLECTIVE}


@rule("R52")
def signer_is_member(signer: object, context: CaseContext) -> None:
    """The signer is one of the household."""
    if all(member.member_id != signer for member in context.household.members):
        raise Invalid(
            code="unknown-member",
            zh="签字人不是该户家庭成员",
            en="the signer is no member of the household",
            field="signer_id",
        )


_GROUND_BENEFITS = {
    ExemptionGround.RURAL_DIBAO: {Benefit.RURAL_DIBAO, Benefit.RURAL_DIBAO_FULL},
    ExemptionGround.SCATTERED_SUPPORT: {Benefit.SCATTERED_SUPPORT},
}


@rule("R58")
def earlier_comparison_serves(command: commands.ExemptComparison, context: CaseContext) -> None:
    """An earlier comparison is reused for whom the Guide names, and while it is fresh (R58)."""
    household = context.household
    if command.ground is ExemptionGround.POLICY_BENEFICIARY:
        entitled = household.history is History.FORMERLY_POOR
    else:
        wanted = _GROUND_BENEFITS[command.ground]
        entitled = any(not wanted.isdisjoint(member.benefits) for member in household.members)
    if not entitled:
        raise Invalid(
            "R58",
            code="exemption-ground-unfounded",
            zh="该户不属于可不重复比对的情形",
            en="the household is none of those whose comparison may be reused",
            field="ground",
        )
    valid_until = after(command.compared_on, context.policy.parameters.comparison_valid)
    if not command.compared_on <= context.occurred_on <= valid_until:
        raise Invalid(
            "R58",
            code="comparison-too-old",
            zh=f"原比对结果有效期至{valid_until}",
            en=f"the earlier comparison served until {valid_until}",
            field="compared_on",
        )


@rule("R61")
def votes_add_up(command: commands.Deliberate) -> None:
    """Present are among those due, and every one present and not recused is counted once (R61)."""
    counted = command.in_favour + command.against + command.abstained
    if command.present == 0 or command.present > command.due:
        raise Invalid(
            "R61",
            code="attendance-impossible",
            zh=f"应到{command.due}人、实到{command.present}人不合理",
            en="those present must be among those due, and somebody must be present",
            field="present",
        )
    if counted != command.present - command.recused:
        raise Invalid(
            "R61",
            code="votes-do-not-add-up",
            zh=f"票数合计{counted},应为实到减回避{command.present - command.recused}",
            en=f"{counted} votes, but {command.present - command.recused} could vote",
            field="in_favour",
        )


@rule("R61")
def form_is_described(command: commands.Deliberate, context: CaseContext) -> None:
    """The Guide's list of forms is open; another one is described in words (R61)."""
    if command.form is MeetingForm.OTHER:
        note_is_given(context, "R61")


@rule("R61")
def conclusion_is_whole(command: commands.Deliberate) -> None:
    """A meeting for identification says as which category; one against it names none."""
    if (command.category is None) is (command.conclusion is Conclusion.IDENTIFY):
        raise Invalid(
            "R61",
            code="category-and-conclusion",
            zh="同意识别的应注明对象类别,不同意的不填",
            en="a conclusion to identify names the category, one to decline names none",
            field="category",
        )


def note_is_given(context: CaseContext, rule_id: str) -> None:
    """The act needs words."""
    if context.note_id is None:
        raise Invalid(
            rule_id,
            code="note-required",
            zh="请填写情况说明",
            en="a note is needed",
            field="note",
        )
