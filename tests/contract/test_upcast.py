"""A worked example: a shape that another one replaced twice, and what was recorded in each.

A well was first dug with its depth in metres; then in centimetres, because half metres were needed;
then every well got an owner, whom old events do not know.
"""

import json
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest
from pydantic import ValidationError

from shared.contracts.assistance import EliminationDeliberated
from shared.contracts.registry import UnknownEvent, contract, decode, decode_json, upcast
from shared.contracts.values import MeetingForm
from shared.kernel.event import Event


@contract
class WellDug(Event):
    """Somebody dug a well."""

    service: ClassVar[str] = "upcasting"
    schema_version: ClassVar[int] = 3

    centimetres: int
    owner: str | None
    """``None`` for a well of the time before owners were recorded."""


@upcast("upcasting", "WellDug", 1)
def in_centimetres(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 had whole metres."""
    return {"centimetres": data["metres"] * 100}


@upcast("upcasting", "WellDug", 2)
def with_an_owner(data: dict[str, Any]) -> dict[str, Any]:
    """Version 2 had no owner: what is not known is said to be unknown, not guessed."""
    return {**data, "owner": None}


@pytest.mark.parametrize(
    ("version", "data", "expected"),
    [
        (1, {"metres": 3}, WellDug(centimetres=300, owner=None)),
        (2, {"centimetres": 350}, WellDug(centimetres=350, owner=None)),
        (3, {"centimetres": 350, "owner": "村"}, WellDug(centimetres=350, owner="村")),
    ],
)
def test_every_shape_is_read_as_todays(
    version: int, data: dict[str, Any], expected: WellDug
) -> None:
    before = orjson.dumps(data)
    assert decode("upcasting", "WellDug", version, data) == expected
    assert decode_json("upcasting", "WellDug", version, before) == expected
    assert orjson.dumps(data) == before


@pytest.mark.parametrize("version", [0, 4, -1])
def test_a_shape_never_heard_of_is_not_guessed(version: int) -> None:
    with pytest.raises(UnknownEvent):
        decode("upcasting", "WellDug", version, {"centimetres": 1, "owner": None})
    with pytest.raises(UnknownEvent):
        decode_json("upcasting", "WellDug", version, b"{}")


def test_an_event_never_heard_of_is_not_guessed() -> None:
    with pytest.raises(UnknownEvent):
        decode("upcasting", "WellFilled", 1, {})


def test_data_of_another_shape_is_not_taken() -> None:
    with pytest.raises(ValidationError):
        decode("upcasting", "WellDug", 3, {"metres": 3})


def test_a_name_is_taken_once() -> None:
    with pytest.raises(TypeError, match="two contracts"):
        contract(type("WellDug", (Event,), {"service": "upcasting", "__annotations__": {}}))


def test_a_meeting_has_one_name_in_both_services() -> None:
    golden = Path(__file__).parent / "golden/assistance/EliminationDeliberated.v1.json"
    recorded = json.loads(golden.read_text(encoding="utf-8"))["example"]
    old = {**recorded, "form": "COMMITTEES_ENLARGED"}
    read = decode("assistance", "EliminationDeliberated", 1, old)
    assert isinstance(read, EliminationDeliberated)
    assert read.form is MeetingForm.ENLARGED_COMMITTEE
