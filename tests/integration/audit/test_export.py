"""An export verifies; every one of a hundred tamperings is found, and named where it is."""

import random
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from services.audit.domain import leaf
from services.audit.domain.note import Checkpoint, Note, Signature
from services.audit.log import layout, verify
from services.audit.log.append import LogWriter
from services.audit.log.checkpoints import NoCheckpoint, Publisher
from services.audit.log.export import export
from services.audit.log.keys import FileKey, KeyVerifier, LogSigner
from services.audit.log.layout import Part
from services.audit.log.reader import NotInLog
from shared.store.database import Database
from shared.testing.databases import Urls
from tests.integration.audit.exported import (
    KEY,
    ORIGIN,
    SIGNER,
    SIZE,
    Exported,
    built,
    events,
    honest,
)
from tests.integration.audit.support import KEY_SEED, append, entry, history


@pytest.fixture(scope="session")
def exported() -> Exported:
    """The same export as the database gives, built from the same leaves (see the next test)."""
    return honest()


async def test_an_export_of_the_database_verifies(
    database: Database, writer: LogWriter, publisher: Publisher, tmp_path: Path, exported: Exported
) -> None:
    made = events()
    await append(database, writer, made[:1])
    with pytest.raises(NoCheckpoint):
        await export(database, None, tmp_path)
    await append(database, writer, made[:500])
    await publisher.publish()
    await export(database, None, tmp_path)
    old = (tmp_path / "checkpoint").read_bytes()
    assert verify.verify(tmp_path, [KEY]).ok
    await append(database, writer, made)
    await publisher.publish()
    steps: list[tuple[int, int]] = []
    await export(database, ORIGIN, tmp_path, lambda *step: steps.append(step))
    assert steps == [(256, 600), (512, 600), (600, 600)]
    report = verify.verify(tmp_path, [verify.trusted_key(tmp_path)], earlier=[old])
    assert report.problems == []
    assert (report.origin, report.size, report.streams) == (ORIGIN, SIZE, 20)
    assert report.signed_by == [ORIGIN]
    exempt = {"openings.jsonl", "checkpoint", "tile/entries/001", "tile/0/001", "tile/1/000.p/2"}
    for name in exported.files.keys() - exempt:  # the salt of entry 300 is random
        assert (tmp_path / name).read_bytes() == exported.files[name], name


SILENT = "set session_replication_role = replica"
"""What only a superuser can say: no trigger fires any more."""


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            "update audit.entry set leaf = convert_to(replace(convert_from(leaf, 'UTF8'),"
            ' \'"actor":"p-1"\', \'"actor":"p-2"\'), \'UTF8\') where idx = 21',
            "tile/entries/000 entry 21: is not what tile/0/000 says was logged [leaf-hash]",
        ),
        (
            "update audit.tile set hashes = overlay(hashes placing '\\x00'::bytea from 33)"
            " where level = 0 and n = 1",
            "tile/entries/001 entry 257: is not what tile/0/001 says was logged [leaf-hash]",
        ),
        (
            "update audit.entry a set leaf = b.leaf from audit.entry b"
            " where a.idx = 40 and b.idx = 41",
            "tile/entries/000 entry 41: event {41} stands at entry 40 too [doubled]",
        ),
    ],
    ids=["leaf", "tile", "doubled"],
)
async def test_a_superusers_silent_change_is_found(
    statement: str,
    found: str,
    database: Database,
    writer: LogWriter,
    publisher: Publisher,
    urls: Urls,
    tmp_path: Path,
) -> None:
    made = history(20, 30)
    await append(database, writer, made)
    await publisher.publish()
    superuser = await asyncpg.connect(urls.superuser)
    await superuser.execute(SILENT)
    assert await superuser.execute(statement) == "UPDATE 1"
    await superuser.close()
    await export(database, None, tmp_path)
    report = verify.verify(tmp_path, [KEY])
    expected = found.replace("{41}", str(made[41].event_id))
    assert expected in map(str, report.problems), report.problems


async def test_a_superuser_who_cuts_the_log_gets_no_export(
    database: Database, writer: LogWriter, publisher: Publisher, urls: Urls, tmp_path: Path
) -> None:
    await append(database, writer, history(2, 3))
    await publisher.publish()
    superuser = await asyncpg.connect(urls.superuser)
    await superuser.execute(SILENT)
    await superuser.execute("delete from audit.entry where idx = 4")
    await superuser.close()
    with pytest.raises(NotInLog):
        await export(database, None, tmp_path)


