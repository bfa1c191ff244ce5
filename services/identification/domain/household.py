"""The register: one household, one entry, owned by one village (R11, R23–R26). Pure."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from services.identification.domain import commands
from services.identification.domain.case_state import NOBODY
from services.identification.domain.collection import Relation
from shared.contracts import identification as events
from shared.contracts.identification import IndexToken, Member
from shared.contracts.values import History
from shared.kernel.decider import Aggregate, Context
from shared.kernel.division import within
from shared.kernel.event import Command, Event
from shared.kernel.refusal import Forbidden, Invalid, OutOfOrder
from shared.policy.rules import rule


@dataclass(frozen=True)
class Household:
    """A household in the register: codes only, the people are in the vault."""

    exists: bool = False
    household_id: UUID = NOBODY
    division: str = ""
    residence: str = ""
    hukou_place: str | None = None
    history: History = History.ORDINARY
    relocated: bool = False
    moved_from: str | None = None
    members: tuple[Member, ...] = ()
    key_id: str = ""
    tokens: tuple[IndexToken, ...] = ()


@dataclass(frozen=True)
class Registration(Context):
    """What the registration's handler prepared: ids, and the tokens of the document numbers."""

    household_id: UUID
    member_ids: tuple[UUID, ...]
    """In the order of the command's members."""
    key_id: str
    tokens: tuple[IndexToken, ...]


def decide(
    household: Household, command: commands.RegisterHousehold, context: Registration
) -> list[Event]:
    """Register a household, or refuse by R11, R25, R26."""
    if household.exists:
        raise OutOfOrder(
            "R11", code="already-registered", zh="该户已经登记", en="registered already"
        )
    owner_is_right(command)
    within_reach(command, context)
    one_head(command)
    return [
        events.HouseholdRegistered(
            household_id=context.household_id,
            division=command.division,
            residence=command.residence,
            history=command.history,
            relocated=command.relocated,
            moved_from=command.moved_from,
            hukou_place=command.hukou_place,
            residence_leads=command.residence_leads or "",
            members=tuple(
                Member(
                    member_id=member_id,
                    is_head=person.relation is Relation.HEAD,
                    labour=person.labour,
                    hukou=person.hukou,
                    co_living=person.co_living,
                    benefits=person.benefits,
                    hukou_place=person.hukou_place,
                )
                for member_id, person in zip(context.member_ids, command.members, strict=True)
            ),
        ),
        events.HouseholdIndexed(
            household_id=context.household_id,
            division=command.division,
            key_id=context.key_id,
            tokens=context.tokens,
        ),
    ]


@rule("R24", "R25", "R26")
def owner_is_right(command: commands.RegisterHousehold) -> None:
    """Hukou place first; the residence place with a reason; the relocated belong where they live.

    The place a relocated household moved from collaborates (R26).
    """
    if command.relocated:
        if command.division != command.residence or command.moved_from is None:
            raise Invalid(
                "R26",
                code="owner-is-move-in-place",
                zh="易地搬迁群众由迁入地负主体责任,并应填写迁出地",
                en="the place it moved to owns a relocated household; name the place it left",
                field="division",
            )
        return
    if command.moved_from is not None:
        raise Invalid(
            "R26",
            code="not-relocated",
            zh="非易地搬迁户不填迁出地",
            en="only a relocated household has a place it moved from",
            field="moved_from",
        )
    if within(command.hukou_place, command.division):
        return
    if command.division != command.residence or command.residence_leads is None:
        raise Invalid(
            "R25",
            code="hukou-place-first",
            zh="一般由户籍所在地识别;由常住地牵头的须说明特殊情况",
            en="the hukou place comes first; the residence place leads only with a reason",
            field="residence_leads",
        )


@rule("R1")
def within_reach(command: commands.RegisterHousehold, context: Context) -> None:
    """An officer registers in their own division."""
    if not context.principal.covers(command.division):
        raise Forbidden("该村不在您的辖区内", "the village is outside your division")


def one_head(command: commands.RegisterHousehold) -> None:
    """A household has one head."""
    heads = sum(person.relation is Relation.HEAD for person in command.members)
    if heads != 1:
        raise Invalid(
            code="one-head",
            zh="一户应有且仅有一名户主",
            en="a household has exactly one head",
            field="members",
        )


def evolve(household: Household, event: Event) -> Household:
    """The household after ``event``."""
    match event:
        case events.HouseholdRegistered():
            return Household(
                exists=True,
                household_id=event.household_id,
                division=event.division,
                residence=event.residence,
                hukou_place=event.hukou_place,
                history=event.history,
                relocated=event.relocated,
                moved_from=event.moved_from,
                members=event.members,
            )
        case events.HouseholdIndexed():
            return replace(household, key_id=event.key_id, tokens=event.tokens)
    return household


def _decide(household: Household, command: Command, context: Any) -> list[Event]:
    assert isinstance(command, commands.RegisterHousehold)
    return decide(household, command, context)


HOUSEHOLD: Aggregate[Household] = Aggregate(
    name="household",
    label=("户", "household"),
    initial=Household(),
    evolve=evolve,
    decide=_decide,
    divisions=lambda state: tuple(filter(None, (state.division, state.moved_from))),
    key=lambda state: state.household_id,
)
"""The household as a stream: category ``household``, keyed by itself."""
