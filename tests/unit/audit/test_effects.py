"""What a correction would make void, and what stands on it."""

from typing import Any
from uuid import UUID, uuid5

from services.audit.domain.effects import effects
from shared.contracts.audit import CorrectionKind, Target
from shared.testing.decider import rule

_SPACE = UUID(int=1)


def identified(name: str) -> str:
    return str(uuid5(_SPACE, name))


def entry(stream: str, version: int, kind: str, cause: str = "", **data: Any) -> dict[str, Any]:
    category = stream.rstrip("0123456789")
    return {
        "service": "assistance" if category == "plan" else "identification",
        "category": category,
        "stream_id": identified(stream),
        "version": version,
        "type": kind,
        "occurred_on": "2026-03-01",
        "event_id": identified(f"{stream}/{version}"),
        "causation_id": identified(cause),
        "data": data,
    }


CASE = [
    entry("case1", 1, "CaseOpened"),
    entry("case1", 2, "NoticePosted"),
    entry("case1", 3, "Approved"),
]
PLAN = [
    entry("plan1", 1, "PlanOpened", cause="case1/3", case_id=identified("case1")),
    entry("plan1", 2, "MeasureStarted", measure_id="m-1"),
    entry("plan1", 3, "MeasureStarted", measure_id="m-2"),
    entry("plan1", 4, "MeasureEnded", measure_id="m-1"),
]
FOLLOWING = entry("order1", 1, "OrderClosed", cause="plan1/1")
NAMING = entry("elimination1", 1, "EliminationProposed", nested=[{"case": identified("case1")}])
UNTOUCHED = entry("case2", 1, "CaseOpened", cause="case1/1")
REQUEST = entry(
    "correction1", 1, "CorrectionRequested", targets=[{"stream_id": identified("case1")}]
)
ALL = [*CASE, *PLAN, FOLLOWING, NAMING, UNTOUCHED, REQUEST]


def target(to_version: int | None) -> Target:
    stream = UUID(identified("case1"))
    return Target(service="identification", stream_id=stream, version=3, to_version=to_version)


def shown(kind: CorrectionKind, to_version: int | None) -> dict[str, list[Any]]:
    found = effects(kind, [target(to_version)], ALL).as_json()
    return {
        "void": [item["type"] for item in found["void"]],
        "notices": [item["type"] for item in found["notices"]],
        "streams": [(item["category"], item["version"]) for item in found["streams"]],
        "measures": [item["measure_id"] for item in found["measures"]],
    }


@rule("R108")
def test_a_rollback_voids_what_came_after_and_shows_what_followed() -> None:
    assert shown(CorrectionKind.ROLLBACK, 2) == {
        "void": ["Approved"],
        "notices": [],
        "streams": [("plan", 4), ("order", 1), ("elimination", 1)],
        "measures": ["m-2"],
    }
    assert shown(CorrectionKind.ROLLBACK, 1)["notices"] == ["NoticePosted"]


@rule("R108")
def test_a_purge_voids_everything() -> None:
    found = shown(CorrectionKind.PURGE, None)
    assert found["void"] == ["CaseOpened", "NoticePosted", "Approved"]
    assert ("case", 1) in found["streams"]


@rule("R100")
def test_a_flag_change_voids_nothing() -> None:
    assert shown(CorrectionKind.FLAG_CHANGE, None)["void"] == []


def test_what_is_shown_names_events_and_holds_no_data() -> None:
    [first] = effects(CorrectionKind.ROLLBACK, [target(2)], ALL).as_json()["void"]
    assert first == {
        "service": "identification",
        "stream_id": identified("case1"),
        "version": 3,
        "type": "Approved",
        "occurred_on": "2026-03-01",
        "event_id": identified("case1/3"),
    }
