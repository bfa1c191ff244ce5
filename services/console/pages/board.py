"""The leaders' board for any division, down to the village: each plot with its table and file."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console import plots, sheets
from services.console.door import Door, NotHere
from services.console.plots import Series
from services.console.visit import Visit
from shared.kernel.division import NATION
from shared.tabular.writing import Format

Json = Mapping[str, Any]
_TREND = ("opened", "identified", "not_identified", "eliminated")
_TREND_WORDS = ("新立案", "识别", "不识别", "风险消除")
_FUNNEL_ORDER = (
    "officers",
    "authorization",
    "verification",
    "comparison",
    "deliberation",
    "town-review",
    "notice",
    "publicity",
    "approval",
    "announcement",
    "national-entry",
)


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/board`` and its tables as files."""
    return (door.get("/board", board), door.get("/board/{table}.{kind}", table))


async def board(visit: Visit) -> Response:
    """Everything a leader asks about a division."""
    division = _division(visit)
    found = await _asked(visit, division)
    waiting = _waiting(visit, found["funnel"])
    months = [row["month"] for row in found["trend"]]
    series = [
        Series(visit.words(zh), [row[name] for row in found["trend"]])
        for name, zh in zip(_TREND, _TREND_WORDS, strict=True)
    ]
    return visit.render(
        "board.html",
        division=division,
        above=_above(visit, division),
        waiting=waiting,
        funnel_plot=plots.bars(visit.words("各环节待办"), [(row[0], row[1]) for row in waiting]),
        months=months,
        series=series,
        trend_plot=plots.columns(visit.words("逐月变化"), months, series),
        look=plots.look,
        kinds=_kinds(visit, found["figures"]),
        **found,
    )


async def table(visit: Visit) -> Response:
    """One table as XLSX or CSV."""
    kind, name = visit.id("kind"), visit.id("table")
    division = _division(visit)
    if kind not in {Format.XLSX, Format.CSV}:
        raise NotHere
    found = await _asked(visit, division)
    words = visit.words
    header: Sequence[str]
    rows: Sequence[Sequence[Any]]
    if name == "funnel":
        header, rows = (
            [words("环节"), words("待办"), words("逾期")],
            _waiting(visit, found["funnel"]),
        )
    elif name == "trend":
        header = [words("月份"), *(words(zh) for zh in _TREND_WORDS)]
        rows = [[row["month"], *(row[column] for column in _TREND)] for row in found["trend"]]
    elif name == "places":
        header = [words("地方"), *(words(zh) for _, zh in PLACES)]
        rows = [
            [visit.place(row["division"]), *(row[key] for key, _ in PLACES)]
            for row in found["places"]
        ]
    elif name == "measures":
        header = [
            words("措施"),
            words("资金来源"),
            words("申报"),
            words("实施"),
            words("计划金额(元)"),
            words("已到户(元)"),
        ]
        rows = _kinds(visit, found["figures"])
    else:
        raise NotHere
    return sheets.sheet(Format(kind), f"{name}-{division}", header, rows)


PLACES = (
    ("cases", "个案"),
    ("open", "办理中"),
    ("identified", "在册"),
    ("not_identified", "未识别"),
    ("eliminated", "已消除"),
    ("overdue", "逾期"),
)
"""The columns of the places: the API's name, and the words."""


async def _asked(visit: Visit, division: str) -> dict[str, Any]:
    """All of it, asked at the same time."""
    api, today = visit.api, visit.today
    first = date(today.year - 1, today.month, 1)
    ledger = api.maybe("assistance", "/ledger", division=division) if len(division) >= 6 else _no()
    return await api.together(
        funnel=api.get("identification", "/oversight/funnel", division=division),
        trend=api.get("identification", "/oversight/trend", division=division),
        places=api.get("identification", "/oversight/places", division=division),
        findings=api.get("identification", "/findings", division=division, limit=20),
        figures=api.maybe(
            "assistance",
            "/figures",
            division=division,
            first=first.isoformat(),
            last=today.isoformat(),
        ),
        rush=api.maybe("assistance", "/findings/rush", division=division),
        ledger=ledger,
    )


async def _no() -> None:
    return None


def _division(visit: Visit) -> str:
    """The division asked for; one's own otherwise."""
    asked = visit.query("division")
    if not asked:
        return visit.who.division
    if not visit.who.covers(asked) or not visit.look.divisions.exists(asked):
        raise NotHere
    return asked


def _above(visit: Visit, division: str) -> list[tuple[str, str]]:
    """The way down from one's own division to this one."""
    divisions, own = visit.look.divisions, visit.who.division
    codes = divisions.lineage(division)
    inside = [code for code in codes if own == NATION or len(code) >= len(own)]
    start = [(NATION, divisions.name(NATION))] if own == NATION else []
    return [*start, *((code, divisions.name(code)) for code in inside)]


def _waiting(visit: Visit, funnel: Json) -> list[tuple[str, int, int]]:
    """The procedure's steps in their order, then what stands beside them."""
    counts = {row["step"]: row for row in funnel["waiting_for"]}
    order = [*_FUNNEL_ORDER, *(step for step in sorted(counts) if step not in _FUNNEL_ORDER)]
    return [
        (visit.words.label("Step", step), row["count"], row["overdue"])
        for step in order
        if (row := counts.get(step, {"count": 0, "overdue": 0}))
    ]


def _kinds(visit: Visit, figures: Json | None) -> list[tuple[Any, ...]]:
    """Measures by kind and fund, yuan."""
    label = visit.words.label
    return [
        (
            label("MeasureKind", row["kind"]),
            label("FundSource", row["fund"]),
            row["filed"],
            row["started"],
            Decimal(row["amount"]).scaleb(-2),
            Decimal(row["paid"]).scaleb(-2),
        )
        for row in (figures or {}).get("measures", ())
    ]
