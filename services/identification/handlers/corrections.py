"""Authorised corrections carried out: cases and households, all of a correction's in one go."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.identification.domain import internal
from services.identification.domain.case import CASE, LABEL
from services.identification.domain.household import HOUSEHOLD
from services.identification.domain.household_state import Correcting, Household
from services.identification.read_models import lookups
from shared.contracts.audit import Target
from shared.contracts.identification import IdentificationEvent
from shared.kernel.decider import Aggregate
from shared.kernel.event import Command
from shared.kernel.refusal import NotFound
from shared.service.correcting import CarryOut, carry_out
from shared.store import event_store
from shared.store.application import Call, Handler, Outcome, Stream

_CORRECTED: Mapping[str, Aggregate[Any]] = {item.name: item for item in (CASE, HOUSEHOLD)}


@dataclass(frozen=True)
class CorrectionHandlers:
    """The handler."""

    def table(self) -> Mapping[type[Command], Handler]:
        """Every command with its handler."""
        handler = carry_out(
            IdentificationEvent.service, _aggregate_of, _correct, first=_gives_up_most
        )
        return {CarryOut: handler}


async def _aggregate_of(call: Call, stream_id: UUID) -> Aggregate[Any]:
    """A case's or a household's; nothing else is ever corrected. Raises ``NotFound``."""
    history = await event_store.load(call.tx.raw, call.application.service, stream_id)
    category = history[0].category if history else ""
    if category not in _CORRECTED:
        raise NotFound(*LABEL)
    return _CORRECTED[category]


async def _correct(carried: CarryOut, target: Target, stream: Stream, call: Call) -> Outcome:
    command = internal.Correct(
        stream_id=stream.stream_id,
        correction_id=carried.authorized.correction_id,
        to_version=target.to_version,
    )
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


def _gives_up_most(target: Target, stream: Stream) -> int:
    """How many people's numbers the correction brings back to a household; less is first.

    Households that give members up go first: nobody stands in two, not even for a moment.
    """
    if not isinstance(stream.state, Household):
        return 0
    return len(_earlier(stream, target.to_version).tokens) - len(stream.state.tokens)


def _earlier(stream: Stream, version: int | None) -> Household:
    if version is None:
        return Household()
    return HOUSEHOLD.fold([item.event for item in stream.history[:version]])
