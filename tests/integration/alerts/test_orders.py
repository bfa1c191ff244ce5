"""A call, from the hotline's POST to the caller's rating, over HTTP."""

import asyncio
from uuid import UUID

from shared.contracts.identification import PolicyPublished
from shared.policy.parameters import Parameters, PolicyVersion
from shared.policy.working_days import WorkingYear
from shared.testing.decider import rule
from tests.integration.alerts.conftest import (
    COUNTY,
    OTHER_TOWN,
    TOWN,
    VILLAGE,
    Desk,
    day,
    document_number,
    order,
)

HOTLINE = "hotline:37"
COUNTY_OFFICER, TOWN_OFFICER = f"officer:{COUNTY}", f"officer:{TOWN}"


async def accepted(desk: Desk, **changes: object) -> str:
    answer = await desk.done("/orders", order(**changes), HOTLINE)
    return f"/orders/{answer['id']}"


async def handled(desk: Desk, path: str) -> None:
    await desk.done(f"{path}/handling", {"result": "RESOLVED", "answer": "已上门"}, TOWN_OFFICER)
    await desk.done(f"{path}/closure", {}, COUNTY_OFFICER)


async def assigned(desk: Desk, **changes: object) -> str:
    path = await accepted(desk, **changes)
    await desk.done(
        f"{path}/assignment", {"assignee": TOWN, "instruction": "三日内入户"}, COUNTY_OFFICER
    )
    return path


@rule("R115")
async def test_an_order_walks_through_all_its_stages(desk: Desk) -> None:
    path = await assigned(desk)
    await handled(desk, path)
    await desk.done(f"{path}/rating", {"rating": "SATISFIED", "note": "很快"}, HOTLINE)
    names = [item["event"] for item in await desk.events()]
    assert [name for name in names if name.startswith("Order")] == [
        "OrderAccepted",
        "OrderAssigned",
        "OrderHandled",
        "OrderClosed",
        "OrderRated",
    ]
    seen = (await desk.get(path, COUNTY_OFFICER)).json()
    assert (seen["status"], seen["rating"], seen["card"]) == ("RATED", "SATISFIED", "")
    assert seen["caller"] == {
        "name": "王**",
        "phone": "138****0001",
        "document_number": "3701**********" + document_number()[-4:],
    }


@rule("R115")
async def test_no_stage_is_skipped(desk: Desk) -> None:
    path = await accepted(desk)
    handling = {"result": "ANSWERED", "answer": "好"}
    await desk.refused(f"{path}/handling", handling, TOWN_OFFICER, "order-out-of-order")
    await desk.refused(f"{path}/closure", {}, COUNTY_OFFICER, "order-out-of-order")
    await desk.refused(f"{path}/rating", {"rating": "SATISFIED"}, HOTLINE, "order-out-of-order")


@rule("R116")
async def test_an_application_makes_a_lead_dated_at_the_call(desk: Desk) -> None:
    await desk.today("2023-08-03")
    household = await desk.household(document_number())
    await accepted(desk)
    (lead,) = await desk.events("RiskReported")
    assert lead["household_id"] == str(household)
    assert lead["discovered_on"] == "2023-08-01"
    assert (lead["division"], lead["reported_in"]) == (VILLAGE, TOWN)
    assert lead["deadlines"][0]["due_on"] == "2023-09-01"


@rule("R116")
async def test_a_question_makes_no_lead(desk: Desk) -> None:
    await accepted(desk, kind="CONSULT")
    assert await desk.events("RiskReported") == []


@rule("R116")
async def test_the_order_number_sent_twice_has_one_effect_and_the_same_answer(desk: Desk) -> None:
    first = await desk.post("/orders", order(), HOTLINE)
    again = await desk.post("/orders", order(), HOTLINE)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(await desk.events("OrderAccepted")) == 1
    assert len(await desk.events("RiskReported")) == 1


@rule("R116")
async def test_two_cities_may_number_their_calls_alike(desk: Desk) -> None:
    for hotline in ("hotline:37", "hotline:3701"):
        assert (await desk.post("/orders", order(), hotline)).status_code == 201
    found = await desk.events("OrderAccepted")
    assert [item["hotline"] for item in found] == ["37", "3701"]
    assert len({item["lead_id"] for item in await desk.events("RiskReported")}) == 2
    shown = (await desk.get("/orders?order_no=GD20230801-0001", COUNTY_OFFICER)).json()["items"]
    assert sorted(item["hotline"] for item in shown) == ["37", "3701"]


