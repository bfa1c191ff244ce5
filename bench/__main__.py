"""Every benchmark, one after the other: ``make bench``, or ``make bench ARGS="append relay"``.

``make bench ARGS="profile command"`` shows where the time of one goes (``bench/profile.py``).

Writes ``bench/results.json`` and the table in ``bench/README.md``. Rows of benchmarks that were not
run this time stay as they were, with the day and machine of their own run.
"""

import json
import os
import platform
import subprocess
import sys
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import psutil

from bench import profile
from bench.results import COLLECTED

HERE = Path(__file__).parent
RESULTS, README = HERE / "results.json", HERE / "README.md"
BENCHMARKS = (
    "append",
    "command",
    "feeds",
    "queue",
    "pages",
    "relay",
    "rebuild",
    "growth",
    "audit",
    "audit_large",
    "latency",
)
"""In the order of the table."""
BEGIN, END = "<!-- results -->\n", "<!-- /results -->\n"
_PACKAGES = ("asyncpg", "fastapi", "uvicorn", "aiokafka", "pydantic", "eventsourcing")


def main(asked: list[str]) -> int:
    """Run what was asked for, or all; how many failed to run. A row short of its target is told."""
    if asked[:1] == ["profile"] and asked[1:2] and asked[1] in BENCHMARKS:
        return profile.main(asked[1], asked[2:])
    unknown = set(asked) - set(BENCHMARKS)
    if unknown:
        print(f"There is no benchmark {', '.join(sorted(unknown))}; there are {BENCHMARKS}.")
        return 64
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    failed = 0
    for name in asked or BENCHMARKS:
        rows = _run(name)
        failed += rows is None
        if rows is not None:
            results[name] = {"on": _today(), "machine": _machine(), "rows": rows}
    ordered = {name: results[name] for name in BENCHMARKS if name in results}
    RESULTS.write_text(json.dumps(ordered, ensure_ascii=False, indent=1) + "\n")
    _write_table(ordered)
    return min(failed, 1)


def _run(name: str) -> list[Any] | None:
    print(f"\n== {name}", flush=True)
    with TemporaryDirectory() as directory:
        place = Path(directory) / "rows"
        place.touch()
        done = subprocess.run(
            [sys.executable, "-m", f"bench.{name}"],
            cwd=HERE.parent,
            env=os.environ | {COLLECTED: str(place)},
            check=False,
        )
        if done.returncode:
            print(f"{name} failed with {done.returncode}; its old rows stay.", file=sys.stderr)
            return None
        return [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]


def _today() -> str:
    return datetime.now(ZoneInfo("Asia/Shanghai")).date().isoformat()


def _machine() -> dict[str, str]:
    memory = psutil.virtual_memory().total / 2**30
    return {
        "cores": str(psutil.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    } | {name: version(name) for name in _PACKAGES}


def _write_table(results: dict[str, Any]) -> None:
    lines = [
        "| work | beside | measured | figure (spread) | reach | |",
        "|---|---|---|---|---|---|",
    ]
    for run in results.values():
        lines += [_line(row) for row in run["rows"]]
    lines += ["", *(f"- `{name}`: {_of(run)}" for name, run in results.items()), ""]
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(before + BEGIN + "\n".join(lines) + END + after, encoding="utf-8")


def _line(row: dict[str, Any]) -> str:
    low, high = row["spread"]
    return (
        f"| {row['work']} ({row['title']}) | {row['compared'] or '–'} | {row['measured']}"
        f" | {row['figure']:g} ({low:g}–{high:g}) | {row['reach']}"
        f" | {'met' if row['met'] else '**short**'} |"
    )


def _of(run: dict[str, Any]) -> str:
    machine = run["machine"]
    return f"{run['on']}, {', '.join(f'{name} {value}' for name, value in machine.items())}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
