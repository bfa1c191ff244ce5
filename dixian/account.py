"""Whom PostgreSQL runs as: it refuses to be root, so root lends it the account ``nobody``."""

import os
import pwd
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dixian.errors import CannotStart


@dataclass(frozen=True)
class Account:
    """The operating-system account of a child process; ``None`` ids mean: the same as ours."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def for_postgres(cls) -> "Account":
        """Ourselves, or ``nobody`` when we are root. No account is created."""
        if os.geteuid() != 0:
            return cls()
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError as error:
            raise CannotStart(
                "PostgreSQL does not run as root, and this machine has no account `nobody` to lend "
                "it. Start Dixian as an ordinary user."
            ) from error
        return cls(nobody.pw_uid, nobody.pw_gid)

    @property
    def lent(self) -> bool:
        """Whether the account is another than ours."""
        return self.uid is not None

    def popen(self) -> dict[str, Any]:
        """Arguments for ``subprocess`` that start a child as this account."""
        if not self.lent:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def take(self, path: Path) -> None:
        """Give a file or directory to the account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def reach(self, path: Path, say: Callable[[str], None]) -> None:
        """Let the account pass through every directory above ``path``.

        Only the right to pass is added (``o+x``), never to list or read, and each one is said
        aloud: a clone in ``/root`` would otherwise be out of the account's reach.
        """
        if not self.lent:
            return
        for directory in reversed(path.resolve().parents):
            mode = directory.stat().st_mode
            if not mode & stat.S_IXOTH and directory.stat().st_uid != self.uid:
                directory.chmod(mode | stat.S_IXOTH)
                say(f"let the account of PostgreSQL pass through {directory} (o+x)")

    def read_tree(self, root: Path) -> None:
        """Make an installed tree readable for the account, as a strict umask may have denied it."""
        if not self.lent:
            return
        for path in (root, *root.rglob("*")):
            if path.is_symlink():
                continue
            mode = path.stat().st_mode
            wanted = mode | stat.S_IROTH
            if path.is_dir() or mode & stat.S_IXUSR:
                wanted |= stat.S_IXOTH
            if wanted != mode:
                path.chmod(wanted)
