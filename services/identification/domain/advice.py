"""The decision table A3, one named policy a row, in its order. It suggests; people decide (R15).

Each row answers ``None`` when it does not apply, and otherwise its suggestion with the rules and
figures that led there. Equal to the line counts as below it (K4).
"""

from collections.abc import Callable
from dataclasses import dataclass

from shared.contracts.assessment import Accounts, Advice, Findings, Ground, Shock, Suggestion
from shared.contracts.values import History
from shared.kernel.money import yuan
from shared.policy.rules import rule


@dataclass(frozen=True)
class Facts:
    """What the table looks at."""

    accounts: Accounts
    findings: Findings
    history: History
    in_scope: bool
    line: int
    """分 a head and year."""
    line_year: int
    line_is_years_own: bool
    former_standard: int
    """脱贫攻坚期扶贫标准, 分 a head and year (R113)."""
    rural_mean: int | None
    """The county's, 分 a head and year, where it is published."""
    well_above_percent: int

    @property
    @rule("K4")
    def below(self) -> bool:
        """At or below the line (K4), by net income (R41)."""
        return self.accounts.per_capita_net <= self.line

    @property
    def gap(self) -> bool:
        """Whether a guarantee is missing (R16)."""
        return bool(self.findings.gaps)

    @property
    def shaken(self) -> bool:
        """A sudden event and the hardship that follows from it."""
        return self.findings.shock is not None and self.findings.hardship


Row = tuple[Suggestion, tuple[Ground, ...]]
Policy = Callable[[Facts], Row | None]

_URGENT_SHOCKS = {Shock.DISASTER, Shock.ACCIDENT}


def advise(facts: Facts) -> Advice:
    """The first row that applies, with its grounds."""
    for number, policy in TABLE:
        found = policy(facts)
        if found is not None:
            suggestion, grounds = found
            return Advice(
                row=number,
                suggestion=suggestion,
                grounds=grounds,
                line=facts.line,
                line_year=facts.line_year,
                line_is_years_own=facts.line_is_years_own,
                offer_green_channel=offer_green_channel(facts),
                urgent=top_priority(facts),
            )
    raise AssertionError("the last row takes everything")


@rule("R19", "R20", "R21", "R22")
def out_of_scope(facts: Facts) -> Row | None:
    """Row 1: nobody in the household is in scope."""
    if facts.in_scope:
        return None
    ground = Ground(
        rule="R19",
        zh="家庭成员均不属于识别范围(城镇户籍且享受城镇保障)",
        en="no member is in scope: urban registration with urban benefits",
    )
    return Suggestion.OUT_OF_SCOPE, (ground,)


@rule("R68")
def offer_green_channel(facts: Facts) -> bool:
    """Row 2: a disaster or accident with hardship is urgent; offered beside the procedure."""
    return facts.findings.shock in _URGENT_SHOCKS and facts.findings.hardship


@rule("R17")
def low_income_and_unable(facts: Facts) -> Row | None:
    """Row 3: at or below the line, in hardship or with a gap, and unable to cope."""
    if not (facts.below and (facts.findings.hardship or facts.gap) and not facts.findings.can_cope):
        return None
    if facts.history is History.FORMERLY_POOR:
        return Suggestion.UNSTABLE_EXIT, (
            *_common(facts),
            _history("R8", "脱贫户", "formerly poor"),
        )
    return Suggestion.MARGINAL_AT_RISK, (*_common(facts), _history("R9", "一般农户", "ordinary"))


@rule("R30")
def low_but_stable(facts: Facts) -> Row | None:
    """Row 4: at or below the line, stable, without gap or risk: not identified if deliberated."""
    if not facts.below or facts.gap or facts.findings.risks or not facts.findings.income_stable:
        return None
    ground = Ground(
        rule="R30",
        zh="低于监测线但收入稳定、无突出问题、无返贫致贫风险,经评议后可不识别",
        en="below the line, but stable and without gap or risk: need not be identified",
    )
    return Suggestion.NOT_IDENTIFY, (_income(facts), ground)


