"""Personal data is in the vault and nowhere else: every table, the bus, the files, the output.

What is looked for is not a list kept by hand: it is everything the demo's people typed that is no
code, no date and no reference of an office.
"""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dixian.demo.screen import Screen
from dixian.demo.tell import CHAPTERS, begin
from dixian.provision import SERVICES, Tenant
from tests.end_to_end.leaks import files_holding, held, tables_holding
from tests.end_to_end.system import System

OFFICIAL = re.compile(r"〔20\d\d〕|^0531-83[27]12317$")
"""References of documents, and the offices' telephones on a notice: made to be published."""
PERSONAL = re.compile(r"[一-鿿]|^1\d{10}$|^\d{17}[0-9X]$")
"""Words, a mobile number, a document number."""


@pytest.fixture(scope="module")
def told(system: System, silent: Screen) -> frozenset[str]:
    """Every personal string that the demo's people sent, from the register to the end."""
    sent: set[str] = set()
    with system.client() as client:
        client.http.event_hooks = {"request": [lambda asked: sent.update(_strings_of(asked))]}
        story = begin(client, silent)
        for chapter in CHAPTERS:
            chapter(story)
    found = frozenset(text for text in sent if PERSONAL.search(text) and not OFFICIAL.search(text))
    people = {datum for person in story.people for datum in (person.name, person.number)}
    assert people | {"13805310017", "蒲秋村幸福街17号"} <= found
    assert len(found) > len(people) + 6, "the free texts are among them"
    return found


def test_no_table_outside_the_vault_holds_them(system: System, told: frozenset[str]) -> None:
    assert tables_holding(system, told) == []


def test_the_vault_holds_them_encrypted_only(system: System, told: frozenset[str]) -> None:
    for service in ("alerts", "identification", "assistance"):
        database = Tenant(service).database
        [count] = system.rows(database, "select count(*) as n from vault.record")
        assert count["n"] > 0
        for table in ("vault.record", "vault.data_key", "vault.reveal"):
            assert list(held(system, database, table, told)) == []


def test_no_file_and_no_line_of_output_holds_them(system: System, told: frozenset[str]) -> None:
    assert [datum for datum in told if datum in system.said] == []
    assert any("pg_wal" in path.parts for path in system.home.root.rglob("*"))
    assert files_holding(system.home.root, told) == []


def test_no_number_of_the_metrics_and_no_trace_holds_them(
    system: System, told: frozenset[str]
) -> None:
    for service in SERVICES:
        shown = httpx.get(f"{system.addresses.of(service)}/metrics", timeout=30).text
        assert "dixian_http_requests_total" in shown
        assert [datum for datum in told if datum in shown] == []


def test_these_tests_would_find_a_leak(system: System, told: frozenset[str]) -> None:
    code = frozenset({"UNSTABLE_EXIT"})
    assert list(held(system, "dixian_identification", "es.event", code))
    assert list(held(system, "dixian_identification", "es.idempotency", code))
    assert list(held(system, "dixian_audit", "audit.entry", code))
    assert list(held(system, "dixian_bus", "bus.log", code))
    assert files_holding(system.home.postgres / "pg_wal", code)


def _strings_of(request: httpx.Request) -> Iterator[str]:
    if request.headers.get("content-type") == "application/json":
        yield from _strings(httpx.Response(200, content=request.content).json())


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
