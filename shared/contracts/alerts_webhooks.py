"""Events of the webhooks by which a hotline hears how its orders go on.

Addresses may carry secrets and stay out of events, but for their host; so do the signing secrets.
Brought in by ``shared.contracts.alerts``; import them from there.
"""

from datetime import datetime
from uuid import UUID

from shared.contracts.alerts_orders import AlertsEvent
from shared.contracts.registry import contract
from shared.kernel.division import DivisionCode


@contract
class WebhookRegistered(AlertsEvent):
    """A hotline named an address; the progress of its division's orders goes there from now on."""

    webhook_id: UUID
    owner: str
    """The machine it belongs to, as it stands in events: ``machine:…``."""
    division: DivisionCode
    host: str
    """Of the address: ``hotline.example.gov.cn:8443``."""


@contract
class WebhookMoved(AlertsEvent):
    """It has another address now."""

    webhook_id: UUID
    host: str


@contract
class WebhookSecretRotated(AlertsEvent):
    """It has another signing secret; the former one signs beside it until its end."""

    webhook_id: UUID
    former_end_at: datetime


@contract
class WebhookRemoved(AlertsEvent):
    """Nothing goes there any more."""

    webhook_id: UUID


@contract
class WebhookReplayed(AlertsEvent):
    """Somebody asked for deliveries to be made again."""

    webhook_id: UUID
    delivery_id: UUID | None = None
    """This one alone."""
    since: datetime | None = None
    """All that were queued since then; absent, with no ``delivery_id``: all that are dead."""
