"""Starts processes in order, restarts the ones that die, and stops them all by their own pids."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import psutil

from dixian.errors import CannotStart

_BACK_OFF = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_STEADY = 30.0
"""Seconds a process must have run for its next death to count as the first again."""
_GRACE = 20.0
"""Seconds a process gets to stop by itself."""
_LOOK = 0.1
"""Seconds between two looks at the processes."""


class State(StrEnum):
    """Where a unit stands."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    DONE = "done"
    STOPPED = "stopped"


class Unit(Protocol):
    """Something that is started, watched and stopped."""

    name: str
    after: tuple[str, ...]
    """The units that must be ready (a one-shot: done) before this one starts."""
    once: bool
    """A job that ends by itself, such as the migration."""

    def start(self) -> None:
        """Bring it up; return at once or when it is ready."""
        ...

    @property
    def pid(self) -> int | None:
        """The running process, ``None`` when there is none."""
        ...

    def exit_code(self) -> int | None:
        """How it ended; ``None`` while it runs."""
        ...

    def is_ready(self) -> bool:
        """Whether the units that wait for it may start."""
        ...

    def stop(self) -> None:
        """Ask it to end, wait, and end it by force after the grace period."""
        ...


@dataclass
class ProcessUnit:
    """A child process with a log file of its own."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    once: bool = False
    probe: Callable[[], bool] = lambda: True
    _child: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches the supervisor alone."""
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603 -- commands of this program's own making
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return self._child.pid if self._child and self._child.poll() is None else None

    def exit_code(self) -> int | None:
        """The child's exit code; negative for the signal that ended it."""
        return self._child.poll() if self._child else None

    def is_ready(self) -> bool:
        """What the probe says; for a job, that it ended well."""
        return self.exit_code() == 0 if self.once else self.pid is not None and self.probe()

    def stop(self) -> None:
        """SIGTERM, the grace period, then SIGKILL."""
        if self._child is None or self._child.poll() is not None:
            return
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


@dataclass
class _Watch:
    """What the supervisor remembers of a unit."""

    unit: Unit
    state: State = State.WAITING
    deaths: int = 0
    restarts: int = 0
    began: float = 0.0
    again_at: float = 0.0


