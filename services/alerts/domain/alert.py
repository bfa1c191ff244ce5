"""One department alert: received once, with its one fate, and kept (R42)."""

from dataclasses import dataclass
from uuid import UUID

from services.alerts.domain import policies
from services.alerts.domain.commands import RecordAlert
from services.alerts.domain.context import AlertsContext
from shared.contracts.alerts import AlertReceived, Fate
from shared.kernel.decider import Aggregate
from shared.kernel.event import Event
from shared.policy.rules import rule

_NOBODY = UUID(int=0)


@dataclass(frozen=True)
class Alert:
    """An alert is what was received; nothing happens to it afterwards, all happens to its lead."""

    event: AlertReceived | None = None


@rule("R42")
def decide(alert: Alert, command: RecordAlert, _context: AlertsContext) -> list[Event]:
    """Keep it, under the threshold or over it."""
    policies.alert_is_new(alert.event is not None)
    given = command.received
    return [
        AlertReceived(
            alert_id=command.alert_id,
            feed=given.feed,
            type=given.type,
            happened_on=given.happened_on,
            period=given.period or "",
            amount=given.amount,
            division=command.household_division or given.division,
            reported_in=given.division,
            household_id=command.household_id,
            threshold=command.threshold,
            fate=command.fate,
            lead_id=command.lead_id,
            person_id=command.person_id,
        )
    ]


def evolve(_alert: Alert, event: AlertReceived) -> Alert:
    """The alert is its event."""
    return Alert(event)


def fate_of(households: int, *, over: bool, screened: bool = True) -> Fate:
    """What becomes of an alert whose number ``households`` households have."""
    if not screened:
        return Fate.NOT_SCREENED
    if not over:
        return Fate.BELOW_THRESHOLD
    return {0: Fate.UNMATCHED, 1: Fate.LEAD}.get(households, Fate.AMBIGUOUS)


def _divisions(alert: Alert) -> tuple[str, ...]:
    assert alert.event is not None
    return tuple(dict.fromkeys((alert.event.division, alert.event.reported_in)))


def _key(alert: Alert) -> UUID:
    assert alert.event is not None
    return alert.event.household_id or alert.event.alert_id


ALERT: Aggregate[Alert] = Aggregate(
    name="alert",
    label=("预警", "alert"),
    initial=Alert(),
    evolve=evolve,
    decide=decide,
    divisions=_divisions,
    key=_key,
)
