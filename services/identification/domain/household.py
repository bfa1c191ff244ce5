"""The register: one household, one entry, owned by one village (R11, R23–R26). Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from services.identification.domain import internal, regrouping
from services.identification.domain.collection import PersonGiven, Relation
from services.identification.domain.household_state import (
    Correcting,
    Household,
    Move,
    Registration,
    Revision,
    evolve,
)
from services.identification.domain.register_commands import (
    MergeHouseholds,
    MoveHousehold,
    RegisterHousehold,
    ReviseHousehold,
    SplitHousehold,
)
from services.identification.domain.register_policies import (
    Place,
    must_be_members,
    must_stand_for_somebody,
    one_head,
    owner_is_right,
    within_reach,
)
from shared.contracts import identification as events
from shared.contracts.identification import Member
from shared.kernel.decider import Aggregate
from shared.kernel.event import Command, Event
from shared.kernel.refusal import Invalid, NotFound, OutOfOrder
from shared.policy.rules import rule


def register(
    household: Household, command: RegisterHousehold, context: Registration
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
            members=_members(context.member_ids, command.members, context.details),
        ),
        events.HouseholdIndexed(
            household_id=context.household_id,
            division=command.division,
            key_id=context.key_id,
            tokens=context.tokens,
        ),
    ]


@rule("R22", "R23")
def revise(household: Household, command: ReviseHousehold, context: Revision) -> list[Event]:
    """Members come, go and change; somebody is head, and somebody is left (R22, R23)."""
    within_reach(household.division, context)
    gone = {item.member_id for item in command.removed}
    told = {item.member_id for item in command.changed}
    told |= {item.member_id for item in command.details}
    must_be_members(household, gone | told)
    changed = {item.member_id: item.model_dump() for item in command.changed}
    stayed = [
        member.model_copy(
            update={
                **changed.get(member.member_id, {}),
                "details_id": context.details.get(member.member_id, member.details_id),
            }
        )
        for member in household.members
        if member.member_id not in gone
    ]
    members = (*stayed, *_members(context.member_ids, command.added, context.details))
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
        home_id=context.home_id,
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
def move(household: Household, command: MoveHousehold, context: Move) -> list[Event]:
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
    owner_is_right(
        Place(
            division=command.division,
            residence=command.residence,
            hukou_place=command.hukou_place or household.hukou_place or household.division,
            residence_leads=command.residence_leads,
            relocated=household.relocated,
            moved_from=household.moved_from,
        )
    )
    return [
        events.HouseholdMoved(
            household_id=household.household_id,
            from_division=household.division,
            division=command.division,
            residence=command.residence,
            hukou_place=command.hukou_place,
            residence_leads=command.residence_leads or "",
        ),
        # Neighbours who match people learn the new place with the tokens.
        events.HouseholdIndexed(
            household_id=household.household_id,
            division=command.division,
            key_id=household.key_id,
            tokens=household.tokens,
        ),
    ]


def _members(
    ids: Sequence[UUID], people: Sequence[PersonGiven], details: Mapping[UUID, UUID]
) -> tuple[Member, ...]:
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
            details_id=details.get(member_id),
        )
        for member_id, person in zip(ids, people, strict=True)
    )


@rule("R107", "R108")
def correct(household: Household, command: internal.Correct, context: Correcting) -> list[Event]:
    """An authorised correction: registered, split, merged or moved in error, and undone (R108).

    The tokens follow, so that neighbours match people as the register has them again.
    """
    earlier = context.earlier
    if context.has_active_case and not earlier.members:
        raise OutOfOrder(
            "R107",
            code="active-case",
            zh="该户有在办或在册个案,须先更正个案",
            en="the household has an open or active case; that one is corrected first",
        )
    undone: Event = events.Purged(correction_id=command.correction_id)
    if command.to_version is not None:
        undone = events.RolledBack(
            correction_id=command.correction_id, to_version=command.to_version
        )
    return [
        undone,
        events.HouseholdIndexed(
            household_id=household.household_id,
            division=earlier.division or household.division,
            key_id=earlier.key_id or household.key_id,
            tokens=earlier.tokens,
        ),
    ]


def decide(household: Household, command: Command, context: Any) -> list[Event]:
    """The events that ``command`` brings about, or the ``Refusal`` of the rule it breaks."""
    if not isinstance(command, RegisterHousehold | internal.SplitOff):
        if not household.exists:
            raise NotFound(*LABEL)
        if not isinstance(command, internal.Correct):
            must_stand_for_somebody(household)
    return _DECISIONS[type(command)](household, command, context)


LABEL = ("户", "household")
_DECISIONS: Mapping[type[Command], Callable[[Household, Any, Any], list[Event]]] = {
    RegisterHousehold: register,
    ReviseHousehold: revise,
    MoveHousehold: move,
    SplitHousehold: regrouping.split,
    MergeHouseholds: regrouping.merge,
    internal.SplitOff: regrouping.split_off,
    internal.BeAbsorbed: regrouping.be_absorbed,
    internal.Correct: correct,
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
