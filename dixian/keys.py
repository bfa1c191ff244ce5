"""Keys and passwords: made once, each where only the process that needs it can read it.

A directory per process: ``alerts/`` holds what the alerts service may know, ``admin/`` what the
migration may. Passwords are in PostgreSQL's own file format, which every client library reads by
itself (``PGPASSFILE``), so that no address of a database carries a secret: not in an environment,
not in a process list, not in a log.
"""

import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

from dixian.errors import CannotStart
from dixian.issuer_keys import SigningKey
from dixian.provision import EMBEDDED_BUS, SERVICES, SUPERUSER, Tenant
from services.audit.log.keys import FileKey
from services.audit.settings import KEY_FILE
from shared.service.authority import FILE
from shared.vault.keyring import KeyRing

ADMIN = "admin"
"""Whose directory holds every password: the migration's."""
VAULT_KEYS = {"master.key": "AES-256-GCM", "index.key": "CMAC-AES-256"}
"""The vault's key files, and what a new key is for."""
_LINE = re.compile(r"^\*:\*:\*:(?P<role>[a-z_]+):(?P<password>[A-Za-z0-9_-]+)$")


class Keys:
    """The directory of keys. Everything in it is made when first asked for, and then kept."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def make(self) -> None:
        """Make everything that any process will ask for. What is there stays."""
        for tenant in map(Tenant, (*SERVICES, EMBEDDED_BUS)):
            for role in tenant.roles:
                self.password(role)
        for name in VAULT_KEYS:
            self._share(name)
        SigningKey.load_or_create(self.directory("issuer") / "key.pem")
        self._audit_log()
        self.secret("console", "session.key")
        password = self.password(SUPERUSER)
        self.secret(ADMIN, "postgres.password", password.encode)

    def _audit_log(self) -> None:
        """The log's key, for the audit service; its public half, for all who act on its word."""
        key = FileKey.at(self.directory("audit") / KEY_FILE, create=True)
        for owner in (ADMIN, *SERVICES):
            self.secret(owner, FILE, f"{key.public().hex()}\n".encode)

    def _share(self, name: str) -> None:
        """Give every service the same key file: one household has one token everywhere."""
        made = self.directory(ADMIN) / name
        KeyRing.load_or_create(made, VAULT_KEYS[name])
        for service in SERVICES:
            self.secret(service, name, made.read_bytes)

    def ring(self, name: str) -> KeyRing:
        """The keys of a vault's key file. Raises ``KeyFileFault``."""
        return KeyRing.load(self.root / ADMIN / name)

    def rotate(self, name: str) -> str:
        """Add a new current key to every copy of a key file; its id."""
        made = self.ring(name).rotated(self.root / ADMIN / name)
        self._share_again(name, made)
        return made.current

    def retire(self, name: str) -> list[str]:
        """Remove the former keys from every copy of a key file; their ids."""
        ring = self.ring(name)
        former = [known for known in ring.keys if known != ring.current]
        for known in former:
            ring = ring.without(self.root / ADMIN / name, known)
        self._share_again(name, ring)
        return former

    def _share_again(self, name: str, ring: KeyRing) -> None:
        """Every service's copy is replaced whole; whoever has it open sees the old or the new."""
        for service in SERVICES:
            copy = self.root / service / name
            if copy.exists():
                write_private(copy, ring.content)

    def directory(self, owner: str) -> Path:
        """What one process may read: ``alerts``, ``admin``, ``issuer``, ``readers``."""
        path = self.root / owner
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def passfile(self, role: str) -> Path:
        """The password file that holds a role's password, made if need be."""
        self.password(role)
        return self.directory(_reader_of(role)) / "pgpass"

    def password(self, role: str) -> str:
        """The role's password; the same one every time."""
        everything = self.directory(ADMIN) / "pgpass"
        known = _read(everything)
        if role not in known:
            known[role] = secrets.token_urlsafe(24)
            _write(everything, known)
        own = self.directory(_reader_of(role)) / "pgpass"
        if _read(own).get(role) != known[role]:
            _write(own, {**_read(own), role: known[role]})
        return known[role]

    def secret(
        self, owner: str, name: str, make: Callable[[], bytes] = lambda: os.urandom(32)
    ) -> Path:
        """The file ``owner/name``, mode 0600; made when there is none, of 32 random bytes."""
        path = self.directory(owner) / name
        if not path.exists():
            write_private(path, make())
        return path


def passwords_in(path: Path) -> Callable[[str], str]:
    """Looks passwords up in a password file, and makes none. ``CannotStart`` for a missing one."""

    def of(role: str) -> str:
        try:
            return _read(path)[role]
        except KeyError:
            raise CannotStart(f"{path} has no password for the role {role}") from None

    return of


def _reader_of(role: str) -> str:
    """Whose process uses a role: a service its writer; people that look, the readers."""
    for name in (*SERVICES, EMBEDDED_BUS):
        if role == Tenant(name).writer:
            return name
    return "readers" if role.endswith("_reader") else ADMIN


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    found = map(_LINE.match, path.read_text(encoding="ascii").splitlines())
    return {line["role"]: line["password"] for line in found if line}


def _write(path: Path, known: dict[str, str]) -> None:
    lines = (f"*:*:*:{role}:{password}\n" for role, password in known.items())
    write_private(path, "".join(lines).encode("ascii"))


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, completely or not at all."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
