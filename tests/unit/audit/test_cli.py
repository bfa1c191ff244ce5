"""``dixian verify``: says what holds, what does not and where, and exits accordingly."""

from pathlib import Path

from typer.testing import CliRunner

from dixian.cli import app
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
