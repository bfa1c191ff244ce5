"""Keys behind notes: Ed25519 for the log's own line and for witnesses' cosignatures."""

import base64
import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.domain import note
from services.audit.domain.note import NoteError
from services.audit.log import sm2
from shared.vault.ed25519 import verifies

ED25519 = 0x01
COSIGNATURE = 0x04
_SEED_BYTES = 32
_TIMESTAMP_BYTES = 8


class SigningKey(Protocol):
    """Where the log's private key lives: a file in the demo, an HSM's slot elsewhere."""

    def public(self) -> bytes:
        """The 32 bytes of the Ed25519 public key."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the Ed25519 signature."""
        ...


class FileKey:
    """A private key in a file of its own (base64 of the 32-byte seed, mode 0600)."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @classmethod
    def at(cls, path: Path, *, create: bool = False) -> "FileKey":
        """The key in ``path``; with ``create``, a new one is made where there is none.

        Raises ``NoteError`` when the file can be read by others or holds no key.
        """
        if create and not path.exists():
            _write_once(path, base64.b64encode(os.urandom(_SEED_BYTES)).decode() + "\n")
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise NoteError(f"{path} can be read by others; it must have mode 0600")
        seed = base64.b64decode(path.read_text().strip(), validate=True)
        if len(seed) != _SEED_BYTES:
            raise NoteError(f"{path} holds no Ed25519 key")
        return cls(seed)

    def public(self) -> bytes:
        """The public key's 32 bytes."""
        return self._key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )

    def sign(self, message: bytes) -> bytes:
        """The signature's 64 bytes."""
        return self._key.sign(message)


@dataclass(frozen=True)
class LogSigner:
    """Signs notes under a name with a key: the log's own line."""

    name: str
    key: SigningKey

    @property
    def key_id(self) -> bytes:
        """The key's id under this name."""
        return note.key_id(self.name, ED25519, self.key.public())

    def sign(self, text: bytes) -> bytes:
        """The signature over the note's text."""
        return self.key.sign(text)

    def vkey(self) -> str:
        """The public key as others configure it."""
        return note.vkey(self.name, ED25519, self.key.public())


@dataclass(frozen=True)
class WitnessSigner:
    """Signs checkpoints as a witness: a cosignature with the time it was made (Unix seconds)."""

    name: str
    key: SigningKey
    timestamp: int

    @property
    def key_id(self) -> bytes:
        """The key's id under this name."""
        return note.key_id(self.name, COSIGNATURE, self.key.public())

    def sign(self, text: bytes) -> bytes:
        """The timestamp and the signature over it and the text."""
        stamp = self.timestamp.to_bytes(_TIMESTAMP_BYTES, "big")
        return stamp + self.key.sign(_cosigned(self.timestamp, text))

    def vkey(self) -> str:
        """The public key as others configure it."""
        return note.vkey(self.name, COSIGNATURE, self.key.public())


@dataclass(frozen=True)
class KeyVerifier:
    """A known public key, of a log (type 1, or SM2 by its name) or of a witness (type 4)."""

    name: str
    key_id: bytes
    kind: int
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> "KeyVerifier":
        """The verifier of a ``vkey`` line. Raises ``NoteError`` for other types of key."""
        name, key_id, kind, public = note.parse_vkey(vkey)
        if kind == sm2.UNASSIGNED and public.startswith(sm2.ALGORITHM):
            return cls(name, key_id, kind, public.removeprefix(sm2.ALGORITHM))
        if kind not in {ED25519, COSIGNATURE} or len(public) != _SEED_BYTES:
            raise NoteError(f"a key of type {kind} with {len(public)} bytes is not supported")
        return cls(name, key_id, kind, public)

    @property
    def label(self) -> str:
        """The name, and the algorithm where it is not the usual one."""
        algorithm = f" ({sm2.ALGORITHM.decode()})" if self.kind == sm2.UNASSIGNED else ""
        return self.name + algorithm

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether the line's signature is this key's over ``text``."""
        if self.kind == sm2.UNASSIGNED:
            return sm2.verifies(self.public, text, signature)
        if self.kind == COSIGNATURE:
            stamp, signature = signature[:_TIMESTAMP_BYTES], signature[_TIMESTAMP_BYTES:]
            text = _cosigned(int.from_bytes(stamp, "big"), text)
        return verifies(self.public.hex(), text, signature.hex())


def _cosigned(timestamp: int, text: bytes) -> bytes:
    return f"cosignature/v1\ntime {timestamp}\n".encode() + text


def sm2_key(path: Path, *, create: bool = False) -> sm2.Sm2Key:
    """The SM2 key in ``path``; with ``create``, a new one is made where there is none.

    Raises ``NoteError`` when the file can be read by others or holds no key.
    """
    if create and not path.exists():
        _write_once(path, sm2.Sm2Key.new().text())
    return sm2.Sm2Key.at(path)


def _write_once(path: Path, text: str) -> None:
    """Write the key so that two processes starting at once end up with one key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    with contextlib.suppress(FileExistsError):
        # A link never replaces: the process that comes second keeps the first one's key.
        path.hardlink_to(draft)
    draft.unlink()