def test_the_export_in_memory_verifies(exported: Exported, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    report = verify.verify(exported.at(tmp_path), [KEY], progress=lambda *at: steps.append(at))
    assert report.problems == []
    assert steps[-1] == (SIZE, SIZE)


Tamper = Callable[[dict[str, bytes], random.Random], str]


def flip(files: dict[str, bytes], name: str, chance: random.Random, *, start: int = 0) -> None:
    at = chance.randrange(start, len(files[name]))
    raw = bytearray(files[name])
    raw[at] ^= 1 << chance.randrange(8)
    files[name] = bytes(raw)


def bundle(number: int) -> str:
    return layout.bundle_path(layout.bundles_of(SIZE)[number])


def leaves_of(files: dict[str, bytes], number: int) -> list[bytes]:
    return layout.unpack(files[bundle(number)])


def flipped_leaf(files: dict[str, bytes], chance: random.Random) -> str:
    number = chance.randrange(3)
    leaves = leaves_of(files, number)
    at = chance.randrange(len(leaves))
    raw = bytearray(leaves[at])
    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    leaves[at] = bytes(raw)
    files[bundle(number)] = layout.pack(leaves)
    return f"{bundle(number)} entry {number * 256 + at}"


def flipped_tile(files: dict[str, bytes], chance: random.Random) -> str:
    name = chance.choice(["tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"])
    flip(files, name, chance)
    return "tile/1/000.p/2" if name == "tile/1/000.p/2" else ""


def flipped_signature(files: dict[str, bytes], chance: random.Random) -> str:
    note = Note.parse(files["checkpoint"])
    [line] = note.signatures
    raw = bytearray(line.signature)
    raw[chance.randrange(64)] ^= 1 << chance.randrange(8)
    files["checkpoint"] = Note(note.text, (Signature(line.name, line.key_id, bytes(raw)),)).render()
    return "checkpoint"


def changed_head(files: dict[str, bytes], chance: random.Random) -> str:
    note = Note.parse(files["checkpoint"])
    seen = Checkpoint.parse(note.text)
    root = bytearray(seen.root)
    root[chance.randrange(32)] ^= 1 << chance.randrange(8)
    forged = chance.choice(
        [
            Checkpoint(seen.origin, seen.size, bytes(root)),
            Checkpoint(seen.origin, seen.size - 1, seen.root),
            Checkpoint("other.example/37/2026", seen.size, seen.root),
        ]
    )
    files["checkpoint"] = Note(forged.text(), note.signatures).render()
    return "checkpoint"


def removed_entry(files: dict[str, bytes], chance: random.Random) -> str:
    number = chance.randrange(3)
    leaves = leaves_of(files, number)
    del leaves[chance.randrange(len(leaves))]
    files[bundle(number)] = layout.pack(leaves)
    return bundle(number)


def doubled_entry(files: dict[str, bytes], chance: random.Random) -> str:
    number = chance.randrange(3)
    leaves = leaves_of(files, number)
    at = chance.randrange(len(leaves) - 1)
    leaves[at + 1] = leaves[at]
    files[bundle(number)] = layout.pack(leaves)
    return f"{bundle(number)} entry {number * 256 + at + 1}"


def swapped_entries(files: dict[str, bytes], chance: random.Random) -> str:
    number = chance.randrange(3)
    leaves = leaves_of(files, number)
    one, other = chance.sample(range(len(leaves)), 2)
    leaves[one], leaves[other] = leaves[other], leaves[one]
    files[bundle(number)] = layout.pack(leaves)
    return f"{bundle(number)} entry {number * 256 + one}"


def redated_entry(files: dict[str, bytes], chance: random.Random) -> str:
    number = chance.randrange(3)
    leaves = leaves_of(files, number)
    at = chance.randrange(len(leaves))
    leaves[at] = leaves[at].replace(b'"occurred_on":"2026-03-01"', b'"occurred_on":"2026-02-28"')
    files[bundle(number)] = layout.pack(leaves)
    return f"{bundle(number)} entry {number * 256 + at}"


def truncated_log(files: dict[str, bytes], chance: random.Random) -> str:
    name = chance.choice([bundle(0), bundle(1), bundle(2)])
    if chance.random() < 0.5:
        del files[name]
    else:
        files[name] = files[name][: chance.randrange(len(files[name]))]
    return name


def missing_tile(files: dict[str, bytes], chance: random.Random) -> str:
    name = chance.choice(["tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2"])
    if chance.random() < 0.5:
        del files[name]
    else:
        files[name] += bytes(32)
    return name


def changed_opening(files: dict[str, bytes], chance: random.Random) -> str:
    if chance.random() < 0.3:
        files["openings.jsonl"] = b""
    else:
        flip(files, "openings.jsonl", chance)
    return "openings.jsonl"


def stray_file(files: dict[str, bytes], chance: random.Random) -> str:
    name = chance.choice(["tile/entries/003", "tile/0/007", "tile/2/000"])
    files[name] = b"x"
    return name


def forged_by_another_key(files: dict[str, bytes], chance: random.Random) -> str:
    other = LogSigner(ORIGIN, FileKey(chance.randbytes(32)))
    seen = Checkpoint.parse(Note.parse(files["checkpoint"]).text)
    files["checkpoint"] = seen.signed([other]).render()
    files["vkey"] = f"{other.vkey()}\n".encode()
    return "checkpoint"


TAMPERINGS: list[tuple[Tamper, int]] = [
    (flipped_leaf, 20),
    (flipped_tile, 15),
    (flipped_signature, 8),
    (changed_head, 8),
    (removed_entry, 8),
    (doubled_entry, 8),
    (swapped_entries, 8),
    (redated_entry, 8),
    (truncated_log, 8),
    (missing_tile, 6),
    (changed_opening, 6),
    (stray_file, 4),
    (forged_by_another_key, 3),
]
CASES = [(tamper, seed) for tamper, count in TAMPERINGS for seed in range(count)]


def test_there_are_a_hundred() -> None:
    assert len(CASES) >= 100


@pytest.mark.parametrize(
    ("tamper", "seed"), CASES, ids=lambda value: getattr(value, "__name__", value)
)
def test_every_tampering_is_found(
    tamper: Tamper, seed: int, exported: Exported, tmp_path: Path
) -> None:
    files = dict(exported.files)
    place = tamper(files, random.Random(seed))
    assert files != exported.files
    report = verify.verify(Exported(files).at(tmp_path), [KEY])
    assert not report.ok
    assert any(problem.where.startswith(place) for problem in report.problems), report.problems


def codes(report: verify.Report) -> list[str]:
    return [problem.code for problem in report.problems]


@pytest.mark.parametrize("seed", range(10))
def test_a_forked_log_shows_against_what_was_seen(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    honest = [leaf.seal(event, b"").data for event in history(20, 30)]
    seen = built(honest[: 100 + 50 * seed]).files["checkpoint"]
    at = chance.randrange(100)
    forged = [*honest]
    forged[at] = honest[at].replace(b'"actor":"p-', b'"actor":"q-')
    fork = built(forged).at(tmp_path)
    assert verify.verify(fork, [KEY]).ok
    assert codes(verify.verify(fork, [KEY], earlier=[seen])) == ["forked"]


def test_a_log_cut_short_shows_against_what_was_seen(tmp_path: Path) -> None:
    honest = [leaf.seal(event, b"").data for event in history(20, 30)]
    seen = built(honest).files["checkpoint"]
    cut = built(honest[:580]).at(tmp_path)
    assert verify.verify(cut, [KEY]).ok
    assert codes(verify.verify(cut, [KEY], earlier=[seen])) == ["truncated"]
    stranger = Checkpoint("other.example/1/2026", 3, bytes(32))
    other = LogSigner(stranger.origin, FileKey(KEY_SEED))
    known = KeyVerifier.parse(other.vkey())
    notes = [b"junk", stranger.signed([other]).render(), stranger.signed([SIGNER]).render()]
    found = verify.verify(cut, [KEY, known], earlier=notes)
    assert codes(found) == ["earlier"] * 3


def test_gaps_and_doubles_signed_by_the_log_itself_are_found(tmp_path: Path) -> None:
    made = history(2, 4)
    del made[4]  # version 3 of stream 0
    again = entry(1, 2, event_id=entry(9, 9).event_id)
    leaves = [leaf.seal(event, b"").data for event in [*made, again, made[0]]]
    report = verify.verify(built([*leaves, b"{}"]).at(tmp_path), [KEY])
    assert sorted(codes(report)) == ["doubled", "doubled", "doubled", "leaf", "stream-gap"]
    gap = next(item for item in report.problems if item.code == "stream-gap")
    assert str(gap) == (f"stream {entry(0, 3).stream_id}: versions missing: 3 [stream-gap]")


def test_a_later_years_log_goes_on_from_the_one_before(tmp_path: Path) -> None:
    leaves = [leaf.seal(entry(0, version), b"").data for version in (3, 4)]
    export_path = built(leaves).at(tmp_path)
    assert codes(verify.verify(export_path, [KEY])) == ["stream-gap"]
    report = verify.verify(export_path, [KEY], first_log=False)
    assert (report.ok, report.continued) == (True, 1)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    assert codes(verify.verify(tmp_path, [KEY])) == ["checkpoint"]
    (tmp_path / "checkpoint").write_bytes(b"junk")
    assert codes(verify.verify(tmp_path, [KEY])) == ["checkpoint"]


@pytest.mark.parametrize(
    ("part", "path"),
    [
        (Part(0), "000"),
        (Part(67, 112), "067.p/112"),
        (Part(1234067), "x001/x234/067"),
        (Part(1000, 1), "x001/000.p/1"),
    ],
)
def test_tiles_are_named_as_the_standard_has_it(part: Part, path: str) -> None:
    assert layout.number(part) == path
    assert layout.parse_number(path) == part


@pytest.mark.parametrize(
    "path", ["", "0", "1000", "x000/000", "000.p/0", "000.p/256", "000.p/01", "x1/000", "../000"]
)
def test_other_names_are_refused(path: str) -> None:
    with pytest.raises(layout.LayoutError):
        layout.parse_number(path)
