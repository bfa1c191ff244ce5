"""Asks the advisory services about every locked package: `make advisories`.

A package with a known vulnerability fails. A package that no service could be asked about is not
taken for a sound one: where none could be reached that is said loudly, and with
REQUIRE_ADVISORIES=1 it fails as well.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "requirements.lock"
SERVICES = ("pypi", "osv")
"""As pip-audit names them; the second is asked about what the first does not know."""


def ask(service: str) -> list[dict[str, Any]]:
    """What the service says of each package; nothing when it cannot be reached."""
    command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", service]
    options = ["--requirement", str(LOCK), "--require-hashes", "--disable-pip", "--format", "json"]
    done = subprocess.run(
        [*command, *options, "--progress-spinner", "off", "--timeout", "10"],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        print(f"{service}: cannot be asked ({done.stderr.strip().splitlines()[-1:]})")
        return []
    return found


def main() -> int:
    """Ask, say, and answer for CI."""
    unknown: set[str] = set()
    asked: set[str] = set()
    vulnerable: list[str] = []
    for service in SERVICES:
        for item in ask(service):
            (unknown if "skip_reason" in item else asked).add(item["name"])
            flaws = item.get("vulns", ())
            vulnerable += [f"{item['name']} {item['version']}: {flaw['id']}" for flaw in flaws]
    for line in sorted(set(vulnerable)):
        print(f"VULNERABLE  {line}")
    unasked = unknown - asked
    if not asked or unasked:
        print("*" * 80)
        print(f"NOT AUDITED: {len(unasked) or 'all'} packages; no advisory service knows them,")
        print("or none can be reached from here. Run `make advisories` where one can.")
        print("*" * 80)
    required = bool(os.environ.get("REQUIRE_ADVISORIES"))
    return int(bool(vulnerable) or (required and bool(unasked or not asked)))


if __name__ == "__main__":
    sys.exit(main())
