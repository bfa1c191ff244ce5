"""A file of keys: one current, the older ones kept until nothing needs them.

``{"current": "2", "keys": {"1": {"algorithm": "AES-256-GCM", "key": "<base64>"}, …}}``, readable by
its owner (and, as a mounted secret is, by its group), by nobody else. A running process reads the
file again when it was changed, so that keys are rotated without stopping anything.
"""

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Protocol

import orjson
import structlog

_TOO_OPEN = stat.S_IWGRP | stat.S_IRWXO
_KEY_BYTES = {
    "AES-256-GCM": 32,
    "SM4-GCM": 16,
    "CMAC-AES-256": 32,
    "CMAC-SM4": 16,
    "HMAC-SHA-256": 32,
    "HMAC-SM3": 32,
}
_LOOK_EVERY = 1.0

log = structlog.get_logger("dixian.keys")


class Keys(Protocol):
    """Where a key ring comes from: a file that may change, or a ring that does not."""

    def look(self, *, now: bool = False) -> "KeyRing":
        """The ring. A change is seen within a second, or at once with ``now``."""
        ...


class KeyFileFault(Exception):
    """The key file is missing, open to others, or not what it should be."""


@dataclass(frozen=True)
class Key:
    """One key and what it is for."""

    algorithm: str
    material: bytes

    def __repr__(self) -> str:
        return f"Key({self.algorithm}, …)"


@dataclass(frozen=True)
class KeyRing:
    """The keys of a file, by id."""

    current: str
    keys: Mapping[str, Key]

    def look(self, *, now: bool = False) -> "KeyRing":  # noqa: ARG002 - as ``Keys`` has it
        """Itself: it does not change."""
        return self

    @classmethod
    def load(cls, path: Path) -> "KeyRing":
        """Read a file. Raises ``KeyFileFault`` with the reason, never with a key."""
        try:
            mode = path.stat().st_mode
            content = orjson.loads(path.read_bytes())
        except (OSError, orjson.JSONDecodeError) as error:
            raise KeyFileFault(f"{path}: cannot be read ({type(error).__name__})") from None
        if mode & _TOO_OPEN:
            raise KeyFileFault(f"{path}: others may read or change it; chmod 600")
        try:
            keys = {
                name: _key(item["algorithm"], item["key"]) for name, item in content["keys"].items()
            }
            ring = cls(str(content["current"]), keys)
        except (KeyError, TypeError, AttributeError, binascii.Error, ValueError) as error:
            raise KeyFileFault(f"{path}: not a key file ({type(error).__name__})") from None
        if ring.current not in keys:
            raise KeyFileFault(f"{path}: the current key is not among the keys")
        return ring

    @classmethod
    def new(cls, algorithm: str) -> "KeyRing":
        """One random key, not yet in any file. ``KeyRing.new(…).content`` is what to write."""
        return cls("1", {"1": Key(algorithm, secrets.token_bytes(_KEY_BYTES[algorithm]))})

    @property
    def content(self) -> bytes:
        """The file's bytes: secret."""
        keys = {
            name: {"algorithm": key.algorithm, "key": base64.b64encode(key.material).decode()}
            for name, key in self.keys.items()
        }
        return orjson.dumps({"current": self.current, "keys": keys}, option=orjson.OPT_INDENT_2)

    @classmethod
    def create(cls, path: Path, algorithm: str) -> "KeyRing":
        """Make a file with one random key. Raises ``FileExistsError`` where one is already."""
        ring = cls.new(algorithm)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_new(path, ring)
        return ring

    @classmethod
    def load_or_create(cls, path: Path, algorithm: str) -> "KeyRing":
        """For the demo, which makes its keys on the first start."""
        try:
            return cls.create(path, algorithm)
        except FileExistsError:
            return cls.load(path)

    def rotated(self, path: Path, algorithm: str | None = None) -> "KeyRing":
        """Add a new current key to the file, atomically; the former ones stay readable."""
        chosen = algorithm or self.keys[self.current].algorithm
        name = str(max(int(known) for known in self.keys) + 1)
        made = Key(chosen, secrets.token_bytes(_KEY_BYTES[chosen]))
        return self._replace(path, KeyRing(name, {**self.keys, name: made}))

    def without(self, path: Path, name: str) -> "KeyRing":
        """Remove a key that nothing needs any more. Raises ``ValueError`` for the current one."""
        if name == self.current:
            raise ValueError("the current key cannot be removed")
        kept = {known: key for known, key in self.keys.items() if known != name}
        return self._replace(path, KeyRing(self.current, kept))

    def _replace(self, path: Path, ring: "KeyRing") -> "KeyRing":
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        _write_new(beside, ring)
        beside.replace(path)
        return ring


def private_text(path: Path) -> str:
    """The one line of a file that only its owner may read. Raises ``KeyFileFault``."""
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="utf-8")
    except OSError as error:
        raise KeyFileFault(f"{path}: cannot be read ({type(error).__name__})") from None
    if mode & _TOO_OPEN:
        raise KeyFileFault(f"{path}: others may read or change it; chmod 600")
    return text.strip()


class KeyFile:
    """A key file under a running process: read at the start, and again whenever it was replaced.

    A file that has become unreadable changes nothing: the keys known so far go on to serve, and the
    log says so. Raises ``KeyFileFault`` at the start only.
    """

    def __init__(self, path: Path, *, elapsed: Callable[[], float] = monotonic) -> None:
        self._path, self._elapsed = path, elapsed
        self._mark = _mark_of(path)
        self._ring = KeyRing.load(path)
        self._looked = elapsed()

    def look(self, *, now: bool = False) -> KeyRing:
        """The ring as the file has it."""
        if now or self._elapsed() - self._looked >= _LOOK_EVERY:
            self._looked = self._elapsed()
            mark = _mark_of(self._path)
            if mark != self._mark:
                self._read(mark)
        return self._ring

    def _read(self, mark: "_Mark") -> None:
        try:
            self._ring, self._mark = KeyRing.load(self._path), mark
        except KeyFileFault as error:
            log.error("keys.unreadable", reason=str(error))
        else:
            log.info("keys.read", current=self._ring.current, known=sorted(self._ring.keys))


_Mark = tuple[int, int] | None
"""What tells one state of a file from another: its inode and when it was changed."""


def _mark_of(path: Path) -> _Mark:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _write_new(path: Path, ring: KeyRing) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(ring.content)
        file.flush()
        os.fsync(file.fileno())


def _key(algorithm: str, encoded: str) -> Key:
    material = base64.b64decode(encoded, validate=True)
    if len(material) != _KEY_BYTES[algorithm]:
        raise ValueError("a key of the wrong length")
    return Key(algorithm, material)
