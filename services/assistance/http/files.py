"""Files that a county imports: a year's population, a quarter's comparison. Answered per row."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Path, Request
from pydantic import ValidationError

from services.assistance.domain import commands as c
from services.assistance.domain.commands.common import QUARTER
from services.assistance.domain.quarters import must_have_begun
from shared.contracts.help import ComparedBenefit
from shared.kernel.division import Level
from shared.kernel.event import Cause, Command
from shared.kernel.principal import Principal
from shared.kernel.refusal import Invalid, Refusal
from shared.policy.divisions import Divisions
from shared.policy.rules import rule
from shared.store.application import Application
from shared.tabular.cells import texts
from shared.tabular.faults import BadCell, Unreadable
from shared.tabular.reading import open_table
from shared.tabular.table import Table
from shared.tabular.upload import in_batches, received
from shared.web.auth import Caller
from shared.web.context import cause_of
from shared.web.problem import FieldError, language_of
from shared.web.routing import Router, require
from shared.web.validation import field_error

_MOST_ERRORS = 1000
_BATCH = 1000
LARGEST = 16 * 1024 * 1024
"""Bytes of a file as sent: a county's quarter is a few hundred kilobytes."""
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "XLSX, CSV (UTF-8 or GB18030) or NDJSON, with a header; gzip if you like.",
        "content": {"application/octet-stream": {"schema": {"type": "string"}}},
    }
}
_Row = tuple[int, dict[str, str] | BadCell]
_TOWN_DIGITS = 9
COMPARED = {"household_id": "农户编号", "benefit": "政策"}
"""A quarter's file: each column's name, and its title on the empty table."""
PEOPLED = {"division": "行政区划代码", "people": "农村户籍人口"}
"""A population's file."""
PLACE = {"place": "地方"}
"""For the reader alone."""
_QUARTER = {"quarter": "季度"}
BENEFITS = {
    ComparedBenefit.SCATTERED_SUPPORT: "分散供养",
    ComparedBenefit.DIBAO_FULL: "全户低保",
    ComparedBenefit.DIBAO: "部分成员低保",
    ComparedBenefit.NONE: "无",
}
_BENEFITS = {words: code.value for code, words in BENEFITS.items()}


@dataclass
class Tally:
    """What became of a file's rows."""

    language: str
    rows: int = 0
    changed: int = 0
    wrong: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)
    titles: Mapping[str, str] = field(default_factory=dict)
    """What the file calls its columns."""

    def refuse(self, row: int, error: FieldError) -> None:
        """Note what is wrong with a row; at most 1,000 are listed, all are counted."""
        self.wrong += 1
        if len(self.errors) < _MOST_ERRORS:
            title = self.titles.get(error.field, error.field)
            self.errors.append({"row": row, **error.as_json(self.language), "field": title})

    def answer(self) -> dict[str, Any]:
        """The answer: how many rows, what changed, and every wrong row with its reason."""
        return {
            "rows": self.rows,
            "changed": self.changed,
            "unchanged": self.rows - self.changed - self.wrong,
            "wrong": self.wrong,
            "errors": sorted(self.errors, key=lambda item: item["row"]),
        }


@dataclass(frozen=True)
class _Sent:
    """A file under way: who sent it, and what has become of its rows."""

    application: Application
    principal: Principal
    cause: Cause
    tally: Tally
    seen: dict[str, int] = field(default_factory=dict)

    def once(self, key: str, row: int, name: str) -> None:
        """Refuse what an earlier row has spoken of: which of the two holds, nobody knows."""
        before = self.seen.setdefault(key, row)
        if before != row:
            raise Invalid(
                code="row-twice",
                zh=f"与第{before}行重复",
                en=f"row {before} speaks of the same",
                field=name,
            )

    async def good(self, rows: AsyncIterator[_Row]) -> AsyncIterator[tuple[int, dict[str, str]]]:
        """The rows that can be read; the others are noted."""
        async for row, values in rows:
            self.tally.rows += 1
            if isinstance(values, BadCell):
                self.tally.refuse(row, FieldError.of(values))
            else:
                yield row, values

    async def carry_out(self, wish: Command, rows: Sequence[int]) -> None:
        """What ``rows`` ask for."""
        try:
            receipt = await self.application.execute(wish, self.principal, self.cause)
        except Refusal as refusal:
            for row in rows:
                self.tally.refuse(row, FieldError.of(refusal))
            return
        if receipt.body["events"]:
            self.tally.changed += len(rows)


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
        openapi_extra=_FILE,
    )
    async def compare(
        quarter: Annotated[str, Path(pattern=QUARTER)],
        request: Request,
        caller: Caller,
    ) -> dict[str, Any]:
        sent = _Sent(application, caller, cause_of(request), Tally(language_of(request.scope)))
        must_have_begun(quarter, (await application.database.clock()).today())
        async with rows_of(request, sent.tally, COMPARED, _QUARTER) as rows:
            async for row, values in sent.good(rows):
                benefit = _BENEFITS.get(values["benefit"], values["benefit"])
                try:
                    wish = c.CompareFlag.model_validate(
                        {"quarter": quarter, **values, "benefit": benefit}
                    )
                    _must_be_of(quarter, wish)
                    sent.once(str(wish.household_id), row, "household_id")
                except (ValidationError, Refusal) as error:
                    sent.tally.refuse(row, _as_error(error))
                else:
                    await sent.carry_out(wish, (row,))
        return sent.tally.answer()


