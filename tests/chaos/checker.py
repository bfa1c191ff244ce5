"""Whether anything was lost, doubled, forked or spoken twice: judged from what outsiders collected.

Pure. It knows events by service, stream, version and id, and compares what five parties hold: who
acted (the answers they were given), each service's event table, the bus, each consumer, the log.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.audit.domain.merkle import HASH_BYTES, Head, extend


class Stream(NamedTuple):
    """One stream of one service."""

    service: str
    id: str

    def __str__(self) -> str:
        return f"{self.service} {self.id}"


class Seen(NamedTuple):
    """One event, as some party holds it."""

    stream: Stream
    version: int
    event_id: str


class Answer(NamedTuple):
    """What somebody was told when they had acted."""

    key: str
    """The idempotency key, or the sender's own number, under which the act was asked."""
    events: frozenset[str]
    """The ids of the events that it is said to have recorded."""


class Clock(NamedTuple):
    """A clock that spoke: ``DeadlineWarned`` for a day, ``DeadlineMissed`` for its last one."""

    stream: Stream
    said: str
    kind: str
    due_on: str
    on: str


class SeenHead(NamedTuple):
    """A checkpoint that somebody was shown."""

    log: str
    size: int
    root: bytes


@dataclass(frozen=True)
class Inbox:
    """What a consumer says of one sender's events."""

    versions: Mapping[Stream, int]
    """The last version of each stream that came in without a gap."""
    counted: int
    """How many different events it has counted, malformed messages aside."""
    malformed: int = 0
    """Messages that it has parked because they are no events."""


@dataclass
class Collected:
    """What all parties hold, at a moment when nothing is on its way any more."""

    answers: Sequence[Answer] = ()
    """Every answer that was given, a repeated act's answers too."""
    done_by: Mapping[str, Collection[str]] = field(default_factory=dict)
    """The ids of all events recorded of somebody who did nothing but what was answered here."""
    recorded: Sequence[Seen] = ()
    sent: Sequence[Seen] = ()
    """Each partition in its order; an event may be there more than once."""
    inboxes: Mapping[tuple[str, str], Inbox] = field(default_factory=dict)
    """By consumer and sender."""
    audited: Sequence[Seen] = ()
    """In the order of the log."""
    parked: Sequence[str] = ()
    """What waits parked, in words, malformed messages aside."""
    poison: Mapping[str, int] = field(default_factory=dict)
    """Malformed messages that were put among a sender's: each consumer must show them, parked."""
    unanswered: Sequence[str] = ()
    """Leads about a known household that nobody has disposed of."""
    clocks: Sequence[Clock] = ()
    leaves: Mapping[str, bytes] = field(default_factory=dict)
    """Each log's leaf hashes, one after the other."""
    heads: Sequence[SeenHead] = ()
    """Checkpoints in the order in which they were seen."""
    verifier: Sequence[str] = ()
    """What `dixian verify` found wrong."""


class Finding(NamedTuple):
    """One thing that must not be."""

    code: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.code}: {self.where}: {self.what}"


def check(found: Collected) -> list[Finding]:
    """Everything that is wrong; nothing when every event is everywhere, once and in order."""
    return [
        *_answers(found),
        *_gapless("recorded", found.recorded),
        *_bus(found),
        *_inboxes(found),
        *_log(found),
        *_clocks(found.clocks),
        *_forks(found),
        *(Finding("parked", "parked", item) for item in found.parked),
        *(Finding("lead-unanswered", "alerts", item) for item in found.unanswered),
        *(Finding("verify", "dixian verify", item) for item in found.verifier),
    ]


def _answers(found: Collected) -> Iterator[Finding]:
    """Acknowledged = recorded; one act has one answer; and nothing was done that was not asked."""
    recorded = {seen.event_id for seen in found.recorded}
    told: dict[str, frozenset[str]] = {}
    for key, events in found.answers:
        for event in sorted(events - recorded):
            yield Finding("acknowledged-lost", key, f"event {event} is not recorded")
        if told.setdefault(key, events) != events:
            yield Finding("act-doubled", key, "asked again, it was answered with other events")
    answered = frozenset().union(*told.values())
    for actor, done in found.done_by.items():
        for event in sorted(set(done) - answered):
            yield Finding("act-doubled", actor, f"event {event} was recorded beside the answered")


