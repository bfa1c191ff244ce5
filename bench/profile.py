"""Where a benchmark's time goes: ``python -m bench.profile command --count 500``.

py-spy looks 200 times a second at every process of the benchmark; what follows the name is the
benchmark's own. The tables stand in ``bench/profiles/NAME.md`` between their marks, and what was
learned from them, which people write above the marks, stays.
"""

import os
import platform
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

HERE = Path(__file__).parent
PROFILES = HERE / "profiles"
BEGIN, END = "<!-- profile -->\n", "<!-- /profile -->\n"
RATE = 200
"""Looks a second."""
TOP, PACKAGES = 25, 12
"""Functions in a table, and packages."""
_LEAST = 0.05
"""Share of all looks under which a process is left out."""
_PROCESS = re.compile(r'process \d+:"[^"]*"(?:;|$)')
_FRAME = re.compile(r"^(.*) \((.*?)(?::\d+)?\)$")
_IMPORT = re.compile(r"^_find_and_load \(")
"""Loading modules is what every process begins with, and no benchmark's matter."""
_OURS = re.compile(r"\((?:shared|services|dixian|bench)/")
_PLACES = re.compile(r"^.*/(?:site-packages|lib/python3\.\d+)/")


@dataclass
class Process:
    """What one process was seen doing."""

    looks: int = 0
    own: Counter[str] = field(default_factory=Counter)
    """Looks that found the function itself at work."""
    whole: Counter[str] = field(default_factory=Counter)
    """Looks that found the function, or something it had called, at work."""

    def add(self, frames: Sequence[str], looks: int) -> None:
        """One stack, outermost first, and how often it was seen."""
        self.looks += looks
        self.own[frames[-1]] += looks
        for frame in set(frames):
            self.whole[frame] += looks


def main(name: str, options: Sequence[str]) -> int:
    """Profile a benchmark and write its page; the benchmark's exit code."""
    with TemporaryDirectory() as directory:
        place = Path(directory) / "stacks"
        record = ["py-spy", "record", "--subprocesses", "--function", "--rate", str(RATE)]
        record += ["--format", "raw", "--output", str(place), "--"]
        beside = str(Path(sys.executable).parent)
        done = subprocess.run(
            [*record, sys.executable, "-m", f"bench.{name}", *options],
            cwd=HERE.parent,
            env=os.environ | {"PATH": f"{beside}{os.pathsep}{os.environ.get('PATH', '')}"},
            check=False,
        )
        if done.returncode or not place.exists():
            return done.returncode or 1
        seen = processes(place.read_text(encoding="utf-8").splitlines())
    write(PROFILES / f"{name}.md", name, " ".join([name, *options]), page(seen))
    return 0


def processes(lines: Iterable[str]) -> list[Process]:
    """The processes in py-spy's collapsed stacks, the busiest first."""
    found: defaultdict[str, Process] = defaultdict(Process)
    for line in lines:
        stack, _, looks = line.rpartition(" ")
        # A child's stack is preceded by the names of who started it, the nearest last.
        names = _PROCESS.findall(stack)
        who = names[-1] if names else ""
        work = [shortened(frame) for frame in _PROCESS.sub("", stack).split(";") if frame]
        if work and not any(map(_IMPORT.match, work)):
            found[who].add(work, int(looks))
    return sorted(found.values(), key=lambda process: -process.looks)


def shortened(frame: str) -> str:
    """``function (where)``, where being a path within the repository or of a package."""
    match = _FRAME.match(frame)
    if match is None:
        return frame
    function, path = match.groups()
    path = _PLACES.sub("", path).removeprefix(f"{HERE.parent}/")
    return f"{function} ({path})"


def page(seen: Sequence[Process]) -> str:
    """The tables of the processes that did something."""
    all_looks = sum(process.looks for process in seen)
    lines: list[str] = []
    for process in seen:
        if process.looks < _LEAST * all_looks:
            continue
        lines += ["", f"### A process with {process.looks / all_looks:.0%} of the looks", ""]
        lines += _table("where", _by_package(process.own), process.looks, PACKAGES)
        lines += ["", *_table("itself", process.own, process.looks)]
        lines += ["", *_table("ours, with what it calls", _ours(process.whole), process.looks)]
    return "\n".join(lines) + "\n"


def _by_package(own: Counter[str]) -> Counter[str]:
    """Looks by the first part of the path: a package, or ``shared``, ``services``."""
    found: Counter[str] = Counter()
    for frame, looks in own.items():
        found[frame.rpartition("(")[2].rstrip(")").partition("/")[0]] += looks
    return found


def _ours(whole: Counter[str]) -> Counter[str]:
    return Counter({frame: looks for frame, looks in whole.items() if _OURS.search(frame)})


def _table(title: str, found: Counter[str], looks: int, top: int = TOP) -> Iterator[str]:
    yield f"| {title} | share |"
    yield "|---|---:|"
    for frame, count in found.most_common(top):
        yield f"| `{frame}` | {count / looks:.1%} |"


def write(place: Path, name: str, command: str, tables: str) -> None:
    """Put the tables between the marks, and leave what people wrote around them."""
    text = place.read_text(encoding="utf-8") if place.exists() else f"# {name}\n\n{BEGIN}{END}"
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date().isoformat()
    made = f"`python -m bench.profile {command}`, {today}, Python {platform.python_version()},"
    made += f" {os.cpu_count()} cores, {RATE} looks a second; idle ones and imports left out.\n"
    place.parent.mkdir(exist_ok=True)
    place.write_text(before + BEGIN + made + tables + END + after, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        print(__doc__)
        sys.exit(64)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
