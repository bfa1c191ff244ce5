"""A machine that calls, and its keys: let in, given another key, shut out. Pure.

The domain knows a key by its id; its secret is made at the door, shown once, and kept as a hash.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.alerts.domain.commands import Feed
from services.alerts.domain.triggers import ANSWERING, FEEDS
from shared.contracts.alerts import (
    MachineKeyIssued,
    MachineKeysRevoked,
    MachineKind,
    MachineRegistered,
)
from shared.kernel.decider import Aggregate, Context
from shared.kernel.division import DivisionCode, Level, level_of
from shared.kernel.event import Command, Event
from shared.kernel.principal import Permission, Role, may
from shared.kernel.refusal import Invalid, NotFound, OutOfOrder
from shared.policy.rules import rule

KEEPER: Permission = may(Role.ADMINISTRATOR, at=(Level.COUNTY, Level.CITY, Level.PROVINCE))
"""Who lets machines in, within the own division."""

Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=60)]
ValidDays = Annotated[int, Field(ge=1, le=1100)]


class NewMachine(BaseModel):
    """A system to let in: whose it is, and what its keys may do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Label
    """As administrators call it: ``省医保局结算系统``. Kept beside the key, not in events."""
    kind: MachineKind
    division: DivisionCode
    """Its keys open this division and all below it."""
    feeds: Annotated[tuple[Feed, ...], Field(max_length=20)] = ()
    """The feeds it may post to, or whose comparisons it may answer; none for any but a
    department's."""
    valid_days: ValidDays | None = None
    """Days after which its key ends by itself; absent: until it is rotated or taken back."""


class RegisterMachine(NewMachine, Command):
    """Let a machine in, with its first key."""

    permission: ClassVar[Permission] = KEEPER

    machine_id: UUID
    key_id: str
    secret_hash: bytes


class NewKey(BaseModel):
    """Another key for a machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    overlap_hours: Annotated[int, Field(ge=0, le=720)] = 168
    """Hours for which the keys it has go on serving, so that it can change over at leisure."""
    valid_days: ValidDays | None = None


class IssueMachineKey(NewKey, Command):
    """Rotate: another key; the former ones end after the overlap."""

    permission: ClassVar[Permission] = KEEPER

    machine_id: UUID
    key_id: str
    secret_hash: bytes


class RevokeMachineKeys(Command):
    """Take one key back at once, or all of a machine's."""

    permission: ClassVar[Permission] = KEEPER

    machine_id: UUID
    key_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")] | None = None
    """Absent: all of them."""


@dataclass(frozen=True)
class MachineContext(Context):
    """Keys go by real time, whatever a demo's calendar says."""

    now: datetime = field(kw_only=True)


@dataclass(frozen=True)
class Machine:
    """One machine, and when each of its keys ends; a key taken back is not among them."""

    registered: MachineRegistered | None = None
    keys: Mapping[str, datetime | None] = field(default_factory=dict)

    def valid(self, now: datetime) -> tuple[str, ...]:
        """The keys that open something at ``now``."""
        return tuple(id_ for id_, ends in self.keys.items() if ends is None or now < ends)


def decide(machine: Machine, command: Command, context: MachineContext) -> list[Event]:
    """The machine's next events, or the ``Refusal``."""
    return _DECIDE[type(command)](machine, command, context)


def _register(machine: Machine, command: RegisterMachine, context: MachineContext) -> list[Event]:
    _is_new(machine)
    scope_is_sound(command)
    return [
        MachineRegistered(
            machine_id=command.machine_id,
            kind=command.kind,
            division=command.division,
            feeds=tuple(sorted(set(command.feeds))),
            key_id=command.key_id,
            secret_hash=command.secret_hash.hex(),
            expires_at=_ends(command.valid_days, context.now),
        )
    ]


def _issue(machine: Machine, command: IssueMachineKey, context: MachineContext) -> list[Event]:
    _is_known(machine)
    former = machine.valid(context.now)
    return [
        MachineKeyIssued(
            machine_id=command.machine_id,
            key_id=command.key_id,
            secret_hash=command.secret_hash.hex(),
            expires_at=_ends(command.valid_days, context.now),
            former=former,
            former_end_at=context.now + timedelta(hours=command.overlap_hours) if former else None,
        )
    ]


def _revoke(machine: Machine, command: RevokeMachineKeys, context: MachineContext) -> list[Event]:
    _is_known(machine)
    valid = machine.valid(context.now)
    wanted = valid if command.key_id is None else (command.key_id,)
    if command.key_id is not None and command.key_id not in machine.keys:
        raise NotFound("机器密钥", "machine key", field="key_id")
    ended = tuple(id_ for id_ in wanted if id_ in valid)
    return [MachineKeysRevoked(machine_id=command.machine_id, key_ids=ended)] if ended else []


def _ends(days: int | None, now: datetime) -> datetime | None:
    return None if days is None else now + timedelta(days=days)


def _is_new(machine: Machine) -> None:
    if machine.registered is not None:
        raise OutOfOrder(
            code="machine-known-already", zh="该系统已接入", en="the machine is let in already"
        )


def _is_known(machine: Machine) -> None:
    if machine.registered is None:
        raise NotFound("接入系统", "machine")


@rule("R1", "R6")
def scope_is_sound(machine: NewMachine) -> None:
    """A department's system posts to feeds of its own, no other does; each has its place.

    Nobody below a county has a system of its own.
    """
    if level_of(machine.division) < Level.COUNTY:
        raise _unsound(
            "division", "接入系统的辖区须为县级及以上", "a machine serves a county or more"
        )
    if machine.kind is not MachineKind.FEED and machine.feeds:
        raise _unsound("feeds", "只有部门系统推送数据", "only a department posts to feeds")
    if machine.kind is MachineKind.FEED and not machine.feeds:
        raise _unsound("feeds", "请指明可推送的数据源", "name the feeds it may post to")
    if set(machine.feeds) - FEEDS.keys() - ANSWERING:
        raise _unsound("feeds", "数据源不存在", "there is no such feed")


def _unsound(name: str, zh: str, en: str) -> Invalid:
    return Invalid("R6", code="machine-scope", zh=zh, en=en, field=name)


_DECIDE: Mapping[type[Command], Callable[[Machine, Any, MachineContext], list[Event]]] = {
    RegisterMachine: _register,
    IssueMachineKey: _issue,
    RevokeMachineKeys: _revoke,
}


def evolve(machine: Machine, event: Event) -> Machine:
    """The machine after ``event``."""
    match event:
        case MachineRegistered():
            return Machine(event, {event.key_id: event.expires_at})
        case MachineKeyIssued():
            ended = {
                id_: min(filter(None, (machine.keys[id_], event.former_end_at)), default=None)
                for id_ in event.former
            }
            return replace(machine, keys={**machine.keys, **ended, event.key_id: event.expires_at})
        case MachineKeysRevoked():
            left = {id_: end for id_, end in machine.keys.items() if id_ not in event.key_ids}
            return replace(machine, keys=left)
    return machine


def _divisions(machine: Machine) -> tuple[str, ...]:
    return (machine.registered.division,) if machine.registered else ()


def _key(machine: Machine) -> UUID:
    assert machine.registered is not None
    return machine.registered.machine_id


MACHINE: Aggregate[Machine] = Aggregate(
    name="machine",
    label=("接入系统", "machine"),
    initial=Machine(),
    evolve=evolve,
    decide=decide,
    divisions=_divisions,
    key=_key,
)
