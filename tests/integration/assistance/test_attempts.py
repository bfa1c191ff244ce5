"""Attempts to get round the rules of help, over HTTP: by a date, a word, a gift, an old plan."""

from typing import Any
from uuid import UUID

import pytest

from shared.contracts.audit import CorrectionKind, Target
from shared.contracts.identification import GreenChannelEntered
from shared.contracts.values import History, Risk
from shared.kernel.ids import new_id
from shared.kernel.principal import system
from shared.testing.decider import rule
from tests.integration.assistance.conftest import VILLAGE, Office
from tests.integration.assistance.support import (
    APPROVAL,
    DRAFT,
    JOB,
    PROPOSAL,
    SHA,
    authorized,
    identified,
    measure,
    publicized,
    with_a_job,
)

GIFT: dict[str, Any] = {
    "division": VILLAGE,
    "kind": "CASH",
    "fund": "SOCIAL_FORCES",
    "universal": False,
}
INCOME = {"wage_income": 4_000_000, "members": 4, "evidence": [SHA]}


@rule("R49", "R103")
async def test_a_gift_is_not_made_universal_by_saying_so(office: Office) -> None:
    gift = GIFT | {"household_id": str(new_id()), "universal": True}
    problem = await office.refused("village", "/help", gift, rule="R103")
    assert problem["field"] == "universal"
    assert await office.rows("select 1 from es.event where category = 'help'") == []


@pytest.mark.parametrize(
    ("division", "code"),
    [("370112001999", "unknown-division"), ("370112001", "wrong-division-level")],
)
async def test_help_is_given_in_a_village_that_exists(
    office: Office, division: str, code: str
) -> None:
    gift = GIFT | {"household_id": str(new_id()), "division": division}
    answer = await office.post("county", "/help", gift)
    assert (answer.status_code, answer.json()["field"]) == (422, "division")
    assert answer.json()["code"] == code


@rule("R104")
@pytest.mark.parametrize(
    ("history", "status"), [(History.FORMERLY_POOR, 201), (History.ORDINARY, 422)]
)
async def test_the_formerly_poor_keep_their_policies_when_eliminated(
    office: Office, history: History, status: int
) -> None:
    plan, _ = await with_a_job(office, history=history)
    at = await publicized(office, plan)
    await office.does("committee", f"{at}/approval", APPROVAL)
    household = (await office.get("county", f"/plans/{plan}")).json()["household_id"]
    aid = GIFT | {"household_id": household, "kind": "YULU_GRANT", "fund": "LINKAGE_FUND"}
    answer = await office.post("town", "/help", aid)
    assert answer.status_code == status, answer.text
    told = await office.rows("select type, data from es.event where category = 'help'")
    if status == 201:
        assert [row["type"] for row in told] == ["UniversalHelpRecorded"]
        assert "FORMERLY_POOR" in str(told[0]["data"])
    else:
        assert [row["type"] for row in told] == ["OffRegisterHelpRefused"]


@rule("R89")
async def test_no_date_makes_a_late_plan_one_in_time(office: Office) -> None:
    plan = (await identified(office))["plan_id"]
    await office.today_is("2023-04-01")
    await office.does("village", f"/plans/{plan}/draft", DRAFT)
    await office.does("village", f"/plans/{plan}/measures", JOB)
    for early in ("2023-03-09", "2023-03-15"):
        problem = await office.refused(
            "village", f"/plans/{plan}/submission", {"occurred_on": early}, rule="R89"
        )
        assert problem["field"] == "occurred_on"
    submitted = await office.does("village", f"/plans/{plan}/submission")
    assert submitted["events"][0]["data"]["on_time"] is False


@rule("R59", "R102")
async def test_no_date_starts_or_ends_a_measure_before_its_time(office: Office) -> None:
    plan = (await identified(office))["plan_id"]
    early = JOB | {"occurred_on": "2023-03-05"}
    filed = await office.does("village", f"/plans/{plan}/measures", early)
    made = f"/plans/{plan}/measures/{filed['events'][0]['data']['measure_id']}"
    when = {"occurred_on": "2023-03-06"}
    problem = await office.refused("town", f"{made}/start", when, rule="R59")
    assert problem["field"] == "occurred_on"
    await office.does("town", f"{made}/start")
    stop = when | {"reason": "MOVED_AWAY", "note": "迁居"}
    await office.refused("town", f"{made}/stop", stop, rule="R102")
    await office.refused("town", f"{made}/end", when, rule="R102")


@rule("R102")
async def test_what_has_run_out_is_not_started(office: Office) -> None:
    plan = (await identified(office))["plan_id"]
    post = measure("WELFARE_POST", ends_on="2023-04-30")
    filed = await office.does("village", f"/plans/{plan}/measures", post)
    made = f"/plans/{plan}/measures/{filed['events'][0]['data']['measure_id']}"
    await office.today_is("2023-05-01")
    problem = await office.refused("town", f"{made}/start", rule="R102")
    assert problem["code"] == "end-date-past"


