"""A machine and its keys, pure."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.alerts.domain.machine import (
    MACHINE,
    IssueMachineKey,
    Machine,
    MachineContext,
    RegisterMachine,
    RevokeMachineKeys,
)
from shared.contracts.alerts import MachineKeyIssued, MachineKeysRevoked, MachineRegistered
from shared.kernel.event import Event
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal
from shared.testing.decider import Given, given, rule

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
ID = new_id()
FIRST, SECOND, THIRD = "a" * 16, "b" * 16, "c" * 16


def at(*events: Event, now: datetime = NOW) -> Given[Machine]:
    def context(today: date, occurred_on: date, principal: Principal) -> MachineContext:
        return MachineContext(today, occurred_on, principal, now=now)

    return given(MACHINE, *events, context=context)


def registering(**changes: Any) -> RegisterMachine:
    fields = {"label": "省医保局结算系统", "kind": "feed", "division": "37"}
    fields |= {"feeds": ["medical-insurance"], "machine_id": ID, "key_id": FIRST}
    return RegisterMachine(**{**fields, "secret_hash": bytes(32), **changes})


def registered(**changes: Any) -> MachineRegistered:
    (event,) = at().when(registering(**changes)).then_types(MachineRegistered)
    assert isinstance(event, MachineRegistered)
    return event


def issuing(key_id: str = SECOND, hours: int = 24, **changes: Any) -> IssueMachineKey:
    return IssueMachineKey(
        machine_id=ID, key_id=key_id, secret_hash=bytes(32), overlap_hours=hours, **changes
    )


def test_a_department_that_only_answers_comparisons_is_let_in_too() -> None:
    assert registered(feeds=["natural-resources"]).feeds == ("natural-resources",)


def test_a_rotation_leaves_the_former_key_its_overlap() -> None:
    ends = NOW + timedelta(hours=24)
    machine = (
        at(registered())
        .when(issuing(valid_days=90))
        .then(
            MachineKeyIssued(
                machine_id=ID,
                key_id=SECOND,
                secret_hash="00" * 32,
                expires_at=NOW + timedelta(days=90),
                former=(FIRST,),
                former_end_at=ends,
            )
        )
    )
    assert machine.valid(ends - timedelta(seconds=1)) == (FIRST, SECOND)
    assert machine.valid(ends) == (SECOND,)


def test_a_rotation_never_lengthens_a_key_s_life() -> None:
    machine = MACHINE.fold([registered(valid_days=1)])
    rotated = at(registered(valid_days=1)).when(issuing(hours=720)).then_types(MachineKeyIssued)
    for event in rotated:
        machine = MACHINE.evolve(machine, event)
    assert machine.keys[FIRST] == NOW + timedelta(days=1)


def test_keys_are_taken_back_one_or_all_and_once() -> None:
    (issued,) = at(registered()).when(issuing()).then_types(MachineKeyIssued)
    one = RevokeMachineKeys(machine_id=ID, key_id=FIRST)
    every = RevokeMachineKeys(machine_id=ID)
    history = (registered(), issued)
    at(*history).when(one).then(MachineKeysRevoked(machine_id=ID, key_ids=(FIRST,)))
    gone = MachineKeysRevoked(machine_id=ID, key_ids=(FIRST, SECOND))
    machine = at(*history).when(every).then(gone)
    assert machine.valid(NOW) == ()
    at(*history, gone).when(every).then()
    at(*history).when(RevokeMachineKeys(machine_id=ID, key_id=THIRD)).refused(code="not-found")


def test_a_machine_shut_out_may_be_given_a_key_again() -> None:
    gone = MachineKeysRevoked(machine_id=ID, key_ids=(FIRST,))
    (event,) = at(registered(), gone).when(issuing()).then_types(MachineKeyIssued)
    assert isinstance(event, MachineKeyIssued)
    assert (event.former, event.former_end_at) == ((), None)


@rule("R6")
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"division": "370114001"}, "division"),
        ({"feeds": ()}, "feeds"),
        ({"feeds": ("medical-insurance", "weather")}, "feeds"),
        ({"kind": "hotline"}, "feeds"),
    ],
)
def test_a_scope_that_means_nothing_is_refused(changes: dict[str, Any], field: str) -> None:
    refusal = at().when(registering(**changes)).refused("R6", code="machine-scope")
    assert refusal.field == field


def test_nothing_is_done_to_a_machine_nobody_knows_or_twice() -> None:
    at().when(issuing()).refused(code="not-found")
    at().when(RevokeMachineKeys(machine_id=ID)).refused(code="not-found")
    at(registered()).when(registering()).refused(code="machine-known-already")
