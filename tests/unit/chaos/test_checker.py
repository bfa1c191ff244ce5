"""The checker of the fault runs catches what is planted, and calls a sound run sound."""

from dataclasses import replace
from typing import Any

import pytest

from services.audit.domain.merkle import HASH_BYTES, Head, extend, leaf_hash
from tests.chaos.checker import Answer, Clock, Collected, Inbox, Seen, SeenHead, Stream, check

ALERT, CASE = Stream("alerts", "a"), Stream("identification", "c")
FIRST, SECOND, THIRD = Seen(ALERT, 1, "e1"), Seen(ALERT, 2, "e2"), Seen(ALERT, 3, "e3")
OPENED = Seen(CASE, 1, "e4")
EVENTS = (FIRST, OPENED, SECOND, THIRD)
LEAVES = b"".join(leaf_hash(seen.event_id.encode()) for seen in EVENTS)
MISSED = Clock(ALERT, "DeadlineMissed", "close", "2023-08-16", "")
LOG = "dixian.example/37/2026"


def root_of(leaves: bytes) -> bytes:
    return extend(Head(), leaves)[0].root()


def head(size: int) -> SeenHead:
    return SeenHead(LOG, size, root_of(LEAVES[: size * HASH_BYTES]))


SOUND = Collected(
    answers=(Answer("k1", frozenset({"e1"})), Answer("k1", frozenset({"e1"}))),
    done_by={"person:clerk": {"e1"}},
    recorded=EVENTS,
    sent=(*EVENTS, SECOND, FIRST),
    inboxes={
        ("identification", "alerts"): Inbox({ALERT: 3}, 3, malformed=1),
        ("audit", "alerts"): Inbox({ALERT: 3}, 3, malformed=1),
        ("audit", "identification"): Inbox({CASE: 1}, 1),
    },
    poison={"alerts": 1},
    audited=EVENTS,
    clocks=(MISSED, MISSED._replace(due_on="2023-09-16")),
    leaves={LOG: LEAVES},
    heads=(head(1), head(3), head(3), head(4)),
)


def without(events: tuple[Seen, ...], *lost: Seen) -> tuple[Seen, ...]:
    return tuple(seen for seen in events if seen not in lost)


def codes(found: Collected) -> set[str]:
    return {item.code for item in check(found)}


def test_a_sound_run_is_sound_though_messages_came_twice() -> None:
    assert check(SOUND) == []


LOSSES: dict[str, tuple[dict[str, Any], str]] = {
    "what was acknowledged is not recorded": (
        {"answers": (*SOUND.answers, Answer("k2", frozenset({"e9"})))},
        "acknowledged-lost",
    ),
    "the middle of a stream is gone": ({"recorded": without(EVENTS, SECOND)}, "recorded-gap"),
    "the end of a stream was never sent": ({"sent": without(EVENTS, THIRD)}, "sent-lost"),
    "a consumer stands behind": (
        {"inboxes": {("audit", "alerts"): Inbox({ALERT: 2}, 2, malformed=1)}},
        "received-lost",
    ),
    "a consumer never heard of a stream": (
        {"inboxes": {("audit", "identification"): Inbox({}, 0)}},
        "received-lost",
    ),
    "the log lacks the middle of a stream": ({"audited": without(EVENTS, SECOND)}, "audited-gap"),
    "the log lacks the end of a stream": ({"audited": without(EVENTS, THIRD)}, "audited-lost"),
    "a lead was never disposed of": ({"unanswered": ("lead",)}, "lead-unanswered"),
    "an event waits parked": ({"parked": ("alerts: RiskReported failed",)}, "parked"),
    "the poison was swallowed": (
        {"inboxes": {("audit", "alerts"): Inbox({ALERT: 3}, 3)}},
        "poison",
    ),
}
DOUBLES: dict[str, tuple[dict[str, Any], str]] = {
    "a version is recorded twice": (
        {"recorded": (*EVENTS, SECOND._replace(event_id="e5"))},
        "recorded-doubled",
    ),
    "an event is recorded in two streams": (
        {"recorded": (*EVENTS, Seen(Stream("alerts", "b"), 1, "e1"))},
        "recorded-doubled",
    ),
    "an act asked twice was done twice": (
        {"answers": (*SOUND.answers, Answer("k1", frozenset({"e2"})))},
        "act-doubled",
    ),
    "an act was done beside the one that was answered": (
        {"done_by": {"person:clerk": {"e1", "e2"}}},
        "act-doubled",
    ),
    "a consumer counted an event twice": (
        {"inboxes": {("audit", "identification"): Inbox({CASE: 1}, 2)}},
        "received-count",
    ),
    "the log has an entry twice": ({"audited": (*EVENTS, THIRD)}, "audited-doubled"),
    "a clock missed twice": ({"clocks": (MISSED, MISSED)}, "clock-twice"),
}
FORKS: dict[str, tuple[dict[str, Any], str]] = {
    "somebody was shown another root": (
        {"heads": (head(1), SeenHead(LOG, 3, root_of(LEAVES[HASH_BYTES:])), head(4))},
        "log-forked",
    ),
    "two were shown different roots of one size": (
        {"heads": (head(3), SeenHead(LOG, 3, b"\x00" * HASH_BYTES))},
        "log-forked",
    ),
    "the log was shorter afterwards": ({"heads": (head(4), head(3))}, "log-shrank"),
    "more was signed than is there": (
        {"leaves": {LOG: LEAVES[:HASH_BYTES]}, "heads": (head(4),)},
        "log-cut",
    ),
    "an entry was exchanged after it was signed": (
        {"leaves": {LOG: leaf_hash(b"other") + LEAVES[HASH_BYTES:]}},
        "log-forked",
    ),
    "the verifier says so": ({"verifier": ("tile 0: differs",)}, "verify"),
}
DISORDERS: dict[str, tuple[dict[str, Any], str]] = {
    "a later version was sent before an earlier one": (
        {"sent": (FIRST, OPENED, THIRD, SECOND)},
        "sent-disorder",
    ),
    "the log has a stream out of order": (
        {"audited": (FIRST, OPENED, THIRD, SECOND)},
        "audited-disorder",
    ),
    "something was sent that nobody recorded": (
        {"sent": (*EVENTS, Seen(CASE, 2, "e9"))},
        "sent-invented",
    ),
    "a consumer has a stream that nobody recorded": (
        {"inboxes": {("audit", "identification"): Inbox({CASE: 1, Stream("x", "y"): 1}, 1)}},
        "received-invented",
    ),
}
PLANTED = {**LOSSES, **DOUBLES, **FORKS, **DISORDERS}


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED.keys())
def test_what_is_planted_is_caught(planted: tuple[dict[str, Any], str]) -> None:
    changes, code = planted
    assert code in codes(replace(SOUND, **changes))
