"""The leaders' board for any division, down to the village: each plot with its table and file."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
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
    clocks, kinds = _clocks(visit, found), _kinds(visit, found)
    kept = [row for row in clocks if row[1] != ""]
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
        kinds=kinds,
        measure_plot=plots.bars(visit.words("措施"), _by_kind(kinds)),
        clocks=clocks,
        clock_plot=plots.columns(
            visit.words("时限执行"),
            [row[0] for row in kept],
            [
                Series(visit.words("办结"), [row[1] for row in kept]),
                Series(visit.words("逾期"), [row[2] for row in kept]),
            ],
        ),
        **found,
    )


async def table(visit: Visit) -> Response:
    """One table as XLSX or CSV."""
    kind, name = visit.id("kind"), visit.id("table")
    division = _division(visit)
    if kind not in {Format.XLSX, Format.CSV} or name not in _TABLES:
        raise NotHere
    header, rows = _TABLES[name](visit, await _asked(visit, division))
    titles = [visit.words(zh) for zh in header]
    return sheets.sheet(Format(kind), f"{name}-{division}", titles, rows)


PLACES = (
    ("cases", "个案"),
    ("open", "办理中"),
    ("identified", "在册"),
    ("not_identified", "未识别"),
    ("eliminated", "已消除"),
    ("overdue", "逾期"),
)
"""The columns of the places: the API's name, and the words."""
_CLOCKS = (
    ("制定帮扶计划", "plans_made", "plans_late", "plans_overdue"),
    ("部门措施启动", "started", "late", "measures_overdue"),
    ("绿色通道先行帮扶", "", "", "first_help_overdue"),
    ("措施到期处理", "", "", "measure_ends_overdue"),
    ("年度信息更新", "", "", "refreshes_overdue"),
    ("季度比对", "", "", "comparisons_overdue"),
    ("2%台账核查", "", "", "ledger_reviews_overdue"),
)
"""Each clock of the help: its words; done, done late or too late; overdue as of today."""


def _clocks(visit: Visit, found: Json) -> list[tuple[str, Any, Any, int]]:
    """Clocks kept and missed: what was done, how much of it late, and what is overdue today."""
    funnel, figures = found["funnel"], found["figures"] or {}
    overdue = sum(row["overdue"] for row in found["places"])
    done = funnel["cases"] - funnel["statuses"].get("OPEN", 0)
    rows = [(visit.words("识别认定"), done, funnel["late"], overdue)]
    summed = {
        name: sum(row[name] for row in figures.get("measures", ())) for name in ("started", "late")
    }
    known = {**summed, **figures} if figures else {}
    return rows + [
        (visit.words(zh), known.get(done, ""), known.get(late, ""), known[now])
        for zh, done, late, now in _CLOCKS
        if now in known
    ]


def _places(visit: Visit, found: Json) -> list[list[Any]]:
    return [
        [visit.place(row["division"]), *(row[key] for key, _ in PLACES)] for row in found["places"]
    ]


def _months(_visit: Visit, found: Json) -> list[list[Any]]:
    return [[row["month"], *(row[column] for column in _TREND)] for row in found["trend"]]


def _ledger(visit: Visit, found: Json) -> list[tuple[Any, ...]]:
    return [
        (visit.place(row["division"]), row["people"], row["population"], row["share_percent"])
        for row in (found["ledger"] or {"items": ()})["items"]
    ]


def _findings(visit: Visit, found: Json) -> list[tuple[Any, ...]]:
    label = visit.words.label
    return [
        (
            row["raised_on"],
            label("FindingKind", row["kind"]),
            visit.place(row["division"]),
            label("FindingAnswer", row["answer"]) or visit.words("未答复"),
        )
        for row in found["findings"]["items"]
    ]


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


def _kinds(visit: Visit, found: Json) -> list[tuple[Any, ...]]:
    """Measures by kind and fund, yuan."""
    label = visit.words.label
    return [
        (
            label("MeasureKind", row["kind"]),
            label("FundSource", row["fund"]),
            row["filed"],
            row["started"],
            Decimal(row["amount"] or 0).scaleb(-2),
            Decimal(row["paid"] or 0).scaleb(-2),
        )
        for row in (found["figures"] or {}).get("measures", ())
    ]


def _by_kind(kinds: Sequence[tuple[Any, ...]]) -> list[tuple[str, int]]:
    """How many were filed of each kind, the most first."""
    counts: Counter[str] = Counter()
    for kind, _, filed, *_ in kinds:
        counts[kind] += filed
    return counts.most_common()


Rows = Sequence[Sequence[Any]]
_TABLES: Mapping[str, Callable[[Visit, Json], tuple[Sequence[str], Rows]]] = {
    "funnel": lambda visit, found: (
        ("环节", "待办", "逾期"),
        _waiting(visit, found["funnel"]),
    ),
    "clocks": lambda visit, found: (
        ("时限", "办结", "逾期", "目前超期未办"),
        _clocks(visit, found),
    ),
    "trend": lambda visit, found: (("月份", *_TREND_WORDS), _months(visit, found)),
    "places": lambda visit, found: (
        ("地方", *(zh for _, zh in PLACES)),
        _places(visit, found),
    ),
    "measures": lambda visit, found: (
        ("措施", "资金来源", "申报", "实施", "计划金额(元)", "已到户(元)"),
        _kinds(visit, found),
    ),
    "ledger": lambda visit, found: (
        ("地方", "未消除人口", "农村户籍人口", "占比"),
        _ledger(visit, found),
    ),
    "findings": lambda visit, found: (("日期", "问题", "地方", "答复"), _findings(visit, found)),
}
"""Every table of the board that can be taken along."""
