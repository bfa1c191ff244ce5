"""The door, whole: the log for tools, the trail for inspectors, the gates; and its refusals."""

import base64
import io
import json
import zipfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import Request

from services.audit.domain import merkle
from services.audit.domain.correction import CORRECTION
from services.audit.domain.leaf import Entry
from services.audit.domain.note import open_checkpoint
from services.audit.domain.tlogproof import TlogProof
from services.audit.exports.jobs import Exporter
from services.audit.handlers import handlers
from services.audit.log import layout
from services.audit.log.append import LogWriter
from services.audit.log.checkpoints import Publisher
from services.audit.log.keys import FileKey, KeyVerifier
from services.audit.main import create
from services.audit.reactions import Intake
from services.audit.read_models.corrections import VIEWS
from services.audit.settings import AuditSettings
from shared.bus.connection import connector
from shared.bus.embedded import EmbeddedBroker
from shared.evidence.settings import EvidenceSettings
from shared.kernel.clock import SHANGHAI, SystemClock
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal, Role
from shared.store import event_store
from shared.store.application import Application
from shared.store.database import Database
from shared.testing.databases import Urls
from shared.testing.decider import rule
from shared.vault.settings import VaultSettings, create_missing_keys, open_vault
from shared.web.service import Service, ServiceSettings
from shared.web.settings import Mode, OidcSettings, WebSettings
from tests.integration.audit.support import NAME, append, entry, history, identified

YEAR = SystemClock().now().astimezone(SHANGHAI).year
ORIGIN = f"dixian.example/37/{YEAR}"


class Says:
    """Believes what the token says: ``officer,principal:3701:p-1``."""

    async def authenticate(self, request: Request) -> Principal:
        roles, division, subject = request.headers["authorization"].split(" ")[1].split(":")
        return Principal(subject, frozenset(map(Role, roles.split(","))), division)


@dataclass
class Parts:
    """The service, and the parts of it that a test moves by hand."""

    service: Service
    database: Database
    application: Application
    publisher: Publisher


@pytest.fixture
def service(urls: Urls, database: Database, tmp_path: Path) -> Parts:
    vault = VaultSettings(
        master_key_file=tmp_path / "master.key", index_key_file=tmp_path / "index.key"
    )
    create_missing_keys(vault)
    settings = ServiceSettings(
        name="audit",
        database_url=urls.writer,
        web=WebSettings(mode=Mode.DEMO),
        oidc=OidcSettings(issuer="http://127.0.0.1:9"),
        vault=vault,
        evidence=EvidenceSettings(store=tmp_path.as_uri()),
    )
    broker = EmbeddedBroker(connector(urls.writer))
    made = create(settings, broker=broker, own=AuditSettings(), authenticator=Says())
    application = Application(
        "audit", database, handlers(open_vault(vault)[0]), [CORRECTION], VIEWS
    )
    key = FileKey.at(tmp_path / "audit-log.key")
    return Parts(made, database, application, Publisher(database, key, SystemClock()))


