"""Splitting and merging: two streams and two households' keys, in one transaction."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from services.identification.domain import internal
from services.identification.domain.collection import Related, Relation
from services.identification.domain.household import HOUSEHOLD, LABEL
from services.identification.domain.household_state import Household, Moving
from services.identification.domain.register_commands import (
    MergeHouseholds,
    SplitHousehold,
)
from services.identification.read_models import lookups
from services.identification.read_models.lookups import Active
from shared.contracts.identification import Member
from shared.kernel.decider import Context
from shared.kernel.division import Level
from shared.kernel.event import Command
from shared.kernel.ids import new_id
from shared.kernel.refusal import NotFound
from shared.policy.divisions import Divisions
from shared.store.application import Call, Handler, Outcome
from shared.vault.vault import Entry, Vault


@dataclass(frozen=True)
class RegroupingHandlers:
    """The handlers."""

    vault: Vault
    divisions: Divisions

    def table(self) -> Mapping[type[Command], Handler]:
        """Every command with its handler."""
        return {
            SplitHousehold: self.split,
            MergeHouseholds: self.merge,
        }

    async def split(self, command: SplitHousehold, call: Call) -> Outcome:
        """The household gives up its members first: nobody stands in two, not even for a moment."""
        source = await self._household(command.household_id, call)
        made = _placed(command, source)
        self._places_exist(made)
        leaving = {item.member_id: item.relation for item in command.members}
        household_id = new_id()
        context = _moving(
            call.context(command.occurred_on),
            source=source,
            to=household_id,
            leaving=leaving,
            active=await lookups.active_case(call.tx.sql, source.household_id),
        )
        outcome = await call.decide(HOUSEHOLD, source.household_id, command, context)
        await call.decide(HOUSEHOLD, household_id, made, context)
        home = {"address": command.address, "phone": command.phone}
        entry = Entry(household_id, household_id, "household", home)
        await self.vault.put(call.tx.raw, [entry], at=call.tx.clock.now())
        await self._copy(context, leaving, call)
        return outcome

    async def merge(self, command: MergeHouseholds, call: Call) -> Outcome:
        """The other household gives up its members, then this one takes them in."""
        await lookups.locked(call.tx.sql, [command.household_id, command.absorbed_id])
        other = await self._household(command.absorbed_id, call, field="absorbed_id")
        everybody = [member.member_id for member in other.members]
        context = _moving(
            call.context(command.occurred_on),
            source=other,
            to=command.household_id,
            leaving=everybody,
            active=await lookups.active_case(call.tx.sql, other.household_id),
        )
        # ``If-Match`` speaks of the household that takes in.
        seen, call.expected_version = call.expected_version, None
        absorbed = internal.BeAbsorbed(into=command.household_id)
        await call.decide(HOUSEHOLD, other.household_id, absorbed, context)
        call.expected_version = seen
        outcome = await call.decide(HOUSEHOLD, command.household_id, command, context)
        await self._copy(context, _relations(command.relations, everybody), call)
        return outcome

    async def _household(
        self, household_id: UUID, call: Call, field: str = "household_id"
    ) -> Household:
        """The household, its row locked against a lead that would open a case meanwhile."""
        await lookups.locked(call.tx.sql, [household_id])
        household: Household = (await call.load(HOUSEHOLD, household_id)).state
        if not household.exists:
            raise NotFound(*LABEL, field=field)
        return household

    def _places_exist(self, made: internal.SplitOff) -> None:
        self.divisions.require(made.division, level=Level.VILLAGE, field="division")
        self.divisions.require(made.residence, field="residence")
        self.divisions.require(made.hukou_place, field="hukou_place")

    async def _copy(self, context: Moving, relations: Mapping[UUID, Relation], call: Call) -> None:
        """The people's records, again under the key of the household they come to."""
        copies = dict(context.moved)
        for member in _leaving(context.other, context.moved):
            if member.details_id is not None:
                copies[member.details_id] = context.details[context.moved[member.member_id]]
        changes = {member_id: {"relation": said} for member_id, said in relations.items()}
        await self.vault.copy(
            call.tx.raw,
            copies,
            owner=context.to_household_id,
            changes=changes,
            at=call.tx.clock.now(),
        )


def _placed(command: SplitHousehold, source: Household) -> internal.SplitOff:
    """Where the new household is: where the former one is, unless something else is said."""
    division = command.division or source.division
    head = next(
        (item.member_id for item in command.members if item.relation is Relation.HEAD),
        command.members[0].member_id,
    )
    residence = source.residence if division == source.division else division
    return internal.SplitOff(
        division=division,
        residence=command.residence or residence,
        hukou_place=command.hukou_place or source.hukou_place or source.division,
        residence_leads=command.residence_leads,
        relocated=source.relocated,
        moved_from=source.moved_from,
        head=head,
    )


def _moving(
    plain: Context,
    *,
    source: Household,
    to: UUID,
    leaving: Collection[UUID],
    active: Active | None,
) -> Moving:
    """What the two decisions need; a stranger among those who leave is in it, to be refused."""
    moved = {member_id: new_id() for member_id in leaving}
    detailed = [member for member in _leaving(source, moved) if member.details_id is not None]
    return Moving(
        today=plain.today,
        occurred_on=plain.occurred_on,
        principal=plain.principal,
        from_household_id=source.household_id,
        to_household_id=to,
        moved=moved,
        details={moved[member.member_id]: new_id() for member in detailed},
        other=source,
        case_id=None if active is None else active.case_id,
        risks=() if active is None else active.risks,
    )


def _leaving(source: Household, moved: Collection[UUID]) -> list[Member]:
    return [member for member in source.members if member.member_id in moved]


def _relations(said: Collection[Related], everybody: Collection[UUID]) -> Mapping[UUID, Relation]:
    """Each member's relation to the head; ``OTHER`` where nobody said."""
    known = {item.member_id: item.relation for item in said}
    return {member_id: known.get(member_id, Relation.OTHER) for member_id in everybody}
