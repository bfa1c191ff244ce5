"""The figures counted once more, from the event log alone and without the service's own fold."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

Figures = dict[str, Any]
_BESIDES = frozenset({"RiskEliminated", "LedgerEntered", "LedgerLeft"})
_CLOCKS = frozenset({"compare", "ledger"})


@dataclass(frozen=True)
class Logged:
    """One line of the log."""

    stream: UUID
    category: str
    type: str
    data: Mapping[str, Any]


@dataclass
class Counted:
    """What a plan's lines come to."""

    household: str = ""
    division: str = ""
    approved_on: str | None = None
    members: int = 0
    channel: bool = False
    over: bool = False
    withdrawn: bool = False
    eliminated_on: str | None = None
    first_due: str | None = None
    submitted_on: str | None = None
    due: dict[str, str] = field(default_factory=dict)
    measures: dict[str, Figures] = field(default_factory=dict)


def plans_of(log: Iterable[Logged]) -> dict[UUID, Counted]:
    """Every plan, line by line."""
    found: dict[UUID, Counted] = defaultdict(Counted)
    for line in log:
        if line.category == "plan":
            _count(found[line.stream], line)
    return dict(found)


def _count(plan: Counted, line: Logged) -> None:
    data = line.data
    for clock in data.get("deadlines", ()):
        plan.due[clock["kind"]] = clock["due_on"]
    match line.type:
        case "PlanOpened" | "PlanConfirmed":
            _open(plan, data)
        case "PlanSubmitted":
            plan.submitted_on = plan.submitted_on or data["submitted_on"]
            plan.due.pop("plan", None)
        case "AfterCareStarted":
            plan.eliminated_on = data["eliminated_on"]
            plan.due.pop("plan", None)
            plan.due.pop("first_help", None)
        case "PlanClosed" | "Purged":
            plan.over, plan.due = True, {}
            plan.withdrawn = line.type == "Purged"
            for item in plan.measures.values():
                item["open"] = False
        case _ if "measure_id" in data:
            _measure(plan, line)


def _open(plan: Counted, data: Mapping[str, Any]) -> None:
    plan.household = data["household_id"]
    plan.division = data.get("division", plan.division)
    plan.channel = bool(data.get("provisional"))
    if data["identified"] is not None:
        plan.approved_on = data["identified"]["approved_on"]
        plan.members = data["identified"]["members"]
        plan.first_due = plan.due.get("plan")
    for key, item in plan.measures.items():
        item["start_due"] = item["start_due"] or plan.due.get(f"start:{key}")


def _measure(plan: Counted, line: Logged) -> None:
    key, data = line.data["measure_id"], line.data
    match line.type:
        case "MeasureFiled":
            plan.measures[key] = {
                "kind": data["terms"]["kind"],
                "fund": data["terms"]["fund"],
                "amount": data["terms"]["amount"],
                "development": data["development"],
                "filed_on": data["filed_on"],
                "started_on": None,
                "open": True,
                "paid": 0,
                "start_due": plan.due.get(f"start:{key}"),
            }
        case "MeasureStarted":
            plan.measures[key]["started_on"] = data["started_on"]
            plan.due.pop("first_help", None)
            plan.due.pop(f"start:{key}", None)
        case "OutputRecorded":
            plan.measures[key]["paid"] += data["amount"]
        case "MeasureStopped" | "MeasureEnded":
            plan.measures[key]["open"] = False
            plan.due.pop(f"start:{key}", None)
            plan.due.pop(f"end:{key}", None)


def of_divisions(log: Iterable[Logged]) -> list[Logged]:
    """The lines that ``figures`` looks at besides the plans' own."""
    return [
        line
        for line in log
        if line.type in _BESIDES
        or any(clock["kind"] in _CLOCKS for clock in line.data.get("deadlines", ()))
    ]


def figures(
    log: Sequence[Logged],
    inside: str,
    first: date,
    last: date,
    today: date,
    *,
    plans: Mapping[UUID, Counted] | None = None,
) -> Figures:
    """What ``GET /figures`` must answer for a division and a period, asked on ``today``.

    Who asks about many divisions counts the ``plans`` once; ``log`` may then be ``of_divisions``.
    """
    every = plans_of(log) if plans is None else plans
    return _figures(
        [plan for plan in every.values() if plan.division.startswith(inside)],
        log,
        inside,
        (first, last),
        today,
    )


