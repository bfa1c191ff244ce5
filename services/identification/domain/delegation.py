"""Delegations: who may approve in the committee's place, by which document, until when. Pure."""

from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar
from uuid import UUID

from services.identification.domain.collection import FreeText, Officer, Reference
from shared.contracts.governance import DelegationGranted, DelegationRevoked
from shared.kernel.decider import Act, Aggregate, Context
from shared.kernel.division import Level
from shared.kernel.event import Command, Event
from shared.kernel.ids import new_id
from shared.kernel.principal import Permission, Role, may
from shared.kernel.refusal import Forbidden, Invalid, NotFound, OutOfOrder
from shared.policy.rules import rule

LABEL = ("授权", "delegation")
_COMMITTEE = may(Role.COMMITTEE, at=Level.COUNTY)


class GrantDelegation(Act):
    """The committee lets a named person approve in its place, for a time (R53)."""

    permission: ClassVar[Permission] = _COMMITTEE

    holder: Officer
    document: Reference
    valid_from: date
    valid_until: date
    """The last day on which it holds."""


class RevokeDelegation(Act):
    """The committee takes a delegation back (R53)."""

    permission: ClassVar[Permission] = _COMMITTEE

    delegation_id: UUID
    note: FreeText


@dataclass(frozen=True)
class Delegation:
    """One delegation."""

    granted: DelegationGranted | None = None
    revoked: DelegationRevoked | None = None


@dataclass(frozen=True)
class GovernanceContext(Context):
    """What these decisions need besides the state: a new id, and the vault's id of the words."""

    fresh_id: UUID
    note_id: UUID


@dataclass(frozen=True)
class Held:
    """A delegation that somebody holds, as the register has it."""

    delegation_id: UUID
    document: str
    valid_from: date
    valid_until: date
    revoked_on: date | None

    def holds_on(self, day: date) -> bool:
        """Whether it has begun, has not run out, and was not taken back by then."""
        revoked = self.revoked_on is not None and day >= self.revoked_on
        return self.valid_from <= day <= self.valid_until and not revoked


def decide(state: Delegation, command: Command, context: GovernanceContext) -> list[Event]:
    """Grant once, revoke once; a delegation is never changed or prolonged (R53)."""
    if isinstance(command, GrantDelegation):
        return grant(command, context)
    assert isinstance(command, RevokeDelegation)
    return revoke(state, command, context)


@rule("R53")
def grant(command: GrantDelegation, context: GovernanceContext) -> list[Event]:
    """To somebody else, for a time that is one; it does not reach back (R53)."""
    if command.holder == context.principal.subject:
        raise Forbidden("不能授权本人批准", "nobody delegates to themselves", rule="R53")
    earliest = max(context.occurred_on, command.valid_from)
    if command.valid_from < context.occurred_on or command.valid_until < earliest:
        raise Invalid(
            "R53",
            code="delegation-period",
            zh="授权期限自授权之日起,截止日期不得早于起始日期",
            en="a delegation begins on its day or later, and ends no earlier than it begins",
            field="valid_from" if command.valid_from < context.occurred_on else "valid_until",
        )
    return [
        DelegationGranted(
            delegation_id=context.fresh_id,
            county=context.principal.division,
            holder=command.holder,
            document=command.document,
            valid_from=command.valid_from,
            valid_until=command.valid_until,
            on=context.occurred_on,
        )
    ]


@rule("R53")
def revoke(state: Delegation, command: RevokeDelegation, context: GovernanceContext) -> list[Event]:
    """From that day on; approvals made before stand (R53)."""
    if state.granted is None:
        raise NotFound(*LABEL)
    if state.revoked is not None:
        raise OutOfOrder("R53", code="already-done", zh="该授权已撤销", en="revoked already")
    if context.occurred_on < context.today:
        raise Invalid(
            "K6",
            code="reaches-back",
            zh="撤销授权自办理之日起生效,不得追溯",
            en="a revocation does not reach back: what was approved stands",
            field="occurred_on",
        )
    return [
        DelegationRevoked(
            delegation_id=command.delegation_id, on=context.occurred_on, note_id=context.note_id
        )
    ]


def evolve(state: Delegation, event: Event) -> Delegation:
    """The delegation after ``event``."""
    if isinstance(event, DelegationGranted):
        return replace(state, granted=event)
    if isinstance(event, DelegationRevoked):
        return replace(state, revoked=event)
    return state


DELEGATION: Aggregate[Delegation] = Aggregate(
    name="delegation",
    label=LABEL,
    initial=Delegation(),
    evolve=evolve,
    decide=decide,
    divisions=lambda state: () if state.granted is None else (state.granted.county,),
    key=lambda state: new_id() if state.granted is None else state.granted.delegation_id,
)
"""A delegation as a stream: category ``delegation``, keyed by itself."""