@rule("R116")
async def test_two_at_once_have_one_effect(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.post("/orders", order(), HOTLINE) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len(await desk.events("OrderAccepted", "RiskReported")) == 2


@rule("R116")
async def test_the_number_with_another_content_is_refused(desk: Desk) -> None:
    await accepted(desk)
    changed = order(text="另一件事")
    await desk.refused("/orders", changed, HOTLINE, "order-number-reused")


@rule("R118")
async def test_a_reporter_is_hidden_from_the_town_and_seen_by_the_county(desk: Desk) -> None:
    path = await assigned(
        desk, kind="REPORT", subject={"name": "李四"}, text="李四家房屋漏雨无人管"
    )
    town = (await desk.get(path, TOWN_OFFICER)).json()
    county = (await desk.get(path, COUNTY_OFFICER)).json()
    assert (town["caller"], town["caller_hidden"]) == (None, True)
    assert county["caller"]["name"] == "王**"

    look = {"purpose": "ORDER_HANDLING", "parts": ["CALLER"]}
    await desk.refused(f"{path}/reveal", look, TOWN_OFFICER, "forbidden")
    await desk.refused(f"{path}/reveal", look | {"parts": ["MATTER"]}, TOWN_OFFICER, "forbidden")
    told = await desk.done(f"{path}/reveal", look | {"parts": ["INSTRUCTION"]}, TOWN_OFFICER)
    assert told == {"INSTRUCTION": {"text": "三日内入户"}}
    seen = await desk.done(f"{path}/reveal", look, COUNTY_OFFICER)
    assert seen["CALLER"]["name"] == "王秀英"
    assert [item["purpose"] for item in await desk.events("PersonalDataRevealed")] == [
        "ORDER_HANDLING",
        "ORDER_HANDLING",
    ]


@rule("R118")
async def test_a_report_is_a_clue_about_its_subject_and_not_the_reporter(desk: Desk) -> None:
    """Even when both are known, no case opens by a report alone, and the lead shows no reporter."""
    subject = document_number(7)
    household = await desk.household(subject)
    await desk.household(document_number())
    await accepted(desk, kind="REPORT", subject={"document_number": subject})
    (clue,) = await desk.events("RiskReported")
    assert (clue["clue"], clue["household_id"]) == (True, None)
    lead = (await desk.get(f"/leads/{clue['lead_id']}", TOWN_OFFICER)).json()
    assert lead["person"] == {"document_number": "3701**********" + subject[-4:]}
    assert lead["suggestions"] == [
        {"household_id": str(household), "division": VILLAGE, "why": "SAME_NUMBER"}
    ]


@rule("R118")
async def test_a_report_is_assigned_with_an_instruction(desk: Desk) -> None:
    path = await accepted(desk, kind="REPORT")
    await desk.refused(
        f"{path}/assignment", {"assignee": TOWN}, COUNTY_OFFICER, "instruction-required"
    )


@rule("R117")
async def test_a_misrouted_order_goes_back_within_two_working_days(desk: Desk) -> None:
    path = await assigned(desk)
    await desk.today("2023-08-03")
    await desk.done(f"{path}/return", {"reason": "NOT_OUR_DIVISION"}, TOWN_OFFICER)
    await desk.done(f"{path}/assignment", {"assignee": OTHER_TOWN}, COUNTY_OFFICER)
    await desk.today("2023-08-08")
    answer = {"reason": "NOT_OUR_DUTY", "note": "应由民政办理"}
    await desk.refused(f"{path}/return", answer, f"officer:{OTHER_TOWN}", "return-too-late")


@rule("R1", "R117")
async def test_a_unit_gives_an_order_back_that_is_about_another_place(desk: Desk) -> None:
    path = await assigned(desk, division=COUNTY, kind="CONSULT")
    await desk.done(f"{path}/return", {"reason": "NOT_OUR_DUTY"}, TOWN_OFFICER)
    assert (await desk.get(path, TOWN_OFFICER)).status_code == 404
    assert (await desk.get(path, COUNTY_OFFICER)).json()["status"] == "ACCEPTED"
    await desk.done(f"{path}/assignment", {"assignee": OTHER_TOWN}, COUNTY_OFFICER)
    await desk.done(f"{path}/return", {"reason": "NOT_OUR_DUTY"}, f"officer:{OTHER_TOWN}")


@rule("R117")
async def test_cards_and_supervision(desk: Desk) -> None:
    """Called on Tuesday the 1st: due on Tuesday the 8th, yellow on Monday, red on Wednesday."""
    path = await assigned(desk, kind="CONSULT")  # no lead with clocks of its own
    await desk.today("2023-08-07")
    await desk.tick()
    assert (await desk.get(path, COUNTY_OFFICER)).json()["card"] == "YELLOW"
    supervising = {"ground": "OVERDUE", "note": "请今日内办结"}
    await desk.refused(f"{path}/supervision", supervising, COUNTY_OFFICER, "no-ground-to-supervise")
    await desk.today("2023-08-09")
    await desk.tick()
    assert (await desk.get(path, COUNTY_OFFICER)).json()["card"] == "RED"
    (red,) = await desk.events("DeadlineMissed")
    assert (red["due_on"], red["escalated_to"]) == ("2023-08-08", [COUNTY])
    await desk.done(f"{path}/supervision", supervising, COUNTY_OFFICER)
    assert await desk.tick() == 0
    await handled(desk, path)
    assert (await desk.get(path, COUNTY_OFFICER)).json()["late"] is True


@rule("R117")
async def test_an_order_twice_unsatisfying_is_supervised_and_handled_again(desk: Desk) -> None:
    path = await assigned(desk)
    for status in ("ASSIGNED", "DISSATISFIED"):
        await handled(desk, path)
        await desk.done(f"{path}/rating", {"rating": "UNSATISFIED"}, HOTLINE)
        assert (await desk.get(path, COUNTY_OFFICER)).json()["status"] == status
    again = {"ground": "UNSATISFIED", "note": "由县级牵头重新办理"}
    await desk.done(f"{path}/supervision", again, COUNTY_OFFICER)
    await handled(desk, path)
    await desk.done(f"{path}/rating", {"rating": "UNSATISFIED"}, HOTLINE)
    assert (await desk.get(path, COUNTY_OFFICER)).json()["status"] == "RATED"


async def test_an_order_is_seen_in_its_own_area_only(desk: Desk) -> None:
    path = await assigned(desk)
    assert (await desk.get(path, f"officer:{OTHER_TOWN}")).status_code == 404
    assert (await desk.get("/orders", f"officer:{OTHER_TOWN}")).json()["items"] == []
    shown = (await desk.get("/orders?status=ASSIGNED", TOWN_OFFICER)).json()["items"]
    assert [UUID(item["id"]) for item in shown] == [UUID(path.removeprefix("/orders/"))]
    handling = {"result": "ANSWERED", "answer": "好"}
    await desk.refused(f"{path}/handling", handling, f"officer:{OTHER_TOWN}", "not-found")


async def test_bad_orders_are_refused_each_with_its_code(desk: Desk) -> None:
    await desk.refused("/orders", order(division="370199"), HOTLINE, "unknown-division")
    await desk.refused("/orders", order(division="3701"), HOTLINE, "division-too-wide")
    await desk.refused("/orders", order(called_on="2023-08-02"), HOTLINE, "occurs-in-the-future")
    await desk.refused("/orders", order(colour="red"), HOTLINE, "unknown-field")
    await desk.refused("/orders", order(), COUNTY_OFFICER, "forbidden")
    await desk.refused("/orders", order(), "hotline:11", "forbidden")
    assert await desk.events() == []


async def test_no_personal_data_leaves_the_vault(desk: Desk) -> None:
    await assigned(desk)
    async with desk.app.database.reading() as tx:
        stored = await tx.raw.fetchval(
            "select string_agg(data::text || meta::text, '') from es.event"
        )
        receipts = await tx.raw.fetchval("select string_agg(receipt::text, '') from es.idempotency")
    for secret in ("王秀英", "13805310001", document_number(), "透析", "入户"):
        assert secret not in stored + receipts


@rule("R117")
async def test_a_year_nobody_knows_is_refused_until_the_province_publishes_it(desk: Desk) -> None:
    """Called on Thursday, 27 November 2031, a week before that year's last day known."""
    await desk.today("2031-11-27")
    call = order(called_on="2031-11-27")
    problem = await desk.refused("/orders", call, HOTLINE, "unknown-calendar-year")
    assert (problem["rule"], problem["status"]) == ("R117", 422)
    fixed = ["01-01", *(f"05-0{n}" for n in range(1, 6)), *(f"10-0{n}" for n in range(1, 8))]
    notice = WorkingYear(
        document="国办发明电〔2030〕9号", holidays=[f"2031-{item}" for item in fixed]
    )
    published = PolicyVersion(
        version="37/2031-1",
        document="鲁农发〔2031〕1号",
        division="37",
        effective_from=day("2031-11-27"),
        parameters=Parameters(working_years={2031: notice}),
    )
    await desk.hear(PolicyPublished(policy=published))
    path = await accepted(desk, called_on="2031-11-27")
    assert (await desk.get(path, COUNTY_OFFICER)).json()["handle_by"] == "2031-12-04"
    await desk.today("2031-12-30")
    late = order("GD20311230-0001", called_on="2031-12-30")
    await desk.refused("/orders", late, HOTLINE, "unknown-calendar-year")
