"""The console's forms against what the services really take; its words against what they say."""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, cast, get_args

import pytest
from pydantic import BaseModel

from dixian import composition
from dixian.keys import Keys
from dixian.provision import SERVICES
from services.console.forms import (
    alerts,
    assistance,
    audit,
    governance,
    identification,
    policy,
    register,
    tables,
)
from services.console.forms.fields import Checklist, Choice, Choices, Field, Rows, Yuan
from services.console.forms.form import Form
from services.console.words import english, entry_fields
from shared import contracts
from shared.contracts.labels import labels
from shared.contracts.published import published
from shared.contracts.registry import all_contracts
from shared.kernel.division import Level
from shared.vault.settings import VaultSettings
from shared.web.service import ServiceSettings
from shared.web.settings import Mode, OidcSettings, WebSettings

MODULES = (alerts, assistance, audit, governance, identification, policy, register, tables)
CONSOLE = Path(__file__).parents[2] / "services" / "console"
Json = Mapping[str, Any]


def forms() -> list[Form]:
    """Every form there is."""
    found = {
        id(item): item
        for module in MODULES
        for value in vars(module).values()
        for item in (value if isinstance(value, tuple) else (value,))
        if isinstance(item, Form) and not isinstance(item, tables.TableForm)
    }
    return list(found.values())


FORMS = forms()
FILES = tables.TABLE_FORMS
GIVEN_BY_THE_PAGE = {
    "case_id": {"begin-plan"},
    "content_sha256": {form.name for form in audit.CORRECTION_FORMS},
    "kind": {"correction"},
    "division": {"policy"},
    "parameters": {"policy"},
    "targets": {"correction"},
}
"""Required fields that a page knows, and for which forms."""
NOT_ON_PAGES = re.compile(
    r"/demo/|reveal|/reading$|/preview$|/note$|/machines|/keys|/webhooks|/evidence/"
)


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Json]:
    """The services' own OpenAPI documents."""
    keys = Keys(tmp_path_factory.mktemp("keys"))
    keys.make()
    vault = VaultSettings(
        master_key_file=keys.directory("admin") / "master.key",
        index_key_file=keys.directory("admin") / "index.key",
    )
    return {name: _document(name, vault) for name in SERVICES}


def _document(name: str, vault: VaultSettings) -> Json:
    settings = ServiceSettings(
        name=name,
        database_url="postgresql://nobody@127.0.0.1:1/nothing",
        web=WebSettings(mode=Mode.DEMO),
        oidc=OidcSettings(issuer="http://127.0.0.1:1"),
        vault=vault,
    )
    service = composition.module(name).create(settings, broker=cast("Any", None))
    document: Json = service.app.openapi()
    return document


def body_of(documents: dict[str, Json], form: Form) -> tuple[Json, Json]:
    """The schema of the body that a form's route takes, and where its references lead."""
    document = documents[form.service]
    operation = document["paths"][form.path]["post"]
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    parts = document["components"]["schemas"]
    return resolved(schema.get("schema", {}), parts), parts


def resolved(schema: Json, parts: Json) -> Json:
    """The schema itself: without references, and without its "or nothing"."""
    while True:
        if "$ref" in schema:
            schema = parts[schema["$ref"].rsplit("/", 1)[1]]
        elif "anyOf" in schema:
            schema = next(item for item in schema["anyOf"] if item.get("type") != "null")
        elif len(schema.get("allOf", ())) == 1:
            schema = schema["allOf"][0]
        else:
            return schema


def inside(schema: Json, parts: Json, name: str) -> Json:
    """The schema of a field, ``terms.kind`` being the kind inside the terms."""
    for part in name.split("."):
        assert part in schema.get("properties", {}), f"there is no {name}"
        schema = resolved(schema["properties"][part], parts)
    return schema


