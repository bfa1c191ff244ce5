"""The administrative divisions by name: which codes exist, what they are called, what they hold.

``shared.kernel.division`` knows how codes nest; this module knows the places themselves.
"""

import csv
import hashlib
import io
import lzma
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.kernel.division import NATION, Level, level_of, within
from shared.kernel.refusal import Invalid

PACKAGED = Path(__file__).parent / "data" / "divisions-37.xz"
"""Shandong: 1 province, 16 cities, 151 counties and zones, 1,853 towns, 62,074 villages."""
_NATION_NAME = "全国"


class UnknownDivision(Invalid):
    """There is no such division, as far as the loaded file goes."""

    def __init__(self, code: str, *, field: str | None = None) -> None:
        super().__init__(
            "R1",
            code="unknown-division",
            zh=f"行政区划代码{code}不存在",
            en=f"no division has the code {code}",
            field=field,
        )


class WrongLevel(Invalid):
    """The division exists, but the act belongs to another level."""

    def __init__(self, code: str, wanted: Level, *, field: str | None = None) -> None:
        super().__init__(
            "R1",
            code="wrong-division-level",
            zh=f"此处应填{wanted.label}行政区划,{code}是{level_of(code).label}",
            en=f"expected a division of level {wanted.name.lower()}, and {code} is of level "
            f"{level_of(code).name.lower()}",
            field=field,
        )


class BadDivisionFile(ValueError):
    """A file of divisions that cannot be read; the message names the line."""


@dataclass(frozen=True)
class Division:
    """One place."""

    code: str
    name: str

    @property
    def level(self) -> Level:
        """Its level."""
        return level_of(self.code)

    @property
    def parent(self) -> str:
        """The code of the division directly above; ``CN`` above a province."""
        return parent_of(self.code)


def parent_of(code: str) -> str:
    """The code directly above ``code``; the nation is its own."""
    if code == NATION or len(code) == 2:
        return NATION
    return code[: {4: 2, 6: 4, 9: 6, 12: 9}[len(code)]]


class Divisions:
    """Every division of the loaded file, in memory: 64,000 places, read in under 0.15 s."""

    def __init__(self, places: Iterable[tuple[str, str]], digest: str) -> None:
        self._names = dict(places)
        self._children: dict[str, list[str]] = {}
        for code in self._names:
            self._children.setdefault(parent_of(code), []).append(code)
        self.digest = digest
        """SHA-256 of the file, in hex: which list this is."""

    @classmethod
    def load(cls, path: Path = PACKAGED) -> "Divisions":
        """Read a file in Dixian's own layout (``.xz``) or a CSV with the columns code and name.

        Raises ``BadDivisionFile`` naming the line that is at fault, ``FileNotFoundError``.
        """
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        read = _nested if content.startswith(b"\xfd7zXZ") else _csv
        return cls(read(content), digest)

    def exists(self, code: str) -> bool:
        """Whether there is such a division; the nation counts."""
        return code == NATION or code in self._names

    __contains__ = exists

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[Division]:
        """Every division, each after the one that contains it."""
        for code, name in self._names.items():
            yield Division(code, name)

    def require(self, code: str, *, level: Level | None = None, field: str | None = None) -> str:
        """``code``, if it exists (at ``level``). Raises ``UnknownDivision`` or ``WrongLevel``."""
        if not self.exists(code):
            raise UnknownDivision(code, field=field)
        if level is not None and level_of(code) is not level:
            raise WrongLevel(code, level, field=field)
        return code

    def name(self, code: str) -> str:
        """The place's own name: ``章丘区``. Raises ``UnknownDivision``."""
        if code == NATION:
            return _NATION_NAME
        try:
            return self._names[code]
        except KeyError:
            raise UnknownDivision(code) from None

    def path(self, code: str) -> str:
        """The name from the province down: ``山东省济南市章丘区``. Raises ``UnknownDivision``."""
        if code == NATION:
            return _NATION_NAME
        return "".join(self.name(above) for above in self.lineage(code))

    def lineage(self, code: str) -> list[str]:
        """The codes from the province down to ``code``; empty for the nation."""
        self.require(code)
        if code == NATION:
            return []
        return [code[:length] for length in (2, 4, 6, 9, 12) if length <= len(code)]

    def children(self, code: str) -> tuple[Division, ...]:
        """The divisions directly inside, in the order of codes. Raises ``UnknownDivision``."""
        self.require(code)
        return tuple(Division(child, self._names[child]) for child in self._children.get(code, ()))

    def search(
        self, text: str, *, inside: str = NATION, level: Level | None = None, limit: int = 20
    ) -> list[Division]:
        """Places whose name contains ``text``, the best match first, larger places before smaller.

        Several words narrow: ``章丘 普集`` finds the places called 普集… that lie in a place
        called 章丘…. A code, or its beginning, is found too.
        """
        *around, wanted = text.split() or [""]
        if not wanted:
            return []
        hits = sorted(
            (_rank(name, wanted), len(code), code)
            for code, name in self._names.items()
            if (wanted in name or code.startswith(wanted))
            and within(code, inside)
            and (level is None or level_of(code) is level)
            and all(word in self.path(code) for word in around)
        )
        return [Division(code, self._names[code]) for _, _, code in hits[:limit]]


def _rank(name: str, wanted: str) -> int:
    if name == wanted:
        return 0
    return 1 if name.startswith(wanted) else 2


def _nested(content: bytes) -> Iterator[tuple[str, str]]:
    """Dixian's layout: one place a line, tabs for depth, its own digits, a blank, its name."""
    above = ["", "", "", "", ""]
    try:
        with io.TextIOWrapper(lzma.open(io.BytesIO(content)), encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("#"):
                    continue
                place = line.lstrip("\t")
                depth = len(line) - len(place)
                digits, _, name = place.rstrip("\n").partition(" ")
                code = above[depth - 1] + digits if depth else digits
                above[depth] = code
                yield code, name
    except (lzma.LZMAError, EOFError, UnicodeDecodeError, IndexError) as error:
        raise BadDivisionFile(f"the file is damaged: {error}") from error


def _csv(content: bytes) -> Iterator[tuple[str, str]]:
    """A table with a header; parents may stand anywhere. Sorted so that parents come first."""
    try:
        rows = csv.DictReader(content.decode("utf-8-sig").splitlines())
    except UnicodeDecodeError as error:
        raise BadDivisionFile(f"the file is not UTF-8 at byte {error.start}") from error
    if not {"code", "name"} <= set(rows.fieldnames or ()):
        raise BadDivisionFile("line 1: the columns `code` and `name` are needed")
    found: dict[str, str] = {}
    for row in rows:
        code, name = (row["code"] or "").strip(), (row["name"] or "").strip()
        problem = _problem(code, name, found)
        if problem:
            raise BadDivisionFile(f"line {rows.line_num}: {problem}")
        found[code] = name
    yield from _complete(found)


def _problem(code: str, name: str, found: dict[str, str]) -> str:
    try:
        level = level_of(code)
    except ValueError:
        return f"{code!r} is no division code (2, 4, 6, 9 or 12 digits)"
    if level is Level.NATION:
        return "the nation is not listed"
    if not name or len(name) > 60:
        return f"{code} has no usable name"
    return f"{code} is there twice" if code in found else ""


def _complete(found: dict[str, str]) -> Iterator[tuple[str, str]]:
    for code in sorted(found):
        above = parent_of(code)
        if above != NATION and above not in found:
            raise BadDivisionFile(f"{code} lies in {above}, which is not in the file")
        yield code, found[code]
