"""The worker that lets waiting leads wait by a new index key as well; see identification's own.

Households come with tokens by every key in use, so a lead that waits by a former one is recognised
all the same; this makes sure that it still is when that key has gone.
"""

import asyncio

from services.alerts.handlers import matching
from services.alerts.read_models import register
from services.alerts.read_models.register import Unrenewed
from shared.store.application import Application
from shared.store.database import Transaction
from shared.vault.blind_index import BlindIndex
from shared.vault.vault import Vault

_LOOK_EVERY = 10.0
_BETWEEN_PAGES = 0.1
_PAGE = 100


async def renew(
    application: Application, vault: Vault, index: BlindIndex, *, limit: int = _PAGE
) -> int:
    """Let up to ``limit`` leads wait by the current key too; how many did not."""
    async with application.database.transaction() as tx:
        found = await register.waiting_by_older_keys(tx.raw, index.version, limit)
        for lead in found:
            await _renew(tx, vault, index, lead)
        await register.drop_older(tx.raw, index.versions)
    return len(found)


async def _renew(tx: Transaction, vault: Vault, index: BlindIndex, lead: Unrenewed) -> None:
    numbers = await vault.unseen(tx.raw, lead.owner, kind="person", field="document_number")
    if lead.person_id not in numbers:  # destroyed meanwhile: nobody will ever be recognised by it
        await register.wait_no_more(tx.raw, lead.lead_id)
        return
    match = await matching.look_up(tx.raw, index, numbers[lead.person_id])
    waits = matching.waiting_for_clue if lead.clue else matching.waiting_for_lead
    for item in waits(match):
        await register.wait(tx.raw, lead.lead_id, item)


async def keep_indexed(application: Application, vault: Vault, index: BlindIndex) -> None:
    """Look for leads that wait by former keys only, until cancelled."""
    while True:
        full = await renew(application, vault, index) == _PAGE
        await asyncio.sleep(_BETWEEN_PAGES if full else _LOOK_EVERY)
