"""The door, whole: the log for tools, the trail for inspectors, the gates; and its refusals."""

import base64
import io
import json
import zipfile
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import openpyxl
import pytest

from services.audit.domain import merkle
from services.audit.domain.note import open_checkpoint
from services.audit.domain.tlogproof import TlogProof
from services.audit.exports.check import check, own_keys
from services.audit.exports.jobs import Exporter
from services.audit.log import layout
from services.audit.log.append import LogWriter
from services.audit.log.keys import FileKey, KeyVerifier, LogSigner
from shared.contracts.labels import label
from shared.kernel.clock import SystemClock
from shared.kernel.document_number import check_character
from shared.store.database import Database
from shared.testing.databases import Urls
from tests.integration.audit.door import (
    COUNTY,
    ELSEWHERE,
    INSPECTOR,
    ORIGIN,
    Parts,
    by,
    got,
    refused,
)
from tests.integration.audit.support import append, entry, history, identified


async def test_the_log_is_served_as_tiles(
    client: httpx.AsyncClient, service: Parts, database: Database, real_writer: LogWriter
) -> None:
    assert await refused(client, "/checkpoint") == (404, "not-found")
    await append(database, real_writer, history(20, 30))
    await service.publisher.publish()
    [about] = await got(client, "/logs")
    key = KeyVerifier.parse(about["vkey"])
    assert (about["log"], about["size"], about["frozen_at"]) == (ORIGIN, 600, None)
    checkpoint = open_checkpoint(await got(client, "/checkpoint"), [key], ORIGIN)
    assert checkpoint.size == 600
    for prefix in ("", f"/logs/{ORIGIN}"):
        leaves: list[bytes] = []
        for part in layout.bundles_of(600):
            raw = await got(client, f"{prefix}/{layout.bundle_path(part)}", INSPECTOR)
            leaves += layout.unpack(raw)
        head, full = merkle.extend(merkle.Head(), b"".join(map(merkle.leaf_hash, leaves)))
        assert head.root() == checkpoint.root
        for tile, run in full.items():
            assert await got(client, f"{prefix}/{layout.tile_path(tile)}") == run
        assert await got(client, f"{prefix}/tile/0/002.p/88") == head.edge[0]
    first = identified("household", 0)
    readings = await got(client, f"/households/{first}/readings?limit=100", INSPECTOR)
    assert len(readings["items"]) == 6, "each bundle that was read, one way and the other"
    proof = await got(client, "/consistency?from=255&to=600")
    small, _ = merkle.extend(merkle.Head(), b"".join(map(merkle.leaf_hash, leaves[:255])))
    hashes = [bytes.fromhex(value) for value in proof["hashes"]]
    merkle.verify_consistency(255, 600, hashes, small.root(), checkpoint.root)


@pytest.mark.parametrize(
    ("path", "who", "expected"),
    [
        ("/tile/0/000.p/2", {}, (404, "not-found")),
        ("/tile/0/1", {}, (404, "not-found")),
        ("/tile/6/000", {}, (422, "out-of-range")),
        ("/logs/other/37/2026/checkpoint", {}, (404, "not-found")),
        ("/consistency?from=2&to=1", {}, (404, "not-found")),
        ("/tile/entries/000.p/1", COUNTY, (403, "forbidden")),
        ("/tile/entries/000.p/1", by("inspector", "36"), (403, "forbidden")),
        ("/tile/entries/000.p/1", by("officer", "37"), (403, "forbidden")),
        ("/entries", by("officer", "370102001"), (403, "forbidden")),
        ("/entries", by("operator", "37"), (403, "forbidden")),
        ("/entries?nonsense=1", INSPECTOR, (422, "unknown-field")),
        ("/entries?since=2026-01-01", INSPECTOR, None),
        ("/entries?cursor=xyz", INSPECTOR, (400, "cursor-malformed")),
        ("/entries/1", INSPECTOR, (404, "not-found")),
        ("/entries/0", ELSEWHERE, (404, "not-found")),
        ("/entries/0/leaf", ELSEWHERE, (404, "not-found")),
        ("/entries/0/proof", ELSEWHERE, (404, "not-found")),
        ("/entries/0/proof?log=other", INSPECTOR, (404, "not-found")),
        (f"/events/{UUID(int=9)}/proof", INSPECTOR, (404, "not-found")),
    ],
)
async def test_what_is_refused(
    path: str,
    who: dict[str, str],
    expected: tuple[int, str] | None,
    client: httpx.AsyncClient,
    database: Database,
    real_writer: LogWriter,
) -> None:
    await append(database, real_writer, [entry(1, 1)])
    status, code = await refused(client, path, who)
    assert (status, code) == (expected or (422, code))


