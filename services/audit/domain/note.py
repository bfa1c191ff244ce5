"""C2SP ``signed-note`` and ``tlog-checkpoint``: text with signature lines, and a tree head in it.

Pure: parsing, writing and the rules of which lines count. The cryptography stands behind
``Signer`` and ``Verifier``.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from services.audit.domain.merkle import HASH_BYTES

MAX_SIGNATURES = 100
_KEY_ID_BYTES = 4
_NAME = re.compile(r"^[^\s+]+$")
_SIZE = re.compile(r"^(0|[1-9][0-9]{0,18})$")
_DASH = "\N{EM DASH} "


class NoteError(ValueError):
    """A note or checkpoint that is malformed or not signed as it must be."""


class Verifier(Protocol):
    """A known public key."""

    @property
    def name(self) -> str:
        """The key's name: for a log's key its origin."""
        ...

    @property
    def key_id(self) -> bytes:
        """Four bytes that, with the name, say which key this is."""
        ...

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether ``signature`` (without the key id) is this key's over ``text``."""
        ...


class Signer(Protocol):
    """A private key. ``signature`` is what stands after the key id in a signature line."""

    @property
    def name(self) -> str:
        """The key's name."""
        ...

    @property
    def key_id(self) -> bytes:
        """The key's four-byte id."""
        ...

    def sign(self, text: bytes) -> bytes:
        """The signature over ``text``."""
        ...


@dataclass(frozen=True)
class Signature:
    """One signature line."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """The line as it stands in a note, newline included."""
        return f"{_DASH}{self.name} {_b64(self.key_id + self.signature)}\n"

    @classmethod
    def parse(cls, line: str) -> "Signature":
        """The inverse of ``line``, without the newline. Raises ``NoteError``."""
        parts = line.removeprefix(_DASH).split(" ")
        if not line.startswith(_DASH) or len(parts) != 2 or not _NAME.match(parts[0]):
            raise NoteError(f"not a signature line: {line[:80]!r}")
        blob = _unb64(parts[1])
        if len(blob) <= _KEY_ID_BYTES:
            raise NoteError("a signature line without a signature")
        return cls(parts[0], blob[:_KEY_ID_BYTES], blob[_KEY_ID_BYTES:])


@dataclass(frozen=True)
class Note:
    """A text, ending in a newline, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, raw: bytes) -> "Note":
        """The note of ``raw``. Raises ``NoteError`` when it is not one."""
        content = _clean(raw)
        text, separator, signatures = content.rpartition("\n\n")
        if not separator or not signatures.endswith("\n"):
            raise NoteError("no signatures after the text")
        lines = signatures[:-1].split("\n")
        if len(lines) > MAX_SIGNATURES:
            raise NoteError(f"{len(lines)} signatures are too many")
        return cls(text + "\n", tuple(map(Signature.parse, lines)))

    def render(self) -> bytes:
        """The note's bytes."""
        return (self.text + "\n" + "".join(item.line() for item in self.signatures)).encode()

    def signed_by(self, verifiers: Iterable[Verifier]) -> list[Verifier]:
        """The known keys that signed, in the order of the lines; unknown lines are ignored.

        Raises ``NoteError`` when a line of a known key does not verify, or when there is none.
        """
        known = {(item.name, item.key_id): item for item in verifiers}
        found: list[Verifier] = []
        for item in self.signatures:
            verifier = known.get((item.name, item.key_id))
            if verifier is None or verifier in found:
                continue
            if not verifier.verify(self.text.encode(), item.signature):
                raise NoteError(f"the signature of {item.name} does not verify")
            found.append(verifier)
        if not found:
            raise NoteError("not signed by a known key")
        return found

    def with_lines(self, signatures: Sequence[Signature]) -> "Note":
        """The same text with further signature lines at the end."""
        return Note(self.text, self.signatures + tuple(signatures))


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: whose log, how many entries, which root."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The note text."""
        lines = (self.origin, str(self.size), _b64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """The inverse of ``text``. Raises ``NoteError``."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise NoteError("a checkpoint has at least three lines, none empty")
        origin, size, root, *extensions = lines[:-1]
        if not _SIZE.match(size):
            raise NoteError(f"not a tree size: {size[:40]!r}")
        decoded = _unb64(root)
        if len(decoded) != HASH_BYTES:
            raise NoteError(f"a root of {len(decoded)} bytes, not {HASH_BYTES}")
        return cls(origin, int(size), decoded, tuple(extensions))

    def signed(self, signers: Iterable[Signer]) -> Note:
        """The checkpoint as a note with a line of each signer."""
        return sign(self.text(), signers)


def sign(text: str, signers: Iterable[Signer]) -> Note:
    """A note over ``text``, which ends in a newline and has no other control characters."""
    if not text.endswith("\n") or _clean(text.encode()) != text:
        raise NoteError("a note's text ends in a newline")
    lines = [
        Signature(_key_name(signer.name), signer.key_id, signer.sign(text.encode()))
        for signer in signers
    ]
    return Note(text, tuple(lines))


def open_checkpoint(raw: bytes, verifiers: Iterable[Verifier], origin: str) -> Checkpoint:
    """The checkpoint of a note signed by the key named ``origin`` among ``verifiers``.

    Raises ``NoteError`` when it is malformed, of another log, or not signed by the log's own key.
    """
    note = Note.parse(raw)
    signed_by = note.signed_by(verifiers)
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != origin:
        raise NoteError(f"a checkpoint of {checkpoint.origin}, not of {origin}")
    if all(verifier.name != origin for verifier in signed_by):
        raise NoteError(f"not signed by {origin}")
    return checkpoint


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """The four-byte id the standard recommends: a hash of the name, the type and the key."""
    return sha256(_key_name(name).encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def vkey(name: str, kind: int, public: bytes) -> str:
    """A public key as one line of text: ``name+id+base64(type, key)``."""
    return f"{name}+{key_id(name, kind, public).hex()}+{_b64(bytes([kind]) + public)}"


def parse_vkey(text: str) -> tuple[str, bytes, int, bytes]:
    """Name, id, type and key bytes of a ``vkey`` line. Raises ``NoteError``."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3 or not re.fullmatch(r"[0-9a-f]{8}", parts[1]):
        raise NoteError("not a verifier key")
    blob = _unb64(parts[2])
    if len(blob) < 2:
        raise NoteError("not a verifier key: too short")
    name, stated, kind, public = parts[0], bytes.fromhex(parts[1]), blob[0], blob[1:]
    if key_id(name, kind, public) != stated:
        raise NoteError("the key's id is not the one of its name and bytes")
    return name, stated, kind, public


def _key_name(name: str) -> str:
    if not _NAME.match(name):
        raise NoteError(f"not a key name: {name!r}")
    return name


def _clean(raw: bytes) -> str:
    try:
        content = raw.decode()
    except UnicodeDecodeError as error:
        raise NoteError("not UTF-8") from error
    if any(char < " " and char != "\n" for char in content):
        raise NoteError("control characters in a note")
    return content


def _b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _unb64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("not base64") from error
