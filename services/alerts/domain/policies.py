"""The rules of orders and leads, each by its name. Every one returns nothing or refuses."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta

from services.alerts.domain import commands
from services.alerts.domain.commands import DisposalReason, DisposeLead, OrderPart
from services.alerts.domain.order_state import Order, OrderStatus
from services.alerts.domain.register import Known
from shared.contracts.alerts import AlertType, OrderKind, SupervisionGround, Threshold
from shared.contracts.values import LeadDisposition
from shared.kernel.decider import Context
from shared.kernel.division import Level, level_of, within
from shared.kernel.document_number import holds_document_number
from shared.kernel.refusal import Forbidden, Invalid, NotFound, OutOfOrder
from shared.policy.rules import rule

S = OrderStatus
_ALLOWED: Mapping[type[commands.OrderAct], tuple[OrderStatus, ...]] = {
    commands.AssignOrder: (S.ACCEPTED, S.ASSIGNED),
    commands.ReturnOrder: (S.ASSIGNED,),
    commands.ExtendOrder: (S.ACCEPTED, S.ASSIGNED),
    commands.HandleOrder: (S.ASSIGNED,),
    commands.SuperviseOrder: (S.ACCEPTED, S.ASSIGNED, S.DISSATISFIED),
    commands.CloseOrder: (S.HANDLED,),
    commands.RateOrder: (S.CLOSED,),
}


@rule("K6")
def not_in_the_future(day: date, today: date, field: str) -> None:
    """What is reported has happened."""
    if day > today:
        raise Invalid(
            "K6",
            code="occurs-in-the-future",
            zh=f"日期{day}晚于今天{today}",
            en=f"{day} lies after today, {today}",
            field=field,
        )


@rule("R24")
def local(division: str) -> None:
    """Somebody must be able to go there: a village, a town, or at least a county."""
    if level_of(division) > Level.COUNTY:
        raise Invalid(
            "R24",
            code="division-too-wide",
            zh="请填写事项所在的村、镇或县级行政区划",
            en="name the village, the town or at least the county it concerns",
            field="division",
        )


@rule("R65")
def is_nobodys_number(number: str, field: str, on: date) -> None:
    """A machine's number of a matter on day ``on`` stands in events and makes ids: no person's.

    A date in it less than a year before the matter is taken for the number's own, not a birthday.
    """
    if holds_document_number(number, born_until=on - timedelta(days=365)):
        raise Invalid(
            "R65",
            code="personal-number",
            zh="该编号公开留存,不得使用身份证件号码",
            en="this number is kept openly and must not hold a document number",
            field=field,
        )


def order_known(order: Order) -> None:
    """An act needs an order to act on."""
    if not order.exists:
        raise NotFound("工单", "work order")


def order_number_reused() -> OutOfOrder:
    """The refusal of a number that stands for another order."""
    return OutOfOrder(
        "R116",
        code="order-number-reused",
        zh="该工单号已受理过内容不同的工单",
        en="this order number was accepted before, with different content",
        field="order_no",
    )


@rule("R116")
def order_is_new(order: Order) -> None:
    """A number stands for one order. The same request again is answered before it comes here."""
    if order.exists:
        raise order_number_reused()


@rule("R115")
def status_allows(order: Order, command: commands.OrderAct) -> None:
    """Accept, assign, handle, close, rate; supervise where it is needed: in that order."""
    if order.status not in _ALLOWED[type(command)]:
        raise OutOfOrder(
            "R115",
            code="order-out-of-order",
            zh=f"工单现为“{order.status.label}”,不能办理此环节",
            en=f"the order is {order.status.lower()}; this step is not possible now",
        )


@rule("R115", "K6")
def not_before(last_on: date, occurred_on: date) -> None:
    """A step does not lie before the one it follows."""
    if occurred_on < last_on:
        raise Invalid(
            "R115",
            code="before-the-step-before",
            zh=f"办理日期早于上一环节的日期{last_on}",
            en=f"the step before was on {last_on}",
            field="occurred_on",
        )


@rule("R115")
def assignable(order: Order, assignee: str, context: Context) -> None:
    """An order goes down: to a unit of the caller's own area, from county to town to village."""
    if level_of(assignee) > Level.COUNTY or not context.principal.covers(assignee):
        raise Forbidden(
            "只能交办给本辖区的县、镇、村", "assign within your own area, to a county or below"
        )
    if order.assignee and (assignee == order.assignee or not within(assignee, order.assignee)):
        raise OutOfOrder(
            "R115",
            code="assigned-already",
            zh="工单已交办,只能再交办给其下级;改派请先由承办单位退回",
            en="it is assigned; it can go further down, or the unit returns it first",
            field="assignee",
        )


