"""Keys change under a running system, and a household's personal data ends through the gates."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from dixian.demo.client import Answered, Client
from dixian.demo.rollback import keys, signed
from dixian.demo.story import Story
from tests.end_to_end.counting import must_be_exactly_once, must_verify
from tests.end_to_end.system import System

Json = dict[str, Any]
_INDEXED = "select distinct left(token, 2) as v from rm.household_token"
_WRAPPED = "select distinct master_key_id as v from vault.data_key where wrapped is not null"


@pytest.fixture(scope="module")
def system(spare: System) -> System:
    """Not the one that the stories are told on."""
    return spare


@pytest.fixture(scope="module")
def story(system: System) -> Story:
    return system.tell()


@pytest.fixture(scope="module")
def client(system: System) -> Iterator[Client]:
    with system.client() as made:
        yield made


def look(client: Client, story: Story) -> Json:
    records = [story.members[0]["member_id"]]
    body = {"purpose": "VERIFICATION", "records": records, "fields": ["name"]}
    path = f"/households/{story.household}/reveal"
    seen = client._send("village-officer", "identification", "POST", path, json=body)
    return dict(seen["data"])


def versions(system: System, query: str, service: str = "identification") -> set[str]:
    return {row["v"] for row in system.rows(f"dixian_{service}", query)}


def retired(system: System, name: str) -> bool | None:
    return system.command("rotate", "retire", name).returncode == 0 or None


def test_keys_rotate_while_the_demo_is_told(system: System, client: Client, story: Story) -> None:
    before = look(client, story)
    with ThreadPoolExecutor(1) as background:
        telling = background.submit(system.tell)
        for name in ("master", "index"):
            done = system.command("rotate", name)
            assert done.returncode == 0, done.stdout
        told = telling.result()
    for name in ("master", "index"):
        system.eventually(f"the former {name} key gone", lambda name=name: retired(system, name))
    for service in ("alerts", "identification", "assistance"):
        assert versions(system, _WRAPPED, service) == {"2"}
    assert "02" in versions(system, _INDEXED)
    assert look(client, story) == before
    assert look(client, told)
    must_be_exactly_once(system)
    again = system.tell()
    assert again.household not in {story.household, told.household}


def test_an_erasure_passes_the_gates_and_every_proof_still_verifies(
    system: System, client: Client, story: Story
) -> None:
    story = replace(story, client=client)
    keys(story)
    correction = _filed(client, story)
    decision = {"document": "济农函〔2024〕1号"}
    national = {**decision, "letter": "鲁农函〔2024〕2号", "filed_on": client.today().isoformat()}
    for who, gate, said in (
        ("city-principal", "city-review", decision),
        ("province-principal", "province-approval", decision),
        ("province-officer", "national-filing", national),
    ):
        signed(story, correction, who, gate, gate, said)
    client.eventually("the erasure carried out", lambda: _executed(client, correction))
    with pytest.raises(Answered) as answer:
        look(client, story)
    assert answer.value.status == 410
    for service in ("identification", "assistance"):
        system.eventually(f"{service}'s key gone", lambda of=service: _shredded(system, of, story))
    shown = client.get("county-officer", "identification", f"/households/{story.household}")
    assert {member["person"] for member in shown["members"]} == {None}
    must_be_exactly_once(system)
    must_verify(system)


def _filed(client: Client, story: Story) -> str:
    path = f"/households/{story.household}"
    version = client.get("county-officer", "identification", path)["version"]
    target = {
        "service": "identification",
        "stream_id": story.household,
        "version": version,
    }
    filed = client.act(
        "city-officer",
        "audit",
        "/corrections",
        {
            "kind": "ERASURE",
            "targets": [target],
            "reason": "RETENTION_ENDED",
            "words": "保存期限届满",
            "evidence": [hashlib.sha256(b"retention schedule").hexdigest()],
        },
    )
    return str(filed["id"])


def _executed(client: Client, correction: str) -> bool | None:
    shown = client.get("city-officer", "audit", f"/corrections/{correction}")
    return shown["status"] == "EXECUTED" or None


def _shredded(system: System, service: str, story: Story) -> bool | None:
    rows = system.rows(
        f"dixian_{service}",
        "select shredded_at from vault.data_key where owner = $1::uuid",
        story.household,
    )
    return all(row["shredded_at"] for row in rows) or None
