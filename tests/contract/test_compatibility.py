"""What may change within a version, and what may not."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, StringConstraints, create_model

from shared.contracts.compatibility import incompatibilities


class Colour(StrEnum):
    RED = "RED"
    BLUE = "BLUE"


class MoreColours(StrEnum):
    RED = "RED"
    BLUE = "BLUE"
    GREEN = "GREEN"


class Part(BaseModel):
    """A part."""

    weight: int


class Heavier(BaseModel):
    """A part, with more to it."""

    weight: int
    height: int


BEFORE: dict[str, Any] = {
    "id": (UUID, ...),
    "amount": (int, ...),
    "code": (Annotated[str, StringConstraints(pattern=r"^\d+$")], ...),
    "colour": (Colour, ...),
    "parts": (tuple[Part, ...], ...),
    "maybe": (int | None, None),
    "plain": (str, "x"),
}


def schema(**changed: Any) -> dict[str, Any]:
    fields = {name: kind for name, kind in {**BEFORE, **changed}.items() if kind is not None}
    return create_model("Thing", **fields).model_json_schema()


@pytest.mark.parametrize(
    "grown",
    [
        {},
        {"more": (int, 0)},
        {"more": (Part | None, None)},
        {"colour": (MoreColours, ...)},
        {"amount": (Annotated[int, Field(description="In 分.")], ...)},
    ],
)
def test_a_shape_may_grow(grown: dict[str, Any]) -> None:
    assert incompatibilities(schema(), schema(**grown)) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"amount": None}, ".amount: the field is gone"),
        ({"plain": None}, ".plain: the field is gone"),
        ({"more": (int, ...)}, ".more: required now"),
        ({"plain": (str, ...)}, ".plain: required now"),
        ({"amount": (int, 0)}, ".amount: no longer always there"),
        ({"amount": (str, ...)}, ".amount: type was integer, is string"),
        ({"id": (str, ...)}, ".id: format was uuid, is None"),
        ({"code": (Annotated[str, StringConstraints(pattern=r"^\w+$")], ...)}, ".code: pattern"),
        ({"amount": (Annotated[int, Field(ge=1)], ...)}, ".amount: minimum was None, is 1"),
        ({"maybe": (int, 0)}, ".maybe: other alternatives"),
        ({"maybe": (str | None, None)}, ".maybe|0: type was integer, is string"),
        ({"parts": (tuple[Heavier, ...], ...)}, ".parts[].height: required now"),
        ({"parts": (Part, ...)}, ".parts: type was array"),
    ],
)
def test_anything_else_is_a_new_version(changed: dict[str, Any], said: str) -> None:
    assert any(line.startswith(said) for line in incompatibilities(schema(), schema(**changed)))


def test_a_code_may_come_and_not_go() -> None:
    more = schema(colour=(MoreColours, ...))
    assert incompatibilities(more, schema()) == [".colour: the codes GREEN are gone"]
