"""Signed notes, checkpoints, cosignatures, key files and tlog-proofs."""

import base64
from pathlib import Path

import pytest

from services.audit.domain import merkle, note
from services.audit.domain.merkle import Head, ProofError
from services.audit.domain.note import Checkpoint, Note, NoteError, Signature, open_checkpoint
from services.audit.domain.tlogproof import TlogProof
from services.audit.log.keys import FileKey, KeyVerifier, LogSigner, WitnessSigner

ORIGIN = "dixian.example/37/2026"
KEY = FileKey(bytes(range(32)))
SIGNER = LogSigner(ORIGIN, KEY)
VERIFIER = KeyVerifier.parse(SIGNER.vkey())
WITNESS = WitnessSigner("witness.example/w1", FileKey(b"w" * 32), 1_700_000_000)
WITNESS_KEY = KeyVerifier.parse(WITNESS.vkey())
CHECKPOINT = Checkpoint(ORIGIN, 3, bytes(range(32)))
SIGNED = CHECKPOINT.signed([SIGNER])


def test_the_specifications_own_example_parses() -> None:
    # C2SP tlog-checkpoint, "behind-the-sofa".
    raw = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
        "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    ).encode()
    parsed = Note.parse(raw)
    assert parsed.render() == raw
    assert Checkpoint.parse(parsed.text).size == 20_852_163


def test_go_sumdb_key_verifies_its_tree() -> None:
    # The public key and a tree head of Go's checksum database, as its documentation prints them.
    verifier = KeyVerifier.parse(
        "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    )
    assert (verifier.name, verifier.key_id.hex()) == ("sum.golang.org", "033de0ae")


def test_a_checkpoint_is_signed_and_opened() -> None:
    raw = SIGNED.render()
    assert raw.decode().startswith(
        f"{ORIGIN}\n3\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n— "
    )
    assert open_checkpoint(raw, [VERIFIER], ORIGIN) == CHECKPOINT


def test_unknown_lines_are_ignored_and_witness_lines_counted() -> None:
    stranger = Signature(ORIGIN, b"none", b"\xff" * 70)
    cosigned = note.sign(CHECKPOINT.text(), [WITNESS]).signatures
    raw = SIGNED.with_lines([stranger, *cosigned]).render()
    assert open_checkpoint(raw, [VERIFIER], ORIGIN) == CHECKPOINT
    assert Note.parse(raw).signed_by([VERIFIER, WITNESS_KEY]) == [VERIFIER, WITNESS_KEY]


def test_a_witness_alone_does_not_make_a_checkpoint() -> None:
    raw = note.sign(CHECKPOINT.text(), [WITNESS]).render()
    with pytest.raises(NoteError, match="not signed by"):
        open_checkpoint(raw, [VERIFIER, WITNESS_KEY], ORIGIN)


def flipped(signature: Signature) -> Signature:
    blob = bytes([signature.signature[0] ^ 1]) + signature.signature[1:]
    return Signature(signature.name, signature.key_id, blob)


def test_a_known_key_that_does_not_verify_spoils_the_note() -> None:
    cosigned = note.sign(CHECKPOINT.text(), [WITNESS]).signatures[0]
    for lines in (
        (flipped(SIGNED.signatures[0]),),
        (SIGNED.signatures[0], flipped(cosigned)),
    ):
        with pytest.raises(NoteError, match="does not verify"):
            Note(CHECKPOINT.text(), lines).signed_by([VERIFIER, WITNESS_KEY])
    with pytest.raises(NoteError, match="does not verify"):
        Note(Checkpoint(ORIGIN, 4, bytes(32)).text(), SIGNED.signatures).signed_by([VERIFIER])
    with pytest.raises(NoteError, match="not signed by a known key"):
        SIGNED.signed_by([WITNESS_KEY])
    with pytest.raises(NoteError, match="not of other"):
        open_checkpoint(SIGNED.render(), [VERIFIER], "other")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"text\n",
        b"text\n\n",
        "text\n\n— a AAAAAAA=\n".encode()[:-1],
        "text\n\n— a b c\n".encode(),
        "text\n\n— a+b AAAAAAA=\n".encode(),
        "text\n\n— a ????\n".encode(),
        "text\n\n— a AAAAAA==\n".encode(),
        "te\txt\n\n— a AAAAAAA=\n".encode(),
        b"\xff\n\n- a AAAAAAA=\n",
        ("text\n\n" + "— a AAAAAAA=\n" * 101).encode(),
    ],
)
def test_malformed_notes_are_refused(raw: bytes) -> None:
    with pytest.raises(NoteError):
        Note.parse(raw)


