"""Writes the contracts for those who do not read Python: AsyncAPI 3 and JSON Schema."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shared.contracts.published import SERVICES, Published, published, topic_of

_OWNERS = {
    "alerts": "Risk leads, department alerts and 12317 work orders.",
    "identification": "The household register, identification cases and the policy book.",
    "assistance": "Plans, measures, the elimination of risk and after-care.",
    "audit": "Corrections and findings.",
}
_TEXT = {"type": "string"}
_UUID = {"type": "string", "format": "uuid"}
# CloudEvents 1.0 in Kafka's binary mode: the attributes are headers, the value is the data.
_HEADERS: dict[str, Any] = {
    "ce_specversion": {"const": "1.0"},
    "ce_id": {**_UUID, "description": "The event's id."},
    "ce_type": {**_TEXT, "description": "cn.dixian.<service>.<Type>.v<shape>"},
    "ce_source": {**_TEXT, "description": "/dixian/<service>"},
    "ce_subject": {**_UUID, "description": "The stream."},
    "ce_time": {"type": "string", "format": "date-time", "description": "When it was recorded."},
    "ce_sequence": {
        "type": "string",
        "pattern": "^[1-9][0-9]*$",
        "description": "The version within the stream: 1, 2, 3, without a gap.",
    },
    "ce_partitionkey": {**_UUID, "description": "What keeps order: household, order, correction."},
    "ce_category": {**_TEXT, "description": "The kind of stream."},
    "ce_region": {**_TEXT, "description": "The division it belongs to."},
    "ce_occurredon": {"type": "string", "format": "date", "description": "The legal date."},
    "ce_correlationid": {**_UUID, "description": "Shared by all that follows from one request."},
    "ce_causationid": {**_UUID, "description": "The request or event that led to this one."},
    "ce_actor": {**_TEXT, "description": "Who acted: a pseudonym."},
    "ce_actordivision": {**_TEXT, "description": "The actor's division."},
    "ce_actorroles": {**_TEXT, "description": "The actor's roles, comma-separated."},
    "traceparent": {**_TEXT, "description": "W3C trace context; absent where there is none."},
    "content-type": {"const": "application/json"},
}


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document of all services."""
    events = published()
    return {
        "asyncapi": "3.0.0",
        "id": "urn:dixian:events",
        "info": {
            "title": "Dixian 底线: events",
            "version": "1.0.0",
            "description": "What the four services tell each other. No personal data travels here.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {service: _channel(service, events) for service in SERVICES},
        "operations": {f"{service}Publishes": _operation(service, events) for service in SERVICES},
        "components": {
            "messages": {_key(event): _message(event) for event in events},
            "schemas": {
                "Headers": {
                    "type": "object",
                    "properties": _HEADERS,
                    "required": [name for name in _HEADERS if name != "traceparent"],
                }
            },
        },
    }


def write(directory: Path) -> Sequence[Path]:
    """Write ``asyncapi.json`` and ``<service>/<Type>/v<n>.json``; return what was written.

    Files of former versions stay: messages of that shape are still in the log.
    """
    files = {directory / "asyncapi.json": asyncapi()}
    for event in published():
        path = directory / event.service / event.name / f"v{event.version}.json"
        files[path] = event.schema()
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_text(content), encoding="utf-8")
    return list(files)


def as_text(content: Any) -> str:
    """JSON as it stands in the repository: readable, and the same for the same content."""
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _key(event: Published) -> str:
    return f"{event.service}.{event.name}.v{event.version}"


def _channel(service: str, events: Sequence[Published]) -> dict[str, Any]:
    return {
        "address": topic_of(service),
        "title": service,
        "description": _OWNERS[service],
        "messages": {
            event.name: {"$ref": f"#/components/messages/{_key(event)}"}
            for event in events
            if event.service == service
        },
        "bindings": {"kafka": {"topic": topic_of(service), "partitions": 8}},
    }


def _operation(service: str, events: Sequence[Published]) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{service}"},
        "messages": [
            {"$ref": f"#/channels/{service}/messages/{event.name}"}
            for event in events
            if event.service == service
        ],
    }


def _message(event: Published) -> dict[str, Any]:
    return {
        "name": event.type,
        "title": event.name,
        "summary": (event.cls.__doc__ or "").partition("\n")[0],
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": {
            "schemaFormat": "application/schema+json;version=2020-12",
            "schema": {"$ref": f"./{event.service}/{event.name}/v{event.version}.json"},
        },
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid"}}},
    }
