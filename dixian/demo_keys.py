"""The demo's machines are let in: with keys known to everybody, in demo mode alone."""

from dixian.people import MACHINES, Machine
from services.alerts.domain.machine import MACHINE, RegisterMachine
from services.alerts.handlers.machines import Machines
from shared.contracts.alerts import MachineKind
from shared.kernel.clock import ShiftedClock
from shared.kernel.event import Cause
from shared.kernel.ids import new_id
from shared.kernel.principal import MACHINE_ROLES, system
from shared.kernel.refusal import OutOfOrder
from shared.policy.divisions import Divisions
from shared.service.demo_clock import begin
from shared.store.application import Application
from shared.store.database import Database


async def let_in(owner_url: str) -> None:
    """Register the demo's machines in the alerts database; those let in already are left alone."""
    database = Database(owner_url, clock=ShiftedClock(), pool_size=1)
    try:
        # The demo's story begins before anything is recorded, these machines included.
        await begin(database)
        application = Application(
            "alerts", database, {RegisterMachine: Machines(Divisions.load()).register}, (MACHINE,)
        )
        for machine in MACHINES:
            try:
                await application.execute(_registered(machine), system("demo"), _cause())
            except OutOfOrder:
                continue
    finally:
        await database.close()


def _registered(machine: Machine) -> RegisterMachine:
    key = machine.key
    (role,) = key.roles & MACHINE_ROLES
    return RegisterMachine(
        label=key.label,
        kind=MachineKind(role),
        division=key.division,
        feeds=tuple(sorted(key.feeds)),
        machine_id=machine.machine_id,
        key_id=key.id,
        secret_hash=key.secret_hash,
    )


def _cause() -> Cause:
    asked = new_id()
    return Cause(correlation_id=asked, causation_id=asked)
