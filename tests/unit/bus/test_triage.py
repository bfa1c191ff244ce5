"""Sorting a batch: what is new, what has come before, what must wait."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.bus.cloudevents import encode, read
from shared.bus.inbox import Open
from shared.bus.port import Message
from shared.bus.triage import Sorter, explain
from shared.kernel.event import Metadata, Recorded
from shared.kernel.ids import named_id
from shared.kernel.refusal import Refusal
from shared.testing.bus import Noted

A, B = named_id("stream", "a"), named_id("stream", "b")
K = named_id("key", "k")


def message(stream: UUID, version: int, key: UUID = K) -> Message:
    metadata = Metadata("p", "37", (), stream, stream)
    recorded = Recorded(
        event_id=named_id("event", str(stream), str(version)),
        stream_id=stream,
        category="note",
        version=version,
        key=key,
        region="37",
        occurred_on=date(2023, 8, 1),
        recorded_at=datetime(2023, 8, 1, tzinfo=UTC),
        event=Noted(text=f"{version}"),
        metadata=metadata,
    )
    return encode(recorded)


def sort(
    messages: Sequence[Message], seen: dict[UUID, int] | None = None, opened: Sequence[Open] = ()
) -> Sorter:
    sorter = Sorter(dict(seen or {}), opened, lambda _: True, read)
    for each in messages:
        sorter.take(each)
    return sorter


def test_versions_in_order_are_delivered() -> None:
    result = sort([message(A, 1), message(A, 2), message(B, 1)]).result
    assert [(item.stream_id, item.version) for item in result.deliver] == [(A, 1), (A, 2), (B, 1)]
    assert (result.received, result.repeated, result.versions) == (3, 0, {A: 2, B: 1})


def test_what_has_come_is_skipped_also_within_a_batch() -> None:
    result = sort([message(A, 2), message(A, 3), message(A, 2), message(A, 3)], {A: 2}).result
    assert [item.version for item in result.deliver] == [3]
    assert (result.received, result.repeated) == (1, 3)


def test_after_a_gap_the_key_waits() -> None:
    result = sort([message(A, 2), message(B, 1), message(A, 3)]).result
    assert result.deliver == []
    assert [item.reason for item in result.park] == ["gap", "behind", "gap"]
    assert result.versions == {B: 1}


def test_the_missing_version_passes_a_key_that_only_waits() -> None:
    waiting = [Open(K, A, 2, "gap"), Open(K, B, 1, "behind")]
    result = sort([message(A, 1)], {B: 1}, waiting).result
    assert [item.version for item in result.deliver] == [1]
    assert result.filled


def test_it_does_not_pass_a_failure() -> None:
    stuck = [Open(K, A, 2, "gap"), Open(K, B, 1, "failed")]
    result = sort([message(A, 1)], {B: 1}, stuck).result
    assert [item.reason for item in result.park] == ["behind"]


def test_a_parked_message_that_comes_again_is_no_news() -> None:
    result = sort([message(A, 3)], {A: 1}, [Open(K, A, 3, "gap")]).result
    assert (result.received, result.repeated, result.park) == (0, 1, [])


def test_another_key_is_not_held_up() -> None:
    other = named_id("key", "other")
    result = sort([message(B, 1, other)], {}, [Open(K, A, 1, "refused:R56")]).result
    assert [item.stream_id for item in result.deliver] == [B]


def test_a_refusal_is_explained_by_its_rule_or_its_code() -> None:
    assert explain(Refusal("R56", code="c", zh="否", en="no"))[0] == "refused:R56"
    assert explain(Refusal(code="c", zh="否", en="no")) == ("refused:c", "c: 否 / no")
    assert explain(KeyError("k")) == ("failed", "KeyError: 'k'")


@given(
    st.lists(st.tuples(st.sampled_from([A, B]), st.integers(1, 6)), max_size=40),
)
def test_whatever_comes_each_version_is_taken_once_and_in_order(
    arrivals: list[tuple[UUID, int]],
) -> None:
    """One message at a time, with a memory in between like the database's."""
    seen: dict[UUID, int] = {}
    opened: list[Open] = []
    delivered: list[tuple[UUID, int]] = []
    received = 0
    for stream, version in arrivals:
        sorter = Sorter(dict(seen), opened, lambda _: True, read)
        sorter.take(message(stream, version, key=stream))
        result = sorter.result
        seen |= result.versions
        opened += [Open(stream, stream, version, item.reason) for item in result.park]
        delivered += [(item.stream_id, item.version) for item in result.deliver]
        received += result.received
        if result.filled:  # what the consumer's ``heal`` does
            for item in sorted(opened, key=lambda item: item.version):
                if item.stream_id == stream and item.version == seen[stream] + 1:
                    seen[stream] = item.version
                    delivered.append((stream, item.version))
                    opened.remove(item)
    for stream in (A, B):
        versions = [version for found, version in delivered if found == stream]
        assert versions == list(range(1, len(versions) + 1))
        waiting = {item.version for item in opened if item.stream_id == stream}
        assert not waiting & set(versions)
        assert waiting | set(versions) == {v for found, v in arrivals if found == stream}
    assert received == len(set(arrivals))
