"""The gates over HTTP: the one way through, and every other way refused."""

import itertools
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi.routing import APIRoute

from dixian import signing
from services.assistance.domain import commands as assist
from services.audit.domain import merkle
from services.audit.domain.leaf import Entry
from services.audit.log import layout, verify
from services.audit.log.append import LogWriter
from services.audit.log.export import export
from services.audit.log.keys import FileKey, KeyVerifier
from services.audit.reactions import Intake
from services.audit.settings import AuditSettings
from services.identification.domain import internal as ident
from shared.kernel.clock import SystemClock
from shared.kernel.ids import new_id
from shared.kernel.principal import Role
from shared.store import event_store
from shared.store.database import Database
from shared.testing.decider import rule
from tests.integration.audit.door import INSPECTOR, ORIGIN, Parts, by, got
from tests.integration.audit.exported import built
from tests.integration.audit.support import NAME, entry, identified

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
ADMINISTRATOR = by("administrator", "CN", "admin")


def subject_of(who: dict[str, str]) -> str:
    return who["Authorization"].rpartition(":")[2]


def key_of(who: dict[str, str]) -> FileKey:
    return FileKey(sha256(subject_of(who).encode()).digest())


async def enrolled(client: httpx.AsyncClient, who: dict[str, str]) -> str:
    """Enrol the caller's key and have it confirmed."""
    body = signing.enrolment(key_of(who), subject_of(who))
    answer = await client.post("/signing-keys", headers=who, json=body)
    assert answer.status_code == 201, answer.text
    key: str = answer.json()["id"]
    confirmed = await client.post(f"/signing-keys/{key}/confirmation", headers=ADMINISTRATOR)
    assert confirmed.status_code == 200, confirmed.text
    return key


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

    async def decide(self, correction: str, path: str, who: dict[str, str], **said: str) -> Any:
        """Ask for the statement, sign it with one's own key, decide."""
        asked = await self.client.get(
            f"/corrections/{correction}/statement", headers=who, params=said
        )
        if asked.status_code != 200:
            return asked.status_code, asked.json()
        given = asked.json()
        signed = key_of(who).sign(signing.checked(given)).hex()
        body = {**said, "content_sha256": given["content_sha256"], "signature": signed}
        return await self.post(f"/corrections/{correction}/{path}", who, body)

    async def file(self, **changes: Any) -> tuple[str, str]:
        status, receipt = await self.post("/corrections", CLERK, {**FILING, **changes})
        assert status == 201, receipt
        return receipt["id"], receipt["events"][0]["data"]["content_sha256"]

    async def through(self, correction: str) -> None:
        for path, who, said in WAY:
            await self.log()
            status, receipt = await self.decide(correction, path, who, **said)
            assert status == 200, receipt
        await self.log()


DOCUMENT = {"document": "文〔2026〕1号"}
FILED = {**DOCUMENT, "letter": "函〔2026〕2号", "filed_on": "2026-01-05"}
WAY = (
    ("city-review", LEADER, DOCUMENT),
    ("province-approval", PROVINCE, DOCUMENT),
    ("national-filing", NATION, FILED),
)


@pytest.fixture
async def gates(client: httpx.AsyncClient, service: Parts) -> Gates:
    made = Gates(client, service)
    await made.log([entry(1, version) for version in (1, 2, 3)])
    for who in (LEADER, PROVINCE, NATION):
        await enrolled(client, who)
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


@rule("R107", "R108", "R109")
async def test_a_rollback_goes_through_every_gate(gates: Gates, client: httpx.AsyncClient) -> None:
    correction, _ = await gates.file()
    shown = await got(client, f"/corrections/{correction}", PROVINCE)
    assert (shown["status"], shown["gate"]) == ("OPEN", "CITY")
    status, note = await gates.post(f"/corrections/{correction}/note", LEADER, None)
    assert (status, note["text"]) == (200, "录入时选错了户")
    await gates.through(correction)
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
    rates = await got(client, "/corrections/rates?since=2020-01-01", PROVINCE)
    assert rates == [
        {
            "city": "3701",
            "requested": 1,
            "reasons": {"WRONG_ENTRY": 1},
            "statuses": {"EXECUTED": 1},
        }
    ]
    assert await got(client, "/corrections/rates?since=2020-01-01", by("officer", "3702")) == []
    listed = await got(client, "/corrections?status=EXECUTED", INSPECTOR)
    assert [item["stream_id"] for item in listed["items"]] == [correction]
    assert (await got(client, "/corrections", by("officer", "3702")))["items"] == []


