"""An event once published can be read for ever: its golden file sees to it."""

import json
from pathlib import Path

import jsonschema
import pytest

from shared.contracts.compatibility import incompatibilities
from shared.contracts.published import Published, published
from shared.contracts.registry import decode, decode_json, find
from shared.testing.builders import example
from shared.testing.golden import Golden, path_of, read

GOLDEN = Path(__file__).parent / "golden"
EVENTS = published()
FILES = list(read(GOLDEN))
HOW = (
    "\n\nWhat is recorded stays as it is. Leave the old shape alone and add a new one:"
    "\n  1. raise `schema_version` of the class by one and change its fields;"
    "\n  2. beside it, `@upcast(service, name, from_version)`: a function from the old data,"
    "\n     a dict, to the new, which must answer what old events cannot know;"
    "\n  3. `python -m shared.testing.golden` and commit the new golden file beside the old one."
    "\n`tests/contract/test_upcast.py` is a worked example."
)


def name_of(item: Published | Golden) -> str:
    return f"{item.service}.{item.name}.v{item.version}"


@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_every_event_has_its_golden_file(event: Published) -> None:
    assert path_of(GOLDEN, event).exists(), (
        f"{name_of(event)} has no golden file: run `python -m shared.testing.golden` and commit it"
    )


@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_a_shape_only_grows(event: Published) -> None:
    known = json.loads(path_of(GOLDEN, event).read_text(encoding="utf-8"))
    broken = incompatibilities(known["schema"], event.schema())
    assert not broken, f"{name_of(event)}:\n  " + "\n  ".join(broken) + HOW


@pytest.mark.parametrize("golden", FILES, ids=name_of)
def test_what_was_ever_recorded_can_be_read(golden: Golden) -> None:
    current = find(golden.service, golden.name)
    text = json.dumps(golden.example)
    read_again = decode(golden.service, golden.name, golden.version, dict(golden.example))
    assert type(read_again) is current
    assert decode_json(golden.service, golden.name, golden.version, text) == read_again
    if golden.version == current.schema_version:
        written = read_again.model_dump(mode="json")
        assert {name: written[name] for name in golden.example} == golden.example


@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_a_newer_field_does_not_stop_an_older_reader(event: Published) -> None:
    data = example(event.cls).model_dump(mode="json")
    assert event.cls.model_validate({**data, "a_field_of_tomorrow": 1}) == example(event.cls)


@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_the_schema_is_one_and_the_example_keeps_it(event: Published) -> None:
    schema = event.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    checker.validate(example(event.cls).model_dump(mode="json"))


def test_the_example_is_always_the_same() -> None:
    for event in EVENTS:
        assert example(event.cls) == example(event.cls)
