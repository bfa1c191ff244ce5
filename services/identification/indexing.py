"""The worker that brings a new index key in: household by household, while everything goes on.

Whoever matches people searches by every key in use, and a household has tokens by every key in use
as soon as it was reached here, so that no lead is missed at any moment of a rotation.
"""

import asyncio

import structlog

from services.identification.domain import internal
from services.identification.read_models import lookups
from shared.kernel.event import Cause
from shared.kernel.ids import new_id
from shared.kernel.principal import system
from shared.kernel.refusal import Refusal
from shared.store.application import Application
from shared.vault.blind_index import BlindIndex

_LOOK_EVERY = 10.0
_BETWEEN_PAGES = 0.1
"""Seconds: what people and feeds do comes first."""
_PAGE = 100

log = structlog.get_logger("dixian.indexing")


async def reindex(application: Application, index: BlindIndex, *, limit: int = _PAGE) -> int:
    """Give up to ``limit`` households tokens by the current key; how many had none."""
    async with application.database.reading() as tx:
        found = await lookups.indexed_by_older_keys(tx.sql, index.version, limit)
    for household_id in found:
        command = internal.Reindex(household_id=household_id)
        cause = Cause(correlation_id=new_id(), causation_id=household_id)
        try:
            await application.execute(command, system(application.service), cause)
        except Refusal as refusal:
            log.warning("indexing.refused", household=str(household_id), code=refusal.code)
    return len(found)


async def keep_indexed(application: Application, index: BlindIndex) -> None:
    """Look for households that lack the current key, until cancelled."""
    while True:
        full = await reindex(application, index) == _PAGE
        await asyncio.sleep(_BETWEEN_PAGES if full else _LOOK_EVERY)
