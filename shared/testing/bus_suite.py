"""What every broker behind the port must do. Both the embedded log and Kafka pass this suite.

A test module subclasses ``BrokerSuite`` and provides the fixtures ``broker`` and ``second_broker``
(two brokers without any topic of ours), ``source`` and ``sink`` (the databases of the noting and
the reading service) and ``witness`` (what the reading service does).
"""

import asyncio
from collections import Counter, defaultdict
from contextlib import suppress
from typing import Any
from uuid import UUID

from shared.bus.cloudevents import encode
from shared.bus.consumer import Consumer
from shared.bus.port import Batch, Broker, BrokerUnavailable, Message, Subscription, TopicPartition
from shared.bus.relay import resend
from shared.kernel.event import Recorded
from shared.kernel.ids import new_id
from shared.kernel.refusal import Refusal
from shared.store.event_store import ConcurrentAppend
from shared.testing.bus import (
    READER,
    SERVICE,
    TOPIC,
    Ignored,
    LosingBroker,
    Noted,
    Place,
    Witness,
    consumer_of,
    each_once_in_order,
    effects,
    note,
    notes,
    published,
    relay_of,
    running,
    until,
)


async def raw_log(broker: Broker) -> dict[TopicPartition, list[Message]]:
    """Everything in the topic, by partition."""

    async def from_the_start(sources: object) -> dict[TopicPartition, int]:
        assert isinstance(sources, list | set | frozenset | tuple)
        return dict.fromkeys(sources, 0)

    ends = await broker.end_offsets([TOPIC])
    found: dict[TopicPartition, list[Message]] = defaultdict(list)
    subscription = await broker.subscribe(f"raw-{new_id()}", [TOPIC], from_the_start)
    try:
        async with asyncio.timeout(30):
            while sum(map(len, found.values())) < sum(ends.values()):
                for batch in await subscription.fetch(500, 0.2):
                    found[batch.source].extend(batch.messages)
    finally:
        await subscription.close()
    return found


async def take(broker: Broker, sink: Place, witness: Witness, count: int) -> Counter[str]:
    """Run a consumer until it has received ``count`` different events; what it counted."""
    consumer = consumer_of(sink, witness.handler)
    async with running(lambda: consumer.run(broker, [TOPIC])):
        await until(lambda: _has_received(sink, count))
    counts: Counter[str] = consumer.observer.counts  # type: ignore[attr-defined]
    return counts


async def received(sink: Place) -> int:
    """How many different events the reader has received."""
    async with sink.database.reading() as tx:
        found = await tx.raw.fetchval("select sum(received)::int from es.consumed_partition")
    return int(found or 0)


async def _has_received(sink: Place, count: int) -> bool:
    got = await received(sink)
    assert got <= count, f"{got} received, {count} sent"
    return got == count