class Supervisor:
    """Keeps a list of units running, in the order their ``after`` asks for.

    Its state is in ``directory``: ``NAME.pid`` (pid and its start time) per running process and
    ``status.json``, from which other commands read it. What a killed supervisor left running is
    stopped at the next start.
    """

    def __init__(
        self, units: Sequence[Unit], directory: Path, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self._watches = {unit.name: _Watch(unit) for unit in units}
        self._directory, self._say = directory, say
        self._written = ""
        self._cannot_write = False

    async def run(self, stop: asyncio.Event, *, ready: Callable[[], None] = lambda: None) -> None:
        """Run until ``stop``; then stop everything, the last started first.

        ``ready`` is called once, when every unit is ready. Raises ``CannotStart`` when a one-shot
        job fails.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        stop_leftovers(self._directory, self._say)
        announced = False
        try:
            while not stop.is_set():
                await asyncio.to_thread(self._look)
                self._record()
                if not announced and self.all_ready:
                    announced = True
                    ready()
                await _pause(stop, _LOOK)
        finally:
            await asyncio.to_thread(self._stop_all)
            self._record()

    @property
    def all_ready(self) -> bool:
        """Whether every unit is up (every job done)."""
        return all(item.state in {State.READY, State.DONE} for item in self._watches.values())

    def _look(self) -> None:
        for watch in self._watches.values():
            if watch.state in {State.WAITING, State.RESTARTING}:
                self._start_if_due(watch)
            elif watch.state in {State.STARTING, State.READY}:
                self._check(watch)

    def _start_if_due(self, watch: _Watch) -> None:
        waits = [self._watches[name].state for name in watch.unit.after]
        if any(state not in {State.READY, State.DONE} for state in waits):
            return
        if time.monotonic() < watch.again_at:
            return
        watch.began = time.monotonic()
        try:
            watch.unit.start()
        except (CannotStart, OSError) as error:
            if watch.restarts == 0:
                raise
            self._say(str(error))  # it ran before: what is in its way (a full disk) may pass
            self._died(watch)
            return
        watch.state = State.STARTING
        self._check(watch)

    def _check(self, watch: _Watch) -> None:
        unit = watch.unit
        self._pid_file(unit)
        if unit.pid is not None:
            if watch.state is State.STARTING and not unit.once and unit.is_ready():
                watch.state = State.READY
                self._say(f"{unit.name} is ready (pid {unit.pid})")
            return
        if unit.once:
            self._ended(watch)
        else:
            self._died(watch)

    def _ended(self, watch: _Watch) -> None:
        if watch.unit.exit_code() != 0:
            raise CannotStart(
                f"{watch.unit.name} failed with exit code {watch.unit.exit_code()}; see its log."
            )
        watch.state = State.DONE
        self._say(f"{watch.unit.name} is done")

    def _died(self, watch: _Watch) -> None:
        now = time.monotonic()
        watch.deaths = 1 if now - watch.began > _STEADY else watch.deaths + 1
        pause = _BACK_OFF[min(watch.deaths, len(_BACK_OFF)) - 1]
        watch.again_at = now + pause
        watch.restarts += 1
        watch.state = State.RESTARTING
        how = describe_exit(watch.unit.exit_code())
        self._say(f"{watch.unit.name} ended ({how}); starting it again in {pause} s")

    def _stop_all(self) -> None:
        """Stop what nothing waits for any more, all at once; then what that had waited for."""
        left = dict(self._watches)
        while left:
            needed = {name for watch in left.values() for name in watch.unit.after}
            free = [watch for name, watch in left.items() if name not in needed]
            with ThreadPoolExecutor(len(free)) as threads:
                list(threads.map(self._stop, free))
            left = {name: watch for name, watch in left.items() if name in needed}

    def _stop(self, watch: _Watch) -> None:
        if watch.unit.pid is not None:
            self._say(f"stopping {watch.unit.name}")
        watch.unit.stop()
        watch.state = State.STOPPED
        self._pid_file(watch.unit)

    def _pid_file(self, unit: Unit) -> None:
        path = self._directory / f"{unit.name}.pid"
        pid = unit.pid
        if pid is None:
            path.unlink(missing_ok=True)
            return
        line = f"{pid} {_birth(pid)}\n"
        if not path.exists() or path.read_text(encoding="ascii") != line:
            self._write(path, line)

    def _record(self) -> None:
        """Write ``status.json`` when something changed."""
        status = {
            name: {"state": item.state, "pid": item.unit.pid, "restarts": item.restarts}
            for name, item in self._watches.items()
        }
        text = json.dumps(status, indent=1)
        if text != self._written and self._write(self._directory / "status.json", text):
            self._written = text

    def _write(self, path: Path, text: str) -> bool:
        """Replace a file whole; whether it could be.

        A full disk is no reason to stop anything: it is said once, and the next look tries again.
        """
        temporary = path.with_name(f"{path.name}.new")
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        except OSError as error:
            if not self._cannot_write:
                self._say(f"cannot write {path} ({error.strerror}); going on")
            self._cannot_write = True
            return False
        self._cannot_write = False
        return True


def running(directory: Path, name: str) -> psutil.Process | None:
    """The process a pid file speaks of, if it still is that one and not a later namesake."""
    try:
        pid, birth = (directory / f"{name}.pid").read_text(encoding="ascii").split()
    except (FileNotFoundError, ValueError):
        return None
    return psutil.Process(int(pid)) if _birth(int(pid)) == birth != "" else None


def stop_leftovers(directory: Path, say: Callable[[str], None]) -> None:
    """End what a supervisor that was killed has left running."""
    found = [(path.stem, running(directory, path.stem)) for path in directory.glob("*.pid")]
    left = [(name, process) for name, process in found if process is not None]
    for name, process in left:
        say(f"stopping {name} (pid {process.pid}), left by a run that was killed")
        process.terminate()
    _, alive = psutil.wait_procs([process for _, process in left], timeout=_GRACE)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=_GRACE)
    for path in directory.glob("*.pid"):
        path.unlink()


def describe_exit(code: int | None) -> str:
    """``exit code 3``, ``SIGKILL``."""
    if code is None:
        return "gone"
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _birth(pid: int) -> str:
    """When a process began: tells it from a later one with the same pid. Empty when it is gone."""
    try:
        # In ticks since the boot where the kernel says so: a clock that is set does not change it.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except FileNotFoundError:
        return _birth_by_psutil(pid)


def _birth_by_psutil(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        return f"{process.create_time():.2f}"
    except psutil.NoSuchProcess:
        return ""


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
