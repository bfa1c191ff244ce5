"""An export changed in any byte of any file is called wrong, and never breaks the verifier.

A few examples in the suite, always the same ones; ``make fuzz`` tries many, new ones each time.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.audit.log.export import OPENINGS
from services.audit.log.verify import Report, verify
from tests.integration.audit.exported import KEY, honest

SOME = settings(
    max_examples=30 * int(os.environ.get("DIXIAN_FUZZ_CASES", "1")),
    derandomize="DIXIAN_FUZZ_CASES" not in os.environ,
    deadline=timedelta(minutes=1),  # nothing hangs
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
FILES = honest().files
PROVING = sorted(FILES.keys() - {"vkey"})
"""The key it names for itself proves nothing: the verifier brings its own."""


@pytest.fixture(scope="module")
def export() -> Iterator[Path]:
    with TemporaryDirectory() as directory:
        yield honest().at(Path(directory))


def says_the_same(name: str, content: bytes) -> bool:
    """Openings are JSON: a lost line end, or a salt in capitals, changes nothing that they say."""
    if name != OPENINGS:
        return False
    try:
        return _openings(content) == _openings(FILES[name])
    except (ValueError, AttributeError):
        return False


def _openings(content: bytes) -> list[dict[str, object]]:
    found = [json.loads(line) for line in content.split(b"\n") if line]
    return [{**item, "salt": item.get("salt", "").lower()} for item in found]


@contextmanager
def changed(export: Path, name: str, content: bytes | None) -> Iterator[Report]:
    """The verifier's report on the export with this one file changed, or gone."""
    path = export / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    try:
        yield verify(export, [KEY])
    finally:
        path.write_bytes(FILES[name])


def test_the_export_itself_holds(export: Path) -> None:
    assert verify(export, [KEY]).ok


@SOME
@given(
    name=st.sampled_from(PROVING), where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7)
)
def test_a_flipped_bit_is_found(export: Path, name: str, where: float, bit: int) -> None:
    content = bytearray(FILES[name])
    content[int(where * len(content))] ^= 1 << bit
    with changed(export, name, bytes(content)) as report:
        assert report.problems or says_the_same(name, bytes(content))


@SOME
@given(name=st.sampled_from(PROVING), where=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_short_is_found(export: Path, name: str, where: float) -> None:
    content = FILES[name][: int(where * len(FILES[name]))]
    with changed(export, name, content) as report:
        assert report.problems or says_the_same(name, content)


@SOME
@given(name=st.sampled_from(PROVING), content=st.binary(max_size=400))
def test_a_file_of_anything_is_found(export: Path, name: str, content: bytes) -> None:
    with changed(export, name, content) as report:
        assert report.problems


@pytest.mark.parametrize("name", PROVING)
def test_a_missing_file_is_found(export: Path, name: str) -> None:
    with changed(export, name, None) as report:
        assert report.problems


@SOME
@given(one=st.sampled_from(PROVING), other=st.sampled_from(PROVING))
def test_two_files_exchanged_are_found(export: Path, one: str, other: str) -> None:
    with changed(export, one, FILES[other]) as report:
        assert bool(report.problems) is (FILES[one] != FILES[other])