def _figures(
    plans: Sequence[Counted],
    log: Sequence[Logged],
    inside: str,
    period: tuple[date, date],
    today: date,
) -> Figures:
    first, last = period
    since, until, now = first.isoformat(), last.isoformat(), today.isoformat()

    def in_period(day: str | None) -> bool:
        return day is not None and since <= day <= until

    identified = [plan for plan in plans if in_period(plan.approved_on) and not plan.withdrawn]
    helped = [
        plan
        for plan in plans
        if plan.approved_on is not None
        and plan.approved_on <= until
        and not plan.over
        and (plan.eliminated_on is None or plan.eliminated_on > until)
    ]
    made = [plan for plan in identified if plan.submitted_on is not None]
    days = sorted(_days(plan.approved_on, plan.submitted_on) for plan in made)
    gone = [
        line.data
        for line in log
        if line.type == "RiskEliminated"
        and line.data["division"].startswith(inside)
        and in_period(line.data["eliminated_on"])
    ]
    return {
        "identified": len(identified),
        "people_identified": sum(plan.members for plan in identified),
        "under_help": len(helped),
        "people_under_help": sum(plan.members for plan in helped),
        "under_help_without_measure": sum(
            all(item["started_on"] is None for item in plan.measures.values()) for plan in helped
        ),
        "in_green_channel": sum(
            plan.channel and not plan.over and plan.approved_on is None for plan in plans
        ),
        "plans_made": len(made),
        "plans_late": sum(
            (plan.submitted_on or now) > (plan.first_due or "") for plan in identified
        ),
        # The discrete median: the first value that half of them do not pass.
        "days_to_plan_median": days[(len(days) - 1) // 2] if days else None,
        "days_to_plan_longest": days[-1] if days else None,
        "eliminated": len(gone),
        "eliminated_naturally": sum(item["mode"] == "NATURAL" for item in gone),
        "eliminated_early": sum(item["early"] for item in gone),
        "measures": _by_kind(plans, in_period, now),
        **_overdue(log, plans, inside, now),
    }


def _days(first: str | None, last: str | None) -> int:
    return (date.fromisoformat(last or "") - date.fromisoformat(first or "")).days


def _by_kind(plans: Sequence[Counted], in_period: Any, now: str) -> list[Figures]:
    found: dict[tuple[str, str], Figures] = {}
    for item in (item for plan in plans for item in plan.measures.values()):
        if not in_period(item["filed_on"]):
            continue
        line = found.setdefault(
            (item["kind"], item["fund"]),
            dict.fromkeys(("filed", "started", "development", "late", "amount", "paid"), 0),
        )
        due, begun = item["start_due"], item["started_on"]
        line["filed"] += 1
        line["started"] += begun is not None
        line["development"] += item["development"]
        line["late"] += due is not None and (begun > due if begun else item["open"] and due < now)
        line["amount"] += item["amount"]
        line["paid"] += item["paid"]
    return [{"kind": kind, "fund": fund, **line} for (kind, fund), line in sorted(found.items())]


def _overdue(log: Sequence[Logged], plans: Sequence[Counted], inside: str, now: str) -> Figures:
    def late(kind: str) -> int:
        return sum(
            day < now
            for plan in plans
            for name, day in plan.due.items()
            if name.partition(":")[0] == kind
        )

    flags: dict[UUID, tuple[str, str]] = {}
    reviews: dict[UUID, str] = {}
    listed: dict[UUID, set[str]] = defaultdict(set)
    for line in log:
        if line.type == "LedgerEntered":
            listed[line.stream].add(line.data["entry"]["division"])
        if line.type == "LedgerLeft":
            listed[line.stream].discard(line.data["entry"]["division"])
        for clock in line.data.get("deadlines", ()):
            if clock["kind"] == "compare":
                place = line.data.get("division") or flags[line.stream][0]
                flags[line.stream] = (place, clock["due_on"])
            if clock["kind"] == "ledger":
                reviews[line.stream] = clock["due_on"]
    return {
        "plans_overdue": late("plan"),
        "first_help_overdue": late("first_help"),
        "refreshes_overdue": late("refresh"),
        "comparisons_overdue": sum(
            place.startswith(inside) and day < now for place, day in flags.values()
        ),
        "measures_overdue": late("start"),
        "measure_ends_overdue": late("end"),
        # A town's ledger concerns whoever of it stands in it.
        "ledger_reviews_overdue": sum(
            any(place.startswith(inside) for place in places) and reviews[stream] < now
            for stream, places in listed.items()
        ),
    }
