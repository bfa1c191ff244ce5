"""What somebody is about to sign: made here from what is recorded, checked there before signing."""

from collections.abc import Mapping
from typing import Any

from services.audit.domain import policies, statement
from services.audit.domain.correction import Status
from services.audit.domain.gates import GATES
from services.audit.handlers import logged
from services.audit.read_models import signing_keys
from shared.kernel.principal import Principal
from shared.store.application import Stream
from shared.store.database import Transaction


async def statement_of(
    tx: Transaction, stream: Stream, who: Principal, wanted: Mapping[str, Any]
) -> dict[str, Any]:
    """The statement of a decision that ``who`` may want to make on an open correction now.

    Raises the ``Refusal`` for a correction that is decided, a person without a key, or a step
    before that is not in the log yet. Whether ``who`` may decide is for the decision to say.
    """
    state = stream.state
    policies.is_still_open(state.status is Status.OPEN)
    key = policies.decider_has_a_key(await signing_keys.active(tx.sql, who.subject))
    previous = policies.decision_before_is_logged(await logged(tx.raw, stream.history[-1].event_id))
    gate = GATES[len(state.passed)]
    event = "CorrectionRefused" if wanted.get("because") else gate.event.__name__
    data = {
        **wanted,
        "correction_id": str(stream.stream_id),
        "content_sha256": state.content_sha256,
        "decided_by": who.subject,
        "decided_for": who.on_behalf_of or None,
        "key_id": str(key.key_id),
        "previous_event_id": str(previous.event_id),
        "previous_leaf_sha256": previous.leaf_sha256,
        "gate": gate.name.value,
    }
    return {
        "gate": gate.name,
        "content": stream.history[0].event.content,  # type: ignore[attr-defined]  # the first event
        "content_sha256": state.content_sha256,
        "public_key": key.public_key,
        "statement": statement.decision(event, data).decode(),
    }
