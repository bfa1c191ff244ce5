"""Letting machines in and shutting them out: the event and the key, in one transaction.

Keys go by real time, whatever a demo's calendar says: as tokens do.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from services.alerts.domain.machine import (
    MACHINE,
    IssueMachineKey,
    Machine,
    MachineContext,
    RegisterMachine,
    RevokeMachineKeys,
)
from shared.contracts.alerts import MachineKeyIssued, MachineKeysRevoked
from shared.kernel.event import Command
from shared.kernel.principal import Role
from shared.policy.divisions import Divisions
from shared.store.application import Call, Handler, Outcome
from shared.web import machine_keys
from shared.web.machine_keys import MachineKey


class Machines:
    """The handlers."""

    def __init__(
        self, divisions: Divisions, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._divisions, self._now = divisions, now

    def by_command(self) -> Mapping[type[Command], Handler]:
        """Which handler each command has."""
        return {
            RegisterMachine: self.register,
            IssueMachineKey: self.issue,
            RevokeMachineKeys: self.revoke,
        }

    async def register(self, command: RegisterMachine, call: Call) -> Outcome:
        """A machine and its first key."""
        self._divisions.require(command.division, field="division")
        context = self._context(call)
        outcome = await call.decide(MACHINE, command.machine_id, command, context)
        await self._keep(call, command, outcome.state, command.label, context.now)
        return outcome

    async def issue(self, command: IssueMachineKey, call: Call) -> Outcome:
        """Another key; the ones before it end after the overlap."""
        context = self._context(call)
        former = await machine_keys.of_machine(call.tx.raw, str(command.machine_id))
        outcome = await call.decide(MACHINE, command.machine_id, command, context)
        issued = outcome.events[-1].event
        assert isinstance(issued, MachineKeyIssued)
        if issued.former_end_at is not None:
            await machine_keys.end(call.tx.raw, issued.former, issued.former_end_at)
        await self._keep(call, command, outcome.state, former[0].label, context.now)
        return outcome

    async def revoke(self, command: RevokeMachineKeys, call: Call) -> Outcome:
        """Keys open nothing any more."""
        context = self._context(call)
        outcome = await call.decide(MACHINE, command.machine_id, command, context)
        for item in outcome.events:
            assert isinstance(item.event, MachineKeysRevoked)
            await machine_keys.revoke(call.tx.raw, item.event.key_ids, context.now)
        return outcome

    async def _keep(
        self,
        call: Call,
        command: RegisterMachine | IssueMachineKey,
        machine: Machine,
        label: str,
        now: datetime,
    ) -> None:
        registered = machine.registered
        assert registered is not None
        key = MachineKey(
            id=command.key_id,
            machine_id=str(command.machine_id),
            label=label,
            secret_hash=command.secret_hash,
            roles=frozenset({Role(registered.kind)}),
            division=registered.division,
            feeds=frozenset(registered.feeds),
            issued_by=call.principal.subject,
            created_at=now,
            expires_at=machine.keys[command.key_id],
        )
        await machine_keys.store(call.tx.raw, key)

    def _context(self, call: Call) -> MachineContext:
        plain = call.context()
        return MachineContext(plain.today, plain.occurred_on, plain.principal, now=self._now())
