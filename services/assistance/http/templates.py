"""The tables that a county fills in and sends back: its households, its villages."""

import asyncio
from collections.abc import Iterator, Sequence
from io import BytesIO
from uuid import UUID

from fastapi import Response

from services.assistance.domain import commands as c
from services.assistance.http.files import COMPARED, PEOPLED, PLACE
from services.assistance.http.questions import asked_by
from services.assistance.read_models import registers
from shared.kernel.division import Level, level_of
from shared.policy.divisions import Divisions
from shared.policy.rules import rule
from shared.store.application import Application
from shared.tabular.writing import Columns, Format, Record, write
from shared.web.auth import Caller
from shared.web.routing import Router, require


def template_doors(made: Router, application: Application, divisions: Divisions) -> None:
    """``GET /comparisons/template`` and ``GET /populations/template``."""

    @made.get(
        "/comparisons/template",
        dependencies=[require(c.CompareFlag.permission)],
        name="comparison_template",
        summary="The quarter's table with the households under help, for their benefits (R99)",
        response_class=Response,
    )
    @rule("R99")
    async def comparison(caller: Caller) -> Response:
        async with application.database.reading() as tx:
            households = await registers.helped(tx.sql, asked_by(tx, caller, None))
        return await _sheet({**COMPARED, **PLACE}, _households(divisions, households))

    @made.get(
        "/populations/template",
        dependencies=[require(c.RecordPopulation.permission)],
        name="population_template",
        summary="The year's table with the villages of one's own division (R110)",
        response_class=Response,
    )
    @rule("R110")
    async def population(caller: Caller) -> Response:
        return await _sheet({**PEOPLED, **PLACE}, _villages(divisions, caller.division))


def _households(divisions: Divisions, households: Sequence[tuple[UUID, str]]) -> Iterator[Record]:
    for household_id, division in households:
        yield {"household_id": str(household_id), "place": divisions.path(division)}


def _villages(divisions: Divisions, division: str) -> Iterator[Record]:
    for child in divisions.children(division):
        if level_of(child.code) is Level.VILLAGE:
            yield {"division": child.code, "place": divisions.path(child.code)}
        else:
            yield from _villages(divisions, child.code)


async def _sheet(columns: Columns, rows: Iterator[Record]) -> Response:
    file = BytesIO()
    await asyncio.to_thread(write, Format.XLSX, columns, rows, file)
    headers = {"Content-Disposition": 'attachment; filename="template.xlsx"'}
    return Response(file.getvalue(), media_type=Format.XLSX.media_type, headers=headers)