def checked(field: Field, schema: Json, parts: Json) -> None:
    """One field against the schema of what it becomes."""
    if isinstance(field, policy.Entries):
        value = resolved(schema["additionalProperties"], parts)
        for item in field.fields:
            if item.name != field.key:
                checked(item, value if field.value else inside(value, parts, item.name), parts)
    elif isinstance(field, Rows):
        row = resolved(schema["items"], parts)
        for item in field.fields:
            checked(item, inside(row, parts, item.name), parts)
        must_ask_for(row, {item.name.partition(".")[0] for item in field.fields})
    elif isinstance(field, Yuan):
        assert schema["type"] == "integer", field.name
    elif isinstance(field, Checklist):
        names = resolved(schema["propertyNames"], parts)
        assert set(names["enum"]) == set(labels()[field.group]), field.name
    elif isinstance(field, Choices):
        must_offer(field, resolved(schema["items"], parts))
    elif isinstance(field, Choice):
        must_offer(field, schema)


def must_offer(field: Choice, schema: Json) -> None:
    if "enum" not in schema and "const" not in schema:
        return
    taken = set(schema.get("enum", [schema.get("const")]))
    offered = set(field.only or labels()[field.group])
    assert offered <= taken, (field.name, offered - taken)
    assert field.only or offered == taken, (field.name, taken - offered)


def must_ask_for(schema: Json, asked: set[str]) -> None:
    assert set(schema.get("required", ())) <= asked, set(schema.get("required", ())) - asked


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_a_form_asks_for_what_its_route_takes(documents: dict[str, Json], form: Form) -> None:
    schema, parts = body_of(documents, form)
    fixed = {name for name, _ in form.fixed}
    known = {name for name, there in GIVEN_BY_THE_PAGE.items() if form.name in there}
    for field in form.all_fields:
        checked(field, inside(schema, parts, field.name), parts)
    asked = {field.name.partition(".")[0] for field in form.all_fields}
    must_ask_for(schema, asked | fixed | known)


def test_every_act_of_a_person_has_its_form(documents: dict[str, Json]) -> None:
    people = {"officer", "committee", "principal", "department"}
    acts = {
        (service, path)
        for service in ("identification", "alerts", "assistance")
        for path, methods in documents[service]["paths"].items()
        if "post" in methods
        and people & set(methods["post"].get("x-roles", ()))
        and not NOT_ON_PAGES.search(path)
    }
    with_form = {(form.service, form.path) for form in (*FORMS, *FILES)}
    tried = {("identification", "/policy/trial")}
    """By a form's second button."""
    assert acts - with_form - tried == ELSEWHERE


ELSEWHERE = {
    ("identification", "/officers/me"),
    ("identification", "/detectors/run"),
    ("identification", "/households/search"),
    ("alerts", "/feed-files/{feed}"),
    ("alerts", "/feeds/mappings"),
    ("identification", "/comparisons/{source}"),
}
"""Acts of offices above the procedure, on pages of their own, by files or the API; signing in."""


@pytest.mark.parametrize("form", FILES, ids=lambda form: form.name)
def test_a_file_goes_where_files_are_taken(
    documents: dict[str, Json], form: tables.TableForm
) -> None:
    document = documents[form.service]
    operation = document["paths"][form.path]["post"]
    assert set(operation["requestBody"]["content"]) == {"application/octet-stream"}
    taken = {item["name"]: item for item in operation.get("parameters", ())}
    asked = {field.name: field for field in form.fields}
    assert set(asked) == {name for name, item in taken.items() if item["in"] == "path"}
    assert form.tried == ("preview" in taken)
    for name, field in asked.items():
        if isinstance(field, Choice):
            must_offer(field, resolved(taken[name]["schema"], document["components"]["schemas"]))
    assert not form.template or "get" in document["paths"][form.template]


@pytest.mark.parametrize("service", ["identification", "assistance"])
def test_every_step_of_a_procedure_has_its_form(service: str) -> None:
    module = importlib.import_module(f"services.{service}.domain.procedure")
    procedure = getattr(module, "IDENTIFICATION", None) or module.ELIMINATION_PROCEDURE
    steps = {form.step for form in FORMS if form.service == service} | {"propose"}
    assert {step.name for step in procedure.steps} <= steps
    assert {step.name for step in procedure.steps} <= set(labels()["Step"])


