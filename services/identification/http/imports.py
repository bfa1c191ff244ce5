"""A county's file of households: tried out or taken in, household by household, answered by row.

The answer streams while the file is worked through, a line a household, so that whoever sent it
sees it go on. Sent again, after a broken connection or with its bad rows put right, it goes on
where it was: a household that was taken in is not taken in twice.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ValidationError

from services.identification import form
from services.identification.domain.register_commands import RegisterHousehold
from services.identification.form import Rows
from shared.kernel.event import Cause
from shared.kernel.principal import Principal
from shared.kernel.refusal import Refusal
from shared.store.application import Application, Receipt
from shared.store.idempotency import IdempotencyKey
from shared.store.many import Many, Wish
from shared.tabular.cells import text, texts
from shared.tabular.faults import BadCell, Unreadable
from shared.tabular.reading import open_table
from shared.tabular.table import Limits, Row, Table
from shared.tabular.upload import in_batches, received
from shared.tabular.writing import Book, Format, write
from shared.vault.documents import normalise
from shared.web.auth import Caller
from shared.web.context import cause_of
from shared.web.problem import FieldError, language_of
from shared.web.routing import Router, public, require
from shared.web.validation import field_error

PATH = "/households/import"
LIMITS = Limits(packed=64 << 20, unpacked=1 << 30, rows=400_000)
"""A county's whole register fits."""
_TOGETHER = 250
"""Households taken in by one transaction."""
_TURN = 10
"""Households read before others get their turn."""
_BATCH = 500
_OUTCOMES = ("registered", "already", "refused")
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "XLSX, CSV (UTF-8 or GB18030) or NDJSON with the form's columns.",
        "content": {"application/octet-stream": {"schema": {"type": "string"}}},
    }
}


@dataclass
class _Import:
    """A file under way."""

    application: Application
    principal: Principal
    cause: Cause
    language: str
    preview: bool
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_OUTCOMES, 0))
    rows: int = 0
    numbers: set[str] = field(default_factory=set)
    """The document numbers of the file so far: whose household comes second is told, whichever of
    the two would be registered faster."""

    async def lines(self, table: Table) -> AsyncIterator[bytes]:
        """A line a household, and one for the whole at the end."""
        try:
            waiting: list[Rows | FieldErrorAt] = []
            async for household in self._households(table):
                waiting.append(household)
                if len(waiting) == _TOGETHER:
                    yield await self._worked(waiting)
                    waiting.clear()
            yield await self._worked(waiting)
        except Refusal as refusal:  # too many rows, a sheet that breaks off: what was done is done
            yield _line({"stopped": FieldError.of(refusal).as_json(self.language)})
        summary = {"rows": self.rows, **self.counts, "preview": self.preview}
        yield _line({"summary": summary})

    async def _worked(self, waiting: Sequence["Rows | FieldErrorAt"]) -> bytes:
        """A line for each; those that can be read are taken in together."""
        asked = []
        for number, item in enumerate(waiting):
            if number % _TURN == 0:
                await asyncio.sleep(0)  # others' requests are answered meanwhile
            asked.append(self._asked(item))
        many = Many(self.application, self.principal, self.cause, trial=self.preview)
        answers = iter(await many.execute([item for item in asked if isinstance(item, Wish)]))
        return b"".join(
            self._told(item, next(answers) if isinstance(wish, Wish) else wish)
            for item, wish in zip(waiting, asked, strict=True)
        )

    def _asked(self, item: "Rows | FieldErrorAt") -> "Wish | Sequence[FieldErrorAt]":
        """The household's registration, or what is wrong with its rows."""
        if isinstance(item, FieldErrorAt):
            return [item]
        try:
            command = RegisterHousehold.model_validate(item.registration())
            self._must_be_new_in_the_file(command)
        except ValidationError as error:
            found = _without_echo([field_error(problem) for problem in error.errors()])
            return [_at(item, one) for one in found]
        except Refusal as refusal:
            return [_at(item, FieldError.of(refusal))]
        digest = hashlib.sha256(orjson.dumps(command.model_dump(mode="json"))).digest()
        key = IdempotencyKey(self.principal.subject, f"POST {PATH}", digest.hex(), digest)
        return Wish(command, key)

    def _told(
        self, item: "Rows | FieldErrorAt", answer: "Receipt | Refusal | Sequence[FieldErrorAt]"
    ) -> bytes:
        if isinstance(item, FieldErrorAt):
            return self._said("refused", [item.row], errors=[item])
        if isinstance(answer, Refusal):
            answer = [_at(item, FieldError.of(answer))]
        if not isinstance(answer, Receipt):
            return self._said("refused", item.numbers, errors=answer)
        outcome = "already" if answer.replayed else "registered"
        id_ = None if self.preview else answer.body["id"]
        return self._said(outcome, item.numbers, id_=id_)

    def _must_be_new_in_the_file(self, command: RegisterHousehold) -> None:
        numbers = {normalise(person.document_number)[:18] for person in command.members}
        if numbers & self.numbers:
            raise Refusal(
                "R25",
                code="document-twice-in-file",
                zh="证件号码在本文件的另一户中已出现",
                en="a document number stands in another household of this file",
                field="members",
            )
        self.numbers |= numbers

    async def _households(self, table: Table) -> AsyncIterator["Rows | FieldErrorAt"]:
        """The file's households, each whole; a bad row takes its household along."""
        group = _Group("")
        seen: set[str] = set()
        async for batch in in_batches(table.rows(limit=LIMITS.rows), _BATCH):
            for row in batch:
                self.rows += 1
                key, cells, error = _read(table.header, row)
                if key and key != group.key:
                    if group.numbers:
                        yield group.whole()
                    group = _Group(key, bad=_scattered(row.number) if key in seen else None)
                    seen.add(key)
                group.add(row.number, cells, error)
        if group.numbers:
            yield group.whole()

    def _said(
        self,
        outcome: str,
        numbers: Iterable[int],
        *,
        id_: str | None = None,
        errors: Iterable["FieldErrorAt"] = (),
    ) -> bytes:
        self.counts[outcome] += 1
        told: dict[str, Any] = {"rows": list(numbers), "outcome": outcome}
        if id_ is not None:
            told["id"] = id_
        if errors:
            told["errors"] = [error.as_json(self.language) for error in errors]
        return _line(told)


