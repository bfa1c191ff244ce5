"""The installation's directory: everything one Dixian keeps on this machine, in one place."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dixian.errors import CannotStart
from dixian.keys import Keys


class Home:
    """The directory ``DIXIAN_HOME``. Made on first use, readable by its owner only where secret."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().resolve()

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data directory."""
        return self.root / "postgres"

    @property
    def run(self) -> Path:
        """Sockets and pid files."""
        return self.root / "run"

    @property
    def evidence(self) -> Path:
        """Evidence files, sealed."""
        return self.root / "evidence"

    @property
    def logs(self) -> Path:
        """Log files."""
        return self.root / "logs"

    @property
    def keys(self) -> Keys:
        """Keys and passwords."""
        return Keys(self.root / "keys")

    def prepare(self) -> None:
        """Make the directories that are missing."""
        try:
            for path in (self.root, self.run, self.logs):
                path.mkdir(parents=True, exist_ok=True)
            self.keys.root.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise CannotStart(
                f"Cannot write to {self.root} ({error.strerror}). "
                "Set DIXIAN_HOME to a directory that you own."
            ) from error

    @contextmanager
    def held(self, by: str) -> Iterator[None]:
        """Hold the directory: one running system at a time.

        The lock is the kernel's and ends with the process, however that ends. Raises
        ``CannotStart`` naming the holder.
        """
        self.prepare()
        with (self.root / "lock").open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.seek(0)
                holder = file.read().strip() or "another process"
                raise CannotStart(
                    f"{self.root} is in use by {holder}. Stop that one first, or start this one "
                    "with another DIXIAN_HOME and other ports."
                ) from error
            file.truncate(0)
            file.write(f"`{by}`, pid {os.getpid()}\n")
            file.flush()
            yield
            file.truncate(0)
