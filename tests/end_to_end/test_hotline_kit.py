"""What ``docs/integration/12317.md`` says to type is typed, and prints what it says it prints."""

import os
import re
import subprocess
from pathlib import Path

from shared.testing.ports import free_base
from tests.end_to_end.installation import ROOT
from tests.end_to_end.system import System

DOCUMENT = Path("docs") / "integration" / "12317.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
_END = "---- the next block ----"


def test_the_kit_runs_from_top_to_bottom(system: System) -> None:
    blocks = _BLOCK.findall((ROOT / DOCUMENT).read_text(encoding="utf-8"))
    assert len(blocks) > 5
    script = "set -eu\n" + "".join(f"{typed}\necho '{_END}'\n" for typed, _ in blocks)
    environment = os.environ | {
        "ISSUER": system.addresses.issuer,
        "ALERTS": system.addresses.of("alerts"),
        "PORT": str(free_base((0,), spread=1)),
    }
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=system.PATIENCE, check=False,
    )  # fmt: skip
    printed = done.stdout.split(f"{_END}\n")
    assert (done.returncode, len(printed) - 1) == (0, len(blocks)), done.stdout + done.stderr
    for (typed, expected), said in zip(blocks, printed, strict=False):
        assert said == expected, typed
