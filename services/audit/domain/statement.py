"""What people sign with their own keys: decisions at a gate, and that a key is theirs.

A statement is its format's name on one line and then canonical JSON: no signature made for one
purpose can be taken for another. A decision's statement is rebuilt from the recorded event, so that
whoever has the log can check who signed what (``log/decisions.py``).
"""

from collections.abc import Mapping
from typing import Any

from services.audit.domain import canonical
from services.audit.domain.gates import GATES
from shared.contracts.audit import Gate

DECISION = "dixian-gate-decision/1"
ENROLMENT = "dixian-key-enrolment/1"

GATE_OF: Mapping[str, Gate] = {gate.event.__name__: gate.name for gate in GATES}
"""The gate that each event passes."""

_DECIDED = (
    "correction_id",
    "content_sha256",
    "decided_by",
    "decided_for",
    "key_id",
    "previous_event_id",
    "previous_leaf_sha256",
    "document",
    "letter",
    "filed_on",
    "because",
)


def decision(event: str, data: Mapping[str, Any]) -> bytes:
    """The statement of a decision, from its event's name and its data as JSON.

    Every field there is takes part, those that the decision does not have as null.
    """
    gate = GATE_OF.get(event)
    said = {name: data.get(name) for name in _DECIDED}
    return _statement(
        DECISION,
        {
            **said,
            "decision": "APPROVED" if gate else "REFUSED",
            "gate": gate.value if gate else str(data["gate"]),
        },
    )


def enrolment(owner: str, public_key: str) -> bytes:
    """What a new key signs to show that its private half is at hand, and whose it will be."""
    return _statement(ENROLMENT, {"owner": owner, "public_key": public_key})


def _statement(form: str, said: Mapping[str, Any]) -> bytes:
    return form.encode() + b"\n" + canonical.encode({"format": form, **said})
