"""Checks an export of the trail offline: its rows are what is proven, the proofs hold.

Nothing here trusts the export or needs a database; keys are the verifier's own.
"""

import base64
import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from xml.sax.saxutils import unescape

from services.audit.domain import canonical, merkle
from services.audit.domain.merkle import ProofError
from services.audit.domain.note import Checkpoint, NoteError, open_checkpoint
from services.audit.exports.sheet import PROVEN, columns, shown
from services.audit.log.keys import KeyVerifier
from shared.tabular import writing
from shared.tabular.writing import Format

MANIFEST, PROOFS = "manifest.json", "proofs.jsonl"
_MOST = 100
"""Rows that are wrong and are named; of more only the number matters."""
_ROW = re.compile(r"<row>(.*?)</row>", re.S)
_CELL = re.compile(r"<c[ >].*?</c>", re.S)
_TAG = re.compile(r"<[^>]*>")
"""Of a sheet as it is written here: anything else in it is no row that was exported."""
Json = Mapping[str, Any]
_HOLDS: Mapping[Format, Callable[[str], str]] = {
    Format.CSV: writing.safe,
    Format.JSONL: str,
    Format.XLSX: writing.in_sheet,
}
"""What a cell of each format holds of a text."""


@dataclass
class Checked:
    """What a check found."""

    rows: int = 0
    logs: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """File, row, and what is wrong there."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def wrong(self, where: str, what: str) -> None:
        """Note something."""
        if len(self.problems) < _MOST:
            self.problems.append(f"{where}: {what}")


def is_trail_export(path: Path) -> bool:
    """Whether the file is an export of the trail, by what is in it."""
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as book:
        return {MANIFEST, PROOFS} <= set(book.namelist())


def own_keys(path: Path) -> list[KeyVerifier]:
    """The keys that an export names for itself: good for a first look, not for proof."""
    with zipfile.ZipFile(path) as book:
        manifest = json.loads(book.read(MANIFEST))
    return [KeyVerifier.parse(log["vkey"]) for log in manifest["logs"].values()]


def check(path: Path, keys: Sequence[KeyVerifier]) -> Checked:
    """Check the ZIP at ``path`` with trusted ``keys``."""
    found = Checked()
    try:
        with zipfile.ZipFile(path) as book:
            manifest = json.loads(book.read(MANIFEST))
            for name, digest in manifest["sha256"].items():
                if sha256(book.read(name)).hexdigest() != digest:
                    found.wrong(name, "is not the file that the manifest lists")
            _rows(book, manifest, _checkpoints(book, manifest, keys, found), found)
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        found.wrong(path.name, f"cannot be read: {error}")
    return found


def _checkpoints(
    book: zipfile.ZipFile, manifest: Json, keys: Sequence[KeyVerifier], found: Checked
) -> Mapping[str, Checkpoint]:
    """Each log's signed head, where its signature holds."""
    made = {}
    for origin in manifest["logs"]:
        name = f"checkpoints/{origin.replace('/', '_')}"
        try:
            made[origin] = open_checkpoint(book.read(name), keys, origin)
            found.logs.append(origin)
        except NoteError as error:
            found.wrong(name, str(error))
    return made


def _rows(
    book: zipfile.ZipFile, manifest: Json, heads: Mapping[str, Checkpoint], found: Checked
) -> None:
    kind = _format(book)
    name = f"entries.{kind}"
    with book.open(name) as table, book.open(PROOFS) as proofs:
        rows, lines = _table(kind, table), (json.loads(line) for line in proofs)
        for proof in lines:
            found.rows += 1
            row = next(rows, None)
            if row is None:
                found.wrong(name, f"row {found.rows} is missing")
                continue
            leaf = canonical.decode(proof["leaf"].encode())
            _compare(kind, row, {"log": proof["log"], "index": proof["index"], **leaf}, found)
            _proven(proof, heads, found)
        if next(rows, None) is not None:
            found.wrong(name, "has rows that are not proven")
    if found.rows != manifest["rows"]:
        found.wrong(MANIFEST, f"says {manifest['rows']} rows, there are {found.rows}")


def _proven(proof: Json, heads: Mapping[str, Checkpoint], found: Checked) -> None:
    head = heads.get(proof["log"])
    if head is None:
        found.wrong(PROOFS, f"row {found.rows}: no signed head of {proof['log']}")
        return
    hashes = [base64.b64decode(value) for value in proof["hashes"]]
    try:
        leaf = merkle.leaf_hash(proof["leaf"].encode())
        merkle.verify_inclusion(proof["index"], head.size, leaf, hashes, head.root)
    except ProofError as error:
        found.wrong(PROOFS, f"row {found.rows}: {error}")


def _compare(kind: Format, row: Sequence[str], entry: Json, found: Checked) -> None:
    names = list(columns(kind))
    proven = dict(zip(names, writing.cells(names, shown(kind, entry)), strict=True))
    told = dict(zip(names, row, strict=False))
    for name in PROVEN:
        if name == "data" and "data" not in entry:
            continue  # the log holds but a commitment to it
        if told.get(name) != _HOLDS[kind](proven[name]):
            found.wrong(f"entries.{kind}", f"row {found.rows}: {name} is not what was logged")


def _format(book: zipfile.ZipFile) -> Format:
    names = set(book.namelist())
    return next(kind for kind in Format if f"entries.{kind}" in names)


def _table(kind: Format, file: Any) -> Iterator[list[str]]:
    """The rows' cells as text, without the titles."""
    if kind is Format.JSONL:
        for line in file:
            yield writing.cells(columns(kind), json.loads(line))
    elif kind is Format.CSV:
        lines = csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""))
        next(lines, None)
        yield from lines
    else:
        with zipfile.ZipFile(io.BytesIO(file.read())) as inner:
            sheet = inner.read("xl/worksheets/sheet1.xml").decode()
        rows = _ROW.finditer(sheet)
        next(rows, None)
        for row in rows:
            yield [unescape(_TAG.sub("", cell[0])) for cell in _CELL.finditer(row[1])]


__all__ = ["Checked", "check", "is_trail_export", "own_keys"]