async def test_the_trail_answers_and_remembers_who_asked(
    client: httpx.AsyncClient, database: Database, real_writer: LogWriter
) -> None:
    await append(database, real_writer, history(12, 3))
    household = identified("household", 1)
    first = await got(client, f"/entries?household={household}&limit=4", INSPECTOR)
    assert [item["index"] for item in first["items"]] == [35, 25, 23, 13]
    rest = await got(
        client, f"/entries?household={household}&limit=4&cursor={first['next']}", INSPECTOR
    )
    assert ([item["index"] for item in rest["items"]], rest["next"]) == ([11, 1], None)
    timeline = await got(client, f"/households/{household}/timeline?limit=200", COUNTY)
    assert [item["index"] for item in timeline["items"]] == [1, 11, 13, 23, 25, 35]
    other = await client.get(f"/entries?cursor={first['next']}", headers=INSPECTOR)
    assert (other.status_code, other.json()["code"]) == (400, "cursor-malformed")
    readings = await got(client, f"/households/{household}/readings", INSPECTOR)
    assert [(item["actor_division"], item["route"]) for item in readings["items"]] == [
        ("370102", "GET /households/{household}/timeline"),
        ("37", "GET /entries"),
        ("37", "GET /entries"),
    ]
    assert (await got(client, f"/households/{household}/readings", ELSEWHERE))["items"] == []


async def test_an_entry_is_proved_at_once(
    client: httpx.AsyncClient, database: Database, real_writer: LogWriter
) -> None:
    await append(database, real_writer, history(5, 2))
    answer = await got(client, f"/events/{entry(3, 2).event_id}/proof", COUNTY)
    proof = TlogProof.parse(answer["tlog_proof"].encode())
    key = KeyVerifier.parse(answer["vkey"])
    leaf = answer["leaf"].encode()
    assert proof.verify(leaf, [key], answer["log"]).size == 10
    assert await got(client, f"/entries/{answer['index']}/leaf", COUNTY) == {
        **await got(client, "/entries/8/leaf", COUNTY)
    }
    file = await got(client, "/entries/8/proof", COUNTY)
    assert TlogProof.parse(file) == proof
    shown = await got(client, "/entries/8", COUNTY)
    assert (shown["log"], shown["index"], shown["data"]) == (ORIGIN, 8, entry(3, 2).data)


async def test_an_export_is_what_the_filter_shows_with_a_proof_for_every_row(
    client: httpx.AsyncClient, service: Parts, database: Database, real_writer: LogWriter
) -> None:
    await append(database, real_writer, history(30, 10))
    household = str(identified("household", 3))
    body = {"format": "csv", "filter": {"household": household}}
    answer = await client.post("/exports", json=body, headers=COUNTY)
    assert answer.status_code == 202, answer.text
    export = answer.json()["export_id"]
    file = f"/exports/{export}/file"
    assert await refused(client, file, COUNTY) == (409, "export-not-ready")
    assert await refused(client, file, by("inspector", "370102", "other")) == (404, "not-found")
    exporter = Exporter(database, service.publisher, SystemClock())
    assert (await exporter.once(), await exporter.once()) == (True, False)
    status = await got(client, f"/exports/{export}", COUNTY)
    assert (status["rows"], status["failure"], status["finished_at"] is None) == (30, None, False)
    with zipfile.ZipFile(io.BytesIO(await got(client, file, COUNTY))) as book:
        manifest = json.loads(book.read("manifest.json"))
        proofs = [json.loads(line) for line in book.read("proofs.jsonl").splitlines()]
        rows = book.read("entries.csv").decode("utf-8-sig").splitlines()
        digests = {name: sha256(book.read(name)).hexdigest() for name in manifest["sha256"]}
        note = book.read(f"checkpoints/{ORIGIN.replace('/', '_')}")
    assert digests == manifest["sha256"]
    assert (manifest["rows"], manifest["query"]) == (30, {"household": household})
    checkpoint = open_checkpoint(
        note, [KeyVerifier.parse(manifest["logs"][ORIGIN]["vkey"])], ORIGIN
    )
    assert len(rows) == 31
    for row, proof in zip(rows[1:], proofs, strict=True):
        assert row.startswith(f"{ORIGIN},{proof['index']},")
        hashes = [base64.b64decode(value) for value in proof["hashes"]]
        leaf = merkle.leaf_hash(proof["leaf"].encode())
        merkle.verify_inclusion(proof["index"], checkpoint.size, leaf, hashes, checkpoint.root)
    readings = await got(client, f"/households/{household}/readings", INSPECTOR)
    assert [item["route"] for item in readings["items"]] == ["POST /exports"]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "xlsx"])
