"""The policy book: what is in force, what other parameters would change, and publishing them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.api import Refused
from services.console.door import Door
from services.console.forms.fields import Given, nested, read_all
from services.console.forms.policy import (
    AT,
    PARAMETERS,
    PUBLISH,
    PolicyForm,
    shown,
)
from services.console.pages import acting
from services.console.pages.acting import Subject
from services.console.visit import Visit

_AT = "/policy"
_TRIAL = "/policy/trial"
_ITEMS = {item.name.removeprefix(AT): item for item in PARAMETERS}
Json = Any


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/policy``."""
    return door.both(_AT, show, send)


async def show(visit: Visit) -> Response:
    """A new version, beside what is in force."""
    form, subject = await _begun(visit)
    return await acting.show(visit, form, subject)


async def send(visit: Visit) -> Response:
    """Tried, which changes nothing; or published."""
    form, subject = await _begun(visit)
    if not acting.is_tried(visit, form):

        async def load() -> Subject:
            return subject

        return await acting.send(visit, form, load)

    async def ask(given: Given) -> Subject:
        said = nested(read_all(PARAMETERS, given)).get("policy", {}).get("parameters", {})
        try:
            answer = await visit.api.act(form.service, _TRIAL, {"parameters": said})
        except Refused as refused:
            raise Refused(refused.status, _at_its_input(refused.problem)) from refused
        changes = _changes(visit, answer.body["parameters"])
        return replace(subject, panel=("policy_trial.html", {**answer.body, "changes": changes}))

    return await acting.tried(visit, form, subject, ask)


async def _begun(visit: Visit) -> tuple[PolicyForm, Subject]:
    await acting.must_be_allowed(visit, PUBLISH)
    # Nothing has been published before the first version (R28).
    asked = visit.api.maybe("identification", "/policy", division=visit.who.division)
    version: Mapping[str, Json] = await asked or {}
    parameters = version.get("parameters", {})
    subject = Subject(
        title=visit.words("议事和授权"),
        back="/governance",
        prefill={"policy.version": [f"{visit.who.division}/"]},
        panel=("policy_book.html", {"version": version, "rows": _rows(visit, parameters)}),
    )
    return replace(PUBLISH, base=parameters, division=visit.who.division), subject


def _at_its_input(problem: Json) -> dict[str, Any]:
    """The trial's ``parameters.plan`` is the form's ``policy.parameters.plan``."""
    moved = dict(problem)
    if str(problem.get("field") or "").startswith("parameters"):
        moved["field"] = f"policy.{problem['field']}"
    if problem.get("errors"):
        moved["errors"] = [_at_its_input(error) for error in problem["errors"]]
    return moved


def _rows(visit: Visit, parameters: Mapping[str, Json]) -> Sequence[tuple[str, str]]:
    """What is in force, by its label."""
    return [
        (visit.words(item.label), shown(item, parameters[name]))
        for name, item in _ITEMS.items()
        if name in parameters
    ]


def _changes(
    visit: Visit, parameters: Mapping[str, Mapping[str, Json]]
) -> Sequence[tuple[str, str, str]]:
    """What would change: its label, from what, to what."""
    return [
        (visit.words(item.label), shown(item, one["from"]), shown(item, one["to"]))
        for name, one in parameters.items()
        if (item := _ITEMS[name])
    ]
