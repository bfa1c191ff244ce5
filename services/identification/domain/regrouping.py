"""Households that split and merge: each person in one household, each case where it was. Pure.

The members get ids of their own in the household they come to; under the former ids, and under the
former household's key, the vault keeps what it had. So a correction only has to fold two streams
back (R107), and destroying a household's key covers everything that was recorded for it.
"""

from collections.abc import Collection
from uuid import UUID

from services.identification.domain import internal
from services.identification.domain.collection import Relation
from services.identification.domain.household_state import Household, Moving
from services.identification.domain.register_commands import (
    MergeHouseholds,
    SplitHousehold,
)
from services.identification.domain.register_policies import (
    must_be_members,
    must_stand_for_somebody,
    one_head,
    owner_is_right,
    within_reach,
)
from shared.contracts import identification as events
from shared.contracts.identification import IndexToken, Member, MovedMember
from shared.contracts.values import History
from shared.kernel.event import Event
from shared.kernel.refusal import Invalid, OutOfOrder
from shared.policy.rules import rule


@rule("R7", "R11", "R25")
def split(household: Household, command: SplitHousehold, context: Moving) -> list[Event]:
    """Some members leave to be a household of their own; the cases stay with those who remain."""
    within_reach(household.division, context)
    one_head([item.relation is Relation.HEAD for item in command.members])
    must_be_members(household, context.moved)
    left = _with_head(
        [member for member in household.members if member.member_id not in context.moved],
        command.remaining_head,
    )
    if not left:
        raise Invalid(
            "R11",
            code="nobody-left",
            zh="分户后原户应至少留有一人",
            en="somebody must stay in the household that is split",
            field="members",
        )
    one_head([member.is_head for member in left], "remaining_head")
    return [
        events.HouseholdSplit(
            household_id=household.household_id,
            division=household.division,
            members=tuple(left),
            new_household_id=context.to_household_id,
            moved=_moved(context),
        ),
        _indexed(household, tokens=_without(household.tokens, context.moved)),
    ]


@rule("R24", "R42")
def split_off(_nobody: Household, command: internal.SplitOff, context: Moving) -> list[Event]:
    """The new household: its first event makes it, and a correction folds back to just that."""
    source = context.other
    owner_is_right(command)
    within_reach(command.division, context)
    members = _as_moved(source.members, context, head=command.head)
    one_head([member.is_head for member in members])
    common = {"household_id": context.to_household_id, "division": command.division}
    return [
        events.HouseholdSplitOff(
            **common,
            from_household_id=source.household_id,
            case_id=context.case_id,
            risks=context.risks,
        ),
        events.HouseholdRegistered(
            **common,
            residence=command.residence,
            history=source.history,
            relocated=command.relocated,
            moved_from=command.moved_from,
            hukou_place=command.hukou_place,
            residence_leads=command.residence_leads or "",
            members=members,
        ),
        events.HouseholdIndexed(
            **common, key_id=source.key_id, tokens=_as_moved_tokens(source.tokens, context)
        ),
    ]


@rule("R7", "R11", "R25", "R104")
def merge(household: Household, command: MergeHouseholds, context: Moving) -> list[Event]:
    """Everybody of another household belongs to this one; formerly poor when either was (R104)."""
    other = context.other
    within_reach(household.division, context)
    must_be_members(other, [item.member_id for item in command.relations], "relations")
    if any(item.relation is Relation.HEAD for item in command.relations):
        raise Invalid(
            code="one-head",
            zh="并入成员不能仍为户主",
            en="nobody who comes is head of the household that takes them in",
            field="relations",
        )
    members = (*household.members, *_as_moved(other.members, context, head=None))
    formerly_poor = History.FORMERLY_POOR in {household.history, other.history}
    return [
        events.HouseholdMerged(
            household_id=household.household_id,
            division=household.division,
            members=members,
            absorbed_household_id=other.household_id,
            moved=_moved(context),
            history=History.FORMERLY_POOR if formerly_poor else household.history,
        ),
        _indexed(household, tokens=(*household.tokens, *_as_moved_tokens(other.tokens, context))),
    ]


@rule("R7", "R25")
def be_absorbed(household: Household, command: internal.BeAbsorbed, context: Moving) -> list[Event]:
    """It is part of another household; one with a case under way is the one that takes in (R25)."""
    must_stand_for_somebody(household)
    within_reach(household.division, context)
    if household.household_id == command.into:
        raise Invalid(
            code="same-household",
            zh="不能与本户合并",
            en="a household is not merged with itself",
            field="absorbed_id",
        )
    if context.case_id is not None:
        raise OutOfOrder(
            "R25",
            code="absorbed-has-active-case",
            zh="被并入户有在办或在册个案:应由该户并入对方成员,两户均有的须先办结其一",
            en="the household to be absorbed has an open or active case: let it absorb the other,"
            " or conclude one of the two first",
            field="absorbed_id",
        )
    return [
        events.HouseholdAbsorbed(
            household_id=household.household_id,
            division=household.division,
            into_household_id=command.into,
        ),
        _indexed(household, tokens=()),
    ]


def _with_head(members: list[Member], head: UUID | None) -> list[Member]:
    if head is None:
        return members
    return [member.model_copy(update={"is_head": member.member_id == head}) for member in members]


def _as_moved(
    members: Collection[Member], context: Moving, *, head: UUID | None
) -> tuple[Member, ...]:
    """Those who move, as they are known in the household they come to."""
    return tuple(
        member.model_copy(
            update={
                "member_id": context.moved[member.member_id],
                "is_head": member.member_id == head,
                "details_id": context.details.get(context.moved[member.member_id]),
            }
        )
        for member in members
        if member.member_id in context.moved
    )


def _moved(context: Moving) -> tuple[MovedMember, ...]:
    return tuple(
        MovedMember(member_id=here, as_member_id=there) for here, there in context.moved.items()
    )


def _without(tokens: tuple[IndexToken, ...], gone: Collection[UUID]) -> tuple[IndexToken, ...]:
    return tuple(token for token in tokens if token.member_id not in gone)


def _as_moved_tokens(tokens: tuple[IndexToken, ...], context: Moving) -> tuple[IndexToken, ...]:
    return tuple(
        token.model_copy(update={"member_id": context.moved[token.member_id]})
        for token in tokens
        if token.member_id in context.moved
    )


def _indexed(household: Household, *, tokens: tuple[IndexToken, ...]) -> Event:
    return events.HouseholdIndexed(
        household_id=household.household_id,
        division=household.division,
        key_id=household.key_id,
        tokens=tokens,
    )
