"""Tables sent as a file: tried or taken in, and answered row by row; and the national table."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

import httpx
import orjson
from starlette.datastructures import UploadFile
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from services.console.api import Refused
from services.console.door import Door, NotHere
from services.console.forms.fields import FieldFaults, Given, read_all
from services.console.forms.tables import NATIONAL, RECEIPTS, TABLE_FORMS, TableForm
from services.console.look import POLICY
from services.console.pages import acting
from services.console.pages.acting import FormPage, Subject
from services.console.pages.files import parts
from services.console.visit import Visit
from shared.tabular.writing import Format

_FORMS: Mapping[str, TableForm] = {form.name: form for form in TABLE_FORMS}
_FILE = "file"
_TOLD = 100
"""Households after which the page says how far the file is."""
_MOST_SHOWN = 1000
"""Wrong rows that a page lists; all are counted."""
_QUARTERS = 5
Json = Any


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/tables/…`` and ``/national-entry…``."""
    return (
        *door.both("/tables/{form}", show, send),
        door.get("/tables/{form}/template", template),
        door.get("/national-entry", national),
        door.post("/national-entry", national_table),
    )


async def offered(visit: Visit, *names: str) -> list[TableForm]:
    """Those of the tables that this person may send."""
    forms = [_FORMS[name] for name in names]
    return [form for form in forms if await visit.api.may(form.service, form.path)]


async def show(visit: Visit) -> Response:
    """Which file, and of what."""
    form = await _form(visit)
    return _asking(_page(visit, form, Given({}, {}), fresh=True))


async def send(visit: Visit) -> Response:
    """Tried, or taken in; either way every wrong row is told with its reason."""
    form = await _form(visit)
    given, _ = await acting.read(visit)
    page = _page(visit, form, given)
    try:
        ids = _ids(page, given)
    except FieldFaults as faults:
        page.faults = {name: visit.words(zh) for name, zh in faults.faults.items()}
        return _asking(page, 422)
    file, path = visit.form[_FILE], form.path.format(**ids)
    assert isinstance(file, UploadFile)
    try:
        if form.tried:
            tried = given.one("do") == "preview"
            answer = await visit.api.begin(
                form.service, path, content=parts(file), params={"preview": str(tried).lower()}
            )
            return _as_it_goes(visit, form, Told(answer))
        taken = await visit.api.act(
            form.service, path, None, content=parts(file), timeout=visit.api.services.long
        )
    except Refused as refused:
        return _refused(page, refused)
    return visit.render(
        "table_done.html", form=form, errors=taken.body["errors"], counts=_counts(taken.body)
    )


async def template(visit: Visit) -> Response:
    """The empty table to fill in."""
    form = await _form(visit)
    if not form.template:
        raise NotHere
    answer = await visit.api.fetch(form.service, form.template)
    return _workbook(answer.content, form.name)


async def national(visit: Visit) -> Response:
    """What waits for the national system: its table out, its receipts in."""
    await acting.must_be_allowed(visit, NATIONAL)
    return _national(_national_page(visit, Given({}, {}), fresh=True))


async def national_table(visit: Visit) -> Response:
    """The table; that these families' data were taken out is recorded."""
    given, _ = await acting.read(visit)
    page = _national_page(visit, given)
    try:
        answer = await visit.api.act(NATIONAL.service, NATIONAL.path, NATIONAL.body(given))
    except FieldFaults as faults:
        page.faults = {name: visit.words(zh) for name, zh in faults.faults.items()}
        return _national(page, 422)
    except Refused as refused:
        return _refused(page, refused, "national_entry.html")
    return _workbook(answer.content, "national-entry")


def _national_page(visit: Visit, given: Given, *, fresh: bool = False) -> FormPage:
    subject = Subject(title=visit.words("个案"), back="/cases")
    return FormPage(visit, NATIONAL, subject, given.texts, "", None, fresh)


def _national(page: FormPage, status: int = 200) -> Response:
    return page.visit.render(
        "national_entry.html", status=status, page=page, form=NATIONAL, receipts=RECEIPTS
    )


async def _form(visit: Visit) -> TableForm:
    form = acting.form_of(visit, _FORMS)
    await acting.must_be_allowed(visit, form)
    return form


