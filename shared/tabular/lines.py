"""NDJSON: an object a line."""

from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

import orjson

from shared.tabular.faults import Unreadable
from shared.tabular.table import Cell, Flaw, Kind, Limits, Number, Row, Table

_LOOKED_AT = 1000
"""Lines whose names make up the header: not every object names every field."""
_BOM = b"\xef\xbb\xbf"


def open_ndjson(file: IO[bytes], limits: Limits) -> Table:
    """The table in ``file``. Raises ``Unreadable``."""
    names: dict[str, None] = {}
    for _, value in islice(_objects(file), _LOOKED_AT):
        names.update(dict.fromkeys(value or ()))
    if not names:
        raise Unreadable("no-header", "文件中没有记录", "it holds no object")

    def read() -> Iterator[Row]:
        for number, value in _objects(file):
            if value is None:
                yield Row(number, (), "malformed-json")
            elif not value.keys() <= names.keys():
                yield Row(number, (), "unknown-column")
            else:
                yield Row(number, [_cell(value.get(name), limits.cell) for name in names])

    return Table(Kind.NDJSON, tuple(names), "utf-8", read)


def _objects(file: IO[bytes]) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """The lines that are not blank, each with its object, or none where it is none."""
    file.seek(0)
    for number, line in enumerate(file, start=1):
        text = line.removeprefix(_BOM) if number == 1 else line
        if not text.strip():
            continue
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            value = None
        yield number, value if isinstance(value, dict) else None


def _cell(value: Any, longest: int) -> Cell:
    match value:
        case str():
            return value if len(value) <= longest else Flaw.TOO_LONG
        case None:
            return ""
        case bool():
            return value
        case int():
            return str(value)  # whole numbers of JSON are exact
        case float():
            return Number(repr(value))
        case _:
            return Flaw.NESTED
