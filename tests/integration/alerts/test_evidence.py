"""The evidence of a lead is kept under the lead's own key."""

from hashlib import sha256

from shared.testing.decider import rule
from tests.integration.alerts.conftest import OTHER_TOWN, TOWN, VILLAGE, Desk

PNG = b"\x89PNG\r\n\x1a\n" + b"a burnt house" * 9
DIGEST = sha256(PNG).hexdigest()


@rule("R1")
async def test_a_photograph_is_kept_for_its_lead(desk: Desk) -> None:
    declared = {
        "source": "CADRE_SCREENING",
        "division": VILLAGE,
        "person": {"name": "赵六"},
        "risks": ["DISASTER"],
        "evidence": [DIGEST],
    }
    lead = await desk.done("/leads", declared, f"officer:{TOWN}")
    path = f"/evidence/{lead['id']}"
    headers = {"Authorization": f"Bearer officer:{TOWN}"}
    kept = await desk.client.post(path, content=PNG, headers=headers)
    assert (kept.status_code, kept.json()["events"][0]["type"]) == (201, "EvidenceKept")
    look = {"purpose": "VERIFICATION"}
    seen = await desk.post(f"{path}/{DIGEST}/reveal", look, f"officer:{TOWN}")
    assert seen.content == PNG
    stranger = f"officer:{OTHER_TOWN}"
    assert (await desk.post(f"{path}/{DIGEST}/reveal", look, stranger)).status_code == 404
    assert (await desk.get(path, stranger)).status_code == 404
    [revealed] = await desk.events("PersonalDataRevealed")
    assert (revealed["owner_id"], revealed["fields"]) == (lead["id"], ["content"])
