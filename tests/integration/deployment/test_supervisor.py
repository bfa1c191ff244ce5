"""Processes under the supervisor: order, restarts, kills, leftovers."""

import asyncio
import errno
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from dixian import supervisor
from dixian.errors import CannotStart
from dixian.supervisor import ProcessUnit, Supervisor

FOREVER = "import time\nwhile True: time.sleep(1)"
STUBBORN = f"""
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('deaf', flush=True)
{FOREVER}
"""


def unit(directory: Path, name: str, code: str, **more: object) -> ProcessUnit:
    log = directory / f"{name}.log"
    return ProcessUnit(name, [sys.executable, "-c", code], log, **more)  # type: ignore[arg-type]


async def until(true: Callable[[], bool], seconds: float = 15) -> None:
    async def wait() -> None:
        while not true():
            await asyncio.sleep(0.02)

    await asyncio.wait_for(wait(), seconds)


def status(directory: Path) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads((directory / "status.json").read_text())
    return found


async def test_units_start_in_order_restart_when_killed_and_stop(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    job = unit(
        tmp_path, "migrate", f"open({str(trace)!r}, 'w').write('done')", once=True, after=("db",)
    )
    db = unit(tmp_path, "db", FOREVER)
    http = unit(tmp_path, "http", f"open({str(trace)!r}).read()\n{FOREVER}", after=("migrate",))
    said: list[str] = []
    whole = Supervisor([http, job, db], tmp_path / "run", said.append)
    stop, ready = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(whole.run(stop, ready=ready.set))
    await asyncio.wait_for(ready.wait(), 15)
    assert [line.split(" is ")[0] for line in said] == ["db", "migrate", "http"]

    killed = supervisor.running(tmp_path / "run", "http")
    assert killed is not None
    killed.kill()
    await until(lambda: http.pid not in {None, killed.pid})
    await until(lambda: status(tmp_path / "run")["http"]["state"] == "ready")
    assert status(tmp_path / "run")["http"]["restarts"] == 1
    assert "http ended (SIGKILL); starting it again in 0.2 s" in said

    stop.set()
    await asyncio.wait_for(running, 15)
    assert (http.pid, db.pid) == (None, None)
    assert {item["state"] for item in status(tmp_path / "run").values()} == {"stopped"}
    assert list((tmp_path / "run").glob("*.pid")) == []


async def test_a_failed_job_stops_the_start_and_says_so(tmp_path: Path) -> None:
    db = unit(tmp_path, "db", FOREVER)
    job = unit(tmp_path, "migrate", "raise SystemExit(3)", once=True, after=("db",))
    with pytest.raises(CannotStart, match="migrate failed with exit code 3"):
        await Supervisor([db, job], tmp_path / "run").run(asyncio.Event())
    assert db.pid is None


async def test_one_that_keeps_dying_is_started_ever_more_slowly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_BACK_OFF", (0.01, 0.02, 0.03))
    said: list[str] = []
    stop = asyncio.Event()
    whole = Supervisor(
        [unit(tmp_path, "ill", "raise SystemExit(1)")], tmp_path / "run", said.append
    )
    running = asyncio.create_task(whole.run(stop))
    await until(lambda: sum("again" in line for line in said) >= 4)
    stop.set()
    await running
    pauses = [line.rsplit(" ", 2)[1] for line in said if "again" in line][:4]
    assert pauses == ["0.01", "0.02", "0.03", "0.03"]


async def test_a_full_disk_stops_nothing_and_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ill = unit(tmp_path, "ill", FOREVER)
    said: list[str] = []
    stop, ready = asyncio.Event(), asyncio.Event()
    whole = Supervisor([ill], tmp_path / "run", said.append)
    running = asyncio.create_task(whole.run(stop, ready=ready.set))
    await asyncio.wait_for(ready.wait(), 15)
    first = ill.pid
    assert first is not None
    full = [True]
    write = Path.write_text

    def full_at_times(path: Path, *words: str, **more: str) -> int:
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, *words, **more)

    monkeypatch.setattr(Path, "write_text", full_at_times)
    psutil.Process(first).kill()
    await until(lambda: ill.pid not in {None, first})
    full[0] = False
    await until(lambda: status(tmp_path / "run")["ill"]["pid"] == ill.pid)
    await until(lambda: supervisor.running(tmp_path / "run", "ill") is not None)
    stop.set()
    await asyncio.wait_for(running, 15)
    assert len([line for line in said if "No space left on device" in line]) == 1


async def test_a_process_deaf_to_the_signal_is_ended_by_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_GRACE", 0.3)
    deaf = unit(
        tmp_path, "deaf", STUBBORN, probe=lambda: (tmp_path / "deaf.log").stat().st_size > 0
    )
    stop, ready = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(Supervisor([deaf], tmp_path / "run").run(stop, ready=ready.set))
    await asyncio.wait_for(ready.wait(), 15)
    stop.set()
    await asyncio.wait_for(running, 10)
    assert deaf.exit_code() == -9


async def test_what_a_killed_supervisor_left_is_stopped_and_nothing_else(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    left = subprocess.Popen([sys.executable, "-c", FOREVER])
    bystander = subprocess.Popen([sys.executable, "-c", FOREVER])
    try:
        (run / "http.pid").write_text(f"{left.pid} {supervisor._birth(left.pid)}\n")
        (run / "worker.pid").write_text(f"{bystander.pid} 12345\n")  # the pid was given out again
        (run / "torn.pid").write_text("12")
        supervisor.stop_leftovers(run, lambda _: None)
        assert not psutil.pid_exists(left.pid) or left.poll() is not None
        assert bystander.poll() is None
        assert list(run.glob("*.pid")) == []
    finally:
        bystander.kill()
        bystander.wait()
        left.kill()
        left.wait()
