"""The figures over HTTP, as JSON, or as CSV and XLSX for a spreadsheet."""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from io import BytesIO
from typing import Annotated, Any

import orjson
from fastapi import Query, Response

from services.assistance.http.questions import LOOK, Division, asked_by
from services.assistance.read_models import figures as counted
from services.assistance.read_models.figures import Figures, Period
from shared.kernel.refusal import Invalid
from shared.store.application import Application
from shared.tabular import writing
from shared.web.auth import Caller
from shared.web.routing import Router, require


class Format(StrEnum):
    """How the figures are given."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


_COLUMNS = {"figure": "figure", "kind": "kind", "fund": "fund", "value": "value"}


def figure_questions(made: Router, application: Application) -> None:
    """``GET /figures``."""
    database = application.database

    @made.get("/figures", dependencies=[require(LOOK)], name="figures")
    async def figures(
        *,
        caller: Caller,
        first: Annotated[date, Query(description="The first day.")],
        last: Annotated[date, Query(description="The last day, included.")],
        division: Division = None,
        as_: Annotated[Format, Query(alias="format")] = Format.JSON,
    ) -> Response:
        """Identified, under help, eliminated, measures by kind and fund, time to plan, overdue."""
        if last < first:
            raise Invalid(
                code="period-backwards",
                zh="结束日期早于开始日期",
                en="the last day lies before the first",
                field="last",
            )
        async with database.transaction() as tx:
            asked = asked_by(tx, caller, division)
            found = await counted.figures(tx.sql, asked, Period(first, last))
        if as_ is Format.JSON:
            return Response(orjson.dumps(found), media_type="application/json")
        sheet, kind = BytesIO(), writing.Format(as_.value)
        writing.write(kind, _COLUMNS, _lines(found), sheet)
        name = f'attachment; filename="figures-{first}-{last}.{as_.value}"'
        return Response(
            sheet.getvalue(),
            media_type=kind.media_type,
            headers={"Content-Disposition": name},
        )


def _lines(found: Figures) -> Iterator[Figures]:
    """One line a figure: what it is, of which kind and fund, how many."""
    for name, value in found.items():
        if name == "measures":
            yield from _measure_lines(value)
        else:
            yield {"figure": name, "value": value}


def _measure_lines(measures: Any) -> Iterator[Figures]:
    names = ("filed", "started", "development", "late", "amount", "paid")
    for line in measures:
        for name in names:
            yield {
                "figure": f"measures_{name}",
                "kind": line["kind"],
                "fund": line["fund"],
                "value": line[name],
            }