class BrokerSuite:
    """The tests. Names say what must hold."""

    async def test_events_arrive_as_they_were_recorded(
        self, broker: Broker, source: Place, sink: Place, witness: Witness
    ) -> None:
        texts = ["一户一策 🌾", "", "a" * 700_000, '{"quoted": "\\u4e2d"}', "line\nline\ttab"]
        sent = await notes(source, new_id(), *texts)
        assert await published(relay_of(source, broker)) == len(texts)
        await take(broker, sink, witness, len(texts))
        assert [item.event for item in witness.recorded] == [item.event for item in sent]
        assert [_without_position(item) for item in witness.recorded] == [
            _without_position(item) for item in sent
        ]

    async def test_each_key_keeps_its_order(
        self, broker: Broker, source: Place, sink: Place, witness: Witness
    ) -> None:
        streams = [new_id() for _ in range(12)]
        for version in range(10):
            for stream in streams:
                await notes(source, stream, f"{version}", after=version)
        await published(relay_of(source, broker, page=17))
        await take(broker, sink, witness, 120)
        found = await effects(sink)
        each_once_in_order(found)
        assert len(found) == 120

    async def test_one_key_is_one_partition_and_offsets_have_no_gap(
        self, broker: Broker, source: Place
    ) -> None:
        keys = [new_id() for _ in range(20)]
        for key in keys:
            await notes(source, new_id(), "a", "b", key=key)
            await notes(source, new_id(), "c", key=key)
        await published(relay_of(source, broker))
        log = await raw_log(broker)
        for messages in log.values():
            assert [message.offset for message in messages] == list(range(len(messages)))
        homes: dict[bytes, set[TopicPartition]] = defaultdict(set)
        for at, messages in log.items():
            for message in messages:
                homes[message.key].add(at)
        assert set(homes) == {str(key).encode() for key in keys}
        assert all(len(home) == 1 for home in homes.values())
        assert len(log) > 1

    async def test_an_answer_lost_sends_twice_and_takes_effect_once(
        self, broker: Broker, source: Place, sink: Place, witness: Witness
    ) -> None:
        for stream in [new_id() for _ in range(5)]:
            await notes(source, stream, "a", "b", "c")
        losing = LosingBroker(broker, losses=3)
        relay = relay_of(source, losing, page=4)
        async with running(relay.run):
            await until(lambda: _is_sent(source, 15))
        assert losing.losses == 0
        log = await raw_log(broker)
        assert sum(map(len, log.values())) == 15 + 3 * 4
        counts = await take(broker, sink, witness, 15)
        found = await effects(sink)
        each_once_in_order(found)
        assert len(found) == 15
        await until(lambda: _at_the_end(broker, sink))
        assert counts[f"received {READER} {TOPIC}"] == 15

    async def test_a_transaction_undone_is_done_again(
        self, broker: Broker, source: Place, sink: Place, witness: Witness
    ) -> None:
        await notes(source, new_id(), "a", "b", "c")
        witness.fails("b", ConnectionResetError("the database went away"), times=2)
        await published(relay_of(source, broker))
        await take(broker, sink, witness, 3)
        assert [effect.text for effect in await effects(sink)] == ["a", "b", "c"]

    async def test_a_lost_race_is_run_again(
        self, broker: Broker, source: Place, sink: Place, witness: Witness
    ) -> None:
        await notes(source, new_id(), "a", "b", "c")
        witness.fails("b", ConcurrentAppend(new_id()), times=2)
        await published(relay_of(source, broker))
        await take(broker, sink, witness, 3)
        assert [effect.text for effect in await effects(sink)] == ["a", "b", "c"]

    async def test_a_batch_delivered_twice_takes_effect_once(
        self, broker: Broker, source: Place, sink: Place, witness: Witness
    ) -> None:
        await notes(source, new_id(), "a", "b", "c")
        await published(relay_of(source, broker))
        consumer = consumer_of(sink, witness.handler)
        subscription = await consumer.join(broker, [TOPIC])
        try:
            [batch] = await _first(subscription)
            assert await consumer.take(batch, subscription) == 3
            assert await consumer.take(batch, subscription) == 0
        finally:
            await subscription.close()
        assert [effect.text for effect in await effects(sink)] == ["a", "b", "c"]

    async def test_two_members_share_the_partitions(
        self, broker: Broker, source: Place, sink: Place, witness: Witness
    ) -> None:
        consumers = [consumer_of(sink, witness.handler) for _ in range(2)]
        every = set(await _topic(broker))
        first = await consumers[0].join(broker, [TOPIC])
        second = await consumers[1].join(broker, [TOPIC])

        async def turns(consumer: Consumer, subscription: Subscription) -> None:
            while True:
                with suppress(BrokerUnavailable):  # the next turn joins anew
                    await consumer.turn(subscription)

        async def shared() -> bool:
            one, two = first.assignment, second.assignment
            return not one & two and one | two == every and bool(one) and bool(two)

        async with running(lambda: turns(consumers[0], first), lambda: turns(consumers[1], second)):
            await until(shared)
            for stream in [new_id() for _ in range(20)]:
                await notes(source, stream, "a", "b")
            await published(relay_of(source, broker))
            await until(lambda: _has_received(sink, 40))
        await second.close()

        async def all_at_the_first() -> bool:
            return set(first.assignment) == every

        async with running(lambda: turns(consumers[0], first)):
            await until(all_at_the_first)
            for stream in [new_id() for _ in range(20)]:
                await notes(source, stream, "a", "b")
            await published(relay_of(source, broker))
            await until(lambda: _has_received(sink, 80))
        await first.close()
        found = await effects(sink)
        each_once_in_order(found)
        assert len(found) == 80

    async def test_a_new_member_begins_where_the_database_says(
        self, broker: Broker, source: Place, sink: Place, witness: Witness
    ) -> None:
        stream = new_id()
        await notes(source, stream, "a", "b")
        await published(relay_of(source, broker))
        await take(broker, sink, witness, 2)
        await notes(source, stream, "c", after=2)
        await published(relay_of(source, broker))
        counts = await take(broker, sink, witness, 3)
        assert counts == {f"received {READER} {TOPIC}": 1}

    async def test_what_fails_is_parked_and_its_key_waits_while_others_go_on(
        self, broker: Broker, source: Place, sink: Place, witness: Witness
    ) -> None:
        key, other = new_id(), new_id()
        stream, sibling = new_id(), new_id()
        witness.fails("bad", ValueError("no such thing"))
        await notes(source, stream, "good", "bad", "after", key=key)
        await notes(source, sibling, "sibling", key=key)
        await notes(source, other, "a", "b")
        await published(relay_of(source, broker))
        await take(broker, sink, witness, 6)
        found = await effects(sink)
        assert Counter(effect.text for effect in found) == Counter(["good", "a", "b"])
        parked = consumer_of(sink, witness.handler).parked
        lines = await parked.list()
        assert [(line.reason, line.version, line.key) for line in lines] == [
            ("failed", 2, key),
            ("behind", 3, key),
            ("behind", 1, key),
        ]
        assert lines[0].detail == "ValueError: no such thing"
        assert await parked.count() == 3

    async def test_a_replay_runs_the_key_in_order_once_its_cause_is_gone(
        self, broker: Broker, source: Place, sink: Place, witness: Witness
    ) -> None:
        stream = new_id()
        witness.fails("bad", ValueError("still no"))
        await notes(source, stream, "good", "bad", "after")
        await published(relay_of(source, broker))
        await take(broker, sink, witness, 3)
        parked = consumer_of(sink, witness.handler).parked
        [first, second] = await parked.list()
        again = await parked.replay(second.id)
        assert (again.done, again.left) == (0, 2)
        assert again.failure == "failed: ValueError: still no"
        witness.mend()
        again = await parked.replay(first.id)
        assert (again.done, again.left, again.failure) == (2, 0, "")
        assert await parked.replay(first.id) == await parked.replay(new_id())
        assert [effect.text for effect in await effects(sink)] == ["good", "bad", "after"]
        await notes(source, stream, "new", after=3)
        await published(relay_of(source, broker))
        await take(broker, sink, witness, 4)
        assert [effect.text for effect in await effects(sink)][-1] == "new"
        assert await parked.count() == 0
        assert len(await parked.list(replayed=True)) == 2

    async def test_a_refused_event_is_parked_with_its_rule(
        self, broker: Broker, source: Place, sink: Place, witness: Witness
    ) -> None:
        refusal = Refusal("R56", code="too-early", zh="公示未满5天", en="five days are not over")
        witness.fails("early", refusal)
        await notes(source, new_id(), "early")
        await published(relay_of(source, broker))
        await take(broker, sink, witness, 1)
        [line] = await consumer_of(sink, witness.handler).parked.list()
        assert line.reason == "refused:R56"
        assert line.detail == "too-early: 公示未满5天 / five days are not over"

    async def test_what_cannot_be_read_is_parked_whole(
        self, broker: Broker, source: Place, sink: Place, witness: Witness
    ) -> None:
        [good] = await notes(source, new_id(), "good")
        made = encode(good)
        unknown = dict(made.headers, ce_type=f"cn.dixian.{SERVICE}.Surprise.v1")
        newer = dict(made.headers, ce_type=f"cn.dixian.{SERVICE}.Noted.v9")
        bad = [
            made._replace(headers={}, value=b"\xff\x00junk"),
            made._replace(headers=dict(made.headers, ce_subject="no uuid")),
            made._replace(headers=dict(unknown, ce_subject=str(new_id()))),
            made._replace(headers=dict(newer, ce_subject=str(new_id()))),
            made._replace(headers=dict(made.headers, ce_subject=str(new_id())), value=b"[]"),
            made._replace(headers=dict(made.headers, ce_subject=str(new_id())), value=b"{}"),
        ]
        bad = [_of_another_key(message) for message in bad]
        await broker.ensure_topics([TOPIC])
        producer = await broker.producer()
        await producer.send_batch(bad)
        await producer.close()
        await published(relay_of(source, broker))
        await take(broker, sink, witness, len(bad) + 1)
        assert [effect.text for effect in await effects(sink)] == ["good"]
        parked = consumer_of(sink, witness.handler).parked
        lines = await parked.list()
        # A type without a reaction is nobody's finding, known or not.
        assert Counter(line.reason for line in lines) == {"malformed": 4, "unknown-event": 1}
        junk = next(line for line in lines if line.key is None and "ce_type" in line.detail)
        shown = await parked.show(junk.id)
        assert shown is not None
        assert shown[1]["value"] == {"hex": b"\xff\x00junk".hex()}
        again = await parked.replay(junk.id)
        assert (again.done, again.left) == (0, 1)

    async def test_a_missing_version_is_named_and_heals_when_it_comes(
        self, broker: Broker, source: Place, sink: Place, witness: Witness
    ) -> None:
        stream = new_id()
        sent = await notes(source, stream, "one", "two", "three", "four")
        await broker.ensure_topics([TOPIC])
        producer = await broker.producer()
        await producer.send_batch([encode(sent[0]), encode(sent[2]), encode(sent[3])])
        await producer.close()
        await take(broker, sink, witness, 3)
        parked = consumer_of(sink, witness.handler).parked
        lines = await parked.list()
        assert [(line.reason, line.version) for line in lines] == [("gap", 3), ("gap", 4)]
        assert lines[0].detail == "version 2 of the stream has not come"
        stuck = await parked.replay(lines[0].id)
        assert (stuck.done, stuck.left, stuck.failure) == (0, 2, "a version has not come")
        assert await resend(source.connect, broker, SERVICE, [(stream, 2)]) == 1

        async def nothing_is_parked() -> bool:
            return await parked.count() == 0

        consumer = consumer_of(sink, witness.handler)
        async with running(lambda: consumer.run(broker, [TOPIC])):
            await until(nothing_is_parked)
        assert [effect.text for effect in await effects(sink)] == ["one", "two", "three", "four"]
        assert await received(sink) == 4

    async def test_types_without_a_reaction_are_received_and_passed_over(
        self, broker: Broker, source: Place, sink: Place, witness: Witness
    ) -> None:
        stream = new_id()
        async with source.database.transaction() as tx:
            await note(tx, stream, 0, Ignored(), Noted(text="a"), Ignored())
        await published(relay_of(source, broker))
        await take(broker, sink, witness, 3)
        assert [effect.version for effect in await effects(sink)] == [2]

    async def test_a_log_made_anew_is_read_from_its_beginning(
        self, broker: Broker, second_broker: Broker, source: Place, sink: Place, witness: Witness
    ) -> None:
        key = new_id()
        for stream in [new_id() for _ in range(8)]:
            await notes(source, stream, "a", "b", "c", key=key)
        await published(relay_of(source, broker))
        await take(broker, sink, witness, 24)
        later = [new_id() for _ in range(8)]
        for stream in later:
            await notes(source, stream, "a", key=key)
        await second_broker.ensure_topics([TOPIC])
        await resend(source.connect, second_broker, SERVICE, [(stream, 1) for stream in later])
        await take(second_broker, sink, witness, 32)
        found = await effects(sink)
        each_once_in_order(found)
        assert len(found) == 32


