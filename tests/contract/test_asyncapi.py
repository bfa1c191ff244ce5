"""The published documents: whole, valid, and what stands in the repository."""

import json
from pathlib import Path
from typing import Any

import jsonschema

from shared.bus.cloudevents import encode, topic
from shared.contracts.publish import as_text, asyncapi, write
from shared.contracts.published import published, topic_of
from shared.testing.builders import example, recorded

DOCUMENT = asyncapi()
DOCS = Path(__file__).parents[2] / "docs" / "contracts"


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        here = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return here + [found for value in part.values() for found in references(value)]
    if isinstance(part, list):
        return [found for value in part for found in references(value)]
    return []


def followed(reference: str, base: Path) -> Any:
    file, _, pointer = reference.partition("#")
    found = json.loads((base / file).read_text(encoding="utf-8")) if file else DOCUMENT
    for step in pointer.split("/")[1:]:
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found


def test_every_reference_leads_somewhere(tmp_path: Path) -> None:
    write(tmp_path)
    for reference in references(DOCUMENT):
        assert followed(reference, tmp_path)


def test_every_event_is_sent_on_its_services_channel() -> None:
    for event in published():
        channel = DOCUMENT["channels"][event.service]
        assert channel["address"] == event.topic == topic(event.service)
        message = followed(channel["messages"][event.name]["$ref"], Path())
        assert message["name"] == event.type
        sent = DOCUMENT["operations"][f"{event.service}Publishes"]["messages"]
        assert {"$ref": f"#/channels/{event.service}/messages/{event.name}"} in sent


def test_topics_are_the_bus_s() -> None:
    assert [topic_of(service) for service in DOCUMENT["channels"]] == [
        topic(service) for service in DOCUMENT["channels"]
    ]


def test_what_really_travels_is_what_is_documented(tmp_path: Path) -> None:
    write(tmp_path)
    headers = DOCUMENT["components"]["schemas"]["Headers"]
    for event in published():
        message = encode(recorded(example(event.cls)))
        assert message.headers["ce_type"] == event.type
        jsonschema.validate(dict(message.headers), headers)
        assert message.headers.keys() <= headers["properties"].keys()
        schema = tmp_path / event.service / event.name / f"v{event.version}.json"
        jsonschema.validate(json.loads(message.value), json.loads(schema.read_text("utf-8")))


def test_the_repository_holds_what_make_contracts_writes(tmp_path: Path) -> None:
    for path in write(tmp_path):
        known = DOCS / path.relative_to(tmp_path)
        assert known.exists(), f"{known} is missing: run `make contracts` and commit it"
        assert known.read_text("utf-8") == path.read_text("utf-8"), (
            f"{known} is out of date: run `make contracts` and commit it"
        )


def test_writing_twice_changes_nothing(tmp_path: Path) -> None:
    first = {path: path.read_bytes() for path in write(tmp_path)}
    assert {path: path.read_bytes() for path in write(tmp_path)} == first
    assert as_text({"字": 1}) == '{\n  "字": 1\n}\n'
