"""Runs the detectors: nightly by a worker, and whenever somebody asks (R48–R50, R114)."""

from services.identification.read_models.detectors import Watched, detect
from shared.kernel.division import NATION
from shared.kernel.event import Cause
from shared.kernel.ids import new_id
from shared.kernel.principal import system
from shared.service.daily import daily
from shared.store.application import Application


async def run_detectors(application: Application, division: str = NATION) -> tuple[int, int]:
    """Raise what is found inside a division: how much was found, and how much of it was new."""
    async with application.database.reading() as tx:
        found = await detect(tx.sql, Watched(division, tx.clock.today()))
    new = 0
    for command in found:
        cause = Cause(correlation_id=new_id(), causation_id=command.finding_id)
        receipt = await application.execute(command, system(application.service), cause)
        new += bool(receipt.body["events"])
    return len(found), new


async def nightly(application: Application) -> None:
    """Run the detectors once each calendar day, until cancelled.

    Running twice is harmless: a finding's id follows from what was found.
    """
    await daily(application, run_detectors)
