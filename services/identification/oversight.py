"""Runs the detectors: nightly by a worker, and whenever somebody asks (R48–R50, R114)."""

from functools import partial

from services.identification.read_models import lookups
from services.identification.read_models.detectors import detect
from services.identification.read_models.watching import Watched
from shared.kernel.division import NATION
from shared.kernel.event import Cause
from shared.kernel.ids import new_id
from shared.kernel.principal import system
from shared.service.daily import daily
from shared.store.application import Application
from shared.vault.vault import Vault


async def run_detectors(
    application: Application, vault: Vault, division: str = NATION
) -> tuple[int, int]:
    """Raise what is found inside a division: how much was found, and how much of it was new."""
    async with application.database.reading() as tx:
        book = await lookups.policy_book(tx.sql)
        found = await detect(Watched(division, tx.clock.today(), tx, vault, book))
    new = 0
    for command in found:
        cause = Cause(correlation_id=new_id(), causation_id=command.finding_id)
        receipt = await application.execute(command, system(application.service), cause)
        new += bool(receipt.body["events"])
    return len(found), new


async def nightly(application: Application, vault: Vault) -> None:
    """Run the detectors once each calendar day, until cancelled.

    Running twice is harmless: a finding's id follows from what was found.
    """
    await daily(application, partial(run_detectors, vault=vault))
