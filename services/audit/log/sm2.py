"""SM2-with-SM3 (GB/T 32918.2, GB/T 32905): the optional second line of a checkpoint.

A signed note's type byte 0xff says that a longer name of the algorithm follows; verifiers that do
not know it pass over the line. What is signed begins with that name, so that no such signature can
be taken for one over anything else.
"""

import base64
import stat
from dataclasses import dataclass
from pathlib import Path

import gmalg  # type: ignore[import-untyped]  # it has no types

from services.audit.domain import note
from services.audit.domain.note import NoteError

UNASSIGNED = 0xFF
ALGORITHM = b"SM2-with-SM3"
_PURPOSE = ALGORITHM + b"/v1\n"
_USER = b"1234567812345678"
"""The signer's identity that GM/T 0009 sets where none is agreed."""
_SECRET_BYTES, _PUBLIC_BYTES, _HALF = 32, 65, 32


@dataclass(frozen=True)
class Sm2Signer:
    """Signs notes under a name: the log's second line."""

    name: str
    secret: bytes
    public: bytes
    """Uncompressed, 65 bytes."""

    @property
    def key_id(self) -> bytes:
        """The key's id under this name."""
        return note.key_id(self.name, UNASSIGNED, ALGORITHM + self.public)

    def sign(self, text: bytes) -> bytes:
        """R and s, 32 bytes each, over the purpose and the note's text."""
        r, s = gmalg.SM2(self.secret, _USER, self.public).sign(_PURPOSE + text)
        return bytes(r.rjust(_HALF, b"\0") + s.rjust(_HALF, b"\0"))

    def vkey(self) -> str:
        """The public key as others configure it."""
        return note.vkey(self.name, UNASSIGNED, ALGORITHM + self.public)


@dataclass(frozen=True)
class Sm2Key:
    """A key pair in a file of its own: base64 of the secret and the public part, mode 0600."""

    secret: bytes
    public: bytes

    @classmethod
    def new(cls) -> "Sm2Key":
        """A new key pair."""
        return cls(*gmalg.SM2().generate_keypair())

    @classmethod
    def at(cls, path: Path) -> "Sm2Key":
        """The key in ``path``. Raises ``NoteError`` for a file others can read, or no key."""
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise NoteError(f"{path} can be read by others; it must have mode 0600")
        raw = base64.b64decode(path.read_text().strip(), validate=True)
        if len(raw) != _SECRET_BYTES + _PUBLIC_BYTES:
            raise NoteError(f"{path} holds no SM2 key")
        return cls(raw[:_SECRET_BYTES], raw[_SECRET_BYTES:])

    def text(self) -> str:
        """What stands in the file."""
        return base64.b64encode(self.secret + self.public).decode() + "\n"

    def signer(self, name: str) -> Sm2Signer:
        """The key under a note's name."""
        return Sm2Signer(name, self.secret, self.public)


def verifies(public: bytes, text: bytes, signature: bytes) -> bool:
    """Whether the key (65 bytes) made the signature over the note's text."""
    if len(public) != _PUBLIC_BYTES or len(signature) != 2 * _HALF:
        return False
    try:
        verifier = gmalg.SM2(uid=_USER, pk=public)
        return bool(verifier.verify(_PURPOSE + text, signature[:_HALF], signature[_HALF:]))
    except (ValueError, gmalg.errors.GMError):
        return False
