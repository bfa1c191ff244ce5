"""The rules of the signing keys, each by name with its reason."""

from services.audit.domain.policies import people_of
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Forbidden, OutOfOrder, Refusal
from shared.policy.rules import rule


@rule("R108")
def a_person_signs(who: Principal) -> None:
    """R108: keys belong to persons, who enrol them themselves and for nobody else."""
    if who.on_behalf_of or Role.SYSTEM in who.roles:
        raise Forbidden("签名密钥须由本人登记", "a person enrols a key in person", rule="R108")


@rule("R108")
def key_is_at_hand(proved: bool) -> None:
    """R108: whoever enrols a key has its private half."""
    if not proved:
        raise Refusal(
            "R108",
            code="proof-does-not-verify",
            zh="密钥持有证明无效",
            en="the proof is not this key's over your enrolment",
            field="proof",
        )


@rule("R108")
def another_confirms(who: Principal, owner: str) -> None:
    """R108: nobody confirms a key of their own."""
    if owner in people_of(who) or Role.SYSTEM in who.roles:
        raise Refusal(
            "R108",
            code="own-key",
            zh="不得核验本人的密钥",
            en="nobody confirms their own key",
        )


@rule("R108")
def owner_or_administrator_revokes(who: Principal, owner: str) -> None:
    """A key is its owner's to take back, or an administrator's."""
    if who.subject != owner and Role.ADMINISTRATOR not in who.roles:
        raise Forbidden("只能注销本人的密钥", "the key is another person's", rule="R108")


def key_is_taken() -> Refusal:
    """The refusal when a public key was enrolled before, by whomever."""
    return OutOfOrder(
        "R108",
        code="key-taken",
        zh="该公钥已登记过,一把密钥只属一人且不得重复登记",
        en="the public key was enrolled before; a key is one person's, once",
        field="public_key",
    )


def one_key_a_person() -> Refusal:
    """The refusal when the owner has another active key."""
    return OutOfOrder(
        "R108",
        code="another-key-is-active",
        zh="该人员已有在用密钥,须先注销",
        en="the owner has another active key; revoke it first",
    )
