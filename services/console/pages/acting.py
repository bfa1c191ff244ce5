"""Showing a form, and sending it: once, however often it is submitted, on the version one saw."""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeVar

from starlette.datastructures import UploadFile
from starlette.responses import Response

from services.console.api import Answer, Away, Refused
from services.console.door import NotHere
from services.console.forms.fields import Choice, Field, FieldFaults, Given, Rows
from services.console.forms.form import Form, input_name
from services.console.visit import Visit

Json = Any
Option = tuple[str, str]
_LATER = 503
F = TypeVar("F", bound=Form)
_NO_WORDS = {"title": "", "detail": "", "rule": ""}
"""A refusal need not have each of these."""


def form_of(visit: Visit, forms: Mapping[str, F]) -> F:
    """The form that the address names. Raises ``NotHere``."""
    form = forms.get(visit.id("form"))
    if form is None:
        raise NotHere
    return form


async def must_be_allowed(visit: Visit, form: Form) -> None:
    """Raises ``Refused`` for who may not send the form."""
    if not await visit.api.may(form.service, form.path):
        raise Refused(403, {"code": "forbidden"})


@dataclass(frozen=True)
class Subject:
    """What a form is about, and what is known of it already."""

    title: str
    """Where one comes from, in words."""
    back: str
    ids: Mapping[str, str] = field(default_factory=dict)
    """The ids of the form's path."""
    version: int | None = None
    """The version that is shown; sent as ``If-Match``."""
    options: Mapping[str, Sequence[Option]] = field(default_factory=dict)
    """What can be picked, by the name of the source."""
    facts: Sequence[str] = ()
    """What one should have before one's eyes."""
    history: Sequence[Mapping[str, Any]] = ()
    """What has happened, for telling somebody who was too late what it was."""
    due: Any = None
    known: frozenset[str] = frozenset()
    """Fields that need not be asked."""
    fixed: Mapping[str, Json] = field(default_factory=dict)
    """Values that are known, for the body."""
    prefill: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What stands in the form when it is opened."""
    before: tuple[str, str] | None = None
    """Something to look at first: address and words."""
    panel: tuple[str, Mapping[str, Any]] | None = None
    """A part of the page to read before the form: its template and what that shows."""
    button: str = ""
    """What the button says, where that is not the form's own."""
    keeper: tuple[str, str] | None = None
    """The service and the owner for which files are kept; what the act makes, where there is
    none yet."""


@dataclass
class FormPage:
    """A form as it stands before somebody's eyes."""

    visit: Visit
    form: Form
    subject: Subject
    texts: Mapping[str, Sequence[str]]
    key: str
    version: int | None
    fresh: bool = False
    added: str = ""
    faults: dict[str, str] = field(default_factory=dict)
    refusal: Mapping[str, Any] | None = None
    changes: Sequence[Mapping[str, Any]] = ()
    unkept: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Files that came with the form and lie nowhere yet, by their inputs' names."""

    def value(self, name: str, default: str = "") -> str:
        """What stands in an input."""
        if name in self.texts:
            return next(iter(self.texts[name]), "")
        return default if self.fresh or self._new_row(name) else ""

    def values(self, name: str) -> Sequence[str]:
        """What is ticked."""
        return self.texts.get(name, ())

    def default(self, field_: Field) -> str:
        """What stands there before anybody has typed."""
        today = self.visit.today
        special = {
            "today": today.isoformat(),
            "year": str(today.year),
            "me": self.visit.who.subject,
        }
        return special.get(field_.default, field_.default)

    def choices(self, field_: Choice) -> list[Option]:
        """The codes of a group, or those that are offered."""
        offered = self.visit.words.choices(field_.group)
        return [item for item in offered if not field_.only or item[0] in field_.only]

    def options(self, source: str) -> Sequence[Option]:
        """What can be picked."""
        return self.subject.options.get(source, ())

    def rows(self, rows: Rows) -> list[int]:
        """The rows that are shown, by number."""
        numbers = rows.numbers(Given(self.texts, {}), rows.name)
        if self.fresh:
            return list(range(max(len(rows.presets) + rows.blank, len(numbers))))
        if self.added == rows.name or (rows.blank and not numbers):
            numbers.append(max(numbers, default=-1) + 1)
        return numbers

    def preset(self, rows: Rows, number: int, name: str) -> str:
        """What a row says from the start and nobody is asked for; empty for what is asked."""
        return rows.presets[number].get(name, "") if number < len(rows.presets) else ""

    def _new_row(self, name: str) -> bool:
        return bool(self.added) and name.startswith(f"{self.added}.")


