"""The restore drill: a cluster backed up under load, destroyed, restored elsewhere and verified.

``make drill``. A base backup and the stream of PostgreSQL's log go to another directory,
with the keys and the evidence; of Kafka nothing is kept. Then everything is killed and deleted. The
restored system must hold every act that was ever acknowledged, and the log that was ever signed.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import typer

from dixian import supervisor
from dixian.account import Account
from dixian.home import Home
from dixian.postgres import binaries
from dixian.provision import SERVICES, Tenant
from tests.chaos.checker import Finding
from tests.chaos.cluster import Cluster
from tests.chaos.load import Load
from tests.chaos.run import Run, cluster_run

KEPT = ("keys", "evidence")
_STREAMED = 60.0
"""Seconds that the last of PostgreSQL's log may take to arrive at the backup."""


class Backup:
    """What stands outside the installation: the database, its log, the keys, the evidence."""

    def __init__(self, root: Path, cluster: Cluster) -> None:
        self.base, self.wal, self.root = root / "base", root / "wal", root
        self._cluster = cluster
        self._receiving: subprocess.Popen[bytes] | None = None
        sockets = cluster.server.admin_url.split("host=")[1].split("&")[0].replace("%2F", "/")
        self._to = ["-h", sockets, "-p", str(cluster.base + 32), "-U", "postgres"]

    def begin(self) -> None:
        """Stream the log from now on, then take the base, both while the services go on."""
        self.wal.mkdir(parents=True)
        receive = [binaries() / "pg_receivewal", *self._to, "-D", self.wal, "--synchronous"]
        self._receiving = subprocess.Popen(receive)
        base = [
            binaries() / "pg_basebackup",
            *self._to,
            "-D",
            self.base,
            "-X",
            "none",
            "-c",
            "fast",
        ]
        subprocess.run(base, check=True)
        for name in KEPT:
            if (self._cluster.inside.root / name).exists():
                shutil.copytree(self._cluster.inside.root / name, self.root / name)

    def end(self) -> None:
        """The last byte of the log has arrived; no more comes."""
        [[now]] = self._cluster.rows("postgres", "select pg_current_wal_flush_lsn()::text")
        query = (
            "select coalesce(max(flush_lsn), '0/0') >= $1::text::pg_lsn from pg_stat_replication"
        )
        until = time.monotonic() + _STREAMED
        while not self._cluster.rows("postgres", query, now)[0][0]:
            assert time.monotonic() < until, "the log does not arrive"
            time.sleep(0.1)

    def stop(self) -> None:
        """End the stream: its source is gone."""
        if self._receiving is not None:
            self._receiving.terminate()
            self._receiving.wait()

    def restore(self, home: Home) -> None:
        """Put the base into an empty home, and have PostgreSQL fetch the log to its very end."""
        home.prepare()
        for partial in self.wal.glob("*.partial"):
            partial.rename(partial.with_suffix(""))
        for name in KEPT:
            if (self.root / name).exists():
                shutil.copytree(self.root / name, home.root / name, dirs_exist_ok=True)
        shutil.copytree(self.base, home.postgres)
        home.postgres.chmod(0o700)
        with (home.postgres / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
            file.write(f'restore_command = \'cp "{self.wal}/%f" "%p"\'\n')
        (home.postgres / "recovery.signal").touch()
        _hand_over(home.postgres, self.wal)


def _hand_over(*directories: Path) -> None:
    """Let PostgreSQL's own account read and own what it is to run on."""
    account = Account.for_postgres()
    for directory in directories:
        account.reach(directory, lambda _: None)
        for path in [directory, *directory.rglob("*")]:
            account.take(path)


def destroy(cluster: Cluster) -> None:
    """Everything dies at once, and what it had is gone."""
    victims = [cluster._process.pid] if cluster._process else []
    processes = [psutil.Process(pid) for pid in victims]
    for path in cluster.inside.run.glob("*.pid"):
        if process := supervisor.running(cluster.inside.run, path.stem):
            processes += [process, *process.children()]
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, timeout=20)
    if cluster._process is not None:
        cluster.end(signal.SIGKILL)
    shutil.rmtree(cluster.home.root / "cluster")


def republish(cluster: Cluster) -> str:
    """``dixian republish`` on the restored databases, before any worker is started."""
    server = cluster.server
    server.start()
    try:
        until = time.monotonic() + 120
        while cluster.rows("postgres", "select pg_is_in_recovery()")[0][0]:
            assert time.monotonic() < until, "still recovering"
            time.sleep(0.1)
        urls = {
            f"DIXIAN_{name.upper()}_DATABASE_URL": server.url(Tenant(name), Tenant(name).writer)
            for name in SERVICES
        }
        done = subprocess.run(
            [sys.executable, "-m", "dixian", "republish"],
            env=os.environ | urls,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout
    finally:
        server.stop()


async def drill(
    home: Path, place: Path, *, seconds: float, say: Callable[[str], None] = typer.echo
) -> list[Finding]:
    """The whole drill; what is wrong afterwards."""
    async with cluster_run(home, seed=1, replicas=1, per_second=8, pause=1) as run:
        run.say = say
        backup = Backup(place, run.cluster)
        try:
            async with run.under_load():
                await asyncio.sleep(seconds)
                began = time.monotonic()
                await asyncio.to_thread(backup.begin)
                say(f"base backup under load in {time.monotonic() - began:.1f} s")
                await asyncio.sleep(seconds)
            await asyncio.to_thread(backup.end)
            say(f"{len(run.load.answers):,} acts acknowledged; now everything is destroyed")
            await asyncio.to_thread(destroy, run.cluster)
        finally:
            backup.stop()
        return await _restored(run, backup, say)


async def _restored(run: Run, backup: Backup, say: Callable[[str], None]) -> list[Finding]:
    began = time.monotonic()
    await asyncio.to_thread(backup.restore, run.cluster.inside)
    say((await asyncio.to_thread(republish, run.cluster)).strip())
    await asyncio.to_thread(run.cluster.start)
    await run.settle()
    say(f"restored, up and in balance {time.monotonic() - began:.1f} s after the destruction")
    wrong = await run.judge()
    return wrong or await _goes_on(run)


async def _goes_on(run: Run) -> list[Finding]:
    """New acts are taken in and audited as before."""
    before = run.load
    run.load = Load(run.cluster.addresses, before.seed + 1, before.per_second)
    async with run.under_load():
        await asyncio.sleep(3)
    run.load.answers = [*before.answers, *run.load.answers]
    await run.settle()
    return await run.judge()


if __name__ == "__main__":
    with TemporaryDirectory(prefix="dixian-drill-", ignore_cleanup_errors=True) as made:
        found = asyncio.run(drill(Path(made) / "home", Path(made) / "backup", seconds=10))
        for item in found:
            typer.echo(f"WRONG  {item}")
        typer.echo("everything that was acknowledged is there" if not found else "NOT restored")
        sys.exit(bool(found))