async def test_anybody_checks_an_export_with_the_key_alone(
    client: httpx.AsyncClient,
    service: Parts,
    database: Database,
    real_writer: LogWriter,
    tmp_path: Path,
    kind: str,
) -> None:
    await append(database, real_writer, history(30, 10))
    body = {"format": kind, "filter": {"household": str(identified("household", 3))}}
    export = (await client.post("/exports", json=body, headers=COUNTY)).json()["export_id"]
    assert await Exporter(database, service.publisher, SystemClock()).once()
    path = tmp_path / "export.zip"
    path.write_bytes(await got(client, f"/exports/{export}/file", COUNTY))
    found = check(path, own_keys(path))
    assert (found.problems, found.rows, found.logs) == ([], 30, [ORIGIN])
    with zipfile.ZipFile(path) as book:
        assert {item.external_attr >> 16 & 0o777 for item in book.infolist()} == {0o644}
        files = {name: book.read(name) for name in book.namelist()}
    rows = f"entries.{kind}"
    lies = tmp_path / "lies.zip"
    for name, was, instead, said in (
        (rows, b"p-1", b"p-2", "row 2: actor is not what was logged"),
        ("proofs.jsonl", b"p-1", b"p-2", "proofs.jsonl: row 2: "),
        ("manifest.json", b'"rows": 30', b'"rows": 29', "says 29 rows, there are 30"),
    ):
        changed = {**files, name: _with(files[name], was, instead)}
        manifest = json.loads(changed["manifest.json"])
        manifest["sha256"] = {
            name: sha256(changed[name]).hexdigest() for name in manifest["sha256"]
        }
        with zipfile.ZipFile(lies, "w") as book:
            for inside, content in {**changed, "manifest.json": json.dumps(manifest)}.items():
                book.writestr(inside, content)
        problems = check(lies, own_keys(path)).problems
        assert any(said in problem for problem in problems), (name, problems)
    stranger = LogSigner(ORIGIN, FileKey(bytes(32))).vkey()
    assert not check(path, [KeyVerifier.parse(stranger)]).ok


def _with(content: bytes, was: bytes, instead: bytes) -> bytes:
    """The same with some bytes changed, in a workbook too."""
    if not content.startswith(b"PK"):
        assert was in content
        return content.replace(was, instead)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for item in old.infolist():
            new.writestr(item, old.read(item).replace(was, instead))
    return made.getvalue()


async def test_a_workbook_speaks_chinese_and_explains_itself(
    client: httpx.AsyncClient, service: Parts, database: Database, real_writer: LogWriter
) -> None:
    await append(database, real_writer, history(30, 10))
    body = {"format": "xlsx", "filter": {"household": str(identified("household", 3))}}
    export = (await client.post("/exports", json=body, headers=COUNTY)).json()["export_id"]
    assert await Exporter(database, service.publisher, SystemClock()).once()
    with zipfile.ZipFile(io.BytesIO(await got(client, f"/exports/{export}/file", COUNTY))) as book:
        proof = json.loads(book.read("proofs.jsonl").splitlines()[0])
        made = openpyxl.load_workbook(io.BytesIO(book.read("entries.xlsx")))
    entry = json.loads(proof["leaf"])
    assert made.sheetnames == ["审计记录", "说明"]
    header, first, *_ = made["审计记录"].iter_rows(values_only=True)
    told = dict(zip(header, first, strict=True))
    local = datetime.fromisoformat(entry["recorded_at"]).astimezone(ZoneInfo("Asia/Shanghai"))
    assert told["登记时间(北京时间)"] == f"{local:%Y-%m-%d %H:%M:%S}"
    assert told["事项"] == label("Event", entry["type"])
    assert (told["事项代码"], told["日志中的序号"]) == (entry["type"], proof["index"])
    notes = dict(made["说明"].iter_rows(values_only=True))
    assert body["filter"]["household"] in notes["查询条件"]
    assert "dixian verify" in notes["怎样核验"]
    assert notes["检查点"].startswith(f"{ORIGIN}:共")
    assert "Asia/Shanghai" in notes["时间"]


