"""A stream's history as pages tell it: what happened, when, by whom, with which words."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from shared.kernel.clock import legal_date
from shared.kernel.event import Event, Recorded
from shared.store.application import back_dated

_NOTES = ("note_id", "minutes_id", "facts_id")
"""What events call the ids of the words that lie in the vault."""


def told(history: Sequence[Recorded[Event]]) -> list[dict[str, Any]]:
    """Every event, the oldest first: codes and ids, never the words themselves."""
    return [_entry(item) for item in history]


def _entry(item: Recorded[Event]) -> dict[str, Any]:
    return {
        "version": item.version,
        "type": type(item.event).__name__,
        "occurred_on": item.occurred_on,
        "recorded_at": item.recorded_at,
        "by": item.metadata.actor,
        "notes": _notes(item.event),
        "objection": getattr(item.event, "objection_id", None),
        "back_dated": back_dated(item, legal_date(item.recorded_at)),
    }


def _notes(event: Event) -> list[UUID]:
    """The words that came with an act, to be read for a purpose."""
    return [note for note in (getattr(event, name, None) for name in _NOTES) if note is not None]
