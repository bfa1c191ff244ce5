"""Where something may have leaked to: every table outside the vault, and every file."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from dixian.provision import SERVICES, Tenant
from tests.end_to_end.installation import Installation

DATABASES = (*(Tenant(name).database for name in SERVICES), "dixian_bus")

_ALIKE = 9
"""Bytes: of a document number its place and century."""


def tables_holding(system: Installation, wanted: Iterable[str]) -> list[tuple[str, str, str]]:
    """Which of the data stand in which database's which table outside the vault."""
    sought = list(wanted)
    return [
        (datum, database, table)
        for database in DATABASES
        for table in _tables(system, database)
        for datum in held(system, database, table, sought)
    ]


def files_holding(root: Path, wanted: Iterable[str]) -> list[tuple[str, str]]:
    """Which of the data stand in which file: data files, the write-ahead log, logs, segments.

    Data that begin alike are looked for together first: hundreds of them would each cost a reading.
    """
    alike: defaultdict[bytes, list[str]] = defaultdict(list)
    for datum in wanted:
        alike[datum.encode()[:_ALIKE]].append(datum)
    return [
        (datum, str(path))
        for path in root.rglob("*")
        if path.is_file()
        for content in [content_of(path)]
        for beginning, data in alike.items()
        if beginning in content
        for datum in data
        if datum.encode() in content
    ]


def held(system: Installation, database: str, table: str, wanted: Iterable[str]) -> Iterator[str]:
    """Which of the data a row of the table says, as text or as bytes."""
    forms = [(datum, form) for datum in wanted for form in (datum, datum.encode().hex())]
    rows = system.rows(
        database,
        f"select distinct u.n from {table} as t, unnest($1::text[]) with ordinality u(form, n)"
        " where strpos(t::text, form) > 0",
        [form for _, form in forms],
    )
    return (forms[row["n"] - 1][0] for row in rows)


def content_of(path: Path) -> bytes:
    """A file's bytes; nothing of one that was taken away meanwhile."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _tables(system: Installation, database: str) -> list[str]:
    """Every table outside the vault."""
    rows = system.rows(
        database,
        "select format('%I.%I', schemaname, tablename) as name from pg_tables"
        " where schemaname not in ('pg_catalog', 'information_schema', 'vault')",
    )
    return [row["name"] for row in rows]
