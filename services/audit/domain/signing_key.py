"""The keys with which people sign at the gates: one person's each, confirmed by another person.

Enrolled by its owner with a proof of possession, confirmed by an administrator who has seen whose
it is, revoked by either. All of it stands in the log, so that a decision's signature can be checked
by whoever has the log.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from services.audit.domain import key_policies, statement
from services.audit.domain.commands import ConfirmKey, EnrolKey, RevokeKey
from services.audit.domain.known import Verify
from shared.contracts.audit import SigningKeyConfirmed, SigningKeyEnrolled, SigningKeyRevoked
from shared.kernel.decider import Aggregate, Context
from shared.kernel.event import Command, Event
from shared.kernel.refusal import NotFound, OutOfOrder
from shared.policy.rules import rule

_NONE = UUID(int=0)
LABEL = ("签名密钥", "signing key")


class KeyStatus(StrEnum):
    """Where a key stands."""

    NONE = "NONE"
    ENROLLED = "ENROLLED"
    """Shown, and not yet confirmed: it signs nothing."""
    ACTIVE = "ACTIVE"
    REVOKED = "REVOKED"


@dataclass(frozen=True)
class KeyContext(Context):
    """What the decision on a key needs besides: the cryptography."""

    verify: Verify = lambda _public, _message, _signature: False


@dataclass(frozen=True)
class SigningKey:
    """The state."""

    key_id: UUID = _NONE
    owner: str = ""
    division: str = ""
    public_key: str = ""
    status: KeyStatus = KeyStatus.NONE


def decide(state: SigningKey, command: Command, context: Context) -> list[Event]:
    """The decision on one command. Raises ``Refusal``."""
    if isinstance(command, EnrolKey):
        assert isinstance(context, KeyContext)
        return _enrol(state, command, context)
    if state.status is KeyStatus.NONE:
        raise NotFound(*LABEL)
    match command:
        case ConfirmKey():
            return _confirm(state, context)
        case RevokeKey():
            return _revoke(state, context)
    raise TypeError(f"not a command on keys: {type(command).__name__}")


@rule("R108")
def _enrol(state: SigningKey, command: EnrolKey, context: KeyContext) -> list[Event]:
    if state.status is not KeyStatus.NONE:
        raise _out_of_order("key-enrolled-already", "该密钥已登记", "the key is enrolled already")
    owner = context.principal.subject
    key_policies.a_person_signs(context.principal)
    said = statement.enrolment(owner, command.public_key)
    key_policies.key_is_at_hand(context.verify(command.public_key, said, command.proof))
    return [
        SigningKeyEnrolled(
            key_id=command.key_id,
            owner=owner,
            division=context.principal.division,
            public_key=command.public_key,
            proof=command.proof,
        )
    ]


@rule("R108")
def _confirm(state: SigningKey, context: Context) -> list[Event]:
    if state.status is not KeyStatus.ENROLLED:
        raise _out_of_order(
            "key-not-waiting", "该密钥不在待核验状态", "the key does not wait for confirmation"
        )
    key_policies.another_confirms(context.principal, state.owner)
    who = context.principal.subject
    return [SigningKeyConfirmed(key_id=state.key_id, owner=state.owner, confirmed_by=who)]


def _revoke(state: SigningKey, context: Context) -> list[Event]:
    if state.status is KeyStatus.REVOKED:
        return []
    key_policies.owner_or_administrator_revokes(context.principal, state.owner)
    who = context.principal.subject
    return [SigningKeyRevoked(key_id=state.key_id, owner=state.owner, revoked_by=who)]


def evolve(state: SigningKey, event: Event) -> SigningKey:
    """Fold one recorded event into the state."""
    match event:
        case SigningKeyEnrolled():
            return SigningKey(
                event.key_id, event.owner, event.division, event.public_key, KeyStatus.ENROLLED
            )
        case SigningKeyConfirmed():
            return replace(state, status=KeyStatus.ACTIVE)
        case SigningKeyRevoked():
            return replace(state, status=KeyStatus.REVOKED)
    return state


def _out_of_order(code: str, zh: str, en: str) -> OutOfOrder:
    return OutOfOrder("R108", code=code, zh=zh, en=en)


SIGNING_KEY: Aggregate[SigningKey] = Aggregate(
    name="signing-key",
    label=LABEL,
    initial=SigningKey(),
    evolve=evolve,
    decide=decide,
    divisions=lambda state: (state.division,),
    key=lambda state: state.key_id,
)
