"""Waiting leads under a new key of the index, and what is kept of a household that was erased."""

from itertools import count
from pathlib import Path
from uuid import UUID

import pytest

from services.alerts.indexing import renew
from services.alerts.read_models import register
from shared.contracts.identification import PersonalDataErased
from shared.kernel.ids import new_id
from shared.testing.decider import rule
from shared.vault.erasure import erasing
from shared.vault.keyring import KeyFile, KeyRing
from tests.integration.alerts.conftest import COUNTY, VILLAGE, Desk, document_number, order
from tests.integration.alerts.test_leads import lead_of

COUNTY_OFFICER = f"officer:{COUNTY}"


@pytest.fixture
def index_keys(desk: Desk, tmp_path: Path) -> Path:
    """The file of the index's keys, which the desk's index looks at whenever it is asked."""
    path = tmp_path / "index.json"
    desk.tools.index._keys = KeyFile(path, elapsed=count(step=1.0).__next__)
    return path


async def seen(desk: Desk, path: str) -> tuple[str, str | None]:
    lead = (await desk.get(path, COUNTY_OFFICER)).json()
    return lead["status"], lead["household_id"]


async def test_a_lead_waits_by_the_new_key_too(desk: Desk, index_keys: Path) -> None:
    app, vault, index = desk.app, desk.tools.vault, desk.tools.index
    path = await lead_of(desk)
    number = {"name": "王二", "document_number": document_number(2)}
    early = await lead_of(desk, person=number, reference="SB20230801-2")
    ring = KeyRing.load(index_keys).rotated(index_keys)
    # Between the rotation and the worker: a household comes with tokens by both keys.
    household = await desk.household(document_number(2))
    assert await seen(desk, early) == ("MATCHED", str(household))

    assert [await renew(app, vault, index) for _ in range(2)] == [1, 0]
    ring.without(index_keys, "1")
    household = await desk.household(document_number())
    assert await seen(desk, path) == ("MATCHED", str(household))
    assert await renew(app, vault, index) == 0
    async with app.database.reading() as tx:
        rows = await tx.raw.fetch("select distinct get_byte(token, 0) as v from matching.token")
    assert [row["v"] for row in rows] == [2]


async def test_a_lead_whose_person_was_destroyed_waits_no_more(
    desk: Desk, index_keys: Path
) -> None:
    path = await lead_of(desk)
    async with desk.app.database.transaction() as tx:
        await desk.tools.vault.shred(tx.raw, UUID(path.split("/")[-1]), at=tx.clock.now())
    KeyRing.load(index_keys).rotated(index_keys)
    done = [await renew(desk.app, desk.tools.vault, desk.tools.index) for _ in range(2)]
    assert done == [1, 0]


@rule("R107", "R108")
async def test_what_is_kept_of_an_erased_household_s_people_goes_with_it(desk: Desk) -> None:
    household = await desk.household(document_number())
    applied = await desk.done("/orders", order(), "hotline:37")
    caller = {"name": "李四", "phone": "13805310002"}
    report = order("GD20230801-0002", kind="REPORT", caller=caller)
    reported = await desk.done("/orders", report, "hotline:37")
    erased = PersonalDataErased(household_id=household, division=VILLAGE, correction_id=new_id())
    await desk.hear(erased, by=erasing(desk.tools.vault, register.owners_about))

    look = {"purpose": "ORDER_HANDLING", "parts": ["CALLER"]}
    path = "/orders/{}/reveal"
    await desk.refused(path.format(applied["id"]), look, "hotline:37", "personal-data-destroyed")
    shown = await desk.done(path.format(reported["id"]), look, "hotline:37")
    assert "李四" in str(shown)
    await desk.hear(erased, by=erasing(desk.tools.vault, register.owners_about))
