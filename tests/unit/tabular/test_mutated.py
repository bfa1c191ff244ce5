"""Files damaged on the way: each is read, or refused with a reason; a good row is never lost.

A few examples in the suite, always the same ones; ``make fuzz`` tries many, new ones each time.
"""

import gzip
import io
import os
import zipfile
from collections.abc import Sequence
from datetime import timedelta

import orjson
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.tabular.faults import Unreadable
from shared.tabular.reading import open_table
from shared.tabular.table import ROW_FLAWS, Kind, Limits, Row

HEADER = ("编号", "姓名", "金额", "日期")
LINES = [(f"YB-{n:03d}", f"王秀{n}", f"{n}.50", "2023-08-01") for n in range(40)]
SMALL = Limits(packed=1 << 20, unpacked=1 << 22, rows=1000)
LONG = "DIXIAN_FUZZ_CASES" in os.environ
SOME = settings(
    max_examples=50 * int(os.environ.get("DIXIAN_FUZZ_CASES", "1")),
    derandomize=not LONG,
    deadline=timedelta(minutes=1),  # nothing hangs
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    database=None,
)


def csv_file(encoding: str = "utf-8") -> bytes:
    return "".join(",".join(line) + "\n" for line in (HEADER, *LINES)).encode(encoding)


def ndjson_file() -> bytes:
    return b"".join(orjson.dumps(dict(zip(HEADER, line, strict=True))) + b"\n" for line in LINES)


def xlsx_file() -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        sheet = book.add_worksheet()
        for at, line in enumerate((HEADER, *LINES)):
            sheet.write_row(at, 0, line)
    return target.getvalue()


FILES: dict[str, bytes] = {
    "csv": csv_file(),
    "csv-gb18030": csv_file("gb18030"),
    "ndjson": ndjson_file(),
    "xlsx": xlsx_file(),
    "csv.gz": gzip.compress(csv_file(), mtime=0),
    "ndjson.gz": gzip.compress(ndjson_file(), mtime=0),
}


def read(content: bytes) -> list[Row] | None:
    """The rows, or none where the file is refused: whole, at its opening or on the way."""
    try:
        with open_table(io.BytesIO(content), SMALL) as table:
            found = list(table.rows())
    except Unreadable as refusal:
        must_be_clear(refusal)
        return None
    assert all(row.cells or row.flaw in ROW_FLAWS for row in found)
    return found


def must_be_clear(refusal: Unreadable) -> None:
    assert (refusal.field, bool(refusal.code), bool(refusal.zh)) == ("file", True, True)


damages = st.lists(
    st.tuples(
        st.sampled_from(("flip", "drop", "insert", "repeat", "cut")),
        st.floats(0, 1, exclude_max=True),
        st.binary(min_size=1, max_size=12),
    ),
    min_size=1,
    max_size=4,
)


def damaged(content: bytes, damage: Sequence[tuple[str, float, bytes]]) -> bytes:
    """The file with its bytes changed, lost, doubled or cut off, at places between 0 and 1."""
    for kind, where, given_bytes in damage:
        at = int(where * len(content))
        before, after = content[:at], content[at:]
        match kind:
            case "flip":
                content = before + given_bytes + after[len(given_bytes) :]
            case "drop":
                content = before + after[len(given_bytes) * 8 :]
            case "insert":
                content = before + given_bytes + after
            case "repeat":
                content = before + after[: len(given_bytes) * 8] + after
            case _:
                content = before
    return content


@pytest.mark.parametrize("name", FILES)
@SOME
@given(damage=damages)
def test_a_damaged_file_is_read_or_refused(
    name: str, damage: Sequence[tuple[str, float, bytes]]
) -> None:
    read(damaged(FILES[name], damage))


@SOME
@given(
    part=st.sampled_from(
        ("xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml")
    ),
    damage=damages,
)
def test_a_workbook_with_a_damaged_part_is_read_or_refused(
    part: str, damage: Sequence[tuple[str, float, bytes]]
) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(FILES["xlsx"])) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, damaged(content, damage) if name == part else content)
    read(target.getvalue())


@pytest.mark.parametrize("kind", [Kind.CSV, Kind.NDJSON])
@SOME
@given(
    at=st.integers(1, len(LINES) - 1),  # by its first line it is seen what a file is
    text=st.text(
        st.characters(codec="utf-8", exclude_characters="\n\r\0", exclude_categories=("Cs",)),
        max_size=60,
    ),
)
def test_one_bad_line_takes_no_good_row_with_it(kind: Kind, at: int, text: str) -> None:
    lines = (csv_file() if kind is Kind.CSV else ndjson_file()).splitlines(keepends=True)
    header = kind is Kind.CSV
    lines[at + header] = text.encode() + b"\n"
    found = read(b"".join(lines))
    assert found is not None
    good = {row.number: list(row.cells) for row in found if row.number != at + header + 1}
    expected = {
        number + header + 1: list(line) for number, line in enumerate(LINES) if number != at
    }
    if kind is Kind.CSV:
        assert good == expected
    else:  # an object's own names may stand beside the header's
        names = len(HEADER)
        assert {number: cells[-names:] for number, cells in good.items()}.keys() == expected.keys()
        assert all(set(expected[number]) <= set(good[number]) for number in expected)
