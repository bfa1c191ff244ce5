"""The evidence of households: whoever may see a household may see which files are kept for it."""

from uuid import UUID

from services.identification.http.access import LOOK, REVEALING
from services.identification.read_models import queries
from services.identification.reveals import REVEAL
from shared.evidence.room import EvidenceRoom
from shared.kernel.principal import Principal
from shared.service.evidence import evidence_router
from shared.store.application import Application
from shared.store.database import Transaction
from shared.web.routing import Router


def evidence(application: Application, room: EvidenceRoom) -> Router:
    """The evidence room's door; a file's owner is the household."""
    return evidence_router(
        application, room, find=_household, looks=REVEAL, may_look=LOOK, may_reveal=REVEALING
    )


async def _household(tx: Transaction, principal: Principal, household_id: UUID) -> str:
    row = await queries.household_row(tx.sql, principal, household_id)
    division: str = row["division"]
    return division
