"""Evidence over HTTP: kept for a household, seen for a purpose, gone with its key."""

from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from shared.evidence.room import EvidenceRoom, Lost
from shared.testing.casework import PEOPLE, World, household
from shared.testing.decider import rule
from tests.integration.identification.support import named, register

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + b"a paper with a name" * 99
DIGEST = sha256(JPEG).hexdigest()


async def put(world: World, who: str, owner: str, content: bytes = JPEG) -> httpx.Response:
    return await world.client.post(f"/evidence/{owner}", content=content, headers=PEOPLE[who])


async def look(
    world: World, who: str, owner: str, digest: str = DIGEST, purpose: str = "VERIFICATION"
) -> httpx.Response:
    return await world.post(who, f"/evidence/{owner}/{digest}/reveal", {"purpose": purpose})


@pytest.fixture
async def home(world: World) -> str:
    return (await register(world, **household()))[0]


async def test_a_file_is_kept_sealed_and_given_back_for_a_purpose(
    world: World, home: str, tmp_path: Path
) -> None:
    answer = await put(world, "village", home)
    assert answer.status_code == 201
    [event] = answer.json()["events"]
    assert (event["type"], event["data"]["sha256"]) == ("EvidenceKept", DIGEST)
    assert (event["data"]["media_type"], event["data"]["size"]) == ("image/jpeg", len(JPEG))
    [item] = (await world.get("county", f"/evidence/{home}"))["items"]
    assert (item["sha256"], item["kept_by"]) == (DIGEST, "person:village")
    [file] = tmp_path.rglob(DIGEST)
    assert file.parts[-3:] == ("identification", home, DIGEST)
    assert b"a paper with a name" not in file.read_bytes()
    seen = await look(world, "county", home)
    assert (seen.status_code, seen.content) == (200, JPEG)
    assert seen.headers["content-type"] == "image/jpeg"
    assert seen.headers["content-disposition"].startswith("attachment")
    async with world.database.reading() as tx:
        [row] = await tx.raw.fetch("select * from vault.reveal")
        types = await tx.raw.fetch("select type from es.event where category = 'reveal'")
    assert (row["actor"], row["purpose"], row["fields"]) == (
        "person:county",
        "VERIFICATION",
        ["content"],
    )
    assert [item["type"] for item in types] == ["PersonalDataRevealed"]


async def test_sent_again_it_is_one_file(world: World, home: str) -> None:
    for _ in range(2):
        assert (await put(world, "village", home)).status_code == 201
    assert len((await world.get("village", f"/evidence/{home}"))["items"]) == 1
    async with world.database.reading() as tx:
        assert (
            await tx.raw.fetchval("select count(*) from es.event where category = 'evidence'") == 1
        )


@rule("R1")
async def test_who_may_not_see_the_household_sees_none_of_its_files(
    world: World, home: str
) -> None:
    await put(world, "village", home)
    for answer in (
        await put(world, "other-county", home),
        await look(world, "other-county", home),
        await world.client.get(f"/evidence/{home}", headers=PEOPLE["other-county"]),
        await put(world, "village", str(uuid4())),
        await look(world, "village", home, "0" * 64),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    refused = await look(world, "village", home, purpose="INSPECTION")
    assert refused.status_code == 403
    async with world.database.reading() as tx:
        assert await tx.raw.fetchval("select count(*) from vault.reveal") == 0


async def test_bad_files_and_bad_hashes_are_refused(world: World, home: str) -> None:
    for content, status, code in (
        (b"", 422, "file-empty"),
        (b"<html></html>", 422, "file-type-not-allowed"),
        (JPEG + b"\x00" * 2_000_000, 413, "body-too-large"),
    ):
        answer = await put(world, "village", home, content)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await look(world, "village", home, "abc")).status_code == 422
    assert (await world.get("village", f"/evidence/{home}"))["items"] == []


async def test_the_same_file_of_two_households_is_two_sealed_files(
    world: World, home: str, room: EvidenceRoom
) -> None:
    other, _ = await register(world, **household())
    for owner in (home, other):
        await put(world, "village", owner)
    async with world.database.transaction() as tx:
        await room.vault.shred(tx.raw, UUID(home), at=tx.clock.now())
    gone = await look(world, "village", home)
    assert (gone.status_code, gone.json()["code"]) == (410, "personal-data-destroyed")
    assert (await look(world, "village", other)).content == JPEG
    assert (await put(world, "village", home)).status_code == 410


async def test_a_file_that_vanished_or_was_changed_is_a_fault_and_not_an_answer(
    world: World, home: str, tmp_path: Path, room: EvidenceRoom
) -> None:
    await put(world, "village", home)
    [file] = tmp_path.rglob(DIGEST)
    file.write_bytes(file.read_bytes()[:-1] + b"\x00")
    assert (await look(world, "village", home)).status_code == 500
    file.unlink()
    async with world.database.reading() as tx:
        with pytest.raises(Lost):
            await room.fetch(tx.raw, UUID(home), DIGEST)


@rule("K5")
async def test_a_file_cited_before_it_is_sent_is_shown_as_missing(world: World) -> None:
    home, [head] = await register(world, **household())
    case = await world.opened(home, "2023-08-01")
    await named(world, case)
    act: dict[str, Any] = {"signer_id": head, "scope": ["BANK"], "evidence": [DIGEST]}
    await world.does("village", f"/cases/{case}/authorization", **act)
    cited = {"sha256": DIGEST, "type": "AuthorizationSigned", "version": 3}
    assert (await world.get("town", f"/cases/{case}"))["evidence"] == [cited | {"kept": False}]
    await put(world, "village", home)
    assert (await world.get("town", f"/cases/{case}"))["evidence"] == [cited | {"kept": True}]
