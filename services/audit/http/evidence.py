"""The documents that speak for a correction: for those who take part in it (R108)."""

from uuid import UUID

from services.audit.domain.correction import CORRECTION, Status
from services.audit.http.corrections import LOOK, READ_NOTE
from shared.contracts.audit import EvidenceKept
from shared.evidence.room import EvidenceRoom
from shared.evidence.stream import evidence_stream
from shared.kernel.principal import Principal
from shared.kernel.refusal import NotFound
from shared.service.evidence import evidence_router
from shared.store import event_store
from shared.store.application import Application
from shared.store.database import Transaction
from shared.web.routing import Router

EVIDENCE = evidence_stream(EvidenceKept)


def evidence(application: Application, room: EvidenceRoom) -> Router:
    """The evidence room's door; a file's owner is the correction, a look is the vault's record."""
    return evidence_router(
        application, room, find=_city, looks=None, may_look=LOOK, may_reveal=READ_NOTE
    )


async def _city(tx: Transaction, principal: Principal, correction_id: UUID) -> str:
    history = await event_store.load(tx.raw, "audit", correction_id)
    state = CORRECTION.fold([item.event for item in history])
    if state.status is Status.NONE or not principal.covers(state.city):
        raise NotFound(*CORRECTION.label)
    return state.city
