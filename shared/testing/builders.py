"""Examples of events, made from their schemas: always the same for the same shape."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid5

from shared.kernel.event import Event, Metadata, Recorded

_NAMESPACE = UUID("0a6f1c58-7c11-5b8e-8d84-3f6f0d5a2b11")
_TEXTS = (
    "370114101200",
    "370114",
    "15d",
    "R54",
    "2023-1",
    "verify",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "37/2023-1",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" * 2,
    "2/3",
)
"""Tried in turn against a pattern. A new kind of pattern needs a line here."""


class NoExample(LookupError):
    """The builder knows no text that a pattern allows: add one to ``_TEXTS``."""


def example(cls: type[Event]) -> Event:
    """An instance with every field filled in."""
    return cls.model_validate(example_data(cls.model_json_schema(), cls.__name__))


def recorded(event: Event, *, version: int = 1) -> Recorded[Event]:
    """The event as the store would hold it; its ids follow from its name."""
    name = type(event).__name__
    return Recorded(
        event_id=uuid5(_NAMESPACE, f"{name} event"),
        stream_id=uuid5(_NAMESPACE, f"{name} stream"),
        category="example",
        version=version,
        key=uuid5(_NAMESPACE, f"{name} key"),
        region="370114101200",
        occurred_on=date(2023, 8, 1),
        recorded_at=datetime(2023, 8, 1, 1, tzinfo=UTC),
        event=event,
        metadata=Metadata(
            actor="person:somebody",
            actor_division="370114",
            actor_roles=("officer",),
            correlation_id=uuid5(_NAMESPACE, f"{name} request"),
            causation_id=uuid5(_NAMESPACE, f"{name} request"),
        ),
    )


def example_data(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The data of an instance of an object schema. ``name`` gives its ids their own values."""
    made: dict[str, Any] = _value(schema, schema, name)
    return made


def _value(part: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Any:
    if "$ref" in part:
        return _value(root["$defs"][part["$ref"].rpartition("/")[2]], root, path)
    if "const" in part:
        return part["const"]
    if "enum" in part:
        return part["enum"][0]
    if "anyOf" in part:
        some = [choice for choice in part["anyOf"] if choice.get("type") != "null"]
        return _value(some[0], root, path)
    return _BY_TYPE[part.get("type", "object")](part, root, path)


def _object(part: Mapping[str, Any], root: Mapping[str, Any], path: str) -> dict[str, Any]:
    if "properties" not in part:
        values = part.get("additionalProperties", {})
        inner = _value(values, root, f"{path}.key") if isinstance(values, Mapping) else "value"
        return {_key(part, root): inner}
    return {
        name: _value(field, root, f"{path}.{name}") for name, field in part["properties"].items()
    }


def _key(part: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    names = part.get("propertyNames", {})
    if "$ref" in names:
        names = root["$defs"][names["$ref"].rpartition("/")[2]]
    return str(names["enum"][0]) if "enum" in names else "2023"


def _array(part: Mapping[str, Any], root: Mapping[str, Any], path: str) -> list[Any]:
    if "prefixItems" in part:
        return [_value(item, root, f"{path}[{at}]") for at, item in enumerate(part["prefixItems"])]
    count = max(1, part.get("minItems", 1))
    return [_value(part.get("items", {}), root, f"{path}[{at}]") for at in range(count)]


def _integer(part: Mapping[str, Any], _root: Mapping[str, Any], _path: str) -> int:
    lowest = part.get("minimum", part.get("exclusiveMinimum", 0) + 1)
    highest = part.get("maximum", part.get("exclusiveMaximum", 10**6) - 1)
    return int(min(max(lowest, 1), highest))


def _text(part: Mapping[str, Any], _root: Mapping[str, Any], path: str) -> str:
    match part.get("format"):
        case "uuid":
            return str(uuid5(_NAMESPACE, path))
        case "date":
            return "2023-08-01"
        case "date-time":
            return "2023-08-01T01:00:00Z"
    pattern = part.get("pattern", ".*")
    for text in _TEXTS:
        if re.search(pattern, text) and len(text) <= part.get("maxLength", 999):
            return text
    raise NoExample(f"{path}: {pattern}")


_BY_TYPE: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any], str], Any]] = {
    "object": _object,
    "array": _array,
    "integer": _integer,
    "number": _integer,
    "boolean": lambda _part, _root, _path: True,
    "string": _text,
    "null": lambda _part, _root, _path: None,
}
