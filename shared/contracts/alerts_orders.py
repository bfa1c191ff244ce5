"""Events of a 12317 work order, from the call to the caller's rating (R115–R118).

Brought in by ``shared.contracts.alerts``; import them from there.
"""

from datetime import date
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from shared.contracts.registry import contract
from shared.kernel.deadline import Deadline
from shared.kernel.division import DivisionCode
from shared.kernel.event import Event


class AlertsEvent(Event):
    """Base of this service's events."""

    service: ClassVar[str] = "alerts"


class OrderKind(StrEnum):
    """What the caller wants (R116)."""

    CONSULT = "CONSULT"
    """咨询"""
    APPLY = "APPLY"
    """申报: makes a lead dated at the call"""
    REPORT = "REPORT"
    """举报: makes a clue; the reporter is hidden (R118)"""


class ReturnReason(StrEnum):
    """Why a unit gives an order back."""

    NOT_OUR_DIVISION = "NOT_OUR_DIVISION"
    """不属于本辖区"""
    NOT_OUR_DUTY = "NOT_OUR_DUTY"
    """不属于本单位职责"""
    TOO_VAGUE = "TOO_VAGUE"
    """内容不清,无法办理"""


class ExtensionReason(StrEnum):
    """Why an order needs more time."""

    SEVERAL_DEPARTMENTS = "SEVERAL_DEPARTMENTS"
    """需多部门会商"""
    EVIDENCE_PENDING = "EVIDENCE_PENDING"
    """需等待核查结果"""
    CALLER_ABSENT = "CALLER_ABSENT"
    """来电人外出,暂无法核实"""


class OrderResult(StrEnum):
    """What the handling came to."""

    ANSWERED = "ANSWERED"
    """已答复"""
    RESOLVED = "RESOLVED"
    """已解决"""
    TAKEN_UP = "TAKEN_UP"
    """已纳入识别程序"""
    UNFOUNDED = "UNFOUNDED"
    """经核查不属实"""
    NOT_POSSIBLE = "NOT_POSSIBLE"
    """诉求不符合政策,已解释"""


class SupervisionGround(StrEnum):
    """Why an order is supervised (R117)."""

    OVERDUE = "OVERDUE"
    """逾期未办"""
    UNSATISFIED = "UNSATISFIED"
    """两次评价不满意"""


class Rating(StrEnum):
    """What the caller said on the return visit (回访)."""

    SATISFIED = "SATISFIED"
    """满意"""
    FAIRLY_SATISFIED = "FAIRLY_SATISFIED"
    """基本满意"""
    UNSATISFIED = "UNSATISFIED"
    """不满意"""
    NOT_REACHED = "NOT_REACHED"
    """未联系上"""


class OrderEvent(AlertsEvent):
    """Base of the acts on an order."""

    on: date
    """The legal date of the act, the same as ``Recorded.occurred_on`` (K6)."""


@contract
class OrderAccepted(OrderEvent):
    """The hotline passed a call on (受理). ``on`` is the day of the call; clocks run from it."""

    order_id: UUID
    order_no: str
    """The hotline's own number: one order of that hotline, however often it is sent."""
    kind: OrderKind
    division: DivisionCode
    """The village, town or county the matter concerns."""
    confidential: bool
    """The caller asked for confidentiality; a reporter always has it (R118)."""
    caller_id: UUID
    """The caller, in the vault."""
    matter_id: UUID
    """What the caller said, in the vault."""
    lead_id: UUID | None = None
    """The lead that an application or a report makes (R116)."""
    deadlines: tuple[Deadline, ...]
    """Handling (R117)."""
    hotline: DivisionCode | None = None
    """Whose hotline's number it is: each numbers its own."""


@contract
class OrderAssigned(OrderEvent):
    """Given to a unit to handle (交办)."""

    assignee: DivisionCode
    instruction_id: UUID | None = None
    """What the unit is told, in the vault; in a report it stands in for the caller's words."""
    deadlines: tuple[Deadline, ...]
    """The unit may return it until then (R117)."""


@contract
class OrderReturned(OrderEvent):
    """The unit gave it back: not its division or duty (回退工单)."""

    assignee: DivisionCode
    reason: ReturnReason
    note_id: UUID | None = None


@contract
class OrderExtended(OrderEvent):
    """The one extension of the handling (延期)."""

    reason: ExtensionReason
    note_id: UUID | None = None
    deadlines: tuple[Deadline, ...]


@contract
class OrderHandled(OrderEvent):
    """The unit has done what it can and says what came of it (办理)."""

    result: OrderResult
    answer_id: UUID
    """What the caller is told, in the vault."""
    late: bool = False
    """After the due date: the red card stands."""


@contract
class OrderSupervised(OrderEvent):
    """A higher unit presses for it (督办)."""

    ground: SupervisionGround
    note_id: UUID
    deadlines: tuple[Deadline, ...] = ()
    """The new handling, where an unsatisfying one is to be done again."""


@contract
class OrderClosed(OrderEvent):
    """The county took the handling as sufficient (办结)."""

    note_id: UUID | None = None


@contract
class OrderRated(OrderEvent):
    """The caller rated it on the return visit (评价)."""

    rating: Rating
    round: int
    """Which return visit of the order it was: 1, 2…"""
    note_id: UUID | None = None
    deadlines: tuple[Deadline, ...] = ()
    """The second handling, after the first unsatisfied rating."""