async def test_an_export_shows_no_more_than_its_asker_may_see(
    client: httpx.AsyncClient, service: Parts, database: Database, real_writer: LogWriter
) -> None:
    await append(database, real_writer, history(3, 3))
    for body, who in (
        ({"format": "jsonl"}, ELSEWHERE),
        ({"format": "xlsx", "filter": {"type": "Nothing"}}, COUNTY),
    ):
        export = (await client.post("/exports", json=body, headers=who)).json()["export_id"]
        assert await Exporter(database, service.publisher, SystemClock()).once()
        assert (await got(client, f"/exports/{export}", who))["rows"] == 0
    for body in ({"format": "pdf"}, {"format": "csv", "filter": {"nonsense": 1}}, {}):
        answer = await client.post("/exports", json=body, headers=COUNTY)
        assert answer.status_code == 422


async def test_searches_over_http(client: httpx.AsyncClient) -> None:
    body = {"name": "审批", "filter": {"type": "Approved"}, "shared_with": "inspector"}
    first = await client.post("/searches", json=body, headers=INSPECTOR)
    assert first.status_code == 201, first.text
    again = await client.post("/searches", json=body, headers=INSPECTOR)
    assert (again.status_code, again.json()["code"]) == (409, "search-name-taken")
    [found] = await got(client, "/searches", by("inspector", "370102", "somebody"))
    assert (found["name"], found["query"]) == ("审批", {"type": "Approved"})
    path = f"/searches/{first.json()['search_id']}"
    other = await client.delete(path, headers=by("inspector", "370102", "somebody"))
    assert other.status_code == 404
    assert (await client.delete(path, headers=INSPECTOR)).status_code == 204
    assert await got(client, "/searches", INSPECTOR) == []
    bad = {**INSPECTOR, "Last-Event-ID": "x"}
    assert await refused(client, "/stream", bad) == (400, "last-event-id-malformed")


@pytest.mark.parametrize("condition", ["text", "actor", "outcome", "type"])
async def test_a_filter_with_somebodys_number_is_refused_and_kept_nowhere(
    condition: str, client: httpx.AsyncClient, urls: Urls
) -> None:
    number = "370102" + "19700101" + "123"
    number += check_character(number)
    bad = {condition: f"查 {number}"}
    asked = {"format": "csv", "filter": bad}
    kept = {"name": "常用", "filter": bad}
    answers = [
        await client.post("/exports", json=asked, headers=INSPECTOR),
        await client.post("/searches", json=kept, headers=INSPECTOR),
        await client.post("/searches", json={"name": number}, headers=INSPECTOR),
        await client.get("/entries", params=bad, headers=INSPECTOR),
        await client.get("/stream", params=bad, headers=INSPECTOR),
    ]
    for answer in answers:
        assert answer.status_code == 422, answer.text
        found = answer.json()
        assert (found["code"], found["rule"]) == ("personal-number", "R65")
        assert number not in answer.text
    superuser = await asyncpg.connect(urls.superuser)
    for table in ("export", "saved_search", "access_read"):
        assert await superuser.fetchval(f"select count(*) from audit.{table}") == 0
    await superuser.close()


async def test_a_timeline_shows_what_each_act_changed(
    client: httpx.AsyncClient, database: Database, real_writer: LogWriter
) -> None:
    made = [entry(1, 1), entry(1, 2, data={"step": 2, "category": "AT_RISK"}), entry(11, 1)]
    await append(database, real_writer, made)
    household = made[0].key
    page = await got(client, f"/households/{household}/timeline?limit=1", COUNTY)
    path = f"/households/{household}/timeline?limit=1&cursor={page['next']}"
    [second] = (await got(client, path, COUNTY))["items"]
    assert second["changes"] == {
        "category": {"before": None, "after": "AT_RISK"},
        "step": {"before": 1, "after": 2},
    }
    assert second["state"] == {**made[0].data, "step": 2, "category": "AT_RISK"}
    [first, again] = (await got(client, f"/streams/{made[0].stream_id}/timeline", COUNTY))["items"]
    assert (first["changes"]["step"], again["state"]) == (
        {"before": None, "after": 1},
        second["state"],
    )
    assert (await got(client, f"/streams/{made[0].stream_id}/timeline", ELSEWHERE))["items"] == []
    request = made[0].correlation_id
    followed = await got(client, f"/requests/{request}/timeline", INSPECTOR)
    assert [item["version"] for item in followed["items"]] == [1, 2]
    assert (await got(client, f"/entries?request={request}", INSPECTOR))["next"] is None
    found = await got(client, "/entries?text=at_risk", INSPECTOR)
    assert [item["version"] for item in found["items"]] == [2]
    assert (await got(client, f"/requests/{request}/timeline", ELSEWHERE))["items"] == []
