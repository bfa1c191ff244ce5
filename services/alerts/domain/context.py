"""What this service's decisions may look at besides the state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.alerts.domain.register import Known
from shared.kernel.decider import Context
from shared.kernel.principal import Principal
from shared.policy.parameters import Parameters, PolicyVersion
from shared.policy.working_days import Calendar

GUIDE = PolicyVersion(
    version="guide",
    document="guide",
    division="CN",
    effective_from=date(2022, 1, 1),
    parameters=Parameters(),
)
"""The Guide's own numbers: in force until the province has published. A call cannot wait for it."""


@dataclass(frozen=True)
class AlertsContext(Context):
    """The plain context, the policy in force on the legal date, and the notes just written."""

    policy: PolicyVersion = GUIDE
    calendar: Calendar = field(default_factory=dict)
    """The working years that the province has published."""
    notes: Mapping[str, UUID] = field(default_factory=dict)
    """Ids of what the command's free texts became in the vault, by field."""
    household: Known | None = None
    """The registered household that the command names."""

    def note(self, name: str) -> UUID | None:
        """The id of the note made of the field ``name``."""
        return self.notes.get(name)


def plain(today: date, occurred_on: date, principal: Principal) -> AlertsContext:
    """For tests: the Guide's numbers, no notes."""
    return AlertsContext(today, occurred_on, principal)
