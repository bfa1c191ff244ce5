"""What the OpenAPI documents show as examples is what the services take."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.kernel.event import Command
from shared.web.examples import schema_extra

ROOT = Path(__file__).parents[2]
SERVICES = ("alerts", "identification", "assistance")


def shown() -> list[Any]:
    """Every example, by service and command."""
    return [
        pytest.param(service, name, body, id=f"{service}.{name}")
        for service in SERVICES
        for name, body in json.loads(
            (ROOT / "services" / service / "examples.json").read_text(encoding="utf-8")
        ).items()
    ]


def command_of(service: str, name: str) -> type[Command]:
    """The command of that name; a service may spread its commands over several modules."""
    importlib.import_module(f"services.{service}.main")
    [found] = [
        command
        for command in _inheriting(Command)
        if command.__name__ == name and command.__module__.startswith(f"services.{service}.")
    ]
    return found


def _inheriting(cls: type[Command]) -> Iterator[type[Command]]:
    for inheriting in cls.__subclasses__():
        yield inheriting
        yield from _inheriting(inheriting)


@pytest.mark.parametrize(("service", "name", "body"), shown())
def test_an_example_is_a_body_that_is_taken(service: str, name: str, body: dict[str, Any]) -> None:
    command = command_of(service, name)
    in_path = {
        field: "01a20b01-30e8-7615-8430-1f28bfee6d2c"
        for field, info in command.model_fields.items()
        if field.endswith("_id") and info.is_required() and field not in body
    }
    command.model_validate_json(json.dumps({**in_path, **body}))
    assert schema_extra(command) == {"examples": [body]}