@rule("R118")
def report_is_instructed(order: Order, instruction: str | None) -> None:
    """The unit does not read a reporter's own words, so somebody must say what to look into."""
    if order.kind is OrderKind.REPORT and instruction is None:
        raise Invalid(
            "R118",
            code="instruction-required",
            zh="举报工单交办时须另写交办要求,承办单位看不到举报人及其原话",
            en="a report is assigned with an instruction: the unit does not see the reporter",
            field="instruction",
        )


_OF_THE_CALLER = frozenset({OrderPart.CALLER, OrderPart.MATTER})


@rule("R118")
def caller_is_hidden(*, confidential: bool, level: Level) -> bool:
    """Whether who called, and in which words, is kept from whoever looks at an order."""
    return confidential and level <= Level.TOWN


@rule("R118")
def caller_stays_hidden(order: Order, parts: Collection[OrderPart], context: Context) -> None:
    """A reporter, and whoever asked for it, is not known to the village and town concerned."""
    hidden = caller_is_hidden(confidential=order.confidential, level=context.principal.level)
    if hidden and not _OF_THE_CALLER.isdisjoint(parts):
        raise Forbidden(
            "来电人要求保密或为举报人,其身份和原话不向村、镇提供",
            "the caller's identity and words are not given to village and town",
            rule="R118",
        )


def handled_by(order: Order, context: Context) -> None:
    """The unit it was assigned to, or one above it."""
    if not context.principal.covers(order.unit):
        raise Forbidden("该工单不由您单位承办", "the order is not assigned to your unit")


@rule("R117")
def returned_in_time(order: Order, on: date) -> None:
    """Within two working days of the assignment; later the unit keeps it."""
    if on > order.return_by:
        raise OutOfOrder(
            "R117",
            code="return-too-late",
            zh=f"退回期限为{order.return_by},已过期,请继续办理",
            en=f"it could be returned until {order.return_by}",
        )


@rule("R117")
def extended_once_in_time(order: Order, on: date) -> None:
    """One extension, asked for before the due date has passed."""
    if order.extended:
        raise OutOfOrder(
            "R117", code="extended-already", zh="工单只能延期一次", en="it was extended already"
        )
    if on > order.handle_by:
        raise OutOfOrder(
            "R117",
            code="extension-too-late",
            zh=f"办理期限{order.handle_by}已过,不能再延期",
            en=f"it was due on {order.handle_by}; it cannot be extended any more",
        )


@rule("R117")
def ground_exists(order: Order, ground: SupervisionGround, on: date) -> None:
    """Supervised when overdue, or twice rated unsatisfied."""
    overdue = on > order.handle_by and order.status is not S.DISSATISFIED
    twice = order.status is S.DISSATISFIED
    if not (overdue if ground is SupervisionGround.OVERDUE else twice):
        raise OutOfOrder(
            "R117",
            code="no-ground-to-supervise",
            zh="工单未逾期,也未两次评价不满意,无须督办",
            en="it is neither overdue nor twice rated unsatisfying",
            field="ground",
        )


def lead_known(exists: bool) -> None:
    """An act needs a lead to act on."""
    if not exists:
        raise NotFound("线索", "lead")


@rule("R42")
def somebody_is_named(command: commands.RegisterLead) -> None:
    """A lead says whom it is about: the household, or somebody of it by name or number."""
    person = command.person
    named = person is not None and (person.name or person.document_number)
    if command.household_id is None and not named:
        raise Invalid(
            "R42",
            code="nobody-named",
            zh="请填写农户编号,或家庭成员的姓名或证件号码",
            en="name the household, or somebody of it by name or document number",
            field="person",
        )


def registered(household: Known | None) -> Known:
    """The household, which must stand in the register."""
    if household is None:
        raise NotFound("农户", "household", field="household_id")
    return household


def lead_waits(waits: bool) -> None:
    """Only a lead whose household nobody knows can be matched."""
    if not waits:
        raise OutOfOrder(
            code="lead-matched-already",
            zh="该线索已匹配到户或已处置",
            en="the lead has its household, or has ended",
        )


@rule("R42", "R30")
def lead_is_open(open_here: bool) -> None:
    """A lead whose household is known ends with its case, after deliberation, not at a desk."""
    if not open_here:
        raise OutOfOrder(
            "R42",
            code="lead-not-open-here",
            zh="该线索已匹配到户、已处置或在跟踪中,由识别程序给出结果",
            en="its household is known, or it has ended: the identification procedure decides",
        )


@rule("R33")
def lead_is_tracked(tracked: bool) -> None:
    """Only what is tracked is followed up."""
    if not tracked:
        raise OutOfOrder(
            "R33", code="lead-not-tracked", zh="该线索不在跟踪中", en="the lead is not tracked"
        )


