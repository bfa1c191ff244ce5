"""Marked values in every place of every request: wherever they may go, it is the vault or nowhere.

Each text of each example in the OpenAPI documents is replaced, one at a time, by a document number
(and each name by a name) that nothing else holds, and sent by somebody who may, about what the demo
has left behind; so are parts of paths, queries and headers. What is taken is in the vault alone
afterwards; what is refused is not repeated in the refusal.
"""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from dixian.demo.client import Client
from dixian.demo.story import Story
from dixian.provision import SERVICES
from shared.vault.documents import check_character
from tests.end_to_end.documented import PARAMETER, Operation, ids_of, operations
from tests.end_to_end.leaks import files_holding, tables_holding
from tests.end_to_end.system import System

Json = Any
_CODE = re.compile(r"^[A-Z0-9_]+$|^[0-9a-f]{8}-[0-9a-f-]{27}$|^[0-9a-f]{64}$|^\d{4}-\d\d-\d\d$")
"""Codes, ids, hashes, dates and divisions: any other text is refused for its shape."""
_A_MACHINE_S_OWN = frozenset({"external_id", "order_no"})
"""Numbers that another system made: an event's like ours, and taken as they are."""
_HEADERS = ("Idempotency-Key", "If-Match", "X-Request-ID", "Last-Event-ID", "traceparent")


@dataclass
class Marks:
    """Values that nothing else holds."""

    used: set[str] = field(default_factory=set)

    def number(self) -> str:
        """A valid document number, of somebody born in 1951."""
        serial = len(self.used)
        month, day, rest = 1 + serial // 28_000, 1 + serial // 1000 % 28, serial % 1000
        body = f"3701831951{month:02d}{day:02d}{rest:03d}"
        return self._keep(body + check_character(body))

    def name(self) -> str:
        """A name with a character in it that no program writes."""
        return self._keep(f"龘{len(self.used):05d}家")

    def _keep(self, value: str) -> str:
        self.used.add(value)
        return value


@pytest.fixture(scope="module")
def client(spare: System) -> Iterator[Client]:
    with spare.client() as made:
        yield made


@pytest.fixture(scope="module")
def story(spare: System) -> Story:
    return spare.tell()


@pytest.fixture(scope="module")
def ids(story: Story) -> dict[str, str]:
    return ids_of(story)


@pytest.fixture(scope="module")
def marks(spare: System, client: Client, ids: dict[str, str]) -> Marks:
    """Every value that was sent; none of them may have come back."""
    made, repeated = Marks(), []
    for operation in (found for name in SERVICES for found in operations(client, name)):
        for mark, answer in _asked(operation, client, ids, made):
            if answer.is_error and mark in answer.text:
                repeated.append(f"{operation.method} {operation.path}: {answer.text}")
            if answer.status_code >= 500:
                repeated.append(f"{operation.method} {operation.path}: {answer.status_code}")
    assert not repeated, "\n".join(repeated)
    assert len(made.used) > 300
    return made


def test_what_is_marked_is_in_the_vault_or_nowhere(spare: System, marks: Marks) -> None:
    assert tables_holding(spare, marks.used) == []


def test_no_file_no_line_and_no_metric_is_marked(
    spare: System, client: Client, marks: Marks
) -> None:
    assert [mark for mark in marks.used if mark in spare.said] == []
    for service in SERVICES:
        shown = client.text(service, "/metrics")
        assert [mark for mark in marks.used if mark in shown] == []
    assert files_holding(spare.home.root, marks.used) == []


def _asked(
    operation: Operation, client: Client, ids: dict[str, str], marks: Marks
) -> Iterator[tuple[str, httpx.Response]]:
    """Every place of the request, marked one at a time."""
    for path, is_name in _places(operation.body):
        for mark in (marks.number(), *((marks.name(),) if is_name else ())):
            body = _marked(operation.body, path, mark)
            yield mark, operation.sent(client, ids, body)
    for name in PARAMETER.findall(operation.path):
        mark = marks.number()
        yield mark, operation.sent(client, {**ids, name: mark})
    for name in operation.query:
        mark = marks.number()
        yield mark, operation.sent(client, ids, params={name: mark})
    mark = marks.number()
    yield mark, operation.sent(client, ids, headers=dict.fromkeys(_HEADERS, mark))


def _places(value: Json, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], bool]]:
    """Where texts stand that are no codes, and whether each is a name."""
    if path[-1:] and path[-1] in _A_MACHINE_S_OWN:
        return
    if isinstance(value, str) and not _CODE.match(value):
        yield path, path[-1:] == ("name",)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _places(item, (*path, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _places(item, (*path, number))


def _marked(body: Json, path: tuple[Any, ...], mark: str) -> Json:
    made = copy.deepcopy(body)
    place = made
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = mark
    return made
