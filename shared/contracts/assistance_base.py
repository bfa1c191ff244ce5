"""What every event of the assistance service derives from."""

from typing import ClassVar
from uuid import UUID

from shared.kernel.event import Event


class AssistanceEvent(Event):
    """Base of this service's events."""

    service: ClassVar[str] = "assistance"


class CaseEvent(AssistanceEvent):
    """Base of the events about one identified household."""

    case_id: UUID
    household_id: UUID
