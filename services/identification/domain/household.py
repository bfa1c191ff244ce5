"""The register: one household, one entry, owned by one village (R11, R23–R26). Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from services.identification.domain import commands
from services.identification.domain.case_state import NOBODY
from services.identification.domain.collection import PersonGiven, Relation
from shared.contracts import identification as events
from shared.contracts.identification import IndexToken, Member
from shared.contracts.values import History
from shared.kernel.decider import Aggregate, Context
from shared.kernel.division import within
from shared.kernel.event import Command, Event
from shared.kernel.refusal import Forbidden, Invalid, NotFound, OutOfOrder
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


@dataclass(frozen=True)
class Revision(Context):
    """What the revision's handler prepared."""

    member_ids: tuple[UUID, ...]
    """Of those added, in the order of the command."""
    key_id: str
    tokens: tuple[IndexToken, ...]
    """Of those added."""


@dataclass(frozen=True)
class Move(Context):
    """What a move is measured against."""

    has_active_case: bool


def register(
    household: Household, command: commands.RegisterHousehold, context: Registration
) -> list[Event]:
    """Register a household, or refuse by R11, R25, R26."""
    if household.exists:
        raise OutOfOrder(
            "R11", code="already-registered", zh="该户已经登记", en="registered already"
        )
    owner_is_right(command)
    within_reach(command.division, context)
    one_head([person.relation is Relation.HEAD for person in command.members])
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
            members=_members(context.member_ids, command.members),
        ),
        events.HouseholdIndexed(
            household_id=context.household_id,
            division=command.division,
            key_id=context.key_id,
            tokens=context.tokens,
        ),
    ]


@rule("R22", "R23")
def revise(
    household: Household, command: commands.ReviseHousehold, context: Revision
) -> list[Event]:
    """Members come, go and change; somebody is head, and somebody is left (R22, R23)."""
    within_reach(household.division, context)
    gone = {item.member_id for item in command.removed}
    _must_be_members(household, gone | {item.member_id for item in command.changed})
    changed = {item.member_id: item.model_dump() for item in command.changed}
    stayed = [
        member.model_copy(update=changed.get(member.member_id, {}))
        for member in household.members
        if member.member_id not in gone
    ]
    members = (*stayed, *_members(context.member_ids, command.added))
    if command.head is not None:
        members = tuple(
            member.model_copy(update={"is_head": member.member_id == command.head})
            for member in members
        )
    one_head([member.is_head for member in members])
    revised = events.HouseholdRevised(
        household_id=household.household_id,
        division=household.division,
        members=members,
        added=context.member_ids,
        removed=command.removed,
    )
    kept = tuple(token for token in household.tokens if token.member_id not in gone)
    indexed = events.HouseholdIndexed(
        household_id=household.household_id,
        division=household.division,
        key_id=context.key_id,
        tokens=(*kept, *context.tokens),
    )
    return [revised, indexed] if command.added or command.removed else [revised]


@rule("R24", "R25", "R26")
def move(household: Household, command: commands.MoveHousehold, context: Move) -> list[Event]:
    """Another village owns it; both lie in the caller's division, and no case is under way."""
    within_reach(household.division, context)
    within_reach(command.division, context)
    if context.has_active_case:
        raise OutOfOrder(
            "R25",
            code="active-case",
            zh="该户有在办或在册个案,办结后方可迁移",
            en="the household has an open or active case; it is moved when that has ended",
        )
    if command.division == household.division:
        raise Invalid(
            "R24",
            code="same-place",
            zh="该户已属于该村",
            en="the village owns it already",
            field="division",
        )
    return [
        events.HouseholdMoved(
            household_id=household.household_id,
            from_division=household.division,
            division=command.division,
            residence=command.residence,
        ),
        # Neighbours who match people learn the new place with the tokens.
        events.HouseholdIndexed(
            household_id=household.household_id,
            division=command.division,
            key_id=household.key_id,
            tokens=household.tokens,
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
def within_reach(division: str, context: Context) -> None:
    """An officer acts in their own division."""
    if not context.principal.covers(division):
        raise Forbidden("该村不在您的辖区内", "the village is outside your division")


def one_head(heads: Sequence[bool]) -> None:
    """A household has one head."""
    if sum(heads) != 1:
        raise Invalid(
            code="one-head",
            zh="一户应有且仅有一名户主",
            en="a household has exactly one head",
            field="members",
        )


def _must_be_members(household: Household, named: set[UUID]) -> None:
    if named - {member.member_id for member in household.members}:
        raise Invalid(
            code="unknown-member",
            zh="所填成员不属于该户",
            en="somebody named is no member of the household",
            field="members",
        )


def _members(ids: Sequence[UUID], people: Sequence[PersonGiven]) -> tuple[Member, ...]:
    """The people by their codes."""
    return tuple(
        Member(
            member_id=member_id,
            is_head=person.relation is Relation.HEAD,
            labour=person.labour,
            hukou=person.hukou,
            co_living=person.co_living,
            benefits=person.benefits,
            hukou_place=person.hukou_place,
        )
        for member_id, person in zip(ids, people, strict=True)
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
        case events.HouseholdRevised():
            return replace(household, members=event.members)
        case events.HouseholdMoved():
            return replace(household, division=event.division, residence=event.residence)
        case events.HouseholdIndexed():
            return replace(household, key_id=event.key_id, tokens=event.tokens)
    return household


def decide(household: Household, command: Command, context: Any) -> list[Event]:
    """The events that ``command`` brings about, or the ``Refusal`` of the rule it breaks."""
    if not isinstance(command, commands.RegisterHousehold) and not household.exists:
        raise NotFound(*LABEL)
    return _DECISIONS[type(command)](household, command, context)


LABEL = ("户", "household")
_DECISIONS: Mapping[type[Command], Callable[[Household, Any, Any], list[Event]]] = {
    commands.RegisterHousehold: register,
    commands.ReviseHousehold: revise,
    commands.MoveHousehold: move,
}

HOUSEHOLD: Aggregate[Household] = Aggregate(
    name="household",
    label=LABEL,
    initial=Household(),
    evolve=evolve,
    decide=decide,
    divisions=lambda state: tuple(filter(None, (state.division, state.moved_from))),
    key=lambda state: state.household_id,
)
"""The household as a stream: category ``household``, keyed by itself."""
