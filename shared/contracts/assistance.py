"""Events of the assistance service: plans and measures, risk elimination, after-care."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from shared.contracts.registry import contract
from shared.contracts.values import EliminationMode
from shared.kernel.event import Event


class AssistanceEvent(Event):
    """Base of this service's events."""

    service: ClassVar[str] = "assistance"


@contract
class RiskEliminated(AssistanceEvent):
    """The county approved the elimination: the risk is stably or naturally gone (R91)."""

    case_id: UUID
    household_id: UUID
    mode: EliminationMode
    eliminated_on: date
