"""Finds an event's class by its name, and lifts old shapes to the newest on reading."""

from collections.abc import Callable
from typing import Any, TypeVar

import orjson

from shared.kernel.event import Event

E = TypeVar("E", bound=type[Event])
Upcast = Callable[[dict[str, Any]], dict[str, Any]]

_CLASSES: dict[tuple[str, str], type[Event]] = {}
_UPCASTS: dict[tuple[str, str, int], Upcast] = {}


class UnknownEvent(LookupError):
    """A type or schema version this build does not know: a newer producer. Parked, not guessed."""


def contract(cls: E) -> E:
    """Register an event class under its service and its name."""
    name = (cls.service, cls.__name__)
    if name in _CLASSES:
        raise TypeError(f"two contracts are called {name}")
    _CLASSES[name] = cls
    return cls


def upcast(service: str, type_name: str, from_version: int) -> Callable[[Upcast], Upcast]:
    """Register the step that turns data of ``from_version`` into data of ``from_version + 1``."""

    def register(step: Upcast) -> Upcast:
        _UPCASTS[service, type_name, from_version] = step
        return step

    return register


def decode(service: str, type_name: str, schema_version: int, data: dict[str, Any]) -> Event:
    """The event from its stored or received data, whatever version wrote it.

    Raises ``UnknownEvent`` for a name or version never heard of, ``pydantic.ValidationError`` for
    data that does not fit.
    """
    cls = find(service, type_name, schema_version)
    for version in range(schema_version, cls.schema_version):
        data = _UPCASTS[service, type_name, version](data)
    return cls.model_validate(data)


def decode_json(service: str, type_name: str, schema_version: int, data: str | bytes) -> Event:
    """``decode`` from the JSON text: an event of today's version is read without a detour."""
    cls = find(service, type_name, schema_version)
    if schema_version == cls.schema_version:
        return cls.model_validate_json(data)
    return decode(service, type_name, schema_version, orjson.loads(data))


def find(service: str, type_name: str, schema_version: int = 1) -> type[Event]:
    """The event's class. Raises ``UnknownEvent`` for a name or version never heard of."""
    cls = _CLASSES.get((service, type_name))
    if cls is None or not 1 <= schema_version <= cls.schema_version:
        raise UnknownEvent(f"{service}.{type_name} v{schema_version}")
    return cls


def all_contracts() -> dict[tuple[str, str], type[Event]]:
    """Every registered event class by ``(service, name)``."""
    return dict(_CLASSES)
