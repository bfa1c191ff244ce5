"""Personal data is in the vault and nowhere else: every table, the bus, the files, the output.

What is looked for is not a list kept by hand: it is everything the demo's people typed that is no
code, no date and no reference of an office.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dixian.demo.screen import Screen
from dixian.demo.tell import CHAPTERS, begin
from dixian.provision import SERVICES, Tenant
from tests.end_to_end.system import System

DATABASES = (*(Tenant(name).database for name in SERVICES), "dixian_bus")
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
    found = [
        (datum, database, table)
        for database in DATABASES
        for table in _tables(system, database)
        for datum in _held(system, database, table, told)
    ]
    assert found == []


def test_the_vault_holds_them_encrypted_only(system: System, told: frozenset[str]) -> None:
    for service in ("alerts", "identification", "assistance"):
        database = Tenant(service).database
        [count] = system.rows(database, "select count(*) as n from vault.record")
        assert count["n"] > 0
        for table in ("vault.record", "vault.data_key", "vault.reveal"):
            assert list(_held(system, database, table, told)) == []


def test_no_file_and_no_line_of_output_holds_them(system: System, told: frozenset[str]) -> None:
    assert [datum for datum in told if datum in system.said] == []
    needles = [(datum, datum.encode()) for datum in told]
    files = [path for path in system.home.root.rglob("*") if path.is_file()]
    assert any("pg_wal" in path.parts for path in files)
    assert [
        (datum, str(path))
        for path in files
        for content in [_content(path)]
        for datum, needle in needles
        if needle in content
    ] == []


def test_these_tests_would_find_a_leak(system: System, told: frozenset[str]) -> None:
    code = frozenset({"UNSTABLE_EXIT"})
    assert list(_held(system, "dixian_identification", "es.event", code))
    assert list(_held(system, "dixian_identification", "es.idempotency", code))
    assert list(_held(system, "dixian_audit", "audit.entry", code))
    assert list(_held(system, "dixian_bus", "bus.log", code))
    wal = (system.home.postgres / "pg_wal").iterdir()
    assert any(b"UNSTABLE_EXIT" in _content(path) for path in wal if path.is_file())


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


def _tables(system: System, database: str) -> list[str]:
    """Every table outside the vault."""
    rows = system.rows(
        database,
        "select format('%I.%I', schemaname, tablename) as name from pg_tables"
        " where schemaname not in ('pg_catalog', 'information_schema', 'vault')",
    )
    return [row["name"] for row in rows]


def _held(system: System, database: str, table: str, wanted: Iterable[str]) -> Iterator[str]:
    """Which of the data a row of the table says, as text or as bytes."""
    forms = [(datum, form) for datum in wanted for form in (datum, datum.encode().hex())]
    rows = system.rows(
        database,
        f"select distinct u.n from {table} as t, unnest($1::text[]) with ordinality u(form, n)"
        " where strpos(t::text, form) > 0",
        [form for _, form in forms],
    )
    return (forms[row["n"] - 1][0] for row in rows)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""  # the server took it away meanwhile
