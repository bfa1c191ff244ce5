"""The evidence of measures and eliminations is kept for the household they help."""

from hashlib import sha256

from shared.testing.decider import rule
from tests.integration.assistance.conftest import Office, approved

PDF = b"%PDF-1.7\n" + b"wages of a workshop" * 9
DIGEST = sha256(PDF).hexdigest()


@rule("R1")
async def test_a_file_is_kept_for_the_household_that_is_helped(office: Office) -> None:
    event = approved("2023-03-01")
    path = f"/evidence/{event.household_id}"
    before = await office.client.post(path, content=PDF, headers={"x-person": "village"})
    assert before.status_code == 404
    await office.hears(event, on="2023-03-01", household_id=event.household_id)
    kept = await office.client.post(path, content=PDF, headers={"x-person": "village"})
    assert kept.json()["events"][0]["data"]["sha256"] == DIGEST
    listed = (await office.get("county", path)).json()["items"]
    assert [item["media_type"] for item in listed] == ["application/pdf"]
    assert (await office.get("other-village", path)).status_code == 404
    look = f"{path}/{DIGEST}/reveal"
    seen = await office.post("county", look, {"purpose": "ASSISTANCE"})
    assert seen.content == PDF
    assert (await office.post("county", look, {"purpose": "INSPECTION"})).status_code == 403
    [row] = await office.rows("select owner, fields from vault.reveal")
    assert (row["owner"], row["fields"]) == (event.household_id, ["content"])
