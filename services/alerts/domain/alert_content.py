"""What an alert says: which alert it is by that, and what becomes of it."""

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any
from uuid import UUID

from services.alerts.domain import policies, triggers
from services.alerts.domain.alert import fate_of
from services.alerts.domain.commands import ReceiveAlert, RecordAlert, ReportRisk
from services.alerts.domain.register import Known, population_of
from shared.contracts.alerts import Fate, Threshold
from shared.contracts.values import LeadSource
from shared.kernel.ids import named_bytes, named_id

_NO_LEAD = frozenset({Fate.BELOW_THRESHOLD, Fate.NOT_SCREENED})
Said = Mapping[str, Any]
"""``type``, ``happened_on``, ``period``, ``amount``, ``division``, in this order."""


def said(command: ReceiveAlert) -> Said:
    """What an alert says, but for whom it is about and what goes to the vault."""
    return {
        "type": command.type,
        "happened_on": command.happened_on,
        "period": command.period,
        "amount": command.amount,
        "division": command.division,
    }


def alert_key(feed: str, external_id: str | None, content: Said, token: bytes) -> bytes:
    """The alert's stream id, as bytes: by the department's own id, else by the content.

    The content's person is their token: an id that stands in events must not be a hash that
    somebody could try document numbers against.
    """
    if external_id is not None:
        return named_bytes("alert", feed, "id", external_id)
    whole = {"feed": feed, "external_id": None, **content}
    packed = json.dumps([whole, token.hex()], sort_keys=True, separators=(",", ":"), default=str)
    return named_bytes("alert", feed, "content", packed)


def fingerprint(content: Said, token: bytes) -> int:
    """Eight bytes that tell another content under the same id; signed, as the database keeps it."""
    return int.from_bytes(hashed("|".join(map(str, content.values())), token), signed=True)


def hashed(content: str, token: bytes) -> bytes:
    """The same eight bytes, of the content's words put together."""
    return blake2b(content.encode() + token, digest_size=8).digest()


def judged(
    command: ReceiveAlert,
    alert_id: UUID,
    households: Sequence[Known],
    book: Sequence[Threshold],
    *,
    screened: bool,
    person_id: UUID | None,
) -> tuple[RecordAlert, ReportRisk | None]:
    """What becomes of an alert whose number ``households`` have, and the lead it makes, if any.

    ``screened``: whether its county looks into alerts of that type (R46).
    """
    threshold = triggers.in_force(
        book, command.type, population_of(households), command.happened_on
    )
    policies.amount_is_given(command.type, command.amount, threshold)
    over = triggers.over(threshold, command.amount)
    fate = fate_of(len(households), over=over, screened=screened)
    household = households[0] if len(households) == 1 else None
    recorded = RecordAlert(
        alert_id=alert_id,
        received=command,
        household_id=household.household_id if household else None,
        household_division=household.division if household else None,
        threshold=threshold,
        fate=fate,
        lead_id=None if fate in _NO_LEAD else named_id("lead", str(alert_id)),
        person_id=person_id,
    )
    return recorded, _report(recorded)


def place_of(command: ReceiveAlert, households: Sequence[Known]) -> str:
    """Whose county decides whether it is screened: the household's own, once it is known."""
    return households[0].division if len(households) == 1 else command.division


def _report(recorded: RecordAlert) -> ReportRisk | None:
    if recorded.lead_id is None:
        return None
    given = recorded.received
    return ReportRisk(
        lead_id=recorded.lead_id,
        source=LeadSource.DEPARTMENT_ALERT,
        discovered_on=given.happened_on,
        division=recorded.household_division or given.division,
        reported_in=given.division,
        household_id=recorded.household_id,
        risks=triggers.RISKS[given.type],
        alert_id=recorded.alert_id,
        person_id=recorded.person_id,
    )
