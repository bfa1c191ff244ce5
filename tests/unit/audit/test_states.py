"""What was known before and after each act."""

from typing import Any

from services.audit.domain.states import steps, steps_of


def entry(version: int, kind: str, stream: str = "s", **data: Any) -> dict[str, Any]:
    return {"stream_id": stream, "version": version, "type": kind, "data": data}


STREAM = [
    entry(1, "CaseOpened", division="370102", risks=["ILLNESS"]),
    entry(2, "Verified", amount=7_000, risks=["ILLNESS", "DISASTER"]),
    entry(3, "Approved", category="AT_RISK"),
    entry(4, "RolledBack", to_version=1, correction_id="c"),
    entry(5, "Verified", amount=9_000),
    entry(6, "Purged", correction_id="c"),
]


def test_each_act_shows_what_it_changed() -> None:
    changes = {version: step.changes() for version, step in steps(STREAM).items()}
    assert changes[1] == {
        "division": {"before": None, "after": "370102"},
        "risks": {"before": None, "after": ["ILLNESS"]},
    }
    assert changes[2] == {
        "amount": {"before": None, "after": 7_000},
        "risks": {"before": ["ILLNESS"], "after": ["ILLNESS", "DISASTER"]},
    }
    assert changes[3] == {"category": {"before": None, "after": "AT_RISK"}}


def test_a_rollback_gives_back_what_was_known_then() -> None:
    found = steps(STREAM)
    assert found[4].after == found[1].after
    assert found[4].changes()["category"] == {"before": "AT_RISK", "after": None}
    assert found[5].changes() == {"amount": {"before": None, "after": 9_000}}
    assert found[6].after == {}


def test_streams_are_told_apart() -> None:
    other = entry(1, "PlanOpened", stream="t", division="37")
    found = steps_of([STREAM[1], other, STREAM[0]])
    assert found["t", 1].before == {}
    assert found["s", 2].before == {"division": "370102", "risks": ["ILLNESS"]}
