"""Files that a county imports: a year's population, a quarter's comparison. Answered per row."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Annotated, Any

from fastapi import Path, Request
from pydantic import ValidationError

from services.assistance.domain import commands as c
from shared.kernel.division import Level
from shared.kernel.event import Command
from shared.kernel.refusal import Refusal
from shared.policy.divisions import Divisions
from shared.policy.rules import rule
from shared.store.application import Application
from shared.web.context import Ctx, RequestContext
from shared.web.problem import FieldError, Malformed, language_of
from shared.web.routing import Router, require
from shared.web.validation import field_error

_MOST_ERRORS = 1000
_CSV: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "UTF-8, a header line, one row a line.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
}
_TOWN_DIGITS = 9


@dataclass
class Tally:
    """What became of a file's rows."""

    language: str
    rows: int = 0
    changed: int = 0
    wrong: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, row: int, error: FieldError) -> None:
        """Note what is wrong with a row; at most 1,000 are listed, all are counted."""
        self.wrong += 1
        if len(self.errors) < _MOST_ERRORS:
            self.errors.append({"row": row, **error.as_json(self.language)})

    def answer(self) -> dict[str, Any]:
        """The answer: how many rows, what changed, and every wrong row with its reason."""
        return {
            "rows": self.rows,
            "changed": self.changed,
            "unchanged": self.rows - self.changed - self.wrong,
            "wrong": self.wrong,
            "errors": sorted(self.errors, key=lambda item: item["row"]),
        }


def file_doors(made: Router, application: Application, divisions: Divisions) -> None:
    """The two imports. Good rows count whatever the others are; a file may be sent again."""
    _comparison_door(made, application)
    _population_door(made, application, divisions)


def _comparison_door(made: Router, application: Application) -> None:
    @made.post(
        "/comparisons/{quarter}",
        dependencies=[require(c.CompareFlag.permission)],
        name="compare",
        summary="The quarter's comparison with dibao and destitute support (R99)",
        openapi_extra=_CSV,
    )
    async def compare(
        quarter: Annotated[str, Path(pattern=r"^20\d{2}Q[1-4]$")],
        request: Request,
        ctx: Ctx,
    ) -> dict[str, Any]:
        tally = Tally(language_of(request.scope))
        for row, values in rows_of(await request.body(), ("household_id", "benefit")):
            tally.rows += 1
            wish = _command(c.CompareFlag, {**values, "quarter": quarter}, row, tally)
            if wish is not None:
                await _carry_out(application, ctx, wish, (row,), tally)
        return tally.answer()


@rule("R110")
def _population_door(made: Router, application: Application, divisions: Divisions) -> None:
    @made.post(
        "/populations/{year}",
        dependencies=[require(c.RecordPopulation.permission)],
        name="populations",
        summary="The rural registered population of villages (R110)",
        openapi_extra=_CSV,
    )
    async def populations(
        year: Annotated[int, Path(ge=2020, le=2100)],
        request: Request,
        ctx: Ctx,
    ) -> dict[str, Any]:
        tally = Tally(language_of(request.scope))
        towns: dict[str, dict[int, c.VillagePopulation]] = {}
        for row, values in rows_of(await request.body(), ("division", "people")):
            tally.rows += 1
            village = _village(values, row, tally, divisions)
            if village is not None:
                towns.setdefault(village.division[:_TOWN_DIGITS], {})[row] = village
        for town, inside in towns.items():
            wish = c.RecordPopulation(town=town, year=year, villages=tuple(inside.values()))
            await _carry_out(application, ctx, wish, tuple(inside), tally)
        return tally.answer()


def _village(
    values: Mapping[str, str], row: int, tally: Tally, divisions: Divisions
) -> c.VillagePopulation | None:
    try:
        village = c.VillagePopulation.model_validate(values)
        divisions.require(village.division, level=Level.VILLAGE, field="division")
    except ValidationError as error:
        tally.refuse(row, field_error(error.errors()[0]))
    except Refusal as refusal:
        tally.refuse(row, _as_error(refusal))
    else:
        return village
    return None


def _command(
    shape: type[Command], values: Mapping[str, str], row: int, tally: Tally
) -> Command | None:
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        tally.refuse(row, field_error(error.errors()[0]))
    return None


async def _carry_out(
    application: Application,
    ctx: RequestContext,
    wish: Command,
    rows: Sequence[int],
    tally: Tally,
) -> None:
    try:
        receipt = await application.execute(wish, ctx.principal, ctx.cause)
    except Refusal as refusal:
        for row in rows:
            tally.refuse(row, _as_error(refusal))
        return
    if receipt.body["events"]:
        tally.changed += len(rows)


def _as_error(refusal: Refusal) -> FieldError:
    return FieldError(refusal.field or "", refusal.code, refusal.zh, refusal.en, refusal.rule)


def rows_of(file: bytes, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with their line numbers. Raises ``Malformed`` for what is none.

    UTF-8 with or without a byte-order mark; exactly ``columns``, in any order; blank lines skipped.
    """
    try:
        text = file.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(
            code="invalid-utf8",
            zh=f"文件第{error.start}字节不是有效的UTF-8",
            en=f"the file is not UTF-8 at byte {error.start}",
        ) from None
    reader = csv.DictReader(StringIO(text, newline=""), strict=True)
    if reader.fieldnames is None or set(reader.fieldnames) != set(columns):
        raise Malformed(
            code="wrong-columns",
            zh="表头须为:" + ",".join(columns),
            en=f"the header must be: {','.join(columns)}",
        )
    yield from _rows(reader)


def _rows(reader: "csv.DictReader[str]") -> Iterator[tuple[int, dict[str, str]]]:
    try:
        for values in reader:
            plain = {
                name: value.strip()
                for name, value in values.items()
                if isinstance(name, str) and isinstance(value, str)
            }
            yield reader.line_num, plain
    except csv.Error:
        raise Malformed(
            code="malformed-csv",
            zh=f"文件第{reader.line_num}行不是有效的CSV",
            en=f"the file is not CSV at line {reader.line_num}",
        ) from None
