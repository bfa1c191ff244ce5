"""What is to be done on a case now, by which level, until when: the queue's rows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

from services.identification.domain import commands
from services.identification.domain.case_state import Case, Status
from services.identification.domain.procedure import IDENTIFICATION
from shared.contracts.identification_steps import Conclusion, Told
from shared.kernel.division import Level
from shared.kernel.event import Command
from shared.policy.procedure import Step
from shared.policy.rules import rule

_AFTER_APPROVAL = {"announcement", "national-entry"}
_FIELD = (Level.VILLAGE, Level.TOWN)
_COUNTY = (Level.COUNTY,)


class Task(NamedTuple):
    """One kind of thing to do: the procedure's steps, and what lies beside them."""

    label: tuple[str, str]
    levels: tuple[Level, ...]
    rule: str
    command: type[Command]


TASKS: Mapping[str, Task] = {
    **{
        step.name: Task(step.label, step.levels, step.rule, step.command)
        for step in IDENTIFICATION.steps
    },
    "enter-channel": Task(
        ("录入绿色通道", "entering the green channel"), _COUNTY, "R69", commands.EnterGreenChannel
    ),
    "tell-entry": Task(
        ("告知绿色通道管理情况", "telling of the green channel"),
        _FIELD,
        "R74",
        commands.TellHousehold,
    ),
    "verify-channel": Task(
        ("绿色通道核实", "verifying eligibility"), _COUNTY, "R71", commands.VerifyGreenChannel
    ),
    "exit-channel": Task(
        ("退出绿色通道", "leaving the green channel"), _COUNTY, "R73", commands.ExitGreenChannel
    ),
    "tell-exit": Task(
        ("告知退出绿色通道", "telling of the exit"), _FIELD, "R74", commands.TellHousehold
    ),
    "answer-objection": Task(
        ("答复异议", "answering the objection"),
        (Level.TOWN, Level.COUNTY),
        "R66",
        commands.AnswerObjection,
    ),
    "refusal": Task(
        ("不予识别", "not identifying"), _COUNTY, "R30", commands.DeclineIdentification
    ),
    "tell-refusal": Task(
        ("告知不识别结果", "telling the refusal"),
        (*_FIELD, Level.COUNTY),
        "R67",
        commands.TellHousehold,
    ),
    "follow-up": Task(("持续跟踪", "following up"), _FIELD, "R33", commands.FollowUp),
}
"""Everything that can stand in the queue, by its name."""


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
        return [_item(case, "refusal", kind="identify")]
    return [_of_step(case, step) for step in wanted]


def _deliberated_against(case: Case) -> bool:
    """The village wants nobody identified: the county decides, and nothing is posted (R30)."""
    return case.deliberated is not None and case.deliberated.conclusion is Conclusion.DECLINE


@rule("R55")
def _clock_before(case: Case, step: Step) -> str:
    """Whose clock a step without one stands under: what waits for it may be due before the end."""
    awaited = step.name == "officers" and "verify" in case.clocks
    return "verify" if awaited else "identify"


def _of_step(case: Case, step: Step) -> Item:
    item = _item(case, step.name, kind=step.clock or _clock_before(case, step))
    if step.name == "publicity" and case.notice is not None:
        return replace(item, ready_on=case.notice.last_day + timedelta(days=1))
    return item


def _channel(case: Case) -> list[Item]:
    channel = case.channel
    if not channel.inside:
        both = len(channel.confirmed) == 2
        return [_item(case, "enter-channel", kind="identify")] if both else []
    items = []
    if Told.CHANNEL_ENTRY not in case.told:
        items.append(_item(case, "tell-entry", kind="tell-entry"))
    if channel.eligible is None and "verification" in case.done:
        items.append(_item(case, "verify-channel", kind="green-channel"))
    if channel.eligible is False:
        items.append(_item(case, "exit-channel", kind="identify"))
    return items


def _objections(case: Case) -> list[Item]:
    return [_item(case, "answer-objection", kind="identify")] if case.open_objections else []


def _after_refusal(case: Case) -> list[Item]:
    told = Told.REFUSAL in case.told
    items = [] if told else [_item(case, "tell-refusal", kind="tell-applicant")]
    return [*items, *_following(case)]


def _after_exit(case: Case) -> list[Item]:
    told = Told.CHANNEL_EXIT in case.told
    items = [] if told else [_item(case, "tell-exit", kind="tell-exit")]
    return [*items, *_following(case)]


def _following(case: Case) -> list[Item]:
    return [_item(case, "follow-up", kind="follow-up")] if case.tracked else []


def _item(case: Case, step: str, *, kind: str) -> Item:
    """``kind`` is the clock the thing stands under; none may be running."""
    task = TASKS[step]
    running = case.clocks.get(kind)
    due = running.deadline.due_on if running else date.max
    clock = running.deadline.explain() if running else ""
    return Item(step, task.label, task.levels, task.rule, case.floor, due, clock)