Then = Callable[[Answer], str]
Load = Callable[[], Awaitable[Subject]]
Ask = Callable[[Given], Awaitable[Subject | Response]]


def is_tried(visit: Visit, form: Form) -> bool:
    """Whether a button was pressed that only looks."""
    return visit.form.get("_do") in {trial.do for trial in form.trials}


async def show(visit: Visit, form: Form, subject: Subject) -> Response:
    """The empty form."""
    texts = {**_presets(form), **_places(form, subject), **subject.prefill}
    page = FormPage(visit, form, subject, texts, secrets.token_urlsafe(18), subject.version, True)
    return _rendered(page)


async def send(visit: Visit, form: Form, load: Load, then: Then | None = None) -> Response:
    """Carry out what the form asks for, or show it again with what is wrong."""
    subject = await load()
    given, uploads = await read(visit)
    page = _sent(visit, form, subject, given)
    if subject.keeper is None:
        page.unkept = given.files
    try:
        if subject.keeper:
            await _keep(visit, subject.keeper, uploads)
        if page.added:
            return _rendered(page)
        body = {**form.body(given), **subject.fixed}
        answer = await visit.api.act(
            form.service,
            form.path.format(**subject.ids),
            body,
            key=page.key or None,
            version=page.version,
        )
        if uploads and subject.keeper is None:
            await _keep(visit, (form.service, answer.body["id"]), uploads)
    except FieldFaults as faults:
        page.faults = {name: visit.words(zh) for name, zh in faults.faults.items()}
        return _rendered(page, 422)
    except Refused as refused:
        return _refused(page, given, refused)
    except Away:
        page.refusal = _NO_WORDS | {"title": visit.words("服务暂时不可用,内容都还在,请稍后再提交")}
        return _rendered(page, _LATER)
    return visit.go(then(answer) if then else subject.back, form.done)


def _sent(visit: Visit, form: Form, subject: Subject, given: Given) -> FormPage:
    version = visit.form.get("_version")
    kept = {
        name: [*given.texts.get(name, ()), *found]
        for name, found in ((f"{at}.kept", found) for at, found in given.files.items())
    }
    return FormPage(
        visit,
        form,
        subject,
        {**given.texts, **kept},
        str(visit.form.get("_key", "")),
        int(version) if isinstance(version, str) and version.isdigit() else None,
        added=str(visit.form.get("_add", "")),
    )


Uploads = Sequence[tuple[str, UploadFile]]


async def read(visit: Visit) -> tuple[Given, Uploads]:
    """What the browser sent, of each file its digest; and the files, by their inputs' names."""
    texts: dict[str, list[str]] = {}
    digests: dict[str, list[str]] = {}
    uploads = []
    for name, value in visit.form.multi_items():
        if isinstance(value, UploadFile):
            if value.size:
                digests.setdefault(name, []).append(await _digest(value))
                uploads.append((name, value))
        elif not name.startswith("_"):
            texts.setdefault(name, []).append(value)
    return Given(texts, digests), uploads


async def _keep(visit: Visit, keeper: tuple[str, str], uploads: Uploads) -> None:
    """Put the files into the evidence room; one that is not taken is at fault beside its input."""
    service, owner = keeper
    for name, upload in uploads:
        await upload.seek(0)
        try:
            await visit.api.act(service, f"/evidence/{owner}", None, content=await upload.read())
        except Refused as refused:
            raise Refused(refused.status, {**refused.problem, "field": name}) from refused