@rule("R107", "R108")
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
    status, problem = await gates.decide(correction, "city-review", LEADER, **DOCUMENT)
    assert (status, problem["code"]) == (409, "previous-not-logged")
    decision = {"content_sha256": content, **DOCUMENT, "signature": "00" * 64}
    status, problem = await gates.post(f"/corrections/{correction}/city-review", LEADER, decision)
    assert (status, problem["code"]) == (409, "previous-not-logged")


@rule("R107", "R108")
async def test_a_target_that_moved_ends_the_correction(
    gates: Gates, client: httpx.AsyncClient
) -> None:
    correction, _ = await gates.file()
    await gates.through(correction)
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


@rule("R107", "R108")
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


@rule("R107", "R108")
async def test_the_gates_over_http_refuse(gates: Gates, client: httpx.AsyncClient) -> None:
    correction, content = await gates.file()
    await gates.log()
    at = f"/corrections/{correction}"
    decision = {"content_sha256": content, **DOCUMENT, "signature": "00" * 64}
    no = {"content_sha256": content, "because": "NOT_JUSTIFIED", "signature": "00" * 64}
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
        (f"{at}/refusal", CLERK, no, None),
        (f"{at}/city-review", LEADER, decision, (422, "signature-does-not-verify")),
        (f"{at}/city-review", LEADER, {**decision, "signature": ""}, (422, "wrong-format")),
        (f"{at}/city-review", by("principal", "3701", "new"), decision, (422, "no-signing-key")),
        (f"/corrections/{uuid4()}/city-review", LEADER, decision, (404, "not-found")),
    ):
        status, problem = await gates.post(path, who, body)
        assert (status, problem["code"]) == (expected or (403, "forbidden")), (path, problem)
    stale = await gates.post(f"{at}/city-review", LEADER, decision, **{"If-Match": '"2"'})
    assert (stale[0], stale[1]["code"]) == (412, "stale-version")
    for path in (at, "/corrections"):
        assert (await client.get(path, headers=by("officer", "370102"))).status_code == 403
    assert (await client.get(at, headers=by("officer", "3702"))).status_code == 404


ROLES = [role.value for role in Role]
DIVISIONS = ["CN", "37", "3701", "370102", "370102001", "370102001001", "3702"]
GATE_OF = {
    "city-review": {("principal", "3701")},
    "province-approval": {("officer", "37"), ("committee", "37"), ("principal", "37")},
    "national-filing": {("officer", "37"), ("officer", "CN")},
}


@rule("R107", "R108")
async def test_no_role_anywhere_passes_another_gate(
    gates: Gates, client: httpx.AsyncClient
) -> None:
    """Every role at every level, at every gate in its turn: only the gate's own people come in."""
    correction, content = await gates.file()
    for path, who, said in WAY:
        await gates.log()
        body = {**said, "content_sha256": content, "signature": "00" * 64}
        came: set[tuple[str, str]] = set()
        for role, division in itertools.product(ROLES, DIVISIONS):
            status, problem = await gates.post(
                f"/corrections/{correction}/{path}", by(role, division, "anybody"), body
            )
            assert status in {403, 404, 422}, problem
            if problem["code"] == "no-signing-key":
                came.add((role, division))
        assert came == GATE_OF[path]
        assert (await gates.decide(correction, path, who, **said))[0] == 200
    assert await status_of(client, correction) == "AUTHORIZED"


