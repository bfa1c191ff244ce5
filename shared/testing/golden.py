"""The golden files: one for each shape of each event that was ever published.

``python -m shared.testing.golden`` adds what is missing, in ``tests/contract/golden``, and renews a
file whose event has only grown. It never touches the file of a shape that was broken.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.contracts.compatibility import incompatibilities
from shared.contracts.publish import as_text
from shared.contracts.published import Published, published
from shared.testing.builders import example

DIRECTORY = Path("tests") / "contract" / "golden"


@dataclass(frozen=True)
class Golden:
    """A shape as it was published: its schema, and an instance of it."""

    service: str
    name: str
    version: int
    schema: Mapping[str, Any]
    example: Mapping[str, Any]


def read(directory: Path) -> Iterator[Golden]:
    """Every golden file."""
    for path in sorted(directory.glob("*/*.json")):
        name, _, version = path.stem.rpartition(".v")
        content = json.loads(path.read_text(encoding="utf-8"))
        yield Golden(path.parent.name, name, int(version), content["schema"], content["example"])


def path_of(directory: Path, event: Published) -> Path:
    """Where the golden file of an event's present shape stands."""
    return directory / event.service / f"{event.name}.v{event.version}.json"


def content_of(event: Published) -> dict[str, Any]:
    """What the golden file of a present shape holds."""
    instance = example(event.cls).model_dump(mode="json")
    return {"schema": event.schema(), "example": instance}


def renew(directory: Path) -> list[Path]:
    """Write what is missing or has grown; return what was written."""
    written = []
    for event in published():
        path, content = path_of(directory, event), content_of(event)
        if path.exists():
            known = json.loads(path.read_text(encoding="utf-8"))
            if known == content or incompatibilities(known["schema"], content["schema"]):
                continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_text(content), encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    for made in renew(DIRECTORY):
        sys.stdout.write(f"{made}\n")
