"""The embedded PostgreSQL against what really happens to it: kill -9, long paths, two at once."""

import socket
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest

from dixian.errors import CannotStart
from dixian.home import Home
from dixian.postgres import Postgres
from dixian.provision import SERVICES, Tenant, provision, tenants
from shared.vault.keyring import KeyRing

ALERTS = Tenant("alerts")
AUDIT = Tenant("audit")


async def test_every_role_reaches_its_own_database_and_no_other(postgres: Postgres) -> None:
    wanted = tenants(embedded_bus=True)
    await provision(postgres.admin_url, wanted, postgres.password_of)
    await provision(postgres.admin_url, wanted, postgres.password_of)  # twice is once
    for tenant in wanted:
        for role in tenant.roles:
            connection = await asyncpg.connect(postgres.url(tenant, role))
            assert await connection.fetchval("select current_user::text") == role
            await connection.close()
    stranger = postgres.url(AUDIT, ALERTS.writer)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(stranger)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.url(ALERTS, ALERTS.writer), password="guessed")


async def test_it_is_set_up_for_the_work(postgres: Postgres) -> None:
    connection = await asyncpg.connect(postgres.admin_url)
    names = ("max_connections", "shared_buffers", "fsync", "synchronous_commit", "listen_addresses")
    found = [await connection.fetchval(f"show {name}") for name in names]
    assert found == ["200", "256MB", "on", "on", ""]
    assert (await connection.fetchval("show server_version")).startswith("18.")
    assert await connection.fetchval("show data_checksums") == "on"
    await connection.close()


async def _remember(postgres: Postgres) -> None:
    connection = await asyncpg.connect(postgres.admin_url)
    await connection.execute("create table if not exists kept (n int); insert into kept values (1)")
    await connection.close()


async def _kept(postgres: Postgres) -> int:
    connection = await asyncpg.connect(postgres.admin_url)
    rows: int = await connection.fetchval("select count(*) from kept")
    await connection.close()
    return rows


async def test_what_was_committed_survives_a_killed_server(home: Home, postgres: Postgres) -> None:
    await _remember(postgres)
    killed = psutil.Process(postgres.pid)
    killed.kill()
    killed.wait(10)
    assert postgres.pid is None
    postgres.start()
    assert await _kept(postgres) == 1


async def test_a_second_supervisor_takes_over_a_running_server(home: Home) -> None:
    first = Postgres(home)
    first.start()
    await _remember(first)
    second = Postgres(home)  # the first one's process was killed: nobody told the server
    second.start()
    assert second.pid == first.pid
    assert await _kept(second) == 1
    second.stop()
    assert second.pid is None
    assert first.pid is None


async def test_a_server_left_with_another_port_is_started_anew(home: Home) -> None:
    first = Postgres(home)
    first.start()
    second = Postgres(home, port=_free_port())
    second.start()
    assert second.pid is not None
    assert first.pid is None or first.pid == second.pid
    try:
        await provision(second.admin_url, [ALERTS], second.password_of)
        assert "127.0.0.1" in second.url(ALERTS, ALERTS.writer)
        connection = await asyncpg.connect(second.url(ALERTS, ALERTS.writer))
        await connection.close()
    finally:
        second.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_pid_file_that_names_somebody_else_is_no_obstacle(home: Home, postgres: Postgres) -> None:
    postgres.stop()
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        left = f"{bystander.pid}\n{home.postgres}\n1700000000\n5432\n\n\n  1 1\nready\n"
        (home.postgres / "postmaster.pid").write_text(left)
        again = Postgres(home)
        again.start()
        assert again.pid not in {None, bystander.pid}
        again.stop()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_socket_lock_that_names_somebody_else_is_no_obstacle(
    home: Home, postgres: Postgres
) -> None:
    """A killed server that nobody has reaped yet, or a stranger with its number, looks alive."""
    lock = next((home.run / "postgres").glob(".s.PGSQL.*.lock"))
    left = lock.read_text()
    postgres.stop()
    bystander = subprocess.Popen(["sleep", "60"], **postgres._account.popen())
    try:
        lock.write_text(f"{bystander.pid}\n{left.partition(chr(10))[2]}")
        again = Postgres(home)
        again.start()
        assert again.pid not in {None, bystander.pid}
        again.stop()
    finally:
        bystander.kill()
        bystander.wait()


async def test_a_directory_with_a_very_long_path(home: Home) -> None:
    deep = Home(home.root / ("deep" * 20) / ("deeper" * 12) / "var")
    server = Postgres(deep)
    server.start()
    try:
        await _remember(server)
    finally:
        server.stop()
    socket_directory = Path(str(server._sockets))
    assert socket_directory.stat().st_mode & 0o777 == 0o700
    socket_directory.rmdir()


def test_a_half_made_directory_is_made_again(home: Home) -> None:
    home.prepare()
    half = home.root / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    server = Postgres(home)
    server.start()
    server.stop()
    assert not half.exists()


def test_foreign_content_and_other_versions_are_left_alone(home: Home) -> None:
    home.prepare()
    home.postgres.mkdir()
    note = home.postgres / "note.txt"
    note.write_text("mine")
    with pytest.raises(CannotStart, match="no PostgreSQL data"):
        Postgres(home).start()
    note.rename(home.postgres / "PG_VERSION").write_text("15\n")
    with pytest.raises(CannotStart, match="written by PostgreSQL 15"):
        Postgres(home).start()


def test_a_server_that_cannot_start_says_why(home: Home, postgres: Postgres) -> None:
    postgres.stop()
    with (home.postgres / "postgresql.auto.conf").open("a") as file:
        file.write("shared_buffers = 'nonsense'\n")
    with pytest.raises(CannotStart, match="shared_buffers"):
        Postgres(home).start()


HOLD = """
import sys
from pathlib import Path
from dixian.home import Home
with Home(Path(sys.argv[1])).held("dixian up"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_installation_runs_once(home: Home) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(CannotStart, match=f"`dixian up`, pid {holder.pid}"), home.held("dixian up"):
        raise AssertionError("two at once")
    holder.kill()  # however the holder ends, the directory is free
    holder.communicate()
    with home.held("dixian up"):
        pass


def test_every_process_may_read_its_own_secrets_and_no_other(home: Home) -> None:
    home.prepare()
    home.keys.make()
    known = {path: path.read_bytes() for path in home.keys.root.rglob("*") if path.is_file()}
    home.keys.make()
    assert {path: path.read_bytes() for path in known} == known, "what was made is kept"
    assert {str(path.relative_to(home.keys.root)) for path in known} == {
        *(f"{name}/{file}" for name in SERVICES for file in ("master.key", "index.key", "pgpass")),
        *(f"admin/{file}" for file in ("master.key", "index.key", "pgpass", "postgres.password")),
        *(f"{name}/audit-log.pub" for name in ("admin", *SERVICES)),
        *("bus/pgpass", "readers/pgpass", "issuer/key.pem", "audit/audit-log.key"),
        "console/session.key",
    }
    for path in known:
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
    assert "owner" not in (home.keys.root / "alerts" / "pgpass").read_text()
    assert "audit" not in (home.keys.root / "alerts" / "pgpass").read_text()
    rings = [KeyRing.load(home.keys.root / name / "index.key") for name in SERVICES]
    assert all(ring.keys == rings[0].keys for ring in rings)
