"""What a correction would do: what becomes void, and what was built upon it (R108).

Assembled from what the log knows of the targets' households. An effect is what people should look
at before they decide; nothing of it is carried out by the correction itself.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.audit.domain.statement import GATE_OF
from shared.contracts.audit import CorrectionKind, Target
from shared.policy.rules import rule

Entry = Mapping[str, Any]
"""A logged event's envelope, its data included."""

NOTICES = frozenset({"NoticePosted", "Publicized", "Announced"})
"""Events that told the public something."""
_STARTED = "MeasureStarted"
_OVER = frozenset({"MeasureStopped", "MeasureEnded"})
_GATES = frozenset({*GATE_OF, "CorrectionRequested", "CorrectionAuthorized"})


@dataclass(frozen=True)
class Effects:
    """What would come of a correction."""

    void: tuple[Entry, ...]
    """Events of the targets that would count no more, in their order."""
    notices: tuple[Entry, ...]
    """Those among them that the public was told."""
    streams: tuple[Mapping[str, Any], ...]
    """Other cases, plans, eliminations, orders… that stand on a target."""
    measures: tuple[Mapping[str, Any], ...]
    """Measures running in those streams or in a target."""

    def as_json(self) -> dict[str, Any]:
        """As it is answered: no event's data, only which events they are."""
        return {
            "void": [_named(entry) for entry in self.void],
            "notices": [_named(entry) for entry in self.notices],
            "streams": list(self.streams),
            "measures": list(self.measures),
        }


@rule("R108")
def effects(kind: CorrectionKind, targets: Sequence[Target], entries: Sequence[Entry]) -> Effects:
    """The effects of a correction on ``entries``, everything logged about the households.

    A stream stands on a target when it names it or when one of its events followed from one that
    would be void, directly or through others.
    """
    aimed = {str(target.stream_id) for target in targets}
    void = tuple(entry for entry in entries if _is_void(kind, targets, entry))
    others = [item for item in entries if item["stream_id"] not in aimed | _corrections(entries)]
    caused = _caused(void, entries)
    standing = {
        entry["stream_id"]: entry
        for entry in others
        if entry["event_id"] in caused or _names(entry["data"], aimed)
    }
    return Effects(
        void=void,
        notices=tuple(entry for entry in void if entry["type"] in NOTICES),
        streams=tuple(_stream(stream, entries) for stream in standing),
        measures=tuple(_running(entries, standing.keys() | aimed)),
    )


def _is_void(kind: CorrectionKind, targets: Sequence[Target], entry: Entry) -> bool:
    if kind in {CorrectionKind.FLAG_CHANGE, CorrectionKind.ERASURE}:
        return False
    return any(
        str(target.stream_id) == entry["stream_id"]
        and (target.to_version or 0) < entry["version"] <= target.version
        for target in targets
    )


def _corrections(entries: Iterable[Entry]) -> set[str]:
    """Corrections name their targets, and do not depend on them."""
    return {entry["stream_id"] for entry in entries if entry["type"] in _GATES}


def _caused(void: Iterable[Entry], entries: Sequence[Entry]) -> set[str]:
    """The events that followed from void ones, through however many others."""
    caused = {entry["event_id"] for entry in void}
    growing = True
    while growing:
        more = {e["event_id"] for e in entries if e["causation_id"] in caused} - caused
        growing = bool(more)
        caused |= more
    return caused


def _names(value: Any, streams: Collection[str]) -> bool:
    """Whether a value anywhere in an event's data is one of these streams' ids."""
    if isinstance(value, Mapping):
        return any(_names(item, streams) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_names(item, streams) for item in value)
    return isinstance(value, str) and value in streams


def _stream(stream_id: str, entries: Iterable[Entry]) -> Mapping[str, Any]:
    last = [entry for entry in entries if entry["stream_id"] == stream_id][-1]
    return {**_named(last), "category": last["category"]}


def _running(entries: Iterable[Entry], streams: Collection[str]) -> list[Mapping[str, Any]]:
    running: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        measure = str(entry["data"].get("measure_id"))
        if entry["stream_id"] in streams and entry["type"] == _STARTED:
            running[measure] = {"measure_id": measure, **_named(entry)}
        elif entry["type"] in _OVER:
            running.pop(measure, None)
    return list(running.values())


def _named(entry: Entry) -> dict[str, Any]:
    return {
        name: entry[name]
        for name in ("service", "stream_id", "version", "type", "occurred_on", "event_id")
    }
