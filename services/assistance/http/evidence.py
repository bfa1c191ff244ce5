"""The evidence of plans and eliminations, kept for the household they help."""

from uuid import UUID

from services.assistance.http.questions import LOOK
from services.assistance.read_models import queries
from services.assistance.reveals import REVEAL
from shared.evidence.room import EvidenceRoom
from shared.kernel.principal import Principal
from shared.service.evidence import evidence_router
from shared.store.application import Application
from shared.store.database import Transaction
from shared.web.routing import Router


def evidence(application: Application, room: EvidenceRoom) -> Router:
    """The evidence room's door; a file's owner is the household."""
    return evidence_router(
        application, room, find=_household, looks=REVEAL, may_look=LOOK, may_reveal=LOOK
    )


async def _household(tx: Transaction, principal: Principal, household_id: UUID) -> str:
    return await queries.division_of(tx.sql, principal, household_id)