@rule("R15", "R30")
def low_otherwise(facts: Facts) -> Row | None:
    """Row 5: at or below the line, otherwise: for people to judge."""
    if not facts.below:
        return None
    ground = Ground(
        rule="R30",
        zh="监测线是重要条件之一但不是唯一条件,由民主评议研判",
        en="the line is one condition, not the only one: for the deliberation to judge",
    )
    return Suggestion.DELIBERATE, (_income(facts), ground)


@rule("R10", "R18")
def high_but_struck(facts: Facts) -> Row | None:
    """Row 6: above the line, but struck by a shock or with a gap, and unable to cope."""
    if not (facts.shaken or facts.gap) or facts.findings.can_cope:
        return None
    ground = Ground(
        rule="R18",
        zh=f"高于监测线但{'突发严重困难' if facts.shaken else '存在突出问题'},依靠自身力量难以解决",
        en="above the line, but struck by a shock or with a gap, and unable to cope",
    )
    return Suggestion.SEVERE_HARDSHIP, (*_common(facts), ground)


@rule("R32", "R33")
def high_and_coping(facts: Facts) -> Row | None:
    """Row 7: above the line, with a gap that the household can close itself: followed."""
    if not facts.gap:
        return None
    ground = Ground(
        rule="R33",
        zh="可依靠自身能力解决,不识别,持续跟踪至问题解决" + _against_mean(facts)[0],
        en="can cope by itself: not identified, followed until solved" + _against_mean(facts)[1],
    )
    return Suggestion.TRACK, (*_common(facts), ground)


@rule("R32")
def high_otherwise(facts: Facts) -> Row | None:
    """Row 8: above the line, nothing more."""
    ground = Ground(
        rule="R32",
        zh="高于监测线,无突发严重困难和突出问题",
        en="above the line, with neither shock nor gap",
    )
    return Suggestion.NOT_IDENTIFY, (_income(facts), ground)


@rule("R113", "K4")
def top_priority(facts: Facts) -> bool:
    """At or below the former standard, or a guarantee missing: first in every queue (R113)."""
    return facts.gap or facts.accounts.per_capita_net <= facts.former_standard


TABLE: tuple[tuple[int, Policy], ...] = (
    (1, out_of_scope),
    (3, low_income_and_unable),
    (4, low_but_stable),
    (5, low_otherwise),
    (6, high_but_struck),
    (7, high_and_coping),
    (8, high_otherwise),
)
"""The rows in their order; row 2 runs beside them (``offer_green_channel``)."""


def _common(facts: Facts) -> tuple[Ground, ...]:
    grounds = [_income(facts)]
    if facts.findings.hardship:
        grounds.append(Ground(rule="R14", zh="基本生活出现严重困难", en="severe hardship"))
    if facts.gap:
        gaps = ", ".join(facts.findings.gaps)
        grounds.append(Ground(rule="R16", zh=f"突出问题: {gaps}", en=f"gaps: {gaps}"))
    if not facts.findings.can_cope:
        grounds.append(Ground(rule="R14", zh="依靠自身力量难以解决", en="unable to cope"))
    return tuple(grounds)


def _income(facts: Facts) -> Ground:
    income, line = yuan(facts.accounts.per_capita_net), yuan(facts.line)
    word, sign = ("不高于", "≤") if facts.below else ("高于", ">")
    return Ground(
        rule="R30" if facts.below else "R10",
        zh=f"人均纯收入{income}元{word}{facts.line_year}年监测线{line}元",
        en=f"net income a head {income} {sign} the line of {facts.line_year}, {line}",
    )


def _history(rule_id: str, zh: str, en: str) -> Ground:
    return Ground(rule=rule_id, zh=f"属于{zh}", en=f"{en} household")


def _against_mean(facts: Facts) -> tuple[str, str]:
    """What "明显高于当地农村平均水平" comes to; advisory (row 7; PROPOSED)."""
    if facts.rural_mean is None:
        return "", ""
    percent = facts.accounts.reference_per_capita * 100 // max(facts.rural_mean, 1)
    well = percent >= facts.well_above_percent
    return (
        f";扣除支出后人均为当地农村平均的{percent}%({'明显高于' if well else '未明显高于'})",
        f"; after expenses {percent}% of the county's rural mean",
    )