def test_every_event_has_a_name_that_people_read() -> None:
    for module in pkgutil.iter_modules(contracts.__path__, "shared.contracts."):
        importlib.import_module(module.name)
    published = {
        name
        for (_, name), event in all_contracts().items()
        if event.__module__.startswith("shared.contracts.")
    }
    assert published - set(labels()["Event"]) == set()


def sentences() -> Iterator[str]:
    """Every Chinese sentence that a page can show: in templates, in forms, in the code."""
    for template in (CONSOLE / "templates").glob("*.html"):
        text = template.read_text(encoding="utf-8")
        yield from re.findall(r"""\bt\(\s*["']([^"']+)["']""", text)
        for listed in re.findall(r"\{% for [\w, ]+ in \((.*?)\) %\}", text):
            yield from (
                word for word in re.findall(r'"([^"]+)"', listed) if re.search("[一-鿿]", word)
            )
    yield from _of_field(audit.SIGNATURE)
    for form in (*FORMS, *FILES):
        yield from (form.title, form.intro, form.button, form.done)
        yield from (trial.words for trial in form.trials)
        yield from chain.from_iterable(map(_of_field, form.all_fields))
    for file in CONSOLE.rglob("*.py"):
        if "forms" not in file.parts or file.name in {"fields.py", "unfilled.py"}:
            yield from _of_code(file.read_text(encoding="utf-8"))


def _of_field(field: Field) -> Iterator[str]:
    yield from (field.label, field.hint)
    yield from (getattr(field, name) for name in ("yes", "no", "add") if hasattr(field, name))
    for inner in getattr(field, "fields", ()):
        yield from _of_field(inner)


def _of_code(text: str) -> Iterator[str]:
    yield from re.findall(r"""\bwords\(\s*"([^"]+)\"""", text)
    yield from re.findall(r"""Fault\("([^"]+)"\)""", text)
    yield from re.findall(r"""NavItem\("[^"]+", "([^"]+)\"""", text)
    yield from re.findall(r"""\.go\(\s*[^,]+, "([^"]+)\"""", text)
    yield from re.findall(r"""return "([^"]*[一-鿿][^"]*)\"""", text)
    for name in ("_TREND_WORDS", "PLACES", "_CLOCKS"):
        for block in re.findall(rf"{name} = \((.*?)\n\)|{name} = \((.*?)\)\n", text, re.S):
            yield from re.findall(r'"([^"]*[一-鿿][^"]*)"', "".join(block))
    yield from re.findall(r"""\("/[a-z/]+", "([^"]+)", "[a-z]+", "/""", text)
    yield from re.findall(r"""(?:return f?|\()"/[^"]+", "([^"]*[一-鿿][^"]*)\"""", text)


@cache
def spoken() -> frozenset[str]:
    return frozenset(word for word in sentences() if re.search("[一-鿿]", word))


def test_every_sentence_has_its_english() -> None:
    assert sorted(spoken() - set(english())) == []


def test_no_english_stands_for_a_sentence_that_nobody_says() -> None:
    assert sorted(set(english()) - spoken()) == []


def test_every_field_and_code_of_the_log_has_its_words() -> None:
    """What inspectors read in the trail, of every event there is."""
    named, coded = set(), set()
    for part in _parts_of_entries():
        if issubclass(part, Enum):
            coded |= {(part.__name__, item.name if part is Level else item.value) for item in part}
        else:
            named |= part.model_fields.keys()
    assert (
        sorted(coded - {(group, code) for group, codes in labels().items() for code in codes}) == []
    )
    assert sorted(named ^ entry_fields().keys()) == []


def _parts_of_entries() -> set[type[BaseModel | Enum]]:
    """Every model and every set of codes in the events' contracts."""
    found: set[type[BaseModel | Enum]] = set()
    waiting: list[Any] = [item.cls for item in published()]
    while waiting:
        part = waiting.pop()
        waiting += get_args(part)
        if isinstance(part, type) and issubclass(part, BaseModel | Enum) and part not in found:
            found.add(part)
            if issubclass(part, BaseModel):
                waiting += [field.annotation for field in part.model_fields.values()]
    return found


def test_every_label_has_both_languages() -> None:
    for group, codes in labels().items():
        for code, pair in codes.items():
            assert len(pair) == 2, (group, code)
            assert all(pair), (group, code)