@rule("R107")
def test_nothing_but_the_gates_authorizes_and_nothing_but_that_executes(service: Parts) -> None:
    """No route of any service takes a purge or a rollback; no setting touches a gate."""
    routes = {
        (method, route.path)
        for route in service.service.app.routes
        if isinstance(route, APIRoute) and "correction" in route.path
        for method in route.methods
    }
    one = "/corrections/{correction_id}"
    assert routes == {
        ("POST", "/corrections"),
        ("POST", "/corrections/preview"),
        ("GET", "/corrections"),
        ("GET", "/corrections/rates"),
        ("GET", one),
        ("GET", f"{one}/statement"),
        ("GET", f"{one}/effects"),
        *(("POST", f"{one}/{path}") for path in (*GATE_OF, "refusal", "note")),
    }
    assert not {
        name for name in AuditSettings.model_fields if re.search("gate|sign_off|correct", name)
    }
    for command in (ident.Correct, assist.Correct, assist.ChangeFlag):
        assert command.permission.roles == {Role.SYSTEM}
    doors = [*Path("services").glob("*/http/*.py"), *Path("services").glob("*/http.py")]
    for door in doors:
        text = door.read_text(encoding="utf-8")
        assert not re.search(r"\b(Correct|ChangeFlag|Purged|RolledBack|FlagChanged)\(", text), door


@rule("R108", "R109")
async def test_a_signature_is_for_one_decision_alone(gates: Gates) -> None:
    """Neither another's key, nor another document, nor another gate's, nor one used before."""
    correction, _ = await gates.file()
    await gates.log()
    at = f"/corrections/{correction}"
    asked = await gates.client.get(f"{at}/statement", headers=LEADER, params=DOCUMENT)
    given = asked.json()
    said = signing.checked(given)
    body = {**DOCUMENT, "content_sha256": given["content_sha256"]}
    wrong = (
        {**body, "signature": key_of(PROVINCE).sign(said).hex()},
        {**body, "document": "文〔2026〕2号", "signature": key_of(LEADER).sign(said).hex()},
        {**body, "signature": key_of(LEADER).sign(said.partition(b"\n")[2]).hex()},
    )
    for sent in wrong:
        status, problem = await gates.post(f"{at}/city-review", LEADER, sent)
        assert (status, problem["code"]) == (422, "signature-does-not-verify")
    right = {**body, "signature": key_of(LEADER).sign(said).hex()}
    assert (await gates.post(f"{at}/city-review", LEADER, right))[0] == 200
    await gates.log()
    status, problem = await gates.post(f"{at}/province-approval", PROVINCE, right)
    assert (status, problem["code"]) == (422, "signature-does-not-verify")
    other = {**given, "content": given["content"].replace("WRONG_ENTRY", "DUPLICATE")}
    with pytest.raises(ValueError, match="another content"):
        signing.checked(other)


@rule("R108")
async def test_a_delegate_is_the_person_who_acts(gates: Gates) -> None:
    correction, _ = await gates.file()
    await gates.log()
    for who in (by("principal", "3701", "deputy:clerk"), by("principal", "3701", "clerk:leader")):
        body = {**DOCUMENT, "content_sha256": "0" * 64, "signature": "00" * 64}
        status, problem = await gates.post(f"/corrections/{correction}/city-review", who, body)
        assert (status, problem["code"]) == (422, "own-request")


@rule("R108")
async def test_keys_over_http(client: httpx.AsyncClient) -> None:
    first = await enrolled(client, LEADER)
    body = signing.enrolment(key_of(LEADER), "leader")
    again = await client.post("/signing-keys", headers=LEADER, json=body)
    assert (again.status_code, again.json()["code"]) == (409, "key-taken")
    stolen = {**body, "proof": key_of(LEADER).sign(b"x").hex()}
    taken = await client.post("/signing-keys", headers=PROVINCE, json=stolen)
    assert (taken.status_code, taken.json()["code"]) == (422, "proof-does-not-verify")
    second = await client.post(
        "/signing-keys", headers=LEADER, json=signing.enrolment(FileKey(b"2" * 32), "leader")
    )
    confirmation = f"/signing-keys/{second.json()['id']}/confirmation"
    held = await client.post(confirmation, headers=ADMINISTRATOR)
    assert (held.status_code, held.json()["code"]) == (409, "another-key-is-active")
    for who, expected in ((LEADER, 403), (by("administrator", "3702", "x"), 404)):
        assert (await client.post(confirmation, headers=who)).status_code == expected
    await client.post(f"/signing-keys/{first}/revocation", headers=LEADER)
    assert (await client.post(confirmation, headers=ADMINISTRATOR)).status_code == 200
    listed = await got(client, "/signing-keys", by("administrator", "37", "x"))
    assert [(item["owner"], item["status"]) for item in listed["items"]] == [
        ("leader", "ACTIVE"),
        ("leader", "REVOKED"),
    ]
    shown = await got(client, f"/signing-keys/{first}", PROVINCE)
    assert (shown["owner"], shown["status"]) == ("leader", "REVOKED")
    elsewhere = await client.get(f"/signing-keys/{first}", headers=by("officer", "3702"))
    assert elsewhere.status_code == 404
    assert (await got(client, "/signing-keys", by("officer", "3702")))["items"] == []