@dataclass(frozen=True)
class FieldErrorAt:
    """What is wrong, and where in the file."""

    row: int
    column: str
    error: FieldError

    def as_json(self, language: str) -> dict[str, Any]:
        """With the column's title in place of the field's name."""
        return {**self.error.as_json(language), "field": self.column, "row": self.row}


@dataclass
class _Group:
    """The rows of one household, as they come."""

    key: str
    numbers: list[int] = field(default_factory=list)
    cells: list[dict[str, str]] = field(default_factory=list)
    bad: FieldErrorAt | None = None

    def add(self, number: int, cells: dict[str, str], error: FieldErrorAt | None) -> None:
        self.numbers.append(number)
        self.cells.append(cells)
        self.bad = self.bad or error

    def whole(self) -> Rows | FieldErrorAt:
        return self.bad or Rows(self.numbers, self.cells)


def import_doors(made: Router, application: Application) -> None:
    """``POST /households/import`` and the template to fill in."""

    @made.post(
        PATH,
        summary="Take a file of households in, or try it: a line of NDJSON a household.",
        response_class=StreamingResponse,
        dependencies=[require(RegisterHousehold.permission)],
        openapi_extra=_FILE,
    )
    async def take_in(request: Request, caller: Caller, *, preview: bool = False) -> Response:
        stack = AsyncExitStack()
        try:
            upload = await stack.enter_async_context(
                received(request.stream(), limit=LIMITS.packed)
            )
            table = stack.enter_context(await asyncio.to_thread(open_table, upload.file, LIMITS))
            _must_be_the_form(table)
        except BaseException:
            await stack.aclose()
            raise
        work = _Import(application, caller, cause_of(request), language_of(request.scope), preview)
        return StreamingResponse(
            _closing(work.lines(table), stack), media_type=Format.JSONL.media_type
        )

    @made.get(
        f"{PATH}/template",
        summary="The form as an empty table.",
        response_class=Response,
        dependencies=[public()],
    )
    async def template() -> Response:
        file = BytesIO()
        titles = {title: title for title in form.COLUMNS}
        write(Format.XLSX, titles, [form.example()], file, Book(sheet="农户", fillable=True))
        headers = {"Content-Disposition": 'attachment; filename="households.xlsx"'}
        return Response(file.getvalue(), media_type=Format.XLSX.media_type, headers=headers)


async def _closing(lines: AsyncIterator[bytes], stack: AsyncExitStack) -> AsyncIterator[bytes]:
    async with stack:
        async for line in lines:
            yield line


def _must_be_the_form(table: Table) -> None:
    missing = form.NEEDED - set(table.header)
    unknown = set(table.header) - set(form.COLUMNS)
    if missing or unknown or len(set(table.header)) != len(table.header):
        raise Unreadable(
            "wrong-columns",
            f"表头与采集表模板不符,缺少:{'、'.join(sorted(missing)) or '无'}"
            f";多余或重复{len(unknown)}列",
            "the header is not the form's; see the template",
        )


def _at(rows: Rows, error: FieldError) -> FieldErrorAt:
    return FieldErrorAt(*rows.place(error.field), error)


def _without_echo(found: Sequence[FieldError]) -> Sequence[FieldError]:
    """A member that cannot be read leaves the household too few: that is no second mistake."""
    return [error for error in found if error.field != "members"] or found


def _read(header: Sequence[str], row: Row) -> tuple[str, dict[str, str], FieldErrorAt | None]:
    """A row's household, its cells, and what is wrong with it; a row without one is the last's."""
    try:
        cells = texts(header, row)
    except BadCell as bad:
        return (
            _key_of(header, row),
            {},
            FieldErrorAt(row.number, bad.field or "", FieldError.of(bad)),
        )
    if cells[form.KEY]:
        return cells[form.KEY], cells, None
    error = FieldError(form.KEY, "no-household-number", "缺少户序号", "it names no household")
    return "", cells, FieldErrorAt(row.number, form.KEY, error)


def _key_of(header: Sequence[str], row: Row) -> str:
    try:
        return text(row.cells[header.index(form.KEY)])
    except (BadCell, IndexError):
        return ""


def _scattered(number: int) -> FieldErrorAt:
    words = ("同一户的各行须相邻", "the rows of a household stand together")
    return FieldErrorAt(number, form.KEY, FieldError(form.KEY, "household-scattered", *words))


def _line(value: Any) -> bytes:
    return orjson.dumps(value) + b"\n"
