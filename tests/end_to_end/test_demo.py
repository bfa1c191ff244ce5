"""The demo, as a person runs it, on the embedded lane; and what it leaves behind."""

from pathlib import Path

from dixian.provision import SERVICES, Tenant
from tests.end_to_end.system import System, health, must_be_exactly_once

BUS = "dixian_bus"


def test_the_demo_walks_a_household_to_the_end_and_proves_it(system: System) -> None:
    done = system.run("demo")
    assert done.returncode == 0, done.stdout
    for shown in (
        "CASE_OPENED",
        "JOINED_TO_CASE",
        "R56 · 指南第34问",
        "R78 · 指南第20问",
        "R93 · 指南第27问",
        "RiskEliminated",
        "包含证明已在本机验证",
        "每个事件恰好一次",
    ):
        assert shown in done.stdout
    must_be_exactly_once(system)
    for service in SERVICES:
        numbers = health(system, service)
        assert numbers["recorded"] == numbers["sent"]


def test_it_can_be_told_again_and_the_export_verifies(system: System, tmp_path: Path) -> None:
    assert system.run("demo").returncode == 0
    assert system.run("export", str(tmp_path / "log")).returncode == 0
    verified = system.run("verify", str(tmp_path / "log"))
    assert verified.returncode == 0, verified.stdout
    must_be_exactly_once(system)


def test_no_personal_datum_is_anywhere_but_in_the_vault(system: System) -> None:
    story = system.tell()
    told = [person.name for person in story.people]
    told += [person.number for person in story.people]
    told += ["13805310017", "幸福街17号", "老母亲长期透析", "到会38人", "收入稳定,风险已消除"]
    found = [
        (datum, database, table)
        for database in (*(Tenant(name).database for name in SERVICES), BUS)
        for table in _tables(system, database)
        for datum in told
        if _holds(system, database, table, datum)
    ]
    assert found == []
    assert [datum for datum in told if datum in system.said] == []


def test_the_leak_test_would_find_a_leak(system: System) -> None:
    assert _holds(system, "dixian_identification", "es.event", "UNSTABLE_EXIT")
    assert _holds(system, "dixian_audit", "audit.entry", "UNSTABLE_EXIT")


def _tables(system: System, database: str) -> list[str]:
    """Every table outside the vault."""
    rows = system.rows(
        database,
        "select format('%I.%I', schemaname, tablename) as name from pg_tables"
        " where schemaname not in ('pg_catalog', 'information_schema', 'vault')",
    )
    return [row["name"] for row in rows]


def _holds(system: System, database: str, table: str, datum: str) -> bool:
    """Whether a row of the table says it, as text or as bytes."""
    as_hex = datum.encode().hex()
    [row] = system.rows(
        database,
        f"select count(*) as n from {table} as t"
        f" where strpos(t::text, '{datum}') > 0 or strpos(t::text, '{as_hex}') > 0",
    )
    return bool(row["n"])