async def _topic(broker: Broker) -> list[TopicPartition]:
    await broker.ensure_topics([TOPIC])
    return list(await broker.end_offsets([TOPIC]))


async def _first(subscription: Subscription) -> list[Batch]:
    async with asyncio.timeout(30):
        while not (batches := await subscription.fetch(100, 0.2)):
            pass
    return batches


async def _is_sent(source: Place, count: int) -> bool:
    async with source.database.reading() as tx:
        return bool(await tx.raw.fetchval("select sent = $1 from es.reader", count))


async def _at_the_end(broker: Broker, sink: Place) -> bool:
    ends = await broker.end_offsets([TOPIC])
    async with sink.database.reading() as tx:
        rows = await tx.raw.fetch("select topic, part, next_offset from es.consumed_partition")
    at = {TopicPartition(row[0], row[1]): row[2] for row in rows}
    return all(at.get(source, 0) == end for source, end in ends.items())


def _of_another_key(message: Message) -> Message:
    key: UUID = new_id()
    headers = dict(message.headers)
    if headers:
        headers["ce_partitionkey"] = str(key)
    return message._replace(key=str(key).encode(), headers=headers)


def _without_position(item: Recorded[Any]) -> tuple[object, ...]:
    return (
        item.event_id,
        item.stream_id,
        item.category,
        item.version,
        item.key,
        item.region,
        item.occurred_on,
        item.recorded_at,
        item.metadata,
    )