@rule("R91")
async def test_a_risk_is_not_said_to_be_gone_and_not_gone(office: Office) -> None:
    plan, _ = await with_a_job(office)
    await office.today_is("2023-09-11")
    both = [{"risk": "ILLNESS", "gone": gone, "evidence": [SHA]} for gone in (True, False)]
    body = PROPOSAL | {"risks": both}
    problem = await office.refused("village", f"/plans/{plan}/eliminations", body, rule="R91")
    assert problem["field"] == "risks"


@rule("R107")
async def test_a_withdrawn_plan_is_carried_out_by_nobody(office: Office) -> None:
    plan = (await identified(office))["plan_id"]
    filed = await office.does("village", f"/plans/{plan}/measures", JOB)
    made = f"/plans/{plan}/measures/{filed['events'][0]['data']['measure_id']}"
    await office.hears(
        authorized(
            CorrectionKind.PURGE, Target(service="assistance", stream_id=UUID(plan), version=2)
        ),
        on="2023-04-01",
    )
    assert (await office.get("county", "/measures")).json()["items"] == []
    answer = await office.post("town", f"{made}/start")
    assert answer.status_code == 409
    figures = await office.get("county", "/figures", first="2023-01-01", last="2023-12-31")
    assert figures.json()["identified"] == 0, "a withdrawn household was never one"


@rule("R113", "K4")
async def test_on_the_former_standard_is_below_it(office: Office) -> None:
    shown = await identified(office, per_capita_net=400_000)
    assert shown["urgent"]
    assert not (await identified(office, per_capita_net=400_001))["urgent"]


@rule("R113")
async def test_what_is_over_does_not_stand_at_the_head_of_the_queue(office: Office) -> None:
    plan, _ = await with_a_job(office, per_capita_net=100_000)
    at = await publicized(office, plan)
    await office.does("committee", f"{at}/approval", APPROVAL)
    await office.today_is("2023-09-25")
    waiting = await identified(office, "2023-09-25")
    queue = (await office.get("county", "/plans")).json()["items"]
    assert [(item["plan_id"], item["urgent"]) for item in queue] == [
        (waiting["plan_id"], False),
        (plan, False),
    ]


@rule("R106")
async def test_a_year_entered_late_does_not_excuse_the_next(office: Office) -> None:
    plan, _ = await with_a_job(office)
    at = await publicized(office, plan)
    await office.does("committee", f"{at}/approval", APPROVAL)
    await office.today_is("2025-01-10")
    body = {"year": 2024, "income": INCOME, "new_risk": False}
    await office.does("village", f"/plans/{plan}/refreshes", body)
    shown = (await office.get("county", f"/plans/{plan}")).json()
    due = [item["due_on"] for item in shown["clocks"] if item["kind"] == "refresh"]
    assert due == ["2025-12-31"]


@rule("R94", "R106")
async def test_where_nobody_is_left_nobody_is_asked(office: Office) -> None:
    plan, _ = await with_a_job(office)
    natural = {
        "mode": "NATURAL",
        "cause": "ALL_MEMBERS_DIED",
        "income": None,
        "guarantees": [],
    }
    at = await publicized(office, plan, **natural)
    await office.does("committee", f"{at}/approval", APPROVAL)
    shown = (await office.get("county", f"/plans/{plan}")).json()
    assert (shown["stage"], shown["clocks"]) == ("AFTER_CARE", [])
    assert (await office.get("county", "/after-care/missing", year=2024)).json() == []


@rule("R70")
async def test_help_in_the_green_channel_is_reminded_of_after_a_day(office: Office) -> None:
    case, household = new_id(), new_id()
    entered = GreenChannelEntered(
        on="2023-03-05",
        case_id=case,
        household_id=household,
        division=VILLAGE,
        risks=(Risk.DISASTER,),
        entered_on="2023-03-05",
        deadlines=(),
    )
    await office.today_is("2023-03-05")
    await office.hears(entered, on="2023-03-05", household_id=household)
    plan = (await office.get("village", f"/plans/by-case/{case}")).json()["plan_id"]

    async def said(day: str) -> list[str]:
        await office.today_is(day)
        for _ in range(2):
            await office.app.tick(system("assistance"))
        return (await office.events(plan))[1:]

    assert await said("2023-03-05") == []
    assert await said("2023-03-06") == ["DeadlineWarned"]
    assert await said("2023-03-07") == ["DeadlineWarned", "DeadlineMissed"]
    overdue = (await office.get("county", "/plans", overdue=True)).json()["items"]
    assert [item["plan_id"] for item in overdue] == [plan]