def _page(visit: Visit, form: TableForm, given: Given, *, fresh: bool = False) -> FormPage:
    subject = Subject(
        title=visit.words(form.back_title), back=form.back, options={"quarters": _quarters(visit)}
    )
    return FormPage(visit, form, subject, given.texts, "", None, fresh)


def _quarters(visit: Visit) -> list[tuple[str, str]]:
    """The quarter that runs and the few before it, the latest first."""
    now = visit.today.year * 4 + (visit.today.month - 1) // 3
    names = [f"{number // 4}Q{number % 4 + 1}" for number in range(now, now - _QUARTERS, -1)]
    return [(name, name) for name in names]


def _ids(page: FormPage, given: Given) -> dict[str, str]:
    """What stands in the route's path: only what the page offered. Raises ``FieldFaults``."""
    form, faults = page.form, {}
    values = read_all(form.fields, given)
    for item in form.fields:
        offered = {code for code, _ in _offered(page, item)}
        if values[item.name] is None or (offered and values[item.name] not in offered):
            faults[item.name] = "请选择"
    if fault := _missing(page.visit):
        faults[_FILE] = fault
    if faults:
        raise FieldFaults(faults)
    return {name: str(value) for name, value in values.items()}


def _missing(visit: Visit) -> str:
    upload = visit.form.get(_FILE)
    if isinstance(upload, UploadFile) and upload.size:
        return ""
    return "请选择文件"


def _offered(page: FormPage, item: Json) -> Sequence[tuple[str, str]]:
    if item.kind == "choice":
        return page.choices(item)
    return page.options(item.source) if item.kind == "pick" else ()


def _asking(page: FormPage, status: int = 200) -> Response:
    return page.visit.render("table.html", status=status, page=page, form=page.form)


def _refused(page: FormPage, refused: Refused, template: str = "table.html") -> Response:
    """The whole file is refused: it cannot be read, or has other columns."""
    if refused.status == 401:
        raise refused
    page.refusal = {"title": "", "detail": "", **refused.problem}
    return page.visit.render(
        template, status=refused.status, page=page, form=page.form, receipts=RECEIPTS
    )


def _counts(body: Mapping[str, Any]) -> list[tuple[str, int]]:
    return [(name, value) for name, value in body.items() if isinstance(value, int)]


@dataclass
class Told:
    """The lines that a service says while it works a file through, and what they came to."""

    lines: AsyncIterator[bytes]
    households: int = 0
    shown: int = 0
    summary: Mapping[str, Any] = field(default_factory=dict)
    stopped: str = ""

    async def notices(self) -> AsyncIterator[Mapping[str, Any]]:
        """What a reader is told on the way: every wrong row, and now and then how far it is."""
        async for line in self.lines:
            said = orjson.loads(line)
            self.summary = said.get("summary", self.summary)
            self.stopped = said.get("stopped", {}).get("detail", self.stopped)
            if "outcome" not in said:
                continue
            self.households += 1
            for error in said.get("errors", ()):
                self.shown += 1
                if self.shown <= _MOST_SHOWN:
                    yield {"error": error}
            if self.households % _TOLD == 0:
                yield {"households": self.households}


def _as_it_goes(visit: Visit, form: TableForm, told: Told) -> Response:
    """A page that grows while the file is worked through: it needs no script."""
    mark = token_hex(16)
    page = visit.look.render("table_progress.html", visit, {"form": form, "mark": mark})
    before, after = page.split(mark)

    async def pieces() -> AsyncIterator[str]:
        yield before
        broken = False
        try:
            async for notice in told.notices():
                yield visit.look.render("table_row.html", visit, notice)
        except httpx.TransportError:
            broken = True
        context = {
            "form": form,
            "counts": _counts({k: v for k, v in told.summary.items() if k != "preview"}),
            "preview": told.summary.get("preview", False),
            "stopped": told.stopped,
            "broken": broken or not told.summary,
        }
        yield visit.look.render("table_end.html", visit, context)
        yield after

    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}
    return StreamingResponse(pieces(), media_type="text/html; charset=utf-8", headers=headers)


def _workbook(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.xlsx"'}
    return Response(content, media_type=Format.XLSX.media_type, headers=headers)
