"""Collects what every party holds, from the outside: by SQL, from the bus, by the log's export."""

import io
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiokafka import AIOKafkaConsumer
from rich.console import Console

from dixian.audit_log import export_log
from dixian.provision import SERVICES, Tenant
from services.audit.domain.merkle import leaf_hash
from services.audit.domain.note import Checkpoint, Note
from services.audit.log.verify import trusted_key, verify
from shared.bus.cloudevents import topic
from tests.chaos.checker import Clock, Collected, Inbox, Seen, SeenHead, Stream
from tests.end_to_end.installation import Installation

Streams = dict[Stream, Stream]
"""Each stream once, however many events it has: a year has millions."""
TAKES: Mapping[str, tuple[str, ...]] = {
    "alerts": ("identification", "assistance", "audit"),
    "identification": ("alerts", "assistance", "audit"),
    "assistance": ("identification", "audit"),
    "audit": SERVICES,
}
"""Who takes whose events in."""
_UNANSWERED = """
select stream_id from rm.lead where household_id is not null and status = 'MATCHED'
"""
_CLOCKS = """
select stream_id, type, data->>'kind' as kind, data->>'due_on' as due_on,
       coalesce(data->>'on', '') as on_day
  from es.event where type in ('DeadlineWarned', 'DeadlineMissed')
"""


def collected(installation: Installation) -> Collected:
    """What the databases say; the bus, the answers and the checkpoints seen are the caller's."""
    rows = installation.rows
    found = Collected()
    recorded: list[Seen] = []
    streams: Streams = {}
    clocks: list[Clock] = []
    parked: list[str] = []
    for service in SERVICES:
        ask = partial(rows, Tenant(service).database)
        installation.each(
            Tenant(service).database,
            "select stream_id, version, event_id from es.event order by pos",
            lambda row, of=service: recorded.append(_seen(of, row, streams)),
        )
        clocks += [
            Clock(Stream(service, str(row[0])), row[1], *(str(word) for word in row[2:]))
            for row in ask(_CLOCKS)
        ]
        parked += [
            f"{service}: {row['type']} {row['reason']} {row['detail']}"
            for row in ask(
                "select type, reason, detail from es.parked"
                " where replayed_at is null and reason <> 'malformed'"
            )
        ]
    found.recorded, found.clocks, found.parked = recorded, clocks, parked
    found.inboxes = _inboxes(installation, streams)
    found.unanswered = [str(row[0]) for row in rows(Tenant("alerts").database, _UNANSWERED)]
    _read_log(installation, found, streams)
    return found


def done_by(installation: Installation, actor: str) -> set[str]:
    """The ids of all events that record an act of this one."""
    query = "select event_id from es.event where meta->>'actor' = $1"
    return {
        str(row[0])
        for service in SERVICES
        for row in installation.rows(Tenant(service).database, query, actor)
    }


def embedded_log(installation: Installation) -> list[Seen]:
    """What the embedded bus holds, in its order."""
    return [
        Seen(Stream(row[0].removeprefix("dixian."), row[1]), int(row[2]), row[3])
        for row in installation.rows(
            "dixian_bus",
            "select topic, headers->>'ce_subject', headers->>'ce_sequence', headers->>'ce_id'"
            " from bus.log where headers ? 'ce_id' order by topic, part, off",
        )
    ]


async def kafka_log(bootstrap: str) -> tuple[list[Seen], dict[str, int]]:
    """What the broker holds, each partition from its beginning to its end.

    With it, how many messages among each service's are no events.
    """
    topics = [topic(service) for service in SERVICES]
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        found: list[Seen] = []
        malformed: Counter[str] = Counter()
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(part) < end for part, end in ends.items()]):
            for part, messages in (await consumer.getmany(timeout_ms=1000)).items():
                service = part.topic.removeprefix("dixian.")
                events = [_sent(service, item.headers) for item in messages]
                found += [seen for seen in events if seen]
                malformed[service] += events.count(None)
        return found, +malformed
    finally:
        await consumer.stop()


def _sent(service: str, headers: Sequence[tuple[str, bytes]]) -> Seen | None:
    named = {name: value.decode() for name, value in headers}
    if "ce_id" not in named:
        return None
    stream = Stream(service, named["ce_subject"])
    return Seen(stream, int(named["ce_sequence"]), named["ce_id"])


def verified(installation: Installation, earlier: Sequence[bytes]) -> list[str]:
    """Export the log and verify every byte of it, against every checkpoint ever seen."""
    tenant = Tenant("audit")
    url = installation.server.url(tenant, tenant.writer)
    with TemporaryDirectory() as directory:
        export = Path(directory) / "log"
        export_log(url, None, export, Console(file=io.StringIO()))
        report = verify(export, [trusted_key(export)], earlier=earlier)
    return [str(problem) for problem in report.problems]


def head_of(note: bytes) -> SeenHead:
    """What a signed checkpoint says."""
    checkpoint = Checkpoint.parse(Note.parse(note).text)
    return SeenHead(checkpoint.origin, checkpoint.size, checkpoint.root)


def _seen(service: str, row: Any, streams: Streams) -> Seen:
    return Seen(_shared(streams, service, row[0]), row[1], str(row[2]))


def _shared(streams: Streams, service: str, id_: Any) -> Stream:
    stream = Stream(service, str(id_))
    return streams.setdefault(stream, stream)


def _inboxes(installation: Installation, streams: Streams) -> dict[tuple[str, str], Inbox]:
    found: dict[tuple[str, str], Inbox] = {}
    for consumer, senders in TAKES.items():
        database = Tenant(consumer).database
        versions: dict[str, dict[Stream, int]] = defaultdict(dict)

        def take(row: Any, versions: dict[str, dict[Stream, int]] = versions) -> None:
            sender = row[0].removeprefix("dixian.")
            versions[sender][_shared(streams, sender, row[1])] = row[2]

        installation.each(
            database, "select topic, stream_id, version from es.consumed_stream", take
        )
        counted, malformed = Counter[str](), Counter[str]()
        for name, count in installation.rows(
            database, "select topic, received from es.consumed_partition"
        ):
            counted[name] += count
        for (name,) in installation.rows(
            database,
            "select topic from es.parked where reason = 'malformed' and replayed_at is null",
        ):
            malformed[name] += 1
        for sender in senders:
            bad = malformed[topic(sender)]
            found[consumer, sender] = Inbox(versions[sender], counted[topic(sender)] - bad, bad)
    return found


def _read_log(installation: Installation, found: Collected, streams: Streams) -> None:
    leaves: dict[str, bytearray] = defaultdict(bytearray)
    audited: list[Seen] = []

    def take(row: Any) -> None:
        audited.append(_seen(row[0], row[1:4], streams))
        leaves[row[4]] += leaf_hash(bytes(row[5]))

    installation.each(
        Tenant("audit").database,
        "select service, stream_id, version, event_id, origin, leaf from audit.entry"
        " join audit.log using (log_id) order by log_id, idx",
        take,
    )
    found.audited = audited
    found.leaves = {origin: bytes(hashes) for origin, hashes in leaves.items()}
