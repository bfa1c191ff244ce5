"""What is to be done on a case now, by which level, until when: the queue's rows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.identification.domain.case_state import Case, Status
from services.identification.domain.procedure import IDENTIFICATION
from shared.contracts.identification_steps import Conclusion, Told
from shared.kernel.division import Level
from shared.policy.procedure import Step
from shared.policy.rules import rule

_AFTER_APPROVAL = {"announcement", "national-entry"}
_FIELD = (Level.VILLAGE, Level.TOWN)


@dataclass(frozen=True)
class Item:
    """One thing to do."""

    step: str
    label: tuple[str, str]
    levels: tuple[Level, ...]
    rule: str
    ready_on: date
    """The first day on which it can be done."""
    due_on: date
    clock: str
    """The clock that says so, explained; empty when none runs for it."""


def to_do(case: Case) -> Sequence[Item]:
    """Everything that somebody can do on the case now, in the procedure's order."""
    if case.status is Status.OPEN:
        return [*_channel(case), *_objections(case), *_steps(case)]
    if case.status is Status.IDENTIFIED:
        return _steps(case)
    if case.status is Status.NOT_IDENTIFIED:
        return _after_refusal(case)
    if case.status is Status.EXITED:
        return _after_exit(case)
    return []


@rule("R31", "R113")
def priority(case: Case) -> int:
    """1 first: a guarantee missing, income under the former standard, the green channel (R113).

    2: must be identified by the table (R31). 3: everything else.
    """
    if case.channel.inside:
        return 1
    if case.verified is None:
        return 3
    if case.verified.advice.urgent:
        return 1
    return 2 if case.verified.advice.row == 3 else 3


def _steps(case: Case) -> list[Item]:
    """The procedure's open steps; nothing but an answer while an objection is open (R66)."""
    wanted = [
        step
        for step in IDENTIFICATION.open_steps(case.done)
        if (step.name in _AFTER_APPROVAL) is (case.status is Status.IDENTIFIED)
    ]
    if case.open_objections:
        wanted = [step for step in wanted if step.name not in {"publicity", "approval"}]
    if "town-review" in case.done and _deliberated_against(case):
        label = ("不予识别", "not identifying")
        county = (Level.COUNTY,)
        return [_item(case, "refusal", label, county, rule_id="R30", kind="identify")]
    return [_of_step(case, step) for step in wanted]


def _deliberated_against(case: Case) -> bool:
    """The village wants nobody identified: the county decides, and nothing is posted (R30)."""
    return case.deliberated is not None and case.deliberated.conclusion is Conclusion.DECLINE


def _of_step(case: Case, step: Step) -> Item:
    kind = step.clock or "identify"
    item = _item(case, step.name, step.label, step.levels, rule_id=step.rule, kind=kind)
    if step.name == "publicity" and case.notice is not None:
        ready = case.notice.last_day + timedelta(days=1)
        return Item(item.step, item.label, item.levels, item.rule, ready, item.due_on, item.clock)
    return item


def _channel(case: Case) -> list[Item]:
    channel = case.channel
    county = (Level.COUNTY,)
    if not channel.inside:
        if len(channel.confirmed) < 2:
            return []
        label = ("录入绿色通道", "entering the green channel")
        return [_item(case, "enter-channel", label, county, rule_id="R69", kind="identify")]
    items = []
    if Told.CHANNEL_ENTRY not in case.told:
        label = ("告知绿色通道管理情况", "telling of the green channel")
        items.append(_item(case, "tell-entry", label, _FIELD, rule_id="R74", kind="tell-entry"))
    if channel.eligible is None and "verification" in case.done:
        label = ("绿色通道核实", "verifying eligibility")
        items.append(
            _item(case, "verify-channel", label, county, rule_id="R71", kind="green-channel")
        )
    if channel.eligible is False:
        label = ("退出绿色通道", "leaving the green channel")
        items.append(_item(case, "exit-channel", label, county, rule_id="R73", kind="identify"))
    return items


def _objections(case: Case) -> list[Item]:
    if not case.open_objections:
        return []
    label = ("答复异议", "answering the objection")
    levels = (Level.TOWN, Level.COUNTY)
    return [_item(case, "answer-objection", label, levels, rule_id="R66", kind="identify")]


def _after_refusal(case: Case) -> list[Item]:
    items = []
    if Told.REFUSAL not in case.told:
        label = ("告知不识别结果", "telling the refusal")
        levels = (*_FIELD, Level.COUNTY)
        items.append(
            _item(case, "tell-refusal", label, levels, rule_id="R67", kind="tell-applicant")
        )
    return [*items, *_following(case)]


def _after_exit(case: Case) -> list[Item]:
    items = []
    if Told.CHANNEL_EXIT not in case.told:
        label = ("告知退出绿色通道", "telling of the exit")
        items.append(_item(case, "tell-exit", label, _FIELD, rule_id="R74", kind="tell-exit"))
    return [*items, *_following(case)]


def _following(case: Case) -> list[Item]:
    if not case.tracked:
        return []
    label = ("持续跟踪", "following up")
    return [_item(case, "follow-up", label, _FIELD, rule_id="R33", kind="follow-up")]


def _item(
    case: Case,
    step: str,
    label: tuple[str, str],
    levels: tuple[Level, ...],
    *,
    rule_id: str,
    kind: str,
) -> Item:
    """``kind`` is the clock the thing stands under; none may be running."""
    running = case.clocks.get(kind)
    due = running.deadline.due_on if running else date.max
    clock = running.deadline.explain() if running else ""
    return Item(step, label, levels, rule_id, case.floor, due, clock)
