"""People's signing keys: enrol one's own, confirm another's face to face, take one out of use."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.api import Answer
from services.console.door import Door
from services.console.forms.audit import ENROLMENT, KEY_FORMS
from services.console.forms.form import Form, by_name
from services.console.pages import acting
from services.console.pages.acting import Subject
from services.console.pages.listing import asked_of, listing
from services.console.visit import Visit
from shared.kernel.principal import Role

_FORMS = by_name(KEY_FORMS)
Json = Mapping[str, Any]


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/keys…``."""
    return (
        door.get("/keys", listed),
        *door.both("/keys/new", show_new, send_new),
        *door.both("/keys/{key_id:uuid}/do/{form}", show, send),
    )


async def listed(visit: Visit) -> Response:
    """The keys of one's own division and of those within it, the newest first."""
    shown = await listing(visit, "audit", "/signing-keys", asked_of(visit), at="/keys")
    shown["rows"] = [{**row, "forms": list(_offered(visit, row))} for row in shown["rows"]]
    may_enrol = await visit.api.may(ENROLMENT.service, ENROLMENT.path)
    return visit.render("keys.html", **shown, may_enrol=may_enrol)


def _offered(visit: Visit, row: Json) -> Sequence[Form]:
    """What this person may do with a key."""
    own = row["owner"] == visit.who.subject
    confirms = visit.has(Role.ADMINISTRATOR) and not own and row["status"] == "ENROLLED"
    revokes = (visit.has(Role.ADMINISTRATOR) or own) and row["status"] != "REVOKED"
    return [form for form, offered in zip(KEY_FORMS, (confirms, revokes), strict=True) if offered]


async def show_new(visit: Visit) -> Response:
    """A key of one's own: made by the page's script, or away from any server."""
    return await acting.show(visit, ENROLMENT, await _new(visit))


async def send_new(visit: Visit) -> Response:
    """Enrolled; it signs nothing until somebody else has confirmed it."""

    def then(_answer: Answer) -> str:
        return "/keys"

    return await acting.send(visit, ENROLMENT, lambda: _new(visit), then)


async def _new(visit: Visit) -> Subject:
    return Subject(title=visit.words("签名密钥"), back="/keys", panel=("enrol.html", {}))


async def show(visit: Visit) -> Response:
    """A key, and what is to be done with it."""
    form = acting.form_of(visit, _FORMS)
    return await acting.show(visit, form, await _subject(visit))


async def send(visit: Visit) -> Response:
    """Done."""
    return await acting.send(visit, acting.form_of(visit, _FORMS), lambda: _subject(visit))


async def _subject(visit: Visit) -> Subject:
    key_id = visit.id("key_id")
    row = await visit.api.get("audit", f"/signing-keys/{key_id}")
    words = visit.words
    return Subject(
        title=words("签名密钥"),
        back="/keys",
        ids={"key_id": key_id},
        version=row["version"],
        facts=[
            words("密钥所有人:{owner}", owner=row["owner"]),
            words("公钥:{key}", key=_grouped(row["public_key"])),
        ],
    )


def _grouped(key: str) -> str:
    """A key as two people read it to each other."""
    return " ".join(key[at : at + 4] for at in range(0, len(key), 4))