ROOT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"o\n1\n{ROOT}",
        f"o\n01\n{ROOT}\n",
        f"o\n-1\n{ROOT}\n",
        f"\n1\n{ROOT}\n",
        f"o\n1\n{ROOT}\n\n",
        "o\n1\n",
        f"o\n1\n{base64.b64encode(bytes(31)).decode()}\n",
    ],
)
def test_malformed_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "a",
        SIGNER.vkey().replace("+", "-"),
        SIGNER.vkey().replace("dixian", "dixiaN"),
        note.vkey("a", 2, bytes(32)),
        note.vkey("a", 1, bytes(31)),
        note.vkey("a", 1, b"")[:12],
    ],
)
def test_malformed_keys_are_refused(text: str) -> None:
    with pytest.raises(NoteError):
        KeyVerifier.parse(text)


def test_a_text_that_would_break_the_note_is_not_signed() -> None:
    for text in ("no newline", "tab\t\n"):
        with pytest.raises(NoteError):
            note.sign(text, [SIGNER])
    with pytest.raises(NoteError, match="key name"):
        note.vkey("a b", 1, bytes(32))


def test_a_key_file_is_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "log.key"
    with pytest.raises(FileNotFoundError):
        FileKey.at(path)
    first = FileKey.at(path, create=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert FileKey.at(path, create=True).public() == first.public()
    assert list(path.parent.iterdir()) == [path]
    path.chmod(0o644)
    with pytest.raises(NoteError, match="0600"):
        FileKey.at(path)
    path.chmod(0o600)
    path.write_text("c2hvcnQ=")
    with pytest.raises(NoteError, match="no Ed25519 key"):
        FileKey.at(path)


def proof_of(count: int, index: int) -> tuple[TlogProof, bytes]:
    leaves = [b"leaf %d" % number for number in range(count)]
    head, _ = merkle.extend(Head(), b"".join(map(merkle.leaf_hash, leaves)))
    tiles = {merkle.TileId(0, 0): head.edge[0]}
    hashes = merkle.proof_hashes(merkle.inclusion_ranges(index, count), tiles)
    signed = Checkpoint(ORIGIN, count, head.root()).signed([SIGNER])
    return TlogProof(index, tuple(hashes), signed.render()), leaves[index]


@pytest.mark.parametrize("extra", [b"", b"for whom"])
def test_a_tlog_proof_goes_through_its_file(extra: bytes) -> None:
    proof, leaf = proof_of(7, 4)
    proof = TlogProof(proof.index, proof.hashes, proof.checkpoint, extra)
    parsed = TlogProof.parse(proof.render())
    assert parsed == proof
    assert parsed.verify(leaf, [VERIFIER], ORIGIN).size == 7
    with pytest.raises(ProofError):
        parsed.verify(leaf + b".", [VERIFIER], ORIGIN)
    with pytest.raises(NoteError):
        parsed.verify(leaf, [WITNESS_KEY], ORIGIN)


def test_a_single_leaf_needs_no_hashes() -> None:
    proof, leaf = proof_of(1, 0)
    assert TlogProof.parse(proof.render()).verify(leaf, [VERIFIER], ORIGIN).size == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"c2sp.org/tlog-proof@v2\nindex 0\n\n",
        b"c2sp.org/tlog-proof@v1\n\n",
        b"c2sp.org/tlog-proof@v1\nindex 00\n\n",
        b"c2sp.org/tlog-proof@v1\nindex 1\n?\n\n",
        b"c2sp.org/tlog-proof@v1\nextra ?\nindex 1\n\n",
        b"c2sp.org/tlog-proof@v1\nindex 1\n",
        b"\xff\n\n",
    ],
)
def test_malformed_proofs_are_refused(raw: bytes) -> None:
    with pytest.raises(ProofError):
        TlogProof.parse(raw)
