"""Whatever order messages come in, however often, and whichever fails: once, in order, none lost.

The machine is a consumer's database and the bus together: messages are recorded, delivered in any
batches, again and out of order, with faults. Parked messages are not replayed here.
"""

import os
from collections import Counter, defaultdict
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.bus.cloudevents import read
from shared.bus.inbox import Open
from shared.bus.port import Message
from shared.bus.triage import Sorter
from shared.kernel.ids import named_id
from tests.unit.bus.test_triage import message

KEYS = [named_id("key", str(n)) for n in range(2)]
STREAMS = {named_id("stream", str(n)): KEYS[n % 2] for n in range(4)}


class Bus(RuleBasedStateMachine):
    """Four streams of two keys."""

    def __init__(self) -> None:
        super().__init__()
        self.recorded: list[Message] = []
        self.heads: Counter[UUID] = Counter()
        self.seen: dict[UUID, int] = {}
        self.open: list[Open] = []
        self.delivered: dict[UUID, list[int]] = defaultdict(list)
        self.taken: set[tuple[UUID, int]] = set()

    @rule(stream=st.sampled_from(sorted(STREAMS)))
    def record(self, stream: UUID) -> None:
        self.heads[stream] += 1
        self.recorded.append(message(stream, self.heads[stream], STREAMS[stream]))

    @precondition(lambda self: self.recorded)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        batch = data.draw(st.lists(st.sampled_from(self.recorded), min_size=1, max_size=8))
        self._take(batch)

    @precondition(lambda self: self.recorded)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        self._take([data.draw(st.sampled_from(self.recorded))], fault=ValueError("ill"))

    def _take(self, batch: list[Message], fault: Exception | None = None) -> None:
        sorter = Sorter(dict(self.seen), self.open, lambda _: True, read)
        for each in batch:
            sorter.take(each, fault)
            self.taken.add((UUID(each.headers["ce_subject"]), int(each.headers["ce_sequence"])))
        result = sorter.result
        self.seen |= result.versions
        for item in result.deliver:
            self.delivered[item.stream_id].append(item.version)
        for item in result.park:
            known = item.envelope
            assert known is not None
            self.open.append(Open(known.key, known.stream_id, known.version, item.reason))
        assert result.received + result.repeated == len(batch), "nothing is swallowed"
        assert result.received == len(result.deliver) + len(result.park)

    @invariant()
    def each_once_and_in_order(self) -> None:
        for versions in self.delivered.values():
            assert versions == list(range(1, len(versions) + 1))

    @invariant()
    def what_came_is_delivered_or_parked_once(self) -> None:
        parked = Counter((item.stream_id, item.version) for item in self.open)
        assert all(count == 1 for count in parked.values())
        delivered = {(stream, n) for stream, found in self.delivered.items() for n in found}
        assert self.taken == delivered | parked.keys()
        assert not delivered & parked.keys()


Bus.TestCase.settings = settings(
    max_examples=30 * int(os.environ.get("DIXIAN_FUZZ_CASES", "1")),
    stateful_step_count=30,
    derandomize="DIXIAN_FUZZ_CASES" not in os.environ,
    deadline=None,
    database=None,
)
TestBus = Bus.TestCase
