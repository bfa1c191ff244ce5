"""The rows that each stream has in the tables: a pure function of its state."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.alerts.domain.alert import Alert
from services.alerts.domain.clocks import DISPOSE, FOLLOW
from services.alerts.domain.lead import Lead
from services.alerts.domain.order_state import Order
from services.alerts.domain.webhook import Webhook
from services.alerts.read_models import tables
from shared.kernel.event import Event, Recorded
from shared.store.views import View

Rows = Sequence[Mapping[str, Any]]


def _order(order: Order, last: Recorded[Event]) -> Rows:
    return [
        {
            "stream_id": last.stream_id,
            "order_no": order.order_no,
            "version": last.version,
            "kind": order.kind,
            "division": order.division,
            "unit": order.unit,
            "confidential": order.confidential,
            "called_on": order.called_on,
            "status": order.status,
            "returned": order.returned,
            "extended": order.extended,
            "handle_by": order.handle_by,
            "card": order.card,
            "late": order.late,
            "result": order.result,
            "rating": order.rating,
            "rounds": order.rounds,
            "unsatisfied": order.unsatisfied,
            "supervised": order.supervised,
            "lead_id": order.lead_id,
            "caller_id": order.caller_id,
            "matter_id": order.matter_id,
            "instruction_id": order.instruction_id,
            "answer_id": order.answer_id,
        }
    ]


def _lead(lead: Lead, last: Recorded[Event]) -> Rows:
    running = lead.clocks.get(DISPOSE) or lead.clocks.get(FOLLOW)
    return [
        {
            "stream_id": last.stream_id,
            "version": last.version,
            "source": lead.source,
            "discovered_on": lead.discovered_on,
            "division": lead.division,
            "reported_division": lead.reported_division,
            "household_id": lead.household_id,
            "risks": list(lead.risks),
            "order_id": lead.order_id,
            "alert_id": lead.alert_id,
            "clue": lead.clue,
            "person_id": lead.person_id,
            "channel": lead.channel,
            "evidence": list(lead.evidence),
            "agent_id": lead.agent_id,
            "text_id": lead.text_id,
            "note_id": lead.note_id,
            "status": lead.status,
            "disposition": lead.disposition,
            "reason": lead.reason,
            "case_id": lead.case_id,
            "due_on": running.deadline.due_on if running else None,
            "raised": lead.raised,
        }
    ]


def _alert(alert: Alert, last: Recorded[Event]) -> Rows:
    event = alert.event
    if event is None:
        return []
    return [
        {
            "stream_id": last.stream_id,
            "feed": event.feed,
            "type": event.type,
            "happened_on": event.happened_on,
            "period": event.period,
            "amount": event.amount,
            "division": event.division,
            "reported_division": event.reported_in,
            "household_id": event.household_id,
            "threshold": event.threshold.amount if event.threshold else None,
            "fate": event.fate,
            "lead_id": event.lead_id,
            "person_id": event.person_id,
            "received_at": last.recorded_at,
        }
    ]


def _webhook(webhook: Webhook, last: Recorded[Event]) -> Rows:
    if not webhook.exists:
        return []
    return [
        {
            "stream_id": webhook.webhook_id,
            "version": last.version,
            "owner": webhook.owner,
            "division": webhook.division,
            "host": webhook.host,
            "removed": webhook.removed,
        }
    ]


VIEWS: Sequence[View[Any]] = (
    View(tables.work_order, "order", _order),
    View(tables.lead, "lead", _lead),
    View(tables.alert, "alert", _alert),
    View(tables.webhook, "webhook", _webhook),
)
