"""An event and its message are the same thing twice."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.bus.cloudevents import Malformed, cause, decode, encode, envelope, topic
from shared.bus.inbox import from_json, to_json
from shared.bus.partition import partition_of
from shared.bus.port import Message, TopicPartition
from shared.contracts.registry import UnknownEvent
from shared.kernel.event import Cause, Metadata, Recorded
from shared.kernel.ids import named_id
from shared.testing.bus import SERVICE, Noted

ID = named_id("any", "id")


def recorded(**changes: object) -> Recorded[Noted]:
    values = {
        "event_id": ID,
        "stream_id": named_id("a", "stream"),
        "category": "note",
        "version": 3,
        "key": named_id("a", "key"),
        "region": "370102001",
        "occurred_on": date(2023, 8, 1),
        "recorded_at": datetime(2023, 8, 1, 9, 30, tzinfo=timezone(timedelta(hours=8))),
        "event": Noted(text="公示"),
        "metadata": Metadata("王-01", "3701", ("committee", "officer"), ID, ID, "00-1-2-01"),
    }
    return Recorded(**(values | changes))  # type: ignore[arg-type]


def test_the_headers_are_those_of_cloudevents_in_binary_mode() -> None:
    made = encode(recorded())
    assert made.topic == topic(SERVICE) == "dixian.bustest"
    assert made.key == str(named_id("a", "key")).encode()
    assert made.value == '{"text":"公示"}'.encode()
    assert made.headers == {
        "ce_specversion": "1.0",
        "ce_id": str(ID),
        "ce_type": "cn.dixian.bustest.Noted.v1",
        "ce_source": "/dixian/bustest",
        "ce_subject": str(named_id("a", "stream")),
        "ce_time": "2023-08-01T01:30:00+00:00",
        "ce_sequence": "3",
        "ce_partitionkey": str(named_id("a", "key")),
        "ce_category": "note",
        "ce_region": "370102001",
        "ce_occurredon": "2023-08-01",
        "ce_correlationid": str(ID),
        "ce_causationid": str(ID),
        "ce_actor": "王-01",
        "ce_actordivision": "3701",
        "ce_actorroles": "committee,officer",
        "traceparent": "00-1-2-01",
        "content-type": "application/json",
    }


@given(
    st.text(),
    st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])),
    st.lists(st.sampled_from(["officer", "committee", "system"]), unique=True),
    st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1)),  # noqa: DTZ001
)
def test_what_is_encoded_is_decoded(text: str, actor: str, roles: list[str], at: datetime) -> None:
    text = text.encode("utf-8", "ignore").decode()
    metadata = Metadata(actor, "3701", tuple(roles), ID, ID)
    before = recorded(event=Noted(text=text), recorded_at=at, metadata=metadata)
    assert decode(encode(before)) == before


def test_a_reaction_continues_the_story() -> None:
    assert cause(recorded()) == Cause(correlation_id=ID, causation_id=ID, traceparent="00-1-2-01")


@pytest.mark.parametrize(
    "changes",
    [
        {"ce_type": "org.other.Thing"},
        {"ce_type": "cn.dixian.bustest.Noted.vx"},
        {"ce_subject": "42"},
        {"ce_sequence": "0"},
        {"ce_sequence": "three"},
        {"ce_partitionkey": ""},
        {"ce_time": "yesterday"},
        {"ce_occurredon": "2023-13-01"},
        {"ce_correlationid": "no"},
    ],
)
def test_a_header_that_is_not_what_it_must_be_is_named(changes: dict[str, str]) -> None:
    good = encode(recorded())
    with pytest.raises(Malformed):
        decode(good._replace(headers={**good.headers, **changes}))


@pytest.mark.parametrize(
    "name",
    sorted(
        set(encode(recorded()).headers)
        - {
            "ce_specversion",
            "ce_source",
            "traceparent",
            "content-type",
        }
    ),
)
def test_a_header_that_is_missing_is_named(name: str) -> None:
    good = encode(recorded())
    rest = {key: value for key, value in good.headers.items() if key != name}
    with pytest.raises(Malformed, match=name):
        decode(good._replace(headers=rest))


def test_nobody_speaks_for_a_neighbour() -> None:
    with pytest.raises(Malformed, match=r"an event of bustest on dixian\.alerts"):
        decode(encode(recorded())._replace(topic=topic("alerts")))


@pytest.mark.parametrize("value", [b"", b"{", b"[1]", b'"text"', b"\xff", b"null"])
def test_a_value_that_is_no_object_is_malformed(value: bytes) -> None:
    with pytest.raises(Malformed):
        decode(encode(recorded())._replace(value=value))


def test_a_value_of_another_shape_is_invalid() -> None:
    with pytest.raises(ValidationError):
        decode(encode(recorded())._replace(value=b'{"text": 5}'))


def test_a_newer_producer_is_not_guessed_at() -> None:
    good = encode(recorded())
    newer = {**good.headers, "ce_type": "cn.dixian.bustest.Noted.v2"}
    assert envelope(good._replace(headers=newer)).schema_version == 2
    with pytest.raises(UnknownEvent):
        decode(good._replace(headers=newer))


@given(st.binary(), st.binary(), st.dictionaries(st.text(), st.text()))
def test_a_parked_message_keeps_every_byte(
    key: bytes, value: bytes, headers: dict[str, str]
) -> None:
    source = TopicPartition("t", 1)
    stored = to_json(Message("t", key, headers, value, 1, 5))
    assert "\\u0000" not in stored
    back = from_json(source, 5, stored)
    assert (back.key, back.value, back.source, back.offset) == (key, value, source, 5)
    assert len(back.headers) <= len(headers)


def test_keys_go_where_kafkas_own_clients_put_them() -> None:
    """Vectors of Kafka's own murmur2 tests (org.apache.kafka.common.utils.UtilsTest)."""
    vectors = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
    for key, hashed in vectors.items():
        assert partition_of(key, 2**31) == hashed & 0x7FFFFFFF
