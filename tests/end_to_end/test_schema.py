"""Every endpoint as every role, with what its own OpenAPI document says may be sent, and more.

Schemathesis makes the requests from the documents: good ones and broken ones, half of them about
what the demo has left behind. No answer is a fault, has a status that the document does not name,
or is of another shape than it says. ``make fuzz`` asks longer, and from another seed each time.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from dixian.demo.client import Client
from dixian.demo.story import Story
from dixian.people import MACHINES, PEOPLE, Machine, Person
from dixian.provision import SERVICES
from tests.end_to_end.counting import must_be_exactly_once
from tests.end_to_end.documented import NEVER, ids_of
from tests.end_to_end.system import System

CASES = int(os.environ.get("DIXIAN_FUZZ_CASES", "3"))
"""Requests of each kind, good and broken, an endpoint. ``make fuzz`` raises it."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def system(spare: System) -> System:
    """Not the one that the stories are told on."""
    return spare


@pytest.fixture(scope="module")
def story(system: System) -> Story:
    return system.tell()


@pytest.fixture(scope="module")
def client(system: System) -> Iterator[Client]:
    with system.client() as made:
        yield made


@pytest.fixture(scope="module")
def ids(story: Story) -> dict[str, str]:
    return ids_of(story)


def _callers(operation: dict[str, Any]) -> list[str]:
    """One of every post, those whom the document lets in first and more often."""
    allowed = [
        _name(who) for who in (*PEOPLE, *MACHINES) if who.role.value in operation.get("x-roles", ())
    ]
    everybody = [_name(who) for who in (*PEOPLE, *MACHINES)]
    return [*allowed, *allowed, *everybody, ""]


def _name(who: Person | Machine) -> str:
    return who.username if isinstance(who, Person) else f"machine:{who.name}"


@pytest.mark.parametrize("service", SERVICES)
def test_every_answer_is_as_the_document_says(
    service: str, system: System, client: Client, ids: dict[str, str]
) -> None:
    address = client.addresses.of(service)
    found: list[str] = []
    operations = [
        made.ok()
        for made in schemathesis.openapi.from_url(f"{address}/openapi.json").get_all_operations()
    ]
    assert len(operations) > 20
    for operation in operations:
        if operation.path in NEVER:
            continue
        callers = cycle(_callers(operation.definition.raw))
        for mode in GenerationMode:
            with suppress(Unsatisfiable):  # where nothing is sent, nothing can be broken
                _ask(operation, mode, callers, client, ids, found)
    assert not found, f"{len(found)}:\n" + "\n\n".join(found)
    must_be_exactly_once(system)


def _ask(
    operation: Any,
    mode: GenerationMode,
    callers: Iterator[str],
    client: Client,
    ids: dict[str, str],
    found: list[str],
) -> None:
    @given(case=operation.as_strategy(generation_mode=mode), known=st.booleans())
    @settings(
        max_examples=CASES,
        derandomize="DIXIAN_FUZZ_CASES" not in os.environ,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Case, known: bool) -> None:
        who = next(callers)
        if known and case.path_parameters:
            case.path_parameters.update(
                {name: ids[name] for name in case.path_parameters if name in ids}
            )
        case.headers.pop("Authorization", None)
        if who:
            case.headers["Authorization"] = f"Bearer {client.token(who)}"
        response = case.call(timeout=20)
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as failure:
            found.extend(
                f"{operation.label} as {who or 'nobody'}: {item}" for item in failure.exceptions
            )

    ask()
