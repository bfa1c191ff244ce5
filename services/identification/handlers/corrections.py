"""Authorised corrections carried out: cases and households, all of a correction's in one go."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.identification.domain import internal
from services.identification.domain.case import CASE, LABEL
from services.identification.domain.household import HOUSEHOLD
from services.identification.domain.household_state import Correcting, Household
from services.identification.read_models import lookups
from shared.contracts.audit import Target
from shared.kernel.decider import Aggregate
from shared.kernel.event import Command
from shared.kernel.refusal import NotFound
from shared.policy.rules import rule
from shared.store import event_store
from shared.store.application import Call, Handler, Outcome, Stream

_CORRECTED: Mapping[str, Aggregate[Any]] = {item.name: item for item in (CASE, HOUSEHOLD)}
_Found = tuple[Target, Stream]


@dataclass(frozen=True)
class CorrectionHandlers:
    """The handler."""

    def table(self) -> Mapping[type[Command], Handler]:
        """Every command with its handler."""
        return {internal.CarryOut: self.carry_out}

    @rule("R107", "R108")
    async def carry_out(self, command: internal.CarryOut, call: Call) -> Outcome:
        """Each at the version the request was about, and at no other: so it happens once (R108).

        Households all or none: with one of them moved on, giving back the others would leave
        people in two households or in none. Those that give members up go first.
        """
        found = [(target, await _stream(target, call)) for target in command.targets]
        moved = any(_is_household(item) and _has_moved(item) for item in found)
        outcome: Outcome | None = None
        for item in sorted(found, key=_gains):
            target, stream = item
            if _has_moved(item) or (moved and _is_household(item)):
                outcome = Outcome(stream.stream_id, stream.version, stream.state, [])
                continue
            correct = internal.Correct(
                stream_id=target.stream_id,
                correction_id=command.correction_id,
                at_version=target.version,
                to_version=target.to_version,
            )
            outcome = await _correct(correct, stream, call)
        assert outcome is not None
        return outcome


async def _stream(target: Target, call: Call) -> Stream:
    """A case's or a household's; nothing else is ever corrected. Raises ``NotFound``."""
    history = await event_store.load(call.tx.raw, call.application.service, target.stream_id)
    category = history[0].category if history else ""
    if category not in _CORRECTED:
        raise NotFound(*LABEL)
    return await call.load(_CORRECTED[category], target.stream_id)


async def _correct(command: internal.Correct, stream: Stream, call: Call) -> Outcome:
    if not isinstance(stream.state, Household):
        return await call.decide(CASE, stream.stream_id, command, call.context())
    plain = call.context()
    context = Correcting(
        today=plain.today,
        occurred_on=plain.occurred_on,
        principal=plain.principal,
        earlier=_earlier(stream, command.to_version),
        has_active_case=await lookups.active_case(call.tx.sql, stream.stream_id) is not None,
    )
    return await call.decide(HOUSEHOLD, stream.stream_id, command, context)


def _has_moved(found: _Found) -> bool:
    target, stream = found
    return stream.version != target.version


def _is_household(found: _Found) -> bool:
    return isinstance(found[1].state, Household)


def _gains(found: _Found) -> int:
    """How many people's numbers the correction brings back to a household; less is first."""
    target, stream = found
    if not isinstance(stream.state, Household):
        return 0
    return len(_earlier(stream, target.to_version).tokens) - len(stream.state.tokens)


def _earlier(stream: Stream, version: int | None) -> Household:
    if version is None:
        return Household()
    return HOUSEHOLD.fold([item.event for item in stream.history[:version]])
