"""Recorded = sent = received = audited, counted from outside: by SQL, across all databases."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dixian.provision import SERVICES, Tenant
from tests.end_to_end.installation import Installation

Key = tuple[str, str]
"""A service and the id of one of its streams."""

TAKES: Mapping[str, tuple[str, ...]] = {
    "alerts": ("identification", "assistance", "audit"),
    "identification": ("alerts", "assistance", "audit"),
    "assistance": ("identification", "audit"),
    "audit": SERVICES,
}
"""Who takes whose events in."""


def must_be_exactly_once(installation: Installation) -> None:
    """Every event recorded was sent, received by all who take it and audited, once each."""
    installation.eventually("equal counts", lambda: _in_balance(installation) or None)
    streams: dict[Key, int] = {}
    for service in SERVICES:
        recorded = _recorded(installation, service)
        must_be_gapless(recorded)
        streams |= {(service, stream): max(found) for stream, found in recorded.items()}
    assert _audited(installation) == streams
    for consumer, senders in TAKES.items():
        _must_have_received(installation, consumer, senders, streams)


def must_be_gapless(streams: Mapping[str, list[int]]) -> None:
    """Each stream's versions are 1, 2, 3…: nothing twice, nothing missing."""
    for stream, versions in streams.items():
        assert sorted(versions) == list(range(1, len(versions) + 1)), stream


def must_verify(installation: Installation) -> None:
    """The audit log's tree, exported and recomputed offline, is the signed one."""
    with TemporaryDirectory() as directory:
        log = str(Path(directory) / "log")
        for words in (("export", log), ("verify", log)):
            done = installation.command(*words)
            assert done.returncode == 0, done.stdout


def _in_balance(installation: Installation) -> bool:
    health = {service: installation.health(service) for service in SERVICES}
    audited = health["audit"]["audited"]
    return all(
        numbers["recorded"] == numbers["sent"] == audited.get(service, 0)
        and all(
            numbers["received"].get(f"dixian.{sender}", {"events": 0})["events"]
            == health[sender]["recorded"]
            for sender in TAKES[service]
        )
        for service, numbers in health.items()
    )


def _recorded(installation: Installation, service: str) -> dict[str, list[int]]:
    rows = installation.rows(Tenant(service).database, "select stream_id, version from es.event")
    return _by_stream((str(row["stream_id"]), row["version"]) for row in rows)


def _audited(installation: Installation) -> dict[Key, int]:
    """The last version of each stream in the log, whose versions are all there, once."""
    rows = installation.rows(
        "dixian_audit", "select service, stream_id, version from audit.entry order by idx"
    )
    found: dict[Key, int] = {}
    for service in SERVICES:
        ours = [row for row in rows if row["service"] == service]
        streams = _by_stream((str(row["stream_id"]), row["version"]) for row in ours)
        must_be_gapless(streams)
        must_be_in_order(streams)
        found |= {(service, stream): max(versions) for stream, versions in streams.items()}
    return found


def must_be_in_order(streams: Mapping[str, list[int]]) -> None:
    """A stream's versions were taken in as they were recorded."""
    for stream, versions in streams.items():
        assert versions == sorted(versions), stream


def _must_have_received(
    installation: Installation,
    consumer: str,
    senders: Iterable[str],
    streams: Mapping[Key, int],
) -> None:
    database = Tenant(consumer).database
    seen = {
        (row["topic"].removeprefix("dixian."), str(row["stream_id"])): row["version"]
        for row in installation.rows(
            database, "select topic, stream_id, version from es.consumed_stream"
        )
    }
    assert seen == {key: last for key, last in streams.items() if key[0] in senders}, consumer
    counted: Counter[str] = Counter()
    for row in installation.rows(database, "select topic, received from es.consumed_partition"):
        counted[row["topic"].removeprefix("dixian.")] += row["received"]
    expected = {sender: sum(v for k, v in streams.items() if k[0] == sender) for sender in senders}
    assert {sender: counted[sender] for sender in senders} == expected, consumer
    parked: list[Any] = installation.rows(
        database, "select type, reason, detail from es.parked where replayed_at is null"
    )
    assert parked == [], consumer


def _by_stream(found: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    streams: dict[str, list[int]] = {}
    for stream, version in found:
        streams.setdefault(stream, []).append(version)
    return streams
