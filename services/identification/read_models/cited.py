"""Which evidence the acts on a case cite, and whether it is kept (K5).

An act may cite a file before anybody sends it: a village without a connection does. It is taken,
and shown as missing until the file of that hash is kept for the household.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.evidence.tables import evidence
from shared.kernel.event import Event, Recorded
from shared.policy.rules import rule

_NAMES = frozenset({"evidence", "coping_evidence"})


@rule("K5")
async def cited(
    connection: AsyncConnection, household_id: UUID, history: Sequence[Recorded[Event]]
) -> list[dict[str, Any]]:
    """Every hash that an event cites, in order, and whether its file is kept."""
    found = {
        sha256: item for item in reversed(history) for sha256 in _hashes(item.event.model_dump())
    }
    query = sa.select(evidence.c.sha256).where(
        evidence.c.owner_id == household_id, evidence.c.sha256.in_(found)
    )
    kept = set((await connection.execute(query)).scalars()) if found else set()
    return [
        {
            "sha256": sha256,
            "type": type(item.event).__name__,
            "version": item.version,
            "kept": sha256 in kept,
        }
        for sha256, item in sorted(found.items(), key=lambda pair: (pair[1].version, pair[0]))
    ]


def _hashes(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from inner if name in _NAMES else _hashes(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _hashes(inner)
