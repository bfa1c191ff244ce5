"""The OpenAPI document: FastAPI's, with our security schemes and every route's problem."""

from typing import Any

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi

_METHODS = frozenset({"get", "put", "post", "delete", "patch"})
_FASTAPI_ONLY = ("HTTPValidationError", "ValidationError")

_SECURITY_SCHEMES = {
    "person": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An OpenID Connect access token with roles and one division code.",
    },
    "machineKey": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "dxk_<id>_<secret>",
        "description": "A key of the hotline's or a department's system.",
    },
}
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "Problem details (RFC 9457), in Chinese or English by Accept-Language.",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference"},
        "code": {"type": "string", "description": "Stable and machine-readable."},
        "field": {"type": "string", "description": "Which field is at fault."},
        "rule": {"type": "string", "description": "The rule that refuses."},
        "question": {"type": "integer", "description": "The Guide's question behind the rule."},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "Every field at fault, when there are several.",
            "items": {
                "type": "object",
                "required": ["field", "code", "detail"],
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "rule": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
    "example": {
        "type": "/problems/publicity-not-complete",
        "title": "不予办理",
        "status": 422,
        "detail": "R56 · 指南第34问: 公示未满5天",
        "instance": "/requests/0199c2f0-5a7e-7000-8000-000000000001",
        "code": "publicity-not-complete",
        "field": "occurred_on",
        "rule": "R56",
        "question": 34,
        "request_id": "0199c2f0-5a7e-7000-8000-000000000001",
    },
}
_ANSWER = {
    "description": "Refused, or a fault",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


class Text(Response):
    """For ``response_class``: the route answers with plain text."""

    media_type = "text/plain"


class Bytes(Response):
    """For ``response_class``: the route answers with bytes of no further meaning."""

    media_type = "application/octet-stream"


class Zip(Response):
    """For ``response_class``: the route answers with an archive."""

    media_type = "application/zip"


class EventStream(Response):
    """For ``response_class``: the route answers with server-sent events."""

    media_type = "text/event-stream"


def document(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, routes=app.routes)
        components = made.setdefault("components", {})
        components["securitySchemes"] = _SECURITY_SCHEMES
        schemas = components.setdefault("schemas", {})
        for name in _FASTAPI_ONLY:
            schemas.pop(name, None)
        schemas["Problem"] = _PROBLEM
        for operations in made["paths"].values():
            for method, operation in operations.items():
                if method in _METHODS:
                    _add_problems(operation)
        app.openapi_schema = made
    return app.openapi_schema


def _add_problems(operation: dict[str, Any]) -> None:
    """Every status that a refusal or a fault may have here, each with the one shape they share."""
    responses = operation["responses"]
    for status in sorted(_refusals(operation)):
        responses[str(status)] = _ANSWER


def _refusals(operation: dict[str, Any]) -> set[int]:
    known = {400, 422, 500, 503}
    if operation.get("security"):
        known |= {401, 403, 429}
    if "requestBody" in operation:
        known |= {413, 415}
    if operation.get("security") or operation.get("parameters"):
        # What is asked for, or acted on: not there, not now, no longer, not as it was seen.
        known |= {404, 409, 410, 412}
    return known
