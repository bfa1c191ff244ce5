"""Carrying out what the gates authorised: a compensating event, nothing edited, nothing erased."""

from services.assistance.domain import commands as c
from services.assistance.domain.context import Surroundings
from shared.contracts.assistance import Purged, RolledBack
from shared.kernel.event import Event
from shared.policy.rules import rule


@rule("R107", "R108")
def correct(_state: object, command: c.Correct, _context: Surroundings) -> list[Event]:
    """Withdraw the stream (清退), or let an earlier version be in force again (回退)."""
    if command.to_version is None:
        return [Purged(correction_id=command.correction_id)]
    return [RolledBack(correction_id=command.correction_id, to_version=command.to_version)]
