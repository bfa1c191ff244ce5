"""The figures over HTTP, as JSON or as CSV for a spreadsheet."""

import csv
from datetime import date
from enum import StrEnum
from io import StringIO
from typing import Annotated, Any

import orjson
from fastapi import Query, Response

from services.assistance.http.questions import LOOK, Division, asked_by
from services.assistance.read_models import figures as counted
from services.assistance.read_models.figures import Figures, Period
from shared.kernel.refusal import Invalid
from shared.store.application import Application
from shared.web.auth import Caller
from shared.web.routing import Router, require


class Format(StrEnum):
    """How the figures are given."""

    JSON = "json"
    CSV = "csv"


def figure_questions(made: Router, application: Application) -> None:
    """``GET /figures``."""
    database = application.database

    @made.get(
        "/figures",
        dependencies=[require(LOOK)],
        name="figures",
        responses={200: {"content": {"text/csv": {}}}},
    )
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
        if as_ is Format.CSV:
            return Response(_csv(found), media_type="text/csv; charset=utf-8")
        return Response(orjson.dumps(found), media_type="application/json")


def _csv(found: Figures) -> str:
    """One line a figure: what it is, of which kind and fund, how many."""
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("figure", "kind", "fund", "value"))
    for name, value in found.items():
        if name == "measures":
            writer.writerows(_measure_lines(value))
        else:
            writer.writerow((name, "", "", "" if value is None else value))
    return text.getvalue()


def _measure_lines(measures: Any) -> list[tuple[str, str, str, int]]:
    names = ("filed", "started", "development", "amount", "paid")
    return [
        (f"measures_{name}", line["kind"], line["fund"], line[name])
        for line in measures
        for name in names
    ]
