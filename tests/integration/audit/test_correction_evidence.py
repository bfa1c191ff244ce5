"""The documents that speak for a correction, kept and shown over HTTP."""

from hashlib import sha256

from shared.testing.decider import rule
from tests.integration.audit.door import by
from tests.integration.audit.test_gates import CLERK, PROVINCE, Gates, gates

__all__ = ["gates"]


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
