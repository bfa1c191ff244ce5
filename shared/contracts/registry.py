"""Finds an event's class by its name, and lifts old shapes to the newest on reading."""

from collections.abc import Callable
from typing import Any, TypeVar

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
    try:
        cls = _CLASSES[service, type_name]
    except KeyError:
        raise UnknownEvent(f"{service}.{type_name}") from None
    if schema_version > cls.schema_version:
        raise UnknownEvent(f"{service}.{type_name} v{schema_version}")
    for version in range(schema_version, cls.schema_version):
        data = _UPCASTS[service, type_name, version](data)
    return cls.model_validate(data)


def all_contracts() -> dict[tuple[str, str], type[Event]]:
    """Every registered event class by ``(service, name)``."""
    return dict(_CLASSES)
