"""How an order goes on comes to its hotline: signed, in order, again and again, never lost."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from standardwebhooks import Webhook as Verifier

from services.alerts.postman import Postman, Round
from shared.bus.connection import connector
from shared.testing.decider import rule
from shared.testing.ports import free_base
from shared.web.outbound import Answer, Guard, Outbound, OutboundSettings
from shared.web.settings import Mode
from tests.integration.alerts.conftest import COUNTY, TOWN, Desk, document_number
from tests.integration.alerts.test_orders import (
    COUNTY_OFFICER,
    HOTLINE,
    accepted,
    assigned,
    handled,
)

RECEIVER = Path(__file__).parents[3] / "docs" / "integration" / "receiver.py"
OK, BROKEN = Answer(204), Answer(503)


@dataclass
class Outside:
    """The other side: answers as it is told, and remembers what came; and the time, in hand."""

    answers: list[Answer] = field(default_factory=list)
    came: list[dict[str, Any]] = field(default_factory=list)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        self.came.append({"url": url, "headers": headers, **orjson.loads(body), "raw": body})
        return self.answers.pop(0) if self.answers else OK

    async def close(self) -> None:
        """Nothing is open."""

    def types(self) -> list[str]:
        return [item["type"] for item in self.came]

    @asynccontextmanager
    async def postman(self, desk: Desk) -> AsyncIterator[Round]:
        """The active postman, step by step."""
        made = Postman(
            desk.app.database,
            connector(desk.url, server_settings={"search_path": "rm, public"}),
            desk.tools.vault,
            self,  # type: ignore[arg-type]  # it posts all the same
            now=lambda: self.now,
            jitter=lambda: 0.5,
        )
        async with made.round() as round_:
            yield round_

    async def deliver(self, desk: Desk) -> None:
        """Everything that can be delivered now."""
        async with self.postman(desk) as round_:
            await all_of(round_)


async def all_of(round_: Round) -> None:
    while await round_.step():
        await round_.finish()


async def registered(desk: Desk, url: str = "http://127.0.0.1:9/hook") -> dict[str, Any]:
    return await desk.done("/webhooks", {"url": url}, HOTLINE)


async def dead(desk: Desk, caller: str = "operator:37") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (
        await desk.get("/webhook-deliveries?status=DEAD", caller)
    ).json()["items"]
    return items


@rule("R115", "R118")
async def test_an_order_s_whole_way_is_told_in_order_and_nobody_is_named(desk: Desk) -> None:
    await registered(desk)
    path = await assigned(desk, kind="REPORT", subject={"name": "李四"})
    await desk.done(f"{path}/return", {"reason": "NOT_OUR_DUTY"}, f"officer:{TOWN}")
    await desk.done(f"{path}/assignment", {"assignee": TOWN, "instruction": "入户"}, COUNTY_OFFICER)
    await desk.done(f"{path}/extension", {"reason": "EVIDENCE_PENDING"}, COUNTY_OFFICER)
    await desk.today("2023-08-22")
    await desk.tick()
    await desk.today("2023-08-25")
    await desk.tick()
    await desk.done(f"{path}/supervision", {"ground": "OVERDUE", "note": "请办"}, COUNTY_OFFICER)
    await handled(desk, path)
    await desk.done(f"{path}/rating", {"rating": "SATISFIED"}, HOTLINE)
    outside = Outside()
    await outside.deliver(desk)
    assert outside.types() == [
        "order.accepted",
        "order.assigned",
        "order.returned",
        "order.assigned",
        "order.extended",
        "order.yellow_card",
        "order.red_card",
        "order.supervised",
        "order.handled",
        "order.closed",
        "order.rated",
    ]
    told = [item["data"] for item in outside.came]
    assert [item["sequence"] for item in told] == list(range(1, 12))
    assert {item["order_no"] for item in told} == {"GD20230801-0001"}
    assert (told[-1]["status"], told[-1]["rating"]) == ("RATED", "SATISFIED")
    assert (told[6]["card"], told[6]["escalated_to"]) == ("RED", [COUNTY])
    everything = b"".join(item["raw"] for item in outside.came).decode()
    for secret in ("王秀英", "李四", "13805310001", document_number(), "入户", "已上门"):
        assert secret not in everything


async def test_a_message_is_signed_as_the_library_verifies_it(desk: Desk) -> None:
    made = await registered(desk)
    await accepted(desk)
    outside = Outside()
    await outside.deliver(desk)
    (came,) = outside.came
    assert Verifier(made["secret"]).verify(came["raw"], came["headers"])["type"] == "order.accepted"


async def test_a_rotated_secret_signs_beside_the_new_one_until_its_end(desk: Desk) -> None:
    made = await registered(desk)
    path = f"/webhooks/{made['id']}/secret"
    rotated = await desk.done(path, {"overlap_hours": 1}, HOTLINE)
    outside = Outside()
    await accepted(desk)
    await outside.deliver(desk)
    both = outside.came[0]
    for secret in (made["secret"], rotated["secret"]):
        Verifier(secret).verify(both["raw"], both["headers"])
    outside.now += timedelta(hours=1)
    await accepted(desk, number="GD20230801-0002")
    await outside.deliver(desk)
    assert len(outside.came[1]["headers"]["webhook-signature"].split()) == 1


async def test_a_failure_is_tried_again_and_holds_up_its_own_order_alone(desk: Desk) -> None:
    await registered(desk)
    first = await accepted(desk)
    outside = Outside([BROKEN])
    await outside.deliver(desk)
    await desk.done(f"{first}/assignment", {"assignee": TOWN}, COUNTY_OFFICER)
    await accepted(desk, number="GD20230801-0002")
    await outside.deliver(desk)
    assert [item["data"]["order_no"][-4:] for item in outside.came] == ["0001", "0002"]
    outside.now += timedelta(seconds=5)
    await outside.deliver(desk)
    assert outside.types()[2:] == ["order.accepted", "order.assigned"]
    assert outside.came[0]["headers"]["webhook-id"] == outside.came[2]["headers"]["webhook-id"]
    assert outside.came[0]["raw"] == outside.came[2]["raw"]


async def test_after_three_days_it_is_dead_seen_and_made_again_by_an_operator(desk: Desk) -> None:
    made = await registered(desk)
    path = await accepted(desk)
    await desk.done(f"{path}/assignment", {"assignee": TOWN}, COUNTY_OFFICER)
    outside = Outside([Answer(None, "timeout")] * 100)
    begun = outside.now
    async with outside.postman(desk) as round_:
        while not await dead(desk):
            await all_of(round_)
            outside.now += timedelta(hours=1)
    assert timedelta(days=3) <= outside.now - begun <= timedelta(days=3, hours=2)
    assert set(outside.types()[:-1]) == {"order.accepted"}
    assert outside.types()[-1] == "order.assigned", "it waited until the one before was dead"
    (lost,) = await dead(desk)
    assert (lost["type"], lost["last_error"], lost["last_status"]) == (
        "order.accepted",
        "timeout",
        None,
    )
    assert lost["message_id"] == outside.came[0]["headers"]["webhook-id"]
    assert await dead(desk, "operator:3717") == []

    outside.answers.clear()
    outside.came.clear()
    outside.now = datetime.now(UTC) + timedelta(days=4)
    await outside.deliver(desk)
    assert outside.types() == ["order.assigned"]
    await desk.done(f"/webhooks/{made['id']}/replay", {}, "operator:37")
    await outside.deliver(desk)
    assert outside.types() == ["order.assigned", "order.accepted"]
    assert outside.came[1]["headers"]["webhook-id"] == lost["message_id"]
    assert await dead(desk) == []
    (replayed,) = await desk.events("WebhookReplayed")
    assert (replayed["delivery_id"], replayed["since"]) == (None, None)


async def test_a_receiver_that_is_gone_is_not_asked_again_about_that(desk: Desk) -> None:
    await registered(desk)
    await accepted(desk)
    outside = Outside([Answer(410)])
    await outside.deliver(desk)
    assert [(item["tries"], item["last_status"]) for item in await dead(desk)] == [(1, 410)]


async def test_what_was_delivered_can_be_had_again_one_or_all_since(desk: Desk) -> None:
    made = await registered(desk)
    for number in ("GD20230801-0001", "GD20230801-0002"):
        await accepted(desk, number=number)
    outside = Outside()
    await outside.deliver(desk)
    path = f"/webhooks/{made['id']}/replay"
    items = (await desk.get("/webhook-deliveries?limit=1", HOTLINE)).json()
    one, before = items["items"][0], items["next"]
    assert before is not None
    outside.now += timedelta(minutes=1)
    await desk.done(path, {"delivery": one["id"]}, HOTLINE)
    await outside.deliver(desk)
    assert len(outside.came) == 3
    await desk.done(path, {"since": one["queued_at"]}, HOTLINE)
    await outside.deliver(desk)
    assert len(outside.came) == 5
    both = {"delivery": one["id"], "since": one["queued_at"]}
    await desk.refused(path, both, HOTLINE, "one-or-all-since")
    await desk.refused(path, {"delivery": made["id"]}, HOTLINE, "not-found")


async def test_a_crash_between_the_answer_and_the_note_makes_it_twice_with_one_id(
    desk: Desk,
) -> None:
    await registered(desk)
    await accepted(desk)
    outside, reached = Outside(), asyncio.Event()
    plain = outside.post

    async def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
        await plain(url, body, headers)
        reached.set()
        await asyncio.Event().wait()  # the process dies here
        return OK

    outside.post = post  # type: ignore[method-assign]
    async with outside.postman(desk) as round_:
        await round_.step()
        await reached.wait()
    outside.post = plain  # type: ignore[method-assign]
    await outside.deliver(desk)
    ids = [item["headers"]["webhook-id"] for item in outside.came]
    assert (len(ids), len(set(ids))) == (2, 1)


async def test_what_was_queued_when_the_process_died_is_delivered_by_the_next(desk: Desk) -> None:
    """And what was recorded and not queued yet, too; nothing is queued twice."""
    await registered(desk)
    await accepted(desk)
    outside = Outside([BROKEN])
    await outside.deliver(desk)
    async with desk.app.database.transaction() as tx:
        await tx.raw.execute(
            "update es.reader set done = '1:1:', upto = null where name = 'webhooks'"
        )
    await accepted(desk, number="GD20230801-0002")
    outside.now += timedelta(minutes=1)
    await outside.deliver(desk)
    assert [item["data"]["order_no"][-1] for item in outside.came] == ["1", "1", "2"]


async def test_one_postman_is_active_and_another_takes_over(desk: Desk) -> None:
    outside = Outside()
    async with outside.postman(desk):
        standing_by = asyncio.create_task(outside.deliver(desk))
        async with desk.app.database.reading() as tx:
            locks = "select count(*) from pg_locks where locktype = 'advisory' and granted"
            assert await tx.raw.fetchval(locks) == 1
        assert not standing_by.done()
    await asyncio.wait_for(standing_by, 10)


async def test_a_hotline_sees_and_keeps_its_own_webhooks(desk: Desk) -> None:
    made = await registered(desk)
    path, other = f"/webhooks/{made['id']}", "hotline:3701"
    seen = (await desk.get(path, HOTLINE)).json()
    assert (seen["host"], seen["owner"], seen["removed"]) == ("127.0.0.1:9", HOTLINE, False)
    for caller in (other, "operator:3717"):
        assert (await desk.get(path, caller)).status_code == 404
        assert (await desk.get("/webhooks", caller)).json() == {"items": []}
    for act, body in (
        ("removal", {}),
        ("replay", {}),
        ("secret", {}),
        ("url", {"url": "http://127.0.0.1:8/"}),
    ):
        await desk.refused(f"{path}/{act}", body, other, "not-found")
    await desk.refused(f"{path}/removal", {}, "operator:37", "forbidden")
    await desk.refused("/webhooks", {"url": "http://127.0.0.1:9/"}, COUNTY_OFFICER, "forbidden")


async def test_addresses_that_are_not_for_us_are_refused(desk: Desk) -> None:
    made = await registered(desk)
    for url in (
        "http://10.0.0.1/",
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "http://a:b@127.0.0.1/",
    ):
        await desk.refused("/webhooks", {"url": url}, HOTLINE, "address-not-allowed")
        path = f"/webhooks/{made['id']}/url"
        await desk.refused(path, {"url": url}, HOTLINE, "address-not-allowed")


async def test_a_city_s_hotline_hears_of_its_city_s_orders(desk: Desk) -> None:
    await desk.done("/webhooks", {"url": "http://127.0.0.1:9/other"}, "hotline:3717")
    await registered(desk)
    await accepted(desk)
    outside = Outside()
    await outside.deliver(desk)
    assert [item["url"] for item in outside.came] == ["http://127.0.0.1:9/hook"]


async def test_moved_what_waits_goes_to_the_new_address_and_removed_nowhere(desk: Desk) -> None:
    made = await registered(desk)
    path = f"/webhooks/{made['id']}"
    await accepted(desk)
    outside = Outside([BROKEN])
    await outside.deliver(desk)
    await desk.done(f"{path}/url", {"url": "http://127.0.0.1:8/new"}, HOTLINE)
    outside.now += timedelta(minutes=1)
    outside.answers.append(BROKEN)
    await outside.deliver(desk)
    assert outside.came[1]["url"] == "http://127.0.0.1:8/new"
    await desk.done(f"{path}/removal", {}, HOTLINE)
    outside.now += timedelta(hours=1)
    await accepted(desk, number="GD20230801-0002")
    await outside.deliver(desk)
    assert len(outside.came) == 2
    assert [item["last_error"] for item in await dead(desk)] == ["webhook-removed"]
    await desk.refused(f"{path}/replay", {}, HOTLINE, "webhook-removed")


async def test_the_secret_is_shown_once_and_stands_sealed(desk: Desk) -> None:
    headers = {"Idempotency-Key": "hook-1"}
    body = {"url": "http://127.0.0.1:9/hook?token=geheim"}
    first = await desk.post("/webhooks", body, HOTLINE, headers)
    again = await desk.post("/webhooks", body, HOTLINE, headers)
    assert again.json() == first.json() | {"secret": None}
    async with desk.app.database.reading() as tx:
        kept = await tx.raw.fetchval(
            "select string_agg(e::text, '') || (select string_agg(i::text, '') from es.idempotency"
            " i) || (select string_agg(v::text, '') from vault.record v)"
            " || (select string_agg(w::text, '') from rm.webhook w) from es.event e"
        )
    assert first.json()["secret"].removeprefix("whsec_") not in kept
    assert "geheim" not in kept


@contextmanager
def receiving(port: int, secret: str, inbox: Path) -> Iterator[subprocess.Popen[str]]:
    """The sample receiver, as a hotline would run it."""
    process = subprocess.Popen(
        [sys.executable, RECEIVER, "--port", str(port), "--inbox", inbox],
        env={**os.environ, "WEBHOOK_SECRET": secret},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == f"listening on http://127.0.0.1:{port}\n"
        yield process
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@pytest.fixture
async def real(desk: Desk) -> AsyncIterator[Postman]:
    settings = OutboundSettings()
    outbound = Outbound(Guard(Mode.DEMO, settings), settings)
    yield Postman(
        desk.app.database,
        connector(desk.url, server_settings={"search_path": "rm, public"}),
        desk.tools.vault,
        outbound,
    )
    await outbound.close()


@rule("R115")
async def test_the_sample_receiver_takes_an_order_s_whole_way(
    desk: Desk, real: Postman, tmp_path: Path
) -> None:
    port, inbox = free_base((0,), spread=1), tmp_path / "inbox.jsonl"
    made = await registered(desk, f"http://127.0.0.1:{port}/dixian")
    path = await assigned(desk)
    await handled(desk, path)
    await desk.done(f"{path}/rating", {"rating": "SATISFIED"}, HOTLINE)
    for replay in (False, True):  # the second time it is started anew, and has them all
        with receiving(port, made["secret"], inbox) as receiver:
            if replay:
                again = {"since": "2020-01-01T00:00:00Z"}
                await desk.done(f"/webhooks/{made['id']}/replay", again, HOTLINE)
            async with real.round() as round_:
                await all_of(round_)
            assert receiver.stdout is not None
            lines = [await asyncio.to_thread(receiver.stdout.readline) for _ in range(5)]
        assert [line.split()[0] for line in lines] == [
            "order.accepted",
            "order.assigned",
            "order.handled",
            "order.closed",
            "order.rated",
        ]
        assert all(line.endswith("(again)\n") is replay for line in lines)
    assert len(inbox.read_text().splitlines()) == 5
    shown = (await desk.get("/webhook-deliveries?status=DELIVERED", HOTLINE)).json()["items"]
    assert [item["last_status"] for item in shown] == [204] * 5


async def test_the_sample_receiver_refuses_what_is_not_signed_for_it(
    desk: Desk, real: Postman, tmp_path: Path
) -> None:
    port = free_base((0,), spread=1)
    await registered(desk, f"http://127.0.0.1:{port}/")
    await accepted(desk)
    with receiving(port, "whsec_" + "A" * 43 + "=", tmp_path / "inbox.jsonl"):
        async with real.round() as round_:
            await all_of(round_)
    (waiting,) = (await desk.get("/webhook-deliveries", HOTLINE)).json()["items"]
    assert (waiting["status"], waiting["last_status"]) == ("WAITING", 401)
    assert not (tmp_path / "inbox.jsonl").exists()


def test_the_sample_receiver_takes_nothing_old_and_nothing_changed() -> None:
    receiver: dict[str, Any] = {"__name__": "receiver"}
    exec(compile(RECEIVER.read_text(encoding="utf-8"), str(RECEIVER), "exec"), receiver)
    secret, now = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", datetime(2026, 11, 25, tzinfo=UTC)
    signature = Verifier(secret).sign("evt_1", now, '{"a":1}')
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(int(now.timestamp()))}
    headers["webhook-signature"] = "v1,AAAA " + signature
    at, body = now.timestamp(), b'{"a":1}'
    verify, refused = receiver["verify"], receiver["Refused"]
    assert verify(headers, body, ["whsec_AAAA", secret], at) == "evt_1"
    for changed, content, when in (
        (headers, b'{"a":2}', at),
        (headers, body, at + 301),
        (headers, body, at - 301),
        (headers | {"webhook-id": "evt_2"}, body, at),
        (headers | {"webhook-timestamp": "soon"}, body, at),
        (headers | {"webhook-signature": "v2" + signature[2:]}, body, at),
        ({}, body, at),
    ):
        with pytest.raises(refused):
            verify(changed, content, [secret], when)