@rule("R110")
def _population_door(made: Router, application: Application, divisions: Divisions) -> None:
    @made.post(
        "/populations/{year}",
        dependencies=[require(c.RecordPopulation.permission)],
        name="populations",
        summary="The rural registered population of villages (R110)",
        openapi_extra=_FILE,
    )
    async def populations(
        year: Annotated[int, Path(ge=2020, le=2100)],
        request: Request,
        caller: Caller,
    ) -> dict[str, Any]:
        sent = _Sent(application, caller, cause_of(request), Tally(language_of(request.scope)))
        towns: dict[str, dict[int, c.VillagePopulation]] = {}
        async with rows_of(request, sent.tally, PEOPLED) as rows:
            async for row, values in sent.good(rows):
                try:
                    village = c.VillagePopulation.model_validate(values)
                    divisions.require(village.division, level=Level.VILLAGE, field="division")
                    sent.once(village.division, row, "division")
                except (ValidationError, Refusal) as error:
                    sent.tally.refuse(row, _as_error(error))
                else:
                    towns.setdefault(village.division[:_TOWN_DIGITS], {})[row] = village
        for town, inside in towns.items():
            wish = c.RecordPopulation(town=town, year=year, villages=tuple(inside.values()))
            await sent.carry_out(wish, tuple(inside))
        return sent.tally.answer()


@rule("R99")
def _must_be_of(quarter: str, wish: c.CompareFlag) -> None:
    """A row that names another quarter than the file's is in the wrong file."""
    if wish.quarter != quarter:
        raise Invalid(
            "R99",
            code="another-quarter",
            zh=f"该行属于{wish.quarter},本文件为{quarter}",
            en=f"the row is of {wish.quarter}, the file of {quarter}",
            field="quarter",
        )


def _as_error(refusal: Refusal | ValidationError) -> FieldError:
    if isinstance(refusal, ValidationError):
        return field_error(refusal.errors()[0])
    return FieldError.of(refusal)


@asynccontextmanager
async def rows_of(
    request: Request,
    tally: Tally,
    columns: Mapping[str, str],
    optional: Mapping[str, str] | None = None,
) -> AsyncIterator[AsyncIterator[_Row]]:
    """The rows of the file that a request brings, as they stream by, with their line numbers.

    ``columns`` in any order, ``optional`` ones or not, each by its name or its Chinese title.
    Raises ``Unreadable`` for no such table.
    """
    async with received(request.stream(), limit=LARGEST) as upload:
        with await asyncio.to_thread(open_table, upload.file) as table:
            beside = {**(optional or {}), **PLACE}
            names = {title: name for name, title in {**columns, **beside}.items()}
            header = tuple(names.get(title, title) for title in table.header)
            if set(header) - beside.keys() != columns.keys() or len(set(header)) < len(header):
                raise Unreadable(
                    "wrong-columns",
                    "表头须为:" + ",".join(columns.values()),
                    f"the header must be: {','.join(columns)}",
                )
            tally.titles = dict(zip(header, table.header, strict=True))
            yield _texts(table, header)


async def _texts(table: Table, header: Sequence[str]) -> AsyncIterator[_Row]:
    async for batch in in_batches(table.rows(), _BATCH):
        for row in batch:
            try:
                found = texts(header, row)
            except BadCell as bad:
                yield row.number, bad
            else:
                yield row.number, {name: found[name] for name in found if name not in PLACE}
