"""Examples of request bodies for the OpenAPI documents: what the demo really sends.

Each service keeps its own in ``examples.json`` beside its ``main.py``, by the command's name.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from shared.kernel.event import Command


def schema_extra(command: type[Command]) -> dict[str, Any]:
    """``{"examples": [...]}`` for the body's JSON Schema; empty where there is no example."""
    service = ".".join(command.__module__.split(".")[:2])
    example = _of_service(service).get(command.__name__)
    return {} if example is None else {"examples": [example]}


@cache
def _of_service(package: str) -> Mapping[str, Any]:
    file = files(package) / "examples.json"
    if not file.is_file():
        return {}
    found: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
