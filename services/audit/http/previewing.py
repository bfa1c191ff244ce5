"""The effects of a correction, for people to look at before they file or decide it."""

from collections.abc import Sequence
from typing import Any

from services.audit.domain.effects import effects
from services.audit.domain.policies import targets_are_known
from services.audit.http.service import Audit
from services.audit.read_models import access, corrections, trail
from services.audit.read_models.access import Reading
from shared.contracts.audit import CorrectionKind, Target
from shared.web.context import RequestContext

_MOST = 5_000
"""Entries of the households that are looked through; more than any household has."""


async def effects_of(
    audit: Audit, ctx: RequestContext, kind: CorrectionKind, targets: Sequence[Target]
) -> dict[str, Any]:
    """The effects, as the log has things now; looking is recorded like any reading.

    Raises ``NotFound`` for a target outside the caller's division.
    """
    streams = [target.stream_id for target in targets]
    async with audit.database.transaction() as tx:
        known = await corrections.known_streams(tx.sql, streams)
        targets_are_known(targets, known, ctx.principal.division)
        found = await trail.of_households_of(tx.sql, streams, limit=_MOST)
        about = {"streams": [str(stream) for stream in streams]}
        reading = Reading(ctx.principal, ctx.route, about, str(ctx.cause.correlation_id))
        await access.record(tx, reading, found, audit.clock.now())
    seen = effects(kind, targets, [item.envelope for item in found]).as_json()
    return {"kind": kind, **seen}