def _gapless(where: str, events: Iterable[Seen]) -> Iterator[Finding]:
    """Each stream is 1, 2, 3…; no version and no event id twice."""
    versions: dict[Stream, list[int]] = defaultdict(list)
    ids: Counter[str] = Counter()
    for seen in events:
        versions[seen.stream].append(seen.version)
        ids[seen.event_id] += 1
    for stream, found in versions.items():
        times = Counter(found)
        for version in (version for version, count in times.items() if count > 1):
            yield Finding(f"{where}-doubled", str(stream), f"version {version}")
        for version in sorted(set(range(1, max(found))) - times.keys()):
            yield Finding(f"{where}-gap", str(stream), f"version {version} is missing")
    for event in (event for event, count in ids.items() if count > 1):
        yield Finding(f"{where}-doubled", event, "this event stands there more than once")


def _bus(found: Collected) -> Iterator[Finding]:
    """Recorded = sent, whatever was sent again; a stream's first deliveries are in order."""
    yield from _same("recorded", found.recorded, "sent", found.sent)
    reached: dict[Stream, int] = defaultdict(int)
    for seen in found.sent:
        if seen.version > reached[seen.stream] + 1:
            what = f"version {seen.version} was sent before {reached[seen.stream] + 1}"
            yield Finding("sent-disorder", str(seen.stream), what)
        reached[seen.stream] = max(reached[seen.stream], seen.version)


def _same(one: str, ours: Iterable[Seen], other: str, theirs: Iterable[Seen]) -> Iterator[Finding]:
    had, has = set(ours), set(theirs)
    for seen in sorted(had - has):
        yield Finding(f"{other}-lost", str(seen.stream), f"version {seen.version} is not there")
    for seen in sorted(has - had):
        yield Finding(f"{other}-invented", str(seen.stream), f"version {seen.version}: not {one}")


def _inboxes(found: Collected) -> Iterator[Finding]:
    """Recorded = received, by each who takes it in, counted once each."""
    heads: dict[str, dict[Stream, int]] = defaultdict(dict)
    total: Counter[str] = Counter()
    for seen in found.recorded:
        known = heads[seen.stream.service]
        known[seen.stream] = max(known.get(seen.stream, 0), seen.version)
        total[seen.stream.service] += 1
    for (consumer, sender), inbox in found.inboxes.items():
        where = f"{consumer} from {sender}"
        for stream, version in heads[sender].items():
            if (has := inbox.versions.get(stream, 0)) != version:
                yield Finding("received-lost", where, f"{stream}: {has} of {version}")
        for stream in inbox.versions.keys() - heads[sender].keys():
            yield Finding("received-invented", where, str(stream))
        if inbox.malformed != found.poison.get(sender, 0):
            what = (
                f"{inbox.malformed} malformed messages parked, {found.poison.get(sender, 0)} sent"
            )
            yield Finding("poison", where, what)
        if inbox.counted != total[sender]:
            what = f"{inbox.counted} counted, {total[sender]} recorded"
            yield Finding("received-count", where, what)


def _log(found: Collected) -> Iterator[Finding]:
    """Recorded = audited, gapless and once, each stream in its order."""
    yield from _gapless("audited", found.audited)
    yield from _same("recorded", found.recorded, "audited", found.audited)
    last: dict[Stream, int] = defaultdict(int)
    for seen in found.audited:
        if seen.version < last[seen.stream]:
            what = f"version {seen.version} stands after {last[seen.stream]}"
            yield Finding("audited-disorder", str(seen.stream), what)
        last[seen.stream] = seen.version


def _clocks(spoken: Iterable[Clock]) -> Iterator[Finding]:
    """A clock warns once a day and misses once, however often it is looked at."""
    for clock, times in Counter(spoken).items():
        if times > 1:
            what = f"{clock.said} {clock.kind} due {clock.due_on}, {times} times"
            yield Finding("clock-twice", str(clock.stream), what)


def _forks(found: Collected) -> Iterator[Finding]:
    """Every head ever shown is the head of what the log is now; none was ever taken back."""
    wanted: dict[str, dict[int, set[bytes]]] = defaultdict(lambda: defaultdict(set))
    reached: dict[str, int] = defaultdict(int)
    for head in found.heads:
        wanted[head.log][head.size].add(head.root)
        if head.size < reached[head.log]:
            what = f"was {reached[head.log]} entries and then {head.size}"
            yield Finding("log-shrank", head.log, what)
        reached[head.log] = max(reached[head.log], head.size)
    for log, roots in wanted.items():
        leaves, head = found.leaves.get(log, b""), Head()
        for size, seen in sorted(roots.items()):
            if size * HASH_BYTES > len(leaves):
                what = f"{size} entries were signed, {len(leaves) // HASH_BYTES} are there"
                yield Finding("log-cut", log, what)
                continue
            head, _ = extend(head, leaves[head.size * HASH_BYTES : size * HASH_BYTES])
            if seen != {head.root()}:
                yield Finding("log-forked", log, f"had another root at {size} entries")
