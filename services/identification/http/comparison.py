"""What departments answer to comparisons: posted by their systems, or sent as a file by the county.

Each person is an act of its own; a bad row stops no other, and sending again changes nothing.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.identification.domain.commands import ReportComparison
from shared.contracts.identification_steps import Hit, Source
from shared.kernel.event import Cause
from shared.kernel.principal import Principal
from shared.kernel.refusal import Refusal
from shared.store.application import Application
from shared.tabular.cells import texts
from shared.tabular.faults import BadCell, Unreadable
from shared.tabular.reading import open_table
from shared.tabular.table import Limits, Table
from shared.tabular.upload import in_batches, received
from shared.web.auth import Caller
from shared.web.context import cause_of
from shared.web.problem import FieldError, language_of
from shared.web.routing import Router, require
from shared.web.validation import field_error

PATH = "/comparisons/"
LIMITS = Limits(packed=64 << 20, unpacked=1 << 30, rows=500_000)
NUMBER, HITS = "证件号码", "比对结果"
_WORDS = {
    "车辆": Hit.VEHICLE,
    "不动产": Hit.PROPERTY,
    "工商登记": Hit.BUSINESS,
    "财政供养": Hit.PUBLIC_PAYROLL,
    "城镇保障": Hit.URBAN_BENEFIT,
}
_NOTHING = frozenset({"", "无", "未发现"})
_BETWEEN = re.compile(r"[、,,;;\s]+")
_MOST_ERRORS = 1000
_BATCH = 500
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"XLSX, CSV or NDJSON with the columns {NUMBER} and {HITS}.",
        "content": {"application/octet-stream": {"schema": {"type": "string"}}},
    }
}


class PersonAnswer(BaseModel):
    """What the department holds about one person."""

    model_config = ConfigDict(extra="forbid")

    document_number: str
    hits: list[Hit] = []


class Answers(BaseModel):
    """Several persons at once."""

    model_config = ConfigDict(extra="forbid")

    results: Annotated[list[PersonAnswer], Field(min_length=1, max_length=1000)]


@dataclass
class _Intake:
    """Answers under way, and what has become of them."""

    application: Application
    principal: Principal
    cause: Cause
    language: str
    source: Source
    rows: int = 0
    recorded: int = 0
    refused: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)

    async def take(self, number: int, said: Mapping[str, Any]) -> None:
        self.rows += 1
        try:
            command = ReportComparison.model_validate({**said, "source": self.source})
            receipt = await self.application.execute(command, self.principal, self.cause)
            self.recorded += bool(receipt.body["events"])
        except ValidationError as error:
            self.refuse(number, field_error(error.errors()[0]))
        except Refusal as refusal:
            self.refuse(number, FieldError.of(refusal))

    def refuse(self, number: int, error: FieldError) -> None:
        self.refused += 1
        if len(self.errors) < _MOST_ERRORS:
            self.errors.append({"row": number, **error.as_json(self.language)})

    def answer(self) -> dict[str, Any]:
        """How many were recorded, how many were known already, and why others were not."""
        return {
            "rows": self.rows,
            "recorded": self.recorded,
            "unchanged": self.rows - self.recorded - self.refused,
            "refused": self.refused,
            "errors": self.errors,
        }


def comparison_doors(made: Router, application: Application) -> None:
    """``POST /comparisons/{source}`` and ``POST /comparisons/{source}/file``."""

    def intake(request: Request, caller: Principal, source: Source) -> _Intake:
        language = language_of(request.scope)
        return _Intake(application, caller, cause_of(request), language, source)

    @made.post(
        "/comparisons/{source}",
        summary="A department's answers, a person each.",
        dependencies=[require(ReportComparison.permission)],
    )
    async def answers(
        source: Source, body: Answers, request: Request, caller: Caller
    ) -> dict[str, Any]:
        work = intake(request, caller, source)
        for number, item in enumerate(body.results, start=1):
            await work.take(number, item.model_dump())
        return work.answer()

    @made.post(
        "/comparisons/{source}/file",
        summary="A department's answers as a table.",
        dependencies=[require(ReportComparison.permission)],
        openapi_extra=_FILE,
    )
    async def file(source: Source, request: Request, caller: Caller) -> dict[str, Any]:
        work = intake(request, caller, source)
        async with received(request.stream(), limit=LIMITS.packed) as upload:
            with await asyncio.to_thread(open_table, upload.file, LIMITS) as table:
                if set(table.header) != {NUMBER, HITS}:
                    raise Unreadable(
                        "wrong-columns", f"表头须为:{NUMBER},{HITS}", "the header has other columns"
                    )
                async for number, said in _said(table, work):
                    await work.take(number, said)
        return work.answer()


async def _said(table: Table, work: _Intake) -> AsyncIterator[tuple[int, dict[str, Any]]]:
    async for batch in in_batches(table.rows(limit=LIMITS.rows), _BATCH):
        for row in batch:
            try:
                cells = texts(table.header, row)
            except BadCell as bad:
                work.rows += 1
                work.refuse(row.number, FieldError.of(bad))
                continue
            yield row.number, {"document_number": cells[NUMBER], "hits": _hits(cells[HITS])}


def _hits(cell: str) -> Sequence[str]:
    if cell in _NOTHING:
        return ()
    return [_WORDS.get(word, word) for word in _BETWEEN.split(cell) if word]
