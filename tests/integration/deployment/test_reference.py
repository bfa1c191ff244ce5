"""The divisions in SQL: loaded once, whole or not at all, never forgetting a code."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from rich.console import Console

from dixian.divisions import import_divisions
from dixian.errors import CannotStart
from dixian.postgres import Postgres
from dixian.provision import Tenant, provision
from shared.policy.divisions import PACKAGED, Divisions
from shared.store import migrate
from shared.store.reference import tables
from shared.store.reference.divisions import load_divisions

TENANT = Tenant("identification")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def owner(postgres: Postgres) -> AsyncIterator["asyncpg.Connection[Any]"]:
    await provision(postgres.admin_url, [TENANT], postgres.password_of)
    schema = migrate.Schema(
        "identification",
        [migrate.SHARED / "store" / "migrations", tables.MIGRATIONS],
        [tables.metadata],
    )
    await migrate.upgrade(postgres.url(TENANT, TENANT.owner), schema)
    connection = await asyncpg.connect(postgres.url(TENANT, TENANT.owner))
    yield connection
    await connection.close()


async def test_the_whole_province_is_loaded_once(
    postgres: Postgres, owner: "asyncpg.Connection[Any]"
) -> None:
    divisions = Divisions.load()
    seen: list[int] = []
    assert await load_divisions(owner, divisions, now=NOW, progress=seen.append) == 64095
    assert sum(seen) == 64095
    assert await load_divisions(owner, divisions, now=NOW) == 0, "the same list again"
    row = await owner.fetchrow("select * from ref.division where code = '370114007202'")
    assert row is not None
    assert dict(row) == {
        "code": "370114007202",
        "name": "普集西村村民委员会",
        "level": 1,
        "parent": "370114007",
        "path": "山东省济南市章丘区普集街道普集西村村民委员会",
        "current": True,
    }
    service = await asyncpg.connect(postgres.url(TENANT, TENANT.writer))
    assert await service.fetchval("select count(*) from ref.division") == 64095
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute("delete from ref.division")
    await service.close()


def table(path: Path, *rows: str) -> Path:
    path.write_text("code,name\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


async def test_a_newer_list_renames_adds_and_retires(
    owner: "asyncpg.Connection[Any]", tmp_path: Path
) -> None:
    old = table(tmp_path / "old.csv", "37,山东省", "3701,济南市", "3712,莱芜市")
    new = table(tmp_path / "new.csv", "37,山东省", "3701,济南府", "3702,青岛市")
    await load_divisions(owner, Divisions.load(old), now=NOW)
    await load_divisions(owner, Divisions.load(new), now=NOW)
    rows = await owner.fetch("select code, path, current from ref.division order by code")
    assert [tuple(row) for row in rows] == [
        ("37", "山东省", True),
        ("3701", "山东省济南府", True),
        ("3702", "山东省青岛市", True),
        ("3712", "山东省莱芜市", False),
    ]


async def test_stopped_half_way_nothing_has_changed(owner: "asyncpg.Connection[Any]") -> None:
    def stop(_rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await load_divisions(owner, Divisions.load(), now=NOW, progress=stop)
    assert await owner.fetchval("select count(*) from ref.division") == 0
    assert await load_divisions(owner, Divisions.load(), now=NOW) == 64095


async def test_the_command_says_what_it_did(
    postgres: Postgres, owner: "asyncpg.Connection[Any]", tmp_path: Path
) -> None:
    url = postgres.url(TENANT, TENANT.owner)
    with (tmp_path / "said").open("w+", encoding="utf-8") as file:
        console = Console(file=file)
        await import_divisions(url, None, console)
        await import_divisions(url, PACKAGED, console)
        with pytest.raises(CannotStart, match="nowhere"):
            await import_divisions(url, tmp_path / "nowhere.csv", console)
        bad = table(tmp_path / "bad.csv", "37,山东省", "37,山东")
        with pytest.raises(CannotStart, match="line 3: 37 is there twice"):
            await import_divisions(url, bad, console)
        file.seek(0)
        assert file.read() == "divisions: 64,095 loaded\ndivisions: all 64,095 are there\n"