async def _digest(upload: UploadFile) -> str:
    digest = sha256()
    while chunk := await upload.read(1 << 16):
        digest.update(chunk)
    return digest.hexdigest()


def _refused(page: FormPage, given: Given, refused: Refused) -> Response:
    if refused.status == 401:
        raise refused
    problem = refused.problem
    page.refusal = {**_NO_WORDS, **problem, "detail": _detail(page, problem)}
    for error in problem.get("errors") or [problem]:
        if error.get("field"):
            page.faults[_input_of(page.form, given, error["field"])] = error.get("detail", "")
    if refused.code == "stale-version":
        seen = page.version or 0
        page.version = page.subject.version
        page.changes = [item for item in page.subject.history if item["version"] > seen]
    return _rendered(page, refused.status)


def _detail(page: FormPage, problem: Mapping[str, Any]) -> str:
    """What is wrong; a field that the service names is called what the page calls it."""
    detail, name = str(problem.get("detail", "")), str(problem.get("field") or "")
    label = next((item.label for item in page.form.all_fields if item.name == name), "")
    said = detail.removeprefix(f"{name}:").strip()
    return f"{page.visit.words(label)}:{said}" if label and said != detail else detail


def _input_of(form: Form, given: Given, path: str) -> str:
    """The input behind the API's name of a field; rows that were left empty do not count there."""
    name = input_name(path.removeprefix("body."))
    for rows in (item for item in form.all_fields if isinstance(item, Rows)):
        if name.startswith(f"{rows.name}."):
            return rows.at_fault(given, name.removeprefix(f"{rows.name}."))
    return name


async def again(visit: Visit, form: Form, subject: Subject) -> Response:
    """The form as it was typed, with more to look at; nothing is sent."""
    given, _ = await read(visit)
    return _rendered(_sent(visit, form, subject, given))


async def tried(visit: Visit, form: Form, subject: Subject, ask: Ask) -> Response:
    """The form as it was typed, with what a service says of it; nothing is carried out."""
    given, _ = await read(visit)
    page = _sent(visit, form, subject, given)
    page.unkept = given.files
    try:
        answered = await ask(given)
    except FieldFaults as faults:
        page.faults = {name: visit.words(zh) for name, zh in faults.faults.items()}
        return _rendered(page, 422)
    except Refused as refused:
        return _refused(page, given, refused)
    if isinstance(answered, Response):
        return answered
    page.subject = answered
    return _rendered(page)


def _ask_again_for(page: FormPage) -> None:
    """A file that lies nowhere yet must not look as if it did: it has to be chosen again."""
    for name, digests in page.unkept.items():
        kept = [one for one in page.values(f"{name}.kept") if one not in digests]
        page.texts = {**page.texts, f"{name}.kept": kept}
        page.faults.setdefault(name, page.visit.words("文件尚未保存,请重新选择"))


def _rendered(page: FormPage, status: int = 200) -> Response:
    _ask_again_for(page)
    known = page.subject.known - page.faults.keys()
    return page.visit.render(
        "act.html", status=status, page=page, form=page.form, subject=page.subject, known=known
    )


def _presets(form: Form) -> dict[str, Sequence[str]]:
    return {
        f"{rows.name}.{number}.{name}": [value]
        for rows in form.all_fields
        if isinstance(rows, Rows)
        for number, preset in enumerate(rows.presets)
        for name, value in preset.items()
    }


def _places(form: Form, subject: Subject) -> dict[str, Sequence[str]]:
    """Where there is one place only, it is that."""
    made: dict[str, Sequence[str]] = {}
    for item in form.all_fields:
        if item.kind == "place" and item.required:
            places = subject.options.get(getattr(item, "source", ""), ())
            if len(places) == 1:
                made[item.name] = [places[0][0]]
    return made
