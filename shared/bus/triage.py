"""Sorts a batch of messages before anything is done about it. Pure: reads and writes nothing."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from shared.bus.cloudevents import Envelope, Malformed, envelope
from shared.bus.inbox import BEHIND, GAP, WAITING, Open, Parking
from shared.bus.port import Message
from shared.contracts.registry import UnknownEvent
from shared.kernel.refusal import Refusal

Wants = Callable[[Envelope], bool]
Read = Callable[[Message, Envelope], Any]


@dataclass
class Sorted:
    """What is to be done about a batch."""

    deliver: list[Any] = field(default_factory=list)
    """Handed to the service, in order."""
    park: list[Parking] = field(default_factory=list)
    versions: dict[UUID, int] = field(default_factory=dict)
    """The new last version of each stream that moved."""
    received: int = 0
    """Events that had not come before."""
    repeated: int = 0
    """Messages whose events had."""
    filled: bool = False
    """Whether a version that parked ones were waiting for has come."""

    def reasons(self) -> Counter[str]:
        """How many are parked for which reason."""
        return Counter(item.reason for item in self.park)


class Sorter:
    """Sorts messages one after the other, knowing what the consumer's database knew before."""

    def __init__(
        self, seen: dict[UUID, int], opened: Iterable[Open], wants: Wants, reads: Read
    ) -> None:
        self.result = Sorted()
        self._seen = seen
        self._wants = wants
        self._reads = reads
        self._open: set[tuple[UUID, int]] = set()
        self._gaps: set[UUID] = set()
        self._waiting: set[UUID] = set()
        self._stuck: set[UUID] = set()
        for item in opened:
            self._remember(item)

    def take(self, message: Message, fault: BaseException | None = None) -> None:
        """Sort one message; with ``fault``, it is known that handling it fails."""
        try:
            known = envelope(message)
        except Malformed as error:
            self.result.received += 1
            self._park(message, None, "malformed", str(error))
            return
        if self._has_come(known):
            self.result.repeated += 1
        else:
            self.result.received += 1
            self._new(message, known, fault)

    def _has_come(self, known: Envelope) -> bool:
        came = known.version <= self._seen.get(known.stream_id, 0)
        return came or (known.stream_id, known.version) in self._open

    def _new(self, message: Message, known: Envelope, fault: BaseException | None) -> None:
        expected = self._seen.get(known.stream_id, 0) + 1
        if known.version > expected:
            self._park(message, known, GAP, f"version {expected} of the stream has not come")
            return
        self._seen[known.stream_id] = self.result.versions[known.stream_id] = known.version
        if self._blocked(known):
            self._park(message, known, BEHIND, "an earlier message of its key is parked")
            return
        self.result.filled |= known.stream_id in self._gaps
        self._handle(message, known, fault)

    def _blocked(self, known: Envelope) -> bool:
        if known.key in self._stuck:
            return True
        # A version that others of its stream wait for may pass: it ends the waiting.
        return known.key in self._waiting and known.stream_id not in self._gaps

    def _handle(self, message: Message, known: Envelope, fault: BaseException | None) -> None:
        if fault is not None:
            self._park(message, known, *explain(fault))
        elif self._wants(known):
            try:
                self.result.deliver.append(self._reads(message, known))
            except (Malformed, UnknownEvent, ValidationError) as error:
                self._park(message, known, *explain(error))

    def _park(self, message: Message, known: Envelope | None, reason: str, detail: str) -> None:
        self.result.park.append(Parking(message, known, reason, detail))
        if known is not None:
            self._remember(Open(known.key, known.stream_id, known.version, reason))

    def _remember(self, item: Open) -> None:
        self._open.add((item.stream_id, item.version))
        if item.reason == GAP:
            self._gaps.add(item.stream_id)
        (self._waiting if item.reason in WAITING else self._stuck).add(item.key)


def envelopes(messages: Sequence[Message]) -> list[Envelope]:
    """The envelopes of those messages that have one."""
    found = []
    for message in messages:
        try:
            found.append(envelope(message))
        except Malformed:
            continue  # ``Sorter.take`` parks it
    return found


def explain(fault: BaseException) -> tuple[str, str]:
    """The reason and the detail that an error is parked with."""
    if isinstance(fault, Refusal):
        return f"refused:{fault.rule or fault.code}", f"{fault.code}: {fault.zh} / {fault.en}"
    if isinstance(fault, UnknownEvent):
        return "unknown-event", f"this build knows no {fault}"
    if isinstance(fault, Malformed | ValidationError):
        return "malformed", str(fault)
    return "failed", f"{type(fault).__name__}: {fault}"
