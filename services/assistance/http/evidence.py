"""The evidence of plans and eliminations, kept for their household; a ledger's for its town."""

from uuid import UUID

from services.assistance.http.questions import LOOK
from services.assistance.read_models import ledger, queries
from services.assistance.reveals import REVEAL
from shared.evidence.room import EvidenceRoom
from shared.kernel.division import within
from shared.kernel.ids import named_id
from shared.kernel.principal import Principal
from shared.kernel.refusal import NotFound
from shared.service.evidence import evidence_router
from shared.store.application import Application
from shared.store.database import Transaction
from shared.web.routing import Router


def evidence(application: Application, room: EvidenceRoom) -> Router:
    """The evidence room's door; a file's owner is the household, or the town's ledger (R111)."""
    return evidence_router(
        application, room, find=_owner, looks=REVEAL, may_look=LOOK, may_reveal=LOOK
    )


async def _owner(tx: Transaction, principal: Principal, owner_id: UUID) -> str:
    try:
        return await queries.division_of(tx.sql, principal, owner_id)
    except NotFound:
        for town in await ledger.towns(tx.sql):
            if within(town, principal.division) and named_id("ledger", town) == owner_id:
                return town
        raise
