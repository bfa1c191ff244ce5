"""The evidence of leads."""

from uuid import UUID

from services.alerts.domain import commands as c
from services.alerts.handlers.reveals import REVEAL
from services.alerts.http.asking import LOOK
from services.alerts.read_models import queries
from shared.evidence.room import EvidenceRoom
from shared.kernel.principal import Principal
from shared.service.evidence import evidence_router
from shared.store.application import Application
from shared.store.database import Transaction
from shared.web.routing import Router


def evidence(application: Application, room: EvidenceRoom) -> Router:
    """The evidence room's door; a file's owner is the lead."""
    return evidence_router(
        application,
        room,
        find=_lead,
        looks=REVEAL,
        may_look=LOOK,
        may_reveal=c.RevealLead.permission,
    )


async def _lead(tx: Transaction, principal: Principal, lead_id: UUID) -> str:
    division: str = (await queries.one_lead(tx.sql, principal, lead_id))["division"]
    return division
