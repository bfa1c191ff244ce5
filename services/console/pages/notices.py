"""Notices and announcements on paper, A4 or DOCX: before they are posted, and as they were frozen.

The services make the sheets; there is one rendering of each.
"""

from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.api import Answer
from services.console.door import Door
from services.console.forms.fields import Files, Given
from services.console.forms.form import NOTE, Form
from services.console.pages import acting
from services.console.pages.acting import Subject
from services.console.visit import Visit

_KEPT = ("Content-Type", "Content-Disposition", "Content-Security-Policy")
"""What a sheet says about itself."""
_OF = {"cases": "identification", "eliminations": "assistance"}


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/cases/{id}/notices/…`` and ``/eliminations/{id}/notices/…``."""
    return [
        door.get(f"/{kind}/{{owner:uuid}}/notices/{{notice_id:uuid}}{ending}", page)
        for kind in _OF
        for ending, page in (("", printed), (".docx", as_docx))
    ]


async def printed(visit: Visit) -> Response:
    """A notice as it was posted: the service's own sheet, laid out for A4."""
    return await _posted(visit, "page")


async def as_docx(visit: Visit) -> Response:
    """The same for a word processor."""
    return await _posted(visit, "docx")


async def _posted(visit: Visit, form: str) -> Response:
    kind = visit.request.url.path.split("/")[1]
    path = f"/{kind}/{visit.id('owner')}/notices/{visit.id('notice_id')}"
    return _sheet(await visit.api.fetch(_OF[kind], path, form=form))


async def tried(visit: Visit, form: Form, subject: Subject) -> Response:
    """The paper as it would hang, of what was typed; nothing is posted."""
    unseen = {item.name for item in form.all_fields if isinstance(item, Files)} | {NOTE.name}

    async def ask(given: Given) -> Response:
        body = {name: value for name, value in form.body(given).items() if name not in unseen}
        path = f"{form.path.format(**subject.ids)}/preview"
        params = {"form": str(visit.form["_do"])}
        return _sheet(await visit.api.act(form.service, path, body, params=params))

    return await acting.tried(visit, form, subject, ask)


def _sheet(answer: Answer) -> Response:
    kept = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
    return Response(answer.content, headers=kept)
