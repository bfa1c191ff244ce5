"""The national system: the table that goes to it, and its receipts, imported back (R63)."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.identification import national
from services.identification.domain.commands import RecordNationalEntry
from services.identification.national import CASE_ID, ENTERED_ON, RECEIPT
from shared.contracts.identification import LateReason
from shared.kernel.refusal import Refusal
from shared.policy.rules import rule
from shared.store.application import Application, Call
from shared.store.idempotency import IdempotencyKey
from shared.tabular.cells import day, texts
from shared.tabular.faults import BadCell, Unreadable
from shared.tabular.reading import open_table
from shared.tabular.table import Limits, Table
from shared.tabular.upload import in_batches, received
from shared.tabular.writing import Format, write
from shared.vault.vault import Vault
from shared.web.context import Ctx, RequestContext
from shared.web.problem import FieldError, language_of
from shared.web.routing import Router, require
from shared.web.validation import field_error

PATH = "/national-entry/"
LIMITS = Limits(packed=16 << 20, unpacked=256 << 20, rows=20_000)
LATE = "逾期原因"
_LATE_WORDS = {
    "农户外出": LateReason.HOUSEHOLD_ABSENT,
    "灾害": LateReason.DISASTER,
    "异议复核": LateReason.OBJECTION,
    "退回重办": LateReason.REWORK,
    "部门比对延迟": LateReason.DATA_DELAY,
    "人手不足": LateReason.WORKLOAD,
    "其他": LateReason.OTHER,
}
_COLUMNS = {CASE_ID: "case_id", RECEIPT: "receipt", ENTERED_ON: "occurred_on", LATE: "late_reason"}
_NEEDED = frozenset({CASE_ID, RECEIPT})
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"XLSX, CSV or NDJSON with {CASE_ID} and {RECEIPT}; the table sent back.",
        "content": {"application/octet-stream": {"schema": {"type": "string"}}},
    }
}


class TableBody(BaseModel):
    """How much of what waits."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=500)] = 200
    """Households, the most urgent first."""


@dataclass
class _Receipts:
    """Receipts under way, and what has become of them."""

    application: Application
    ctx: RequestContext
    language: str
    rows: int = 0
    recorded: int = 0
    already: int = 0
    refused: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)

    async def take(self, number: int, said: Mapping[str, Any]) -> None:
        """One receipt; sent again, it is known."""
        try:
            command = RecordNationalEntry.model_validate(said)
            digest = hashlib.sha256(command.model_dump_json().encode()).digest()
            subject = self.ctx.principal.subject
            key = IdempotencyKey(subject, self.ctx.route, digest.hex(), digest)
            receipt = await self.application.execute(
                command, self.ctx.principal, self.ctx.cause, key=key
            )
        except ValidationError as error:
            self.refuse(number, field_error(error.errors()[0]))
        except Refusal as refusal:
            self.refuse(number, FieldError.of(refusal))
        else:
            self.already += receipt.replayed
            self.recorded += not receipt.replayed

    def refuse(self, number: int, error: FieldError) -> None:
        self.refused += 1
        title = next(
            (title for title, name in _COLUMNS.items() if name == error.field), error.field
        )
        self.errors.append({"row": number, **error.as_json(self.language), "field": title})


def national_doors(made: Router, application: Application, vault: Vault) -> None:
    """``POST /national-entry/table`` and ``POST /national-entry/receipts``."""

    @made.post(
        f"{PATH}table",
        summary="Households waiting for the national system, as its table; every one recorded.",
        response_class=Response,
        dependencies=[require(RecordNationalEntry.permission)],
    )
    @rule("R63")
    async def table(body: TableBody, ctx: Ctx) -> Response:
        async with application.database.transaction() as tx:
            call = Call(application, tx, ctx.principal, ctx.cause)
            waiting = await national.waiting_for_entry(call, vault, body.limit)
        application.appended(call.recorded)
        file = BytesIO()
        titles = {title: title for title in national.COLUMNS}
        await asyncio.to_thread(write, Format.XLSX, titles, national.rows(waiting), file)
        headers = {
            "Content-Disposition": 'attachment; filename="national-entry.xlsx"',
            "X-Households": str(len(waiting)),
        }
        return Response(file.getvalue(), media_type=Format.XLSX.media_type, headers=headers)

    @made.post(
        f"{PATH}receipts",
        summary="The national system's receipts, a case a row; rows without one are passed over.",
        dependencies=[require(RecordNationalEntry.permission)],
        openapi_extra=_FILE,
    )
    @rule("R63")
    async def receipts(request: Request, ctx: Ctx) -> dict[str, Any]:
        work = _Receipts(application, ctx, language_of(request.scope))
        async with received(request.stream(), limit=LIMITS.packed) as upload:
            with await asyncio.to_thread(open_table, upload.file, LIMITS) as found:
                if not set(found.header) >= _NEEDED:
                    raise Unreadable(
                        "wrong-columns",
                        f"表头须有:{CASE_ID}、{RECEIPT}",
                        "the header lacks the case or the receipt",
                    )
                async for number, said in _said(found, work):
                    await work.take(number, said)
        return {
            "rows": work.rows,
            "recorded": work.recorded,
            "already": work.already,
            "refused": work.refused,
            "errors": work.errors,
        }


async def _said(table: Table, work: _Receipts) -> AsyncIterator[tuple[int, dict[str, Any]]]:
    """The rows that name a receipt; a family's other rows, and those still without one, do not."""
    async for batch in in_batches(table.rows(limit=LIMITS.rows), 500):
        for row in batch:
            try:
                cells = texts(table.header, row)
                if not cells[CASE_ID] or not cells[RECEIPT]:
                    continue
                said = _fields(cells)
            except BadCell as bad:
                work.rows += 1
                work.refuse(row.number, FieldError.of(bad))
                continue
            work.rows += 1
            yield row.number, said


def _fields(cells: Mapping[str, str]) -> dict[str, Any]:
    """The fields of the entry that a row names. Raises ``BadCell``."""
    said: dict[str, Any] = {
        name: cell for title, name in _COLUMNS.items() if (cell := cells.get(title))
    }
    if "late_reason" in said:
        said["late_reason"] = _LATE_WORDS.get(said["late_reason"], said["late_reason"])
    if "occurred_on" in said:
        try:
            said["occurred_on"] = day(said["occurred_on"])
        except BadCell as bad:
            raise bad.at(ENTERED_ON) from None
    return said
