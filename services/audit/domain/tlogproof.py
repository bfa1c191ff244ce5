"""C2SP ``tlog-proof``: a file that proves an entry to somebody who has but the public keys."""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from services.audit.domain import merkle
from services.audit.domain.merkle import ProofError
from services.audit.domain.note import Checkpoint, NoteError, Verifier, open_checkpoint

HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"^index (0|[1-9][0-9]{0,18})$")


@dataclass(frozen=True)
class TlogProof:
    """An entry's index, its inclusion hashes, and the signed checkpoint they lead to."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    """The signed note, as served."""
    extra: bytes = b""
    """Opaque to the proof and not authenticated by it."""

    def render(self) -> bytes:
        """The file's bytes."""
        lines = [HEADER]
        if self.extra:
            lines.append(f"extra {base64.b64encode(self.extra).decode()}")
        lines.append(f"index {self.index}")
        lines += [base64.b64encode(value).decode() for value in self.hashes]
        return "".join(f"{line}\n" for line in [*lines, ""]).encode() + self.checkpoint

    @classmethod
    def parse(cls, raw: bytes) -> "TlogProof":
        """The inverse of ``render``. Raises ``ProofError``."""
        head, separator, checkpoint = raw.partition(b"\n\n")
        try:
            lines = head.decode().split("\n")
        except UnicodeDecodeError as error:
            raise ProofError("a tlog-proof is text") from error
        if not separator or lines[0] != HEADER:
            raise ProofError(f"not a {HEADER}")
        extra = b""
        if len(lines) > 1 and lines[1].startswith("extra "):
            extra = _unb64(lines.pop(1).removeprefix("extra "))
        index = _INDEX.match(lines[1]) if len(lines) > 1 else None
        if index is None:
            raise ProofError("a tlog-proof without an index")
        return cls(int(index[1]), tuple(map(_unb64, lines[2:])), checkpoint, extra)

    def verify(self, leaf: bytes, verifiers: Iterable[Verifier], origin: str) -> Checkpoint:
        """Check that the exact bytes ``leaf`` stand in the log ``origin``; return the checkpoint.

        Raises ``ProofError`` for a proof that does not hold, ``NoteError`` for a signature.
        """
        checkpoint = open_checkpoint(self.checkpoint, verifiers, origin)
        merkle.verify_inclusion(
            self.index, checkpoint.size, merkle.leaf_hash(leaf), self.hashes, checkpoint.root
        )
        return checkpoint


def _unb64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofError("a tlog-proof line that is not base64") from error


__all__ = ["HEADER", "NoteError", "ProofError", "TlogProof"]
