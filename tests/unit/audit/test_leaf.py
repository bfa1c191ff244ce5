"""Canonical JSON against another implementation; leaves, their limit and their openings."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit.domain import canonical, leaf
from services.audit.domain.canonical import NotCanonical
from services.audit.domain.leaf import Entry

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.integers(-canonical.MAX_EXACT, canonical.MAX_EXACT) | st.floats(
    allow_nan=False, allow_infinity=False
)
JSON = st.recursive(
    st.none() | st.booleans() | TEXT | NUMBERS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
ENTRY = Entry(
    service="identification",
    event_id=UUID(int=1),
    stream_id=UUID(int=2),
    category="case",
    version=3,
    type="Approved",
    schema_version=1,
    key=UUID(int=4),
    region="370102",
    occurred_on=date(2023, 8, 16),
    recorded_at=datetime(2023, 8, 16, 1, 2, 3, 45, UTC),
    actor="p-77",
    actor_division="370102",
    actor_roles=("committee", "officer"),
    correlation_id=UUID(int=5),
    causation_id=UUID(int=6),
    data={"category": "marginal", "identified_on": "2023-08-16"},
)


@settings(max_examples=400, deadline=None)
@given(JSON)
def test_canonical_form_is_rfc_8785(value: Any) -> None:
    encoded = canonical.encode(value)
    assert encoded == rfc8785.dumps(value)
    assert canonical.encode(canonical.decode(encoded)) == encoded


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**53, -(2**53), "\ud800", {1: 2}, {"a": object()}, b"x"],
    ids=lambda value: re.sub(" at 0x.*>", ">", repr(value)),
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(NotCanonical):
        canonical.encode(value)


@pytest.mark.parametrize(
    "data",
    [b'{"b":1,"a":2}', b'{"a":1 }', b'{"a":1,"a":1}', b"1.0", b"NaN", b"\xff", b"[" * 9_000, b""],
)
def test_bytes_in_another_form_are_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        canonical.decode(data)


def test_a_leaf_is_these_bytes() -> None:
    sealed = leaf.seal(ENTRY, b"s" * 16)
    assert sealed.opening is None
    assert sealed.data == (
        b'{"actor":"p-77","actor_division":"370102","actor_roles":["committee","officer"],'
        b'"category":"case","causation_id":"00000000-0000-0000-0000-000000000006",'
        b'"correlation_id":"00000000-0000-0000-0000-000000000005",'
        b'"data":{"category":"marginal","identified_on":"2023-08-16"},'
        b'"event_id":"00000000-0000-0000-0000-000000000001","format":"dixian-audit/1",'
        b'"key":"00000000-0000-0000-0000-000000000004","occurred_on":"2023-08-16",'
        b'"recorded_at":"2023-08-16T01:02:03.000045Z","region":"370102","schema_version":1,'
        b'"service":"identification","stream_id":"00000000-0000-0000-0000-000000000002",'
        b'"type":"Approved","version":3}'
    )
    assert leaf.read(sealed.data)["data"] == ENTRY.data


@settings(max_examples=100, deadline=None)
@given(
    TEXT,
    st.lists(TEXT, max_size=3),
    st.integers(1, 2**31 - 1),
    st.datetimes(timezones=st.timezones()),
    st.dictionaries(TEXT, JSON, max_size=3),
)
def test_the_envelope_is_canonical_whatever_it_holds(
    words: str, roles: list[str], version: int, recorded_at: datetime, data: dict[str, Any]
) -> None:
    entry = replace(
        ENTRY,
        actor=words,
        region=words,
        actor_roles=tuple(roles),
        version=version,
        recorded_at=recorded_at,
        data=data,
    )
    sealed = leaf.seal(entry, b"s" * 16).data
    envelope = leaf.read(sealed)
    assert sealed == rfc8785.dumps(envelope)
    assert (envelope["actor"], envelope["actor_roles"], envelope["data"]) == (words, roles, data)
    assert datetime.fromisoformat(envelope["recorded_at"]) == recorded_at.astimezone(UTC)
    with pytest.raises(NotCanonical):
        leaf.seal(replace(ENTRY, actor="\ud800"), b"")


@pytest.mark.parametrize("spare", [0, 1])
def test_the_largest_leaf_is_65_535_bytes(spare: int) -> None:
    empty = len(leaf.seal(replace(ENTRY, data={"text": ""}), b"").data)
    entry = replace(ENTRY, data={"text": "x" * (leaf.MAX_BYTES - empty + spare)})
    sealed = leaf.seal(entry, b"s" * 16)
    if spare == 0:
        assert len(sealed.data) == leaf.MAX_BYTES
        assert sealed.opening is None
    else:
        assert sealed.opening is not None
        assert "data" not in leaf.read(sealed.data)
        assert leaf.read(sealed.data)["data_sha256"] == sealed.opening.commitment()
        assert canonical.decode(sealed.opening.value) == entry.data
        other = replace(sealed.opening, salt=b"t" * 16)
        assert other.commitment() != sealed.opening.commitment()


def test_a_leaf_that_is_not_one_is_refused() -> None:
    good = leaf.read(leaf.seal(ENTRY, b"").data)
    wrong: list[Any] = [
        [],
        {**good, "format": "other/1"},
        {**good, "version": "3"},
        {**good, "version": True},
        {key: value for key, value in good.items() if key != "actor"},
        {**good, "data_sha256": "00"},
        {key: value for key, value in good.items() if key != "data"},
    ]
    for value in wrong:
        with pytest.raises(NotCanonical):
            leaf.read(canonical.encode(value))
