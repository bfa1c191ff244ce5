"""Witnesses sign what only grew; what was cut, forked or set back they do not."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.audit.domain import merkle
from services.audit.domain.merkle import EMPTY_ROOT, Head, ProofError
from services.audit.domain.note import Checkpoint, Note, NoteError, sign
from services.audit.log import checkpoints, reader, verify
from services.audit.log.append import LogWriter
from services.audit.log.checkpoints import Publisher
from services.audit.log.export import export
from services.audit.log.keys import FileKey, KeyVerifier, WitnessSigner
from services.audit.log.witnesses import Cosigner, Witness, WitnessAhead, read_witnesses
from shared.store.database import Database
from shared.testing.databases import Urls
from tests.integration.audit.support import NAME, Stopped, append, history

ORIGIN = NAME.origin(2026)


@dataclass
class WitnessApp:
    """A witness by the specification, in memory."""

    log_key: KeyVerifier
    signer: WitnessSigner = field(
        default_factory=lambda: WitnessSigner("witness.example/w1", FileKey(b"w" * 32), 1_700)
    )
    seen: dict[str, Checkpoint] = field(default_factory=dict)
    away: bool = False

    async def add_checkpoint(self, request: Request) -> Response:
        if self.away:
            return Response("away", 503)
        head, _, raw = (await request.body()).partition(b"\n\n")
        old_line, *proof_lines = head.decode().split("\n")
        try:
            note = Note.parse(raw)
            note.signed_by([self.log_key])
        except NoteError:
            return Response(status_code=403)
        new, old = Checkpoint.parse(note.text), int(old_line.removeprefix("old "))
        last = self.seen.get(new.origin, Checkpoint(new.origin, 0, EMPTY_ROOT))
        if old != last.size:
            return Response(f"{last.size}\n", 409, media_type="text/x.tlog.size")
        proof = [base64.b64decode(line) for line in proof_lines]
        try:
            merkle.verify_consistency(old, new.size, proof, last.root, new.root)
        except ProofError:
            return Response(status_code=422)
        self.seen[new.origin] = new
        signature = sign(note.text, [self.signer]).signatures[0]
        return Response("— stranger AAAAAAAA\n" + signature.line(), media_type="text/plain")


@pytest.fixture
def witness(verifier: KeyVerifier) -> WitnessApp:
    return WitnessApp(verifier)


@pytest.fixture
async def cosigner(
    database: Database, publisher: Publisher, witness: WitnessApp, clock: Stopped
) -> AsyncIterator[Cosigner]:
    app = Starlette(routes=[Route("/w/add-checkpoint", witness.add_checkpoint, methods=["POST"])])
    known = Witness(KeyVerifier.parse(witness.signer.vkey()), "http://witness/w")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport) as client:
        yield Cosigner(database, publisher, [known], client, clock=clock)


async def findings(database: Database) -> list[tuple[str, str]]:
    async with database.reading() as tx:
        rows = await tx.raw.fetch("select kind, detail ->> 'reason' why from audit.finding")
    return [tuple(row) for row in rows]


async def test_each_checkpoint_gets_its_line_and_exports_carry_it(
    database: Database,
    writer: LogWriter,
    publisher: Publisher,
    cosigner: Cosigner,
    witness: WitnessApp,
    verifier: KeyVerifier,
    tmp_path: Path,
) -> None:
    assert await cosigner.round() == 0
    events = history(20, 30)
    for end in (3, 300, 600):
        await append(database, writer, events[:end])
        await publisher.publish()
        assert (await cosigner.round(), await cosigner.round()) == (1, 0)
    async with database.reading() as tx:
        signed = await checkpoints.latest(tx.raw, await reader.log(tx.raw))
    by_witness = KeyVerifier.parse(witness.signer.vkey())
    assert Note.parse(signed.note).signed_by([verifier, by_witness]) == [verifier, by_witness]
    await export(database, None, tmp_path)
    report = verify.verify(tmp_path, [verifier, by_witness])
    assert (report.ok, report.signed_by) == (True, [ORIGIN, "witness.example/w1"])


async def test_a_witness_that_was_away_catches_up(
    database: Database,
    writer: LogWriter,
    publisher: Publisher,
    cosigner: Cosigner,
    witness: WitnessApp,
) -> None:
    await append(database, writer, history(2, 2))
    await publisher.publish()
    witness.away = True
    assert await cosigner.round() == 0
    await cosigner.must_not_be_ahead(ORIGIN)
    witness.away = False
    await append(database, writer, history(2, 4))
    await publisher.publish()
    assert await cosigner.round() == 1
    witness.seen.clear()  # one that forgot: told from its own answer
    await append(database, writer, history(2, 5))
    await publisher.publish()
    assert await cosigner.round() == 1


async def test_a_forked_log_is_not_cosigned(
    database: Database,
    writer: LogWriter,
    publisher: Publisher,
    cosigner: Cosigner,
    witness: WitnessApp,
) -> None:
    await append(database, writer, history(2, 2))
    await publisher.publish()
    other, _ = merkle.extend(Head(), merkle.leaf_hash(b"another history"))
    witness.seen[ORIGIN] = Checkpoint(ORIGIN, 1, other.root())
    assert await cosigner.round() == 0
    assert await findings(database) == [("witness-refused", "422 ")]


async def test_nothing_is_written_beside_what_a_witness_has_seen(
    database: Database,
    writer: LogWriter,
    publisher: Publisher,
    cosigner: Cosigner,
    witness: WitnessApp,
    urls: Urls,
) -> None:
    await cosigner.must_not_be_ahead(ORIGIN)
    await append(database, writer, history(5, 4))
    await publisher.publish()
    await cosigner.round()
    await cosigner.must_not_be_ahead(ORIGIN)
    # A backup from before the last entries: the head, the tiles and the cosignatures go back.
    superuser = await asyncpg.connect(urls.superuser)
    await superuser.execute("set session_replication_role = replica")
    await superuser.execute("delete from audit.cosignature")
    await superuser.execute("delete from audit.checkpoint")
    await superuser.execute("delete from audit.entry where idx >= 12")
    before, _ = merkle.extend(Head(), b"".join(await _hashes(database, 12)))
    await superuser.execute("update audit.log_head set size = 12, edge = $1", list(before.edge))
    await superuser.close()
    await publisher.publish()
    why = "witness.example/w1 has seen 20 entries of dixian.example/37/2026; here 12 are signed"
    with pytest.raises(WitnessAhead, match=why):
        await cosigner.must_not_be_ahead(ORIGIN)
    with pytest.raises(WitnessAhead):
        await cosigner.round()
    assert await findings(database) == [("witness-ahead", why)]


async def test_a_new_database_is_no_way_around(
    cosigner: Cosigner, witness: WitnessApp, database: Database
) -> None:
    witness.seen[ORIGIN] = Checkpoint(ORIGIN, 5, bytes(32))
    with pytest.raises(WitnessAhead, match="here 0 are signed"):
        await cosigner.must_not_be_ahead(ORIGIN)


async def _hashes(database: Database, end: int) -> list[bytes]:
    async with database.reading() as tx:
        rows = await tx.raw.fetch("select leaf from audit.entry where idx < $1 order by idx", end)
    return [merkle.leaf_hash(row["leaf"]) for row in rows]


def test_the_witness_file_is_read(tmp_path: Path, witness: WitnessApp) -> None:
    path = tmp_path / "witnesses"
    vkey = witness.signer.vkey()
    path.write_text(f"# ours\n\nwitness ministry {vkey} https://witness.example/w1/  # theirs\n")
    [found] = read_witnesses(path)
    assert (found.name, found.url) == ("witness.example/w1", "https://witness.example/w1")
    for line in ("witness a b", "log x y z", f"witness a {vkey[:-4]} https://x"):
        path.write_text(line)
        with pytest.raises(NoteError):
            read_witnesses(path)
