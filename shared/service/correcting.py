"""Carrying out what the gates authorised, the same way in every service (R107, R108).

All of a correction's targets stand at the versions the gates decided on, and its time has not run
out: then each gets its compensating event, in one transaction. Otherwise nothing happens to any of
them, and a new request is needed. So a repetition changes nothing either. Nobody is told: the audit
service sees the compensating events, or what moved a target, in the log.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from shared.contracts.audit import CorrectionAuthorized, Target
from shared.kernel.decider import Aggregate
from shared.kernel.event import Command, Recorded
from shared.kernel.principal import Permission, Role
from shared.policy.rules import rule
from shared.store.application import Call, Handler, Outcome, Stream

AggregateOf = Callable[[Call, UUID], Awaitable[Aggregate[Any]]]
"""What kind of stream a target is. Raises ``NotFound`` for one that this service has not."""


class CarryOut(Command):
    """The gates have authorised a correction; its targets in this service are corrected."""

    permission: ClassVar[Permission] = Permission(frozenset({Role.SYSTEM}))

    authorized: CorrectionAuthorized
    occurred_on: date
    """The day on which the last gate was passed."""

    @classmethod
    def of(cls, recorded: Recorded[CorrectionAuthorized]) -> "CarryOut":
        """What the event asks of each service."""
        return cls(authorized=recorded.event, occurred_on=recorded.occurred_on)


Correct = Callable[[CarryOut, Target, Stream, Call], Awaitable[Outcome]]
"""Gives one target, which is at its version, its compensating event."""


def carry_out(
    service: str,
    aggregate_of: AggregateOf,
    correct: Correct,
    *,
    flags: bool = False,
    first: Callable[[Target, Stream], int] = lambda _target, _stream: 0,
) -> Handler:
    """The handler of ``CarryOut`` in ``service``; ``flags`` for the one that keeps flags (R100).

    Targets are corrected in the order of ``first``, the smallest before the others.
    """

    @rule("R107", "R108", "R109")
    async def handle(command: CarryOut, call: Call) -> Outcome:
        authorized = command.authorized
        targets = [target for target in authorized.targets if target.service == service]
        streams = [
            await call.load(await aggregate_of(call, target.stream_id), target.stream_id)
            for target in targets
        ]
        outcome = Outcome(authorized.correction_id, 0, None, [])
        if authorized.change is not None and not flags:
            return outcome
        if _expired(authorized, call) or not _unmoved(targets, streams):
            return outcome
        found = zip(targets, streams, strict=True)
        for target, stream in sorted(found, key=lambda pair: first(*pair)):
            outcome = await correct(command, target, stream, call)
        return outcome

    return handle


def _expired(authorized: CorrectionAuthorized, call: Call) -> bool:
    return any(call.today > deadline.due_on for deadline in authorized.deadlines)


def _unmoved(targets: Sequence[Target], streams: Sequence[Stream]) -> bool:
    return all(
        stream.version == target.version for target, stream in zip(targets, streams, strict=True)
    )
