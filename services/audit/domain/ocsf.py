"""An entry as others' monitoring reads it: OCSF 1.4, class 3004 (Entity Management)."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.audit.domain import words

VERSION = "1.4.0"
_CLASS = 3004
_CREATE, _UPDATE, _DELETE = 1, 3, 4
_NAMES = {_CREATE: "Create", _UPDATE: "Update", _DELETE: "Delete"}
_REFUSED = re.compile("Refused$|^NotIdentified$|^OrderReturned$")
_NOTICED = re.compile("Missed$|^Finding|Revealed$")


def event_of(origin: str, index: int, envelope: Mapping[str, Any]) -> dict[str, Any]:
    """The OCSF event of an entry: who did what to which stream, and where its proof is.

    ``metadata.uid`` is the event's id: what is sent twice is recognised by it.
    """
    activity = _activity(envelope)
    kind = envelope["type"]
    stream = {"uid": envelope["stream_id"], "type": envelope["category"]}
    return {
        "activity_id": activity,
        "activity_name": _NAMES[activity],
        "category_uid": 3,
        "category_name": "Identity & Access Management",
        "class_uid": _CLASS,
        "class_name": "Entity Management",
        "type_uid": _CLASS * 100 + activity,
        "severity_id": 2 if _NOTICED.search(kind) else 1,
        "status_id": 2 if _REFUSED.search(kind) else 1,
        "status_detail": ", ".join(words.outcomes(envelope.get("data") or {})),
        "time": _milliseconds(envelope["recorded_at"]),
        "message": kind,
        "actor": {
            "user": {
                "uid": envelope["actor"],
                "groups": [{"name": role} for role in envelope["actor_roles"]],
                "org": {"uid": envelope["actor_division"]},
            }
        },
        "entity": {**stream, "version": str(envelope["version"])},
        "metadata": {
            "uid": envelope["event_id"],
            "version": VERSION,
            "correlation_uid": envelope["correlation_id"],
            "log_name": origin,
            "sequence": index,
            "product": {"name": "Dixian", "vendor_name": "Dixian", "feature": {"name": kind}},
        },
        "unmapped": {
            "service": envelope["service"],
            "household": envelope["key"],
            "region": envelope["region"],
            "occurred_on": envelope["occurred_on"],
        },
    }


def _activity(envelope: Mapping[str, Any]) -> int:
    if envelope["type"] == "Purged":
        return _DELETE
    return _CREATE if envelope["version"] == 1 else _UPDATE


def _milliseconds(instant: str) -> int:
    return round(datetime.fromisoformat(instant).timestamp() * 1000)