@pytest.fixture
async def client(service: Parts) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(service.service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://audit") as made:
        yield made
    await service.service.stop()


@pytest.fixture
def real_writer() -> LogWriter:
    return LogWriter(NAME, SystemClock())


def by(role: str, division: str, subject: str = "p-1") -> dict[str, str]:
    return {"Authorization": f"Bearer {role}:{division}:{subject}", "Accept-Language": "en"}


INSPECTOR = by("inspector", "37")
COUNTY = by("inspector", "370102")
ELSEWHERE = by("inspector", "370202")


async def got(client: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None) -> Any:
    answer = await client.get(path, headers=headers or {})
    assert answer.status_code == 200, answer.text
    return answer.json() if "json" in answer.headers["content-type"] else answer.content


async def refused(
    client: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    answer = await client.get(path, headers=headers or {})
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


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


CASE = identified("stream", 1)
FILING = {
    "kind": "ROLLBACK",
    "targets": [
        {"service": "identification", "stream_id": str(CASE), "version": 3, "to_version": 2}
    ],
    "reason": "WRONG_ENTRY",
    "words": "录入时选错了户",
    "evidence": ["cd" * 32],
}
CLERK = by("officer", "3701", "clerk")
LEADER = by("principal", "3701", "leader")
PROVINCE = by("committee", "37", "province")
NATION = by("officer", "CN", "nation")


class Gates:
    """The way through, with the log kept up by hand as the consumer would."""

    def __init__(self, client: httpx.AsyncClient, service: Parts) -> None:
        self.client, self.service = client, service
        self.intake = Intake(LogWriter(NAME, SystemClock()), service.application)

    async def log(self, entries: Sequence[Entry] = ()) -> None:
        """What stands in the store goes into the log, then ``entries``."""
        async with self.service.database.reading() as tx:
            rows = await tx.raw.fetch("select stream_id from es.event group by 1")
            streams = [row["stream_id"] for row in rows]
            own = [
                Entry.of(item)
                for stream in streams
                for item in await event_store.load(tx.raw, "audit", stream)
            ]
        async with self.service.database.transaction() as tx:
            await self.intake.take(tx, [*own, *entries])

    async def post(self, path: str, who: dict[str, str], body: Any, **headers: str) -> Any:
        answer = await self.client.post(path, headers={**who, **headers}, json=body)
        return answer.status_code, answer.json()

    async def file(self, **changes: Any) -> tuple[str, str]:
        status, receipt = await self.post("/corrections", CLERK, {**FILING, **changes})
        assert status == 201, receipt
        return receipt["id"], receipt["events"][0]["data"]["content_sha256"]

    async def through(self, correction: str, content: str) -> None:
        decision = {"content_sha256": content, "document": "文〔2026〕1号"}
        filing = {**decision, "letter": "函〔2026〕2号", "filed_on": "2026-01-05"}
        for path, who, body in (
            ("city-review", LEADER, decision),
            ("province-approval", PROVINCE, decision),
            ("national-filing", NATION, filing),
        ):
            await self.log()
            status, receipt = await self.post(f"/corrections/{correction}/{path}", who, body)
            assert status == 200, receipt
        await self.log()


@pytest.fixture
async def gates(client: httpx.AsyncClient, service: Parts) -> Gates:
    made = Gates(client, service)
    await made.log([entry(1, version) for version in (1, 2, 3)])
    return made


def undoing(correction: str, version: int = 4, **changes: Any) -> Entry:
    return entry(
        1,
        version,
        type="RolledBack",
        data={"correction_id": correction, "to_version": 2},
        **changes,
    )


async def status_of(client: httpx.AsyncClient, correction: str) -> str:
    status: str = (await got(client, f"/corrections/{correction}", INSPECTOR))["status"]
    return status


async def test_a_rollback_goes_through_every_gate(gates: Gates, client: httpx.AsyncClient) -> None:
    correction, content = await gates.file()
    shown = await got(client, f"/corrections/{correction}", PROVINCE)
    assert (shown["status"], shown["gate"]) == ("OPEN", "CITY")
    status, note = await gates.post(f"/corrections/{correction}/note", LEADER, None)
    assert (status, note["text"]) == (200, "录入时选错了户")
    await gates.through(correction, content)
    assert await status_of(client, correction) == "AUTHORIZED"
    await gates.log([undoing(correction)])
    assert await status_of(client, correction) == "EXECUTED"
    await gates.log()
    timeline = await got(client, f"/households/{correction}/timeline", INSPECTOR)
    assert [item["type"] for item in timeline["items"]] == [
        "CorrectionRequested",
        "CityReviewed",
        "ProvinceApproved",
        "NationallyFiled",
        "CorrectionAuthorized",
        "CorrectionExecuted",
    ]
    leaves = [
        (await client.get(f"/entries/{item['index']}/leaf", headers=INSPECTOR)).content
        for item in timeline["items"]
    ]
    named = [item["data"].get("previous_leaf_sha256") for item in timeline["items"]]
    assert named[1:4] == [merkle.leaf_hash(leaf).hex() for leaf in leaves[:3]]
    assert "选错" not in b"".join(leaves).decode()
    listed = await got(client, "/corrections?status=EXECUTED", INSPECTOR)
    assert [item["stream_id"] for item in listed["items"]] == [correction]
    assert (await got(client, "/corrections", by("officer", "3702")))["items"] == []


async def test_one_open_request_a_target(gates: Gates) -> None:
    await gates.file()
    status, problem = await gates.post("/corrections", CLERK, FILING)
    assert (status, problem["code"]) == (409, "another-correction-is-open")


async def test_a_request_repeated_is_one(gates: Gates, client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = await gates.post("/corrections", CLERK, FILING, **key)
    assert await gates.post("/corrections", CLERK, FILING, **key) == first
    assert len((await got(client, "/corrections", CLERK))["items"]) == 1


async def test_a_decision_waits_for_the_one_before_to_be_logged(gates: Gates) -> None:
    correction, content = await gates.file()
    decision = {"content_sha256": content, "document": "文〔2026〕1号"}
    status, problem = await gates.post(f"/corrections/{correction}/city-review", LEADER, decision)
    assert (status, problem["code"]) == (409, "previous-not-logged")


async def test_a_target_that_moved_ends_the_correction(
    gates: Gates, client: httpx.AsyncClient
) -> None:
    correction, content = await gates.file()
    await gates.through(correction, content)
    await gates.log([entry(1, 4)])
    shown = await got(client, f"/corrections/{correction}", CLERK)
    last = shown["events"][-1]
    assert (shown["status"], last["type"], last["data"]["because"]) == (
        "REFUSED",
        "CorrectionRefused",
        "TARGET_MOVED",
    )
    again = await gates.file(
        targets=[{**FILING["targets"][0], "version": 4}]  # type: ignore[index,dict-item]
    )
    assert again[0] != correction


async def test_undoing_without_authority_is_found(
    gates: Gates, client: httpx.AsyncClient, database: Database
) -> None:
    correction, _ = await gates.file()
    await gates.log([undoing(correction)])
    stranger = undoing(str(uuid4()), 1, stream_id=new_id(), event_id=new_id())
    nameless = entry(6, 1, type="Purged", data={})
    await gates.log([stranger, nameless])
    async with database.reading() as tx:
        rows = await tx.raw.fetch(
            "select detail ->> 'why' why from audit.finding"
            " where kind = 'unauthorized-correction' order by 1"
        )
    assert [row["why"] for row in rows] == ["names-no-correction", "not-authorized", "not-found"]
    assert await status_of(client, correction) == "OPEN"


async def test_the_gates_over_http_refuse(gates: Gates, client: httpx.AsyncClient) -> None:
    correction, content = await gates.file()
    await gates.log()
    at = f"/corrections/{correction}"
    decision = {"content_sha256": content, "document": "文〔2026〕1号"}
    for path, who, body, expected in (
        ("/corrections", by("officer", "370102"), FILING, (403, "forbidden")),
        ("/corrections", by("officer", "37"), FILING, (403, "forbidden")),
        ("/corrections", CLERK, {**FILING, "force": True}, (422, "unknown-field")),
        (f"{at}/city-review", by("principal", "3702", "x"), decision, (404, "not-found")),
        (f"{at}/city-review", PROVINCE, decision, (403, "forbidden")),
        (f"{at}/city-review", by("administrator", "3701", "x"), decision, (403, "forbidden")),
        (f"{at}/city-review", by("principal", "3701", "clerk"), decision, (422, "own-request")),
        (f"{at}/province-approval", PROVINCE, decision, (409, "gate-out-of-order")),
        (
            f"{at}/city-review",
            LEADER,
            {**decision, "content_sha256": "0" * 64},
            (422, "content-differs"),
        ),
        (f"{at}/refusal", CLERK, {"content_sha256": content, "because": "NOT_JUSTIFIED"}, None),
        (f"/corrections/{uuid4()}/city-review", LEADER, decision, (404, "not-found")),
    ):
        status, problem = await gates.post(path, who, body)
        assert (status, problem["code"]) == (expected or (403, "forbidden")), (path, problem)
    stale = await gates.post(f"{at}/city-review", LEADER, decision, **{"If-Match": '"2"'})
    assert (stale[0], stale[1]["code"]) == (412, "stale-version")
    for path in (at, "/corrections"):
        assert (await client.get(path, headers=by("officer", "370102"))).status_code == 403
    assert (await client.get(at, headers=by("officer", "3702"))).status_code == 404


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


@rule("R108")
async def test_the_documents_of_a_correction_are_kept_for_those_who_decide(gates: Gates) -> None:
    paper = b"%PDF-1.7\n" + b"why it was entered in error" * 9
    digest = sha256(paper).hexdigest()
    correction, _ = await gates.file(evidence=[digest])
    path = f"/evidence/{correction}"
    kept = await gates.client.post(path, content=paper, headers=CLERK)
    assert kept.json()["events"][0]["data"]["sha256"] == digest
    look = {"purpose": "CORRECTION"}
    seen = await gates.client.post(f"{path}/{digest}/reveal", headers=PROVINCE, json=look)
    assert seen.content == paper
    elsewhere = by("officer", "3702")
    assert (await gates.client.get(path, headers=elsewhere)).status_code == 404
    status, _ = await gates.post(f"{path}/{digest}/reveal", by("officer", "370102"), look)
    assert status == 403
    async with gates.service.database.reading() as tx:
        rows = await tx.raw.fetch("select purpose, fields from vault.reveal")
    assert [(row["purpose"], row["fields"]) for row in rows] == [("CORRECTION", ["content"])]
