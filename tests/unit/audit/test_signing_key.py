"""Whose key it is: shown by its owner, confirmed by another person, revoked for good."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.audit.domain import statement
from services.audit.domain.commands import ConfirmKey, EnrolKey, RevokeKey
from services.audit.domain.signing_key import SIGNING_KEY, KeyContext, KeyStatus, SigningKey
from services.audit.log.keys import FileKey, verifies
from shared.contracts.audit import SigningKeyConfirmed, SigningKeyEnrolled, SigningKeyRevoked
from shared.kernel.event import Event
from shared.kernel.principal import Principal, Role, system
from shared.testing.decider import Given, rule
from shared.testing.decider import given as given_events

KEY_ID = UUID(int=7)
LEADER = Principal("person:leader", frozenset({Role.PRINCIPAL}), "3701")
ADMIN = Principal("person:admin", frozenset({Role.ADMINISTRATOR}), "37")
FILE_KEY = FileKey(b"k" * 32)
PUBLIC = FILE_KEY.public().hex()


def proof(owner: str, public: str = PUBLIC) -> str:
    return FILE_KEY.sign(statement.enrolment(owner, public)).hex()


def enrol(**changes: Any) -> EnrolKey:
    made = {"key_id": KEY_ID, "public_key": PUBLIC, "proof": proof(LEADER.subject)}
    return EnrolKey(**{**made, **changes})


def context(today: date, occurred: date, who: Principal) -> KeyContext:
    return KeyContext(today, occurred, who, verify=verifies)


def given(*events: Event) -> Given[SigningKey]:
    return given_events(SIGNING_KEY, *events, context=context)


ENROLLED = SigningKeyEnrolled(
    key_id=KEY_ID,
    owner=LEADER.subject,
    division="3701",
    public_key=PUBLIC,
    proof=proof(LEADER.subject),
)
CONFIRMED = SigningKeyConfirmed(key_id=KEY_ID, owner=LEADER.subject, confirmed_by=ADMIN.subject)
CONFIRM, REVOKE = ConfirmKey(key_id=KEY_ID), RevokeKey(key_id=KEY_ID)


@rule("R108")
def test_a_key_is_shown_and_confirmed() -> None:
    state = given().when(enrol(), by=LEADER).then(ENROLLED)
    assert (state.owner, state.status) == (LEADER.subject, KeyStatus.ENROLLED)
    state = given(ENROLLED).when(CONFIRM, by=ADMIN).then(CONFIRMED)
    assert state.status is KeyStatus.ACTIVE


@rule("R108")
@pytest.mark.parametrize(
    "changes",
    [
        {"proof": proof("person:somebody")},
        {"proof": proof(LEADER.subject, "00" * 32)},
        {"public_key": FileKey(b"o" * 32).public().hex()},
        {"public_key": "ff" * 32},
        {"proof": "00" * 64},
    ],
    ids=["anothers", "of-another-key", "not-at-hand", "no-key", "nothing"],
)
def test_a_key_that_is_not_at_hand(changes: dict[str, str]) -> None:
    given().when(enrol(**changes), by=LEADER).refused("R108", code="proof-does-not-verify")


@rule("R108")
def test_a_key_is_enrolled_in_person_and_once() -> None:
    deputy = replace(LEADER, on_behalf_of="person:mayor")
    given().when(enrol(), by=deputy).refused("R108", code="forbidden")
    given().when(enrol(), by=system("audit")).refused("R108", code="forbidden")
    given(ENROLLED).when(enrol(), by=LEADER).refused("R108", code="key-enrolled-already")


@rule("R108")
def test_nobody_confirms_their_own() -> None:
    for who in (
        replace(ADMIN, subject=LEADER.subject),
        replace(ADMIN, on_behalf_of=LEADER.subject),
        system("audit"),
    ):
        given(ENROLLED).when(CONFIRM, by=who).refused("R108", code="own-key")
    given(ENROLLED, CONFIRMED).when(CONFIRM, by=ADMIN).refused("R108", code="key-not-waiting")
    given().when(CONFIRM, by=ADMIN).refused("", code="not-found")


@rule("R108")
def test_a_revoked_key_stays_so() -> None:
    for who in (LEADER, ADMIN):
        revoked = SigningKeyRevoked(key_id=KEY_ID, owner=LEADER.subject, revoked_by=who.subject)
        state = given(ENROLLED, CONFIRMED).when(REVOKE, by=who).then(revoked)
        assert state.status is KeyStatus.REVOKED
        given(ENROLLED, revoked).when(CONFIRM, by=ADMIN).refused("R108", code="key-not-waiting")
        given(ENROLLED, revoked).when(REVOKE, by=who).then()
    other = replace(LEADER, subject="person:colleague")
    given(ENROLLED).when(REVOKE, by=other).refused("R108", code="forbidden")
