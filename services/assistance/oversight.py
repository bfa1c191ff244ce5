"""Keeps the 2% ledger by itself: every town is held against the share once a day (R110, R111)."""

from services.assistance.domain.commands import UpdateLedger
from services.assistance.read_models import ledger
from shared.kernel.event import Cause
from shared.kernel.ids import named_id, new_id
from shared.kernel.principal import system
from shared.policy.parameters import NoPolicy
from shared.service.daily import daily
from shared.store.application import Application


async def keep_ledgers(application: Application) -> int:
    """Enter and take out what has changed, town by town; returns in how many towns it had."""
    async with application.database.reading() as tx:
        towns = await ledger.towns(tx.sql)
    changed = 0
    for town in towns:
        cause = Cause(correlation_id=new_id(), causation_id=named_id("town", town))
        wish = UpdateLedger(town=town)
        try:
            receipt = await application.execute(wish, system(application.service), cause)
        except NoPolicy:
            continue  # nothing is published for that town yet: there is no share to hold it against
        changed += bool(receipt.body["events"])
    return changed


async def nightly(application: Application) -> None:
    """Keep the ledgers once each calendar day, until cancelled. Repeating changes nothing."""
    await daily(application, keep_ledgers)
