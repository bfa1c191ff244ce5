"""``dixian verify``: says what holds, what does not and where, and exits accordingly."""

from pathlib import Path

from typer.testing import CliRunner

from dixian.cli import app
from services.audit.domain import merkle
from services.audit.domain.note import Checkpoint
from services.audit.domain.tlogproof import TlogProof
from tests.integration.audit.exported import ORIGIN, SIGNER, Exported, honest

WIDE = {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["verify", *map(str, arguments)], env=WIDE)
    return result.exit_code, result.output


def test_a_good_export_holds(tmp_path: Path) -> None:
    export = honest().at(tmp_path)
    status, said = run(export, "--key", SIGNER.vkey(), "--earlier", export / "checkpoint")
    assert (status, "every byte holds" in said, ORIGIN in said) == (0, True, True)
    assert "600 of 20 streams" in said
    status, said = run(export)
    assert (status, "proves nothing" in said) == (0, True)


def test_a_changed_one_does_not_and_says_where(tmp_path: Path) -> None:
    files = honest().files
    changed = files["tile/entries/001"].replace(b'"amount":775000', b'"amount":775001', 1)
    export = Exported({**files, "tile/entries/001": changed}).at(tmp_path)
    status, said = run(export, "--key", SIGNER.vkey())
    assert status == 1
    assert "tile/entries/001 entry 256: is not what tile/0/001 says was logged [leaf-hash]" in said


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    for arguments in ((tmp_path,), (tmp_path, "--key", "nonsense")):
        status, said = run(*arguments)
        assert (status, "Traceback" in said) == (78, False)


def test_a_missing_key_and_a_missing_file_are_said_in_words(tmp_path: Path) -> None:
    status, said = run(honest().at(tmp_path), "--key", "../exp/vkey")
    assert status == 78
    assert "--key ../exp/vkey: neither a key (NAME+ID+BASE64) nor a file that holds one" in said
    (tmp_path / "vkey").unlink()
    status, said = run(tmp_path)
    assert (status, "Errno" in said) == (78, False)
    assert "give a key you trust" in said
    status, said = run(tmp_path / "nothing.zip")
    assert (status, "there is no" in said) == (78, True)


def test_the_three_files_of_an_entrys_page_are_checked_together(tmp_path: Path) -> None:
    leaves = [b'{"n":0}', b'{"n":1}']
    first, second = map(merkle.leaf_hash, leaves)
    head = Checkpoint(ORIGIN, 2, merkle.node_hash(first, second)).signed([SIGNER])
    proof = TlogProof(1, (first,), head.render())
    (tmp_path / "entry.tlog-proof").write_bytes(proof.render())
    (tmp_path / "leaf.json").write_bytes(leaves[1])
    key = tmp_path / "log.vkey"
    key.write_text(SIGNER.vkey())
    status, said = run(tmp_path / "entry.tlog-proof", "--key", key)
    assert (status, "the text stands in the signed log" in said) == (0, True), said
    (tmp_path / "leaf.json").write_bytes(leaves[0])
    status, said = run(tmp_path / "entry.tlog-proof")
    assert (status, "wrong" in said) == (1, True)