_OFFICERS_OWN = frozenset(
    {LeadDisposition.TRACKED, LeadDisposition.OUT_OF_SCOPE, LeadDisposition.UNFOUNDED}
)


@rule("R42")
def disposition_is_an_officers(command: DisposeLead) -> None:
    """That a case was opened or joined is not declared; it follows from matching the lead."""
    if command.disposition not in _OFFICERS_OWN:
        raise Invalid(
            "R42",
            code="disposition-by-procedure",
            zh="“已立案”“并入个案”“已在监测”由系统随识别程序记录,请先匹配到户",
            en="match the lead to its household; the procedure records that disposition itself",
            field="disposition",
        )


@rule("R43")
def dibao_is_no_reason(command: DisposeLead) -> None:
    """坚决杜绝以落实低保为由不识别."""
    if command.reason is DisposalReason.HAS_DIBAO:
        raise Invalid(
            "R43",
            code="dibao-is-no-reason",
            zh="不得以已落实低保为由不识别",
            en="that a household receives dibao is no reason",
            field="reason",
        )


@rule("R20")
def relocated_stay_in_scope(command: DisposeLead, *, relocated: bool) -> None:
    """The relocated remain in scope, whatever their registration says now."""
    out = command.disposition is LeadDisposition.OUT_OF_SCOPE
    if out and (command.relocated or relocated):
        raise Invalid(
            "R20",
            code="relocated-stay-in-scope",
            zh="易地扶贫搬迁(含同步搬迁)家庭转为城镇户籍的,仍应及时识别",
            en="a relocated household stays in scope, urban registration or not",
            field="reason",
        )


@rule("R30")
def below_line_is_deliberated(command: DisposeLead) -> None:
    """Below the line, only a deliberation may say no; out of scope is another matter (A3 row 1)."""
    if command.below_line and command.disposition is not LeadDisposition.OUT_OF_SCOPE:
        raise Invalid(
            "R30",
            code="below-line-needs-deliberation",
            zh="收入低于监测线的,须经研判评议方可不识别,请匹配到户后按程序办理",
            en="below the line: match it to its household; a deliberation decides",
            field="disposition",
        )


_FITS: Mapping[LeadDisposition, frozenset[DisposalReason]] = {
    LeadDisposition.UNFOUNDED: frozenset(
        {DisposalReason.NO_RISK_FOUND, DisposalReason.FALSE_REPORT, DisposalReason.WRONG_DATA}
    ),
    LeadDisposition.TRACKED: frozenset({DisposalReason.CAN_COPE}),
    LeadDisposition.OUT_OF_SCOPE: frozenset(
        {
            DisposalReason.NOT_RURAL,
            DisposalReason.URBAN_BENEFITS,
            DisposalReason.OTHER_PROVINCE,
            DisposalReason.URBAN_HUKOU,
        }
    ),
}


@rule("R42")
def reason_fits(command: DisposeLead) -> None:
    """Each disposition has reasons of its own."""
    if command.reason not in _FITS[command.disposition]:
        raise Invalid(
            "R42",
            code="reason-does-not-fit",
            zh="该理由与处置结果不符",
            en="that reason does not go with that disposition",
            field="reason",
        )


@rule("R42")
def amount_is_given(type_: AlertType, amount: int | None, threshold: Threshold | None) -> None:
    """An alert that is measured by a threshold says how much."""
    if threshold is not None and amount is None:
        raise Invalid(
            "R42",
            code="amount-required",
            zh="该类预警须填写金额(单位:分)",
            en=f"an alert of type {type_} needs its amount",
            field="amount",
        )


@rule("R42")
def type_is_the_feeds(feed: str, type_: AlertType, allowed: Collection[AlertType]) -> None:
    """A department reports what is its own business."""
    if type_ not in allowed:
        raise Invalid(
            "R42",
            code="type-not-of-this-feed",
            zh="该数据源不报送此类预警",
            en=f"the feed {feed} does not report {type_}",
            field="type",
        )


def feed_is_the_callers(feed: str, context: Context) -> None:
    """A machine key names the feeds it may post to."""
    if feed not in context.principal.feeds:
        raise Forbidden("该密钥无权向此数据源报送", "the key may not post to this feed", rule="R6")


def alert_id_reused() -> OutOfOrder:
    """The refusal of an id that stands for another alert."""
    return OutOfOrder(
        "R42",
        code="alert-id-reused",
        zh="该预警编号已报送过内容不同的预警",
        en="this id was sent before, with different content",
        field="external_id",
    )


@rule("R42")
def alert_is_new(exists: bool) -> None:
    """An id stands for one alert. The same alert again is answered before it comes here."""
    if exists:
        raise alert_id_reused()
