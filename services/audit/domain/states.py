"""What was known of a stream before and after each of its events, as its events tell it.

An event's fields are what it says; a later event's field of the same name replaces the earlier one.
Past a ``RolledBack`` what is known is as of the version it names, past a ``Purged`` it is nothing.
The services fold the same events into states of their own; this needs none of their code, and so
holds for events that this version has never heard of.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

Entry = Mapping[str, Any]
Known = Mapping[str, Any]
_ABOUT = frozenset({"correction_id", "to_version"})
"""What a compensating event says of itself."""


class Step(NamedTuple):
    """What was known around one event."""

    before: Known
    after: Known

    def changes(self) -> dict[str, dict[str, Any]]:
        """The fields that differ, each with what it was and what it is; null is unknown."""
        names = sorted(self.before.keys() | self.after.keys())
        found = ((name, self.before.get(name), self.after.get(name)) for name in names)
        return {
            name: {"before": before, "after": after}
            for name, before, after in found
            if before != after
        }


def steps(stream: Sequence[Entry]) -> dict[int, Step]:
    """Around each version of a stream, whose entries are given whole and in order."""
    known: dict[int, Known] = {0: {}}
    made: dict[int, Step] = {}
    before: Known = {}
    for entry in stream:
        after = _after(before, entry, known)
        made[entry["version"]] = Step(before, after)
        known[entry["version"]] = before = after
    return made


def steps_of(entries: Iterable[Entry]) -> dict[tuple[str, int], Step]:
    """The same for several streams at once, by stream and version."""
    streams: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry["version"]):
        streams.setdefault(entry["stream_id"], []).append(entry)
    return {
        (stream_id, version): step
        for stream_id, stream in streams.items()
        for version, step in steps(stream).items()
    }


def _after(before: Known, entry: Entry, known: Mapping[int, Known]) -> Known:
    data = entry.get("data") or {}
    match entry["type"]:
        case "RolledBack":
            return known.get(data.get("to_version", 0), {})
        case "Purged":
            return {}
    return {**before, **{name: value for name, value in data.items() if name not in _ABOUT}}
