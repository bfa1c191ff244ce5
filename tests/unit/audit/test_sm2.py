"""The second line: SM2-with-SM3, beside the first and never instead of another statement."""

from pathlib import Path

import gmalg
import pytest

from services.audit.domain.note import Checkpoint, Note, NoteError, Signature, open_checkpoint
from services.audit.log import sm2
from services.audit.log.keys import FileKey, KeyVerifier, LogSigner, sm2_key

ORIGIN = "dixian.example/37/2026"
FIRST = LogSigner(ORIGIN, FileKey(b"k" * 32))
SECOND = sm2.Sm2Key.new().signer(ORIGIN)
CHECKPOINT = Checkpoint(ORIGIN, 7, b"r" * 32)
NOTE = CHECKPOINT.signed([FIRST, SECOND])
KEYS = [KeyVerifier.parse(FIRST.vkey()), KeyVerifier.parse(SECOND.vkey())]


def test_both_lines_verify_each_for_itself() -> None:
    for keys in (KEYS, KEYS[:1], KEYS[1:]):
        assert open_checkpoint(NOTE.render(), keys, ORIGIN) == CHECKPOINT
        assert NOTE.signed_by(keys) == keys
    assert [key.label for key in KEYS] == [ORIGIN, f"{ORIGIN} (SM2-with-SM3)"]


def test_it_is_the_standards_algorithm() -> None:
    """GB/T 32918.2 with the identity of GM/T 0009, as anybody's SM2 makes and verifies it."""
    [_, line] = NOTE.signatures
    said = b"SM2-with-SM3/v1\n" + NOTE.text.encode()
    verifier = gmalg.SM2(uid=b"1234567812345678", pk=SECOND.public)
    assert verifier.verify(said, line.signature[:32], line.signature[32:])


@pytest.mark.parametrize("at", [0, 31, 32, 63])
def test_a_changed_bit_is_found(at: int) -> None:
    first, line = NOTE.signatures
    raw = bytearray(line.signature)
    raw[at] ^= 1
    forged = Note(NOTE.text, (first, Signature(line.name, line.key_id, bytes(raw))))
    with pytest.raises(NoteError, match="does not verify"):
        forged.signed_by(KEYS)
    assert forged.signed_by(KEYS[:1]) == KEYS[:1]


def test_a_signature_for_another_purpose_does_not_count() -> None:
    r, s = gmalg.SM2(SECOND.secret, b"1234567812345678", SECOND.public).sign(NOTE.text.encode())
    assert not sm2.verifies(SECOND.public, NOTE.text.encode(), r.rjust(32, b"\0") + s)
    for public in (b"", b"\x05" + b"1" * 64, b"\x04" + bytes(64)):
        assert not sm2.verifies(public, b"x", bytes(64))


def test_the_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "sm2.key"
    made = sm2_key(path, create=True)
    assert sm2_key(path, create=True) == made
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(NoteError, match="can be read by others"):
        sm2_key(path)
    path.chmod(0o600)
    path.write_text("AAAA")
    with pytest.raises(NoteError, match="no SM2 key"):
        sm2_key(path)
