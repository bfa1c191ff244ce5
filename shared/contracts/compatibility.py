"""Whether an event's new shape can still read what was recorded in the old one.

Within one version a shape may only grow: optional fields, further codes. Anything else is a new
version with an upcast, because what is recorded stays as it is for ever.
"""

from collections.abc import Iterator, Mapping
from typing import Any

_WORDS_ONLY = frozenset({"title", "description", "examples", "default", "$id", "$schema", "$defs"})
Schema = Mapping[str, Any]


def incompatibilities(old: Schema, new: Schema) -> list[str]:
    """What in ``new`` breaks with ``old``, each as ``path: what``; empty when nothing does."""
    return list(_compare(_Node(old, old), _Node(new, new), ""))


class _Node:
    """A part of a schema, its references followed."""

    def __init__(self, part: Schema, root: Schema) -> None:
        reference = part.get("$ref")
        if isinstance(reference, str):
            rest = {name: value for name, value in part.items() if name != "$ref"}
            part = {**root["$defs"][reference.rpartition("/")[2]], **rest}
        self.part, self.root = part, root

    def child(self, part: Schema) -> "_Node":
        return _Node(part, self.root)

    @property
    def fields(self) -> Mapping[str, Schema]:
        found: Mapping[str, Schema] = self.part.get("properties", {})
        return found

    @property
    def required(self) -> frozenset[str]:
        return frozenset(self.part.get("required", ()))

    @property
    def choices(self) -> list[Schema]:
        return list(self.part.get("anyOf", ()))


def _compare(old: _Node, new: _Node, path: str) -> Iterator[str]:
    yield from _fields(old, new, path)
    yield from _codes(old, new, path)
    if "items" in old.part and "items" in new.part:
        items = old.child(old.part["items"]), new.child(new.part["items"])
        yield from _compare(*items, f"{path}[]")
    if len(old.choices) == len(new.choices):
        for number, pair in enumerate(zip(old.choices, new.choices, strict=True)):
            yield from _compare(old.child(pair[0]), new.child(pair[1]), f"{path}|{number}")
    else:
        yield f"{path or '.'}: other alternatives than before"
    yield from _keywords(old, new, path)


def _fields(old: _Node, new: _Node, path: str) -> Iterator[str]:
    for name in sorted(old.fields.keys() - new.fields.keys()):
        yield f"{path}.{name}: the field is gone"
    for name in sorted(new.required - old.required):
        yield f"{path}.{name}: required now, and what is recorded may not have it"
    for name in sorted((old.required - new.required) & new.fields.keys()):
        yield f"{path}.{name}: no longer always there, and readers rely on it"
    for name in sorted(old.fields.keys() & new.fields.keys()):
        pair = old.child(old.fields[name]), new.child(new.fields[name])
        yield from _compare(*pair, f"{path}.{name}")


def _codes(old: _Node, new: _Node, path: str) -> Iterator[str]:
    if "enum" in old.part:
        gone = [code for code in old.part["enum"] if code not in new.part.get("enum", ())]
        if gone:
            yield f"{path}: the codes {', '.join(map(str, gone))} are gone"


def _keywords(old: _Node, new: _Node, path: str) -> Iterator[str]:
    """Types, formats, patterns and limits: the same, or a new version."""
    followed = _WORDS_ONLY | {"properties", "required", "enum", "items", "anyOf"}
    for word in sorted((old.part.keys() | new.part.keys()) - followed):
        was, now = old.part.get(word), new.part.get(word)
        if was != now:
            yield f"{path or '.'}: {word} was {was}, is {now}"
