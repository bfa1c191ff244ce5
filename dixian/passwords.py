"""PostgreSQL passwords, in PostgreSQL's own file format.

Every client library reads that file by itself (``PGPASSFILE``), so that no address of a database
carries a secret: not in an environment, not in a process list, not in a log.
"""

import re
import secrets
from pathlib import Path

from dixian.home import write_private

_LINE = re.compile(r"^\*:\*:\*:(?P<role>[a-z_]+):(?P<password>[A-Za-z0-9_-]+)$")


class Passwords:
    """A password per role, made when first asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, str] = {}
        if path.exists():
            found = map(_LINE.match, path.read_text(encoding="ascii").splitlines())
            self._known = {line["role"]: line["password"] for line in found if line}

    def of(self, role: str) -> str:
        """The role's password; the same one every time."""
        if role not in self._known:
            self._known[role] = secrets.token_urlsafe(24)
            lines = (f"*:*:*:{name}:{password}" for name, password in self._known.items())
            write_private(self.path, ("\n".join(lines) + "\n").encode("ascii"))
        return self._known[role]
