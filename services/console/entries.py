"""What the log's entries say, in people's words: fields by name, codes, places, 元 for 分.

What a field holds is read from the event's own contract, so that it is declared once. A field or a
code of an event that this version does not know is shown as it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum, IntEnum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from annotated_types import Le
from pydantic import BaseModel, StringConstraints
from pydantic.fields import FieldInfo

from services.console.look import Visitor, moment
from shared.contracts.published import published
from shared.kernel.division import DivisionCode
from shared.kernel.money import yuan

Json = Any
Said = str | Sequence["Said"] | Mapping[str, "Said"]
"""A text; several; or several with their names."""
_MONEY = Le(10**15)
_PLACE = get_args(DivisionCode)[1]
_CODED = {"kind": "Clock", "feed": "Feed", "step": "Step", "gate": "Gate", "service": "Service"}
"""Codes that contracts keep as text, by their fields: the group that has their words."""


def said(visitor: Visitor, entry: Mapping[str, Json]) -> list[tuple[str, Said]]:
    """An entry's own fields."""
    fields = _of(entry["service"], entry["type"])
    return [
        (visitor.words.field(name), _value(visitor, fields.get(name, Any), value, name))
        for name, value in entry["data"].items()
        if value not in (None, [], "")
    ]


def changed(visitor: Visitor, entry: Mapping[str, Json]) -> list[tuple[str, Said, Said]]:
    """What an act changed of what was known: name, before, after."""
    fields = _of(entry["service"], entry["type"])
    found = []
    for name, change in entry["changes"].items():
        holds = fields.get(name) or _everywhere(entry["service"]).get(name, Any)
        before, after = (_value(visitor, holds, change[when], name) for when in ("before", "after"))
        if before or after:
            found.append((visitor.words.field(name), before, after))
    return found


def _value(visitor: Visitor, holds: Any, value: Json, name: str) -> Said:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return {
            _key(visitor, holds, key): _value(visitor, _inside(holds, key), inner, key)
            for key, inner in value.items()
            if inner not in (None, [], "")
        }
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _several([_value(visitor, _inside(holds, ""), inner, name) for inner in value])
    return _one(visitor, holds, value, name)


def _several(values: list[Said]) -> Said:
    texts = [value for value in values if isinstance(value, str)]
    return "、".join(texts) if len(texts) == len(values) else values


def _one(visitor: Visitor, holds: Any, value: Json, name: str = "") -> str:
    holds, limits = _plain(holds)
    if isinstance(value, bool):
        return visitor.words.label("Bool", value)
    if isinstance(holds, type) and issubclass(holds, Enum):
        return visitor.words.label(holds.__name__, _code(holds, value))
    if holds is datetime:
        return moment(value)
    if _MONEY in limits:
        return yuan(value)
    if _PLACE in limits:
        return visitor.place(value)
    return visitor.words.label(_CODED.get(name, ""), str(value))


def _code(holds: type[Enum], value: Json) -> Json:
    """The code that labels go by: an ordered one's is its name."""
    known = issubclass(holds, IntEnum) and value in holds._value2member_map_
    return holds(value).name if known else value


def _key(visitor: Visitor, holds: Any, name: str) -> str:
    """The name of what stands inside: a field's, or a key of a table."""
    holds, _ = _plain(holds)
    if get_origin(holds) is dict or get_origin(holds) is Mapping:
        return _one(visitor, get_args(holds)[0], name)
    return visitor.words.field(name)


def _inside(holds: Any, name: str) -> Any:
    """What a part of a value holds: a field of a model, a value of a table, one of several."""
    holds, _ = _plain(holds)
    if isinstance(holds, type) and issubclass(holds, BaseModel):
        return _fields(holds).get(name, Any)
    parts = get_args(holds)
    if not parts:
        return Any
    return parts[-1] if name else parts[0]


def _plain(holds: Any) -> tuple[Any, Sequence[Any]]:
    """A type without "or nothing", and what limits its values."""
    limits: list[Any] = []
    while True:
        if isinstance(holds, FieldInfo):
            limits += holds.metadata
            holds = holds.annotation
        elif get_origin(holds) is Annotated:
            holds, *more = get_args(holds)
            limits += [part for item in more for part in _limits(item)]
        elif get_origin(holds) in (Union, UnionType):
            parts = [part for part in get_args(holds) if part is not NoneType]
            if len(parts) > 1:
                return Any, ()
            [holds] = parts
        else:
            return holds, limits


def _limits(item: Any) -> Iterator[Any]:
    if isinstance(item, FieldInfo):
        yield from item.metadata
    elif isinstance(item, StringConstraints):
        yield item


def _of(service: str, type_: str) -> Mapping[str, Any]:
    return _events().get((service, type_), {})


@cache
def _events() -> Mapping[tuple[str, str], Mapping[str, Any]]:
    return {(item.service, item.name): _fields(item.cls) for item in published()}


@cache
def _everywhere(service: str) -> Mapping[str, Any]:
    """Every field of a service's events; a rollback brings back other events' fields."""
    return {
        name: holds
        for (owner, _), fields in _events().items()
        if owner == service
        for name, holds in fields.items()
    }


def _fields(model: type[BaseModel]) -> Mapping[str, Any]:
    return model.model_fields