@rule("R108")
async def test_a_preview_shows_what_would_become_void(
    gates: Gates, client: httpx.AsyncClient
) -> None:
    plan = entry(
        21,
        1,
        service="assistance",
        category="plan",
        type="PlanOpened",
        key=entry(1, 1).key,
        causation_id=entry(1, 3).event_id,
        data={"case_id": str(CASE)},
    )
    await gates.log([plan])
    aimed = {"kind": FILING["kind"], "targets": FILING["targets"]}
    status, seen = await gates.post("/corrections/preview", CLERK, aimed)
    assert status == 200, seen
    assert [(item["type"], item["version"]) for item in seen["void"]] == [("Verified", 3)]
    assert [(item["category"], item["type"]) for item in seen["streams"]] == [
        ("plan", "PlanOpened")
    ]
    correction, _ = await gates.file()
    assert await got(client, f"/corrections/{correction}/effects", NATION) == seen
    elsewhere = by("officer", "3702", "x")
    status, problem = await gates.post("/corrections/preview", elsewhere, aimed)
    assert (status, problem["code"]) == (404, "not-found")
    readings = await got(client, f"/households/{plan.key}/readings", INSPECTOR)
    assert [item["route"] for item in readings["items"]] == [
        "GET /corrections/{correction_id}/effects",
        "POST /corrections/preview",
    ]


FORGERIES = {
    "another document": lambda leaf: leaf.replace("文〔2026〕1号", "文〔2026〕7号"),
    "another decider": lambda leaf: leaf.replace('"decided_by":"leader"', '"decided_by":"mayor"'),
    "no signature": lambda leaf: re.sub('"signature":"[0-9a-f]+"', '"signature":null', leaf),
    "another key": lambda leaf: re.sub('"key_id":"[^"]+"', f'"key_id":"{uuid4()}"', leaf),
    "another content": lambda leaf: re.sub(
        '"content_sha256":"[0-9a-f]+"', f'"content_sha256":"{"0" * 64}"', leaf
    ),
    "another step before": lambda leaf: re.sub(
        '"previous_leaf_sha256":"[0-9a-f]+"', f'"previous_leaf_sha256":"{"0" * 64}"', leaf
    ),
}


@rule("R107", "R108")
async def test_forged_decisions_are_found_offline(
    gates: Gates, service: Parts, tmp_path: Path
) -> None:
    """Even by whoever has the log's own key: the deciders' keys are theirs alone."""
    correction, _ = await gates.file()
    await gates.through(correction)
    await gates.log([undoing(correction)])
    await service.publisher.publish()
    signer = service.publisher.signer(ORIGIN)
    key = KeyVerifier.parse(signer.vkey())
    honest = tmp_path / "honest"
    await export(service.database, None, honest)
    assert verify.verify(honest, [key]).problems == []
    bundle = next((honest / "tile/entries").glob("000*"))
    leaves = layout.unpack(next(p for p in [bundle, *bundle.glob("*")] if p.is_file()).read_bytes())
    at = next(n for n, leaf in enumerate(leaves) if b'"type":"CityReviewed"' in leaf)
    for number, (name, forge) in enumerate(FORGERIES.items()):
        forged = [*leaves]
        forged[at] = forge(leaves[at].decode()).encode()
        assert forged != leaves, name
        made = built(forged, signer=signer, origin=ORIGIN).at(tmp_path / str(number))
        problems = verify.verify(made, [key]).problems
        assert "decision" in {problem.code for problem in problems}, (name, problems)
        assert any(f"entry {at}" in problem.where for problem in problems), (name, problems)
