"""The rows that feeds and files have in the tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.alerts.domain.feed import Feed
from services.alerts.domain.feed_file import FeedFile
from services.alerts.read_models import feed_tables
from shared.contracts.alerts import FeedMapped, ThresholdSet
from shared.kernel.event import Event, Recorded
from shared.store.views import View

Rows = Sequence[Mapping[str, Any]]


def _feed(feed: Feed, last: Recorded[Event]) -> Rows:
    event = last.event
    assert isinstance(event, FeedMapped | ThresholdSet)
    return [
        {
            "stream_id": last.stream_id,
            "version": last.version,
            "feed": event.feed,
            "division": feed.division,
            "number": feed.number,
            "mapping": feed.mapping.model_dump(mode="json"),
        }
    ]


def _thresholds(feed: Feed, last: Recorded[Event]) -> Rows:
    event = last.event
    assert isinstance(event, FeedMapped | ThresholdSet)
    return [
        {
            "stream_id": last.stream_id,
            "n": number,
            "feed": event.feed,
            **threshold.model_dump(),
        }
        for number, threshold in enumerate(feed.thresholds)
    ]


def _file(file: FeedFile, last: Recorded[Event]) -> Rows:
    received = file.received
    assert received is not None
    return [
        {
            "stream_id": last.stream_id,
            "version": last.version,
            "feed": received.feed,
            "division": received.division,
            "size": received.size,
            "status": file.status,
            "blocks": file.blocks,
            "last_row": file.last_row,
            "rows": file.tally.rows,
            "expected": file.expected,
            **file.tally.model_dump(),
            "refusal": file.refusal,
            "received_at": received.received_at,
        }
    ]


FEED_VIEWS: Sequence[View[Any]] = (
    View(feed_tables.feed, "feed", _feed),
    View(feed_tables.threshold, "feed", _thresholds),
    View(feed_tables.feed_file, "feed_file", _file),
)
