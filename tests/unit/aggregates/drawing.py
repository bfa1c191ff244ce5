"""Draws values of the types that commands are made of, from pools so small that they meet again."""

import re
import types
from collections.abc import Mapping, Sequence, Set
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

FIRST = date(2023, 8, 1)
IDS = [UUID(int=n) for n in range(1, 4)]
DIVISIONS = ["370114101200", "370114101201", "370114101", "370114", "3701", "37", "CN"]
_TEXTS = [
    *DIVISIONS,
    "word",
    "another-word",
    "medical-insurance",
    "R56",
    "2023",
    "2023-07",
    "a" * 64,
]
_NUMBERS = [0, 1, 2, 3, 5, 15, 30, 100, 365, 8000, 1_000_000]
_LENGTH = 2

Drawn = st.SearchStrategy[Any]


def command_of(kind: type[BaseModel]) -> Drawn:
    """The fields of a command; whether they make one is for the command itself to say."""
    return _model(kind)


@cache
def _model(kind: type[BaseModel]) -> Drawn:
    fields = kind.model_fields.items()
    always = {name: _field(field) for name, field in fields if field.is_required()}
    perhaps = {name: _field(field) for name, field in fields if not field.is_required()}
    return st.fixed_dictionaries(always, optional=perhaps)


def _field(field: FieldInfo) -> Drawn:
    return st.deferred(lambda: _value(field.annotation, field.metadata))


def _value(kind: Any, meta: Sequence[Any] = ()) -> Drawn:
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _value(inside[0], [*meta, *_flat(inside[1:])])
    if origin in {Union, types.UnionType}:
        return st.one_of(*(_value(each, meta) for each in inside))
    if origin is Literal:
        return st.sampled_from(inside)
    if isinstance(origin, type):
        return _several(origin, inside)
    return _plain(kind, meta)


def _flat(meta: Sequence[Any]) -> list[Any]:
    """Constraints, those within pydantic's ``Field`` too."""
    return [
        one for each in meta for one in (each.metadata if isinstance(each, FieldInfo) else [each])
    ]


def _several(origin: type, inside: Sequence[Any]) -> Drawn:
    if issubclass(origin, Mapping):
        return st.dictionaries(_value(inside[0]), _value(inside[1]), max_size=_LENGTH)
    if issubclass(origin, tuple) and inside[-1:] != (...,):
        return st.tuples(*map(_value, inside))
    assert issubclass(origin, Sequence | Set), origin
    return st.lists(st.deferred(lambda: _value(inside[0])), max_size=_LENGTH)


def _plain(kind: Any, meta: Sequence[Any]) -> Drawn:
    if kind is None or kind is type(None):
        return st.none()
    if issubclass(kind, BaseModel):
        return _model(kind)
    if issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    if issubclass(kind, str):
        return _text(meta)
    return _SIMPLE[kind]


_MOMENTS = st.integers(0, 400).map(
    lambda days: datetime(2023, 8, 1, tzinfo=UTC) + timedelta(days=days)
)
_SIMPLE: Mapping[type, Drawn] = {
    bool: st.booleans(),
    int: st.sampled_from(_NUMBERS),
    float: st.sampled_from([0.0, 0.5, 1.0]),
    bytes: st.just(bytes(32)),
    UUID: st.sampled_from(IDS),
    date: st.integers(-40, 400).map(lambda days: FIRST + timedelta(days=days)),
    datetime: _MOMENTS,
    AwareDatetime: _MOMENTS,
}


def _text(meta: Sequence[Any]) -> Drawn:
    patterns = [each.pattern for each in meta if getattr(each, "pattern", None)]
    fit = [text for text in _TEXTS if all(re.search(pattern, text) for pattern in patterns)]
    return st.sampled_from(fit) if fit else st.from_regex(patterns[0], fullmatch=True)
