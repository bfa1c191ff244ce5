"""Leads over HTTP: found a household for, at once or later; ended one by one, with a reason."""

from typing import Any
from uuid import UUID

from services.alerts.http import DOORS
from shared.contracts.assistance import RefreshRecorded
from shared.contracts.audit import (
    CorrectionAuthorized,
    CorrectionKind,
    CorrectionReason,
    Target,
)
from shared.contracts.identification import (
    CaseOpened,
    LeadJoined,
    NotIdentified,
    PolicyPublished,
    RiskAdded,
)
from shared.contracts.values import LeadSource, Risk
from shared.kernel.ids import new_id
from shared.policy.parameters import Parameters, PolicyVersion
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

COUNTY_OFFICER, TOWN_OFFICER = f"officer:{COUNTY}", f"officer:{TOWN}"


def declaration(**changes: Any) -> dict[str, Any]:
    given = {
        "source": "SELF_DECLARATION",
        "channel": "PAPER",
        "division": VILLAGE,
        "person": {"name": "赵六", "document_number": document_number()},
        "risks": ["ACCIDENT"],
        "text": "车祸,主要劳动力受伤",
        "evidence": ["a" * 64],
    }
    return given | changes


def disposal(**changes: Any) -> dict[str, Any]:
    given = {
        "disposition": "UNFOUNDED",
        "reason": "NO_RISK_FOUND",
        "below_line": False,
        "relocated": False,
        "note": "8月2日入户,未发现风险",
    }
    return given | changes


async def lead_of(desk: Desk, **changes: Any) -> str:
    answer = await desk.done("/leads", declaration(**changes), TOWN_OFFICER)
    return f"/leads/{answer['id']}"


async def test_a_declaration_finds_its_household_by_the_number(desk: Desk) -> None:
    household = await desk.household(document_number(), document_number(2))
    path = await lead_of(desk, person={"document_number": document_number(2).lower()})
    seen = (await desk.get(path, COUNTY_OFFICER)).json()
    assert (seen["status"], seen["household_id"]) == ("MATCHED", str(household))
    assert seen["person"] is None


@rule("R28")
async def test_a_lead_says_that_it_waits_for_a_policy(desk: Desk) -> None:
    await desk.household(document_number())
    waiting = await lead_of(desk)
    unknown = await lead_of(desk, person={"document_number": document_number(7)})

    async def told() -> list[bool]:
        seen = [(await desk.get(path, TOWN_OFFICER)).json() for path in (waiting, unknown)]
        [listed] = (await desk.get("/leads?status=MATCHED", TOWN_OFFICER)).json()["items"]
        assert listed["awaits_policy"] == seen[0]["awaits_policy"]
        return [item["awaits_policy"] for item in seen]

    assert await told() == [True, False], "only the policy is missing; the other knows nobody"
    await desk.hear(
        PolicyPublished(
            policy=PolicyVersion(
                version="37/2023-1",
                document="鲁农发〔2023〕1号",
                division="37",
                effective_from=day("2023-08-01"),
                parameters=Parameters(),
            )
        )
    )
    assert await told() == [False, False]


async def test_an_unmatched_lead_is_matched_when_the_household_is_registered(desk: Desk) -> None:
    path = await lead_of(desk)
    waiting = (await desk.get("/leads?status=WAITING", COUNTY_OFFICER)).json()["items"]
    assert [item["id"] for item in waiting] == [path.removeprefix("/leads/")]
    household = await desk.household(document_number())
    seen = (await desk.get(path, COUNTY_OFFICER)).json()
    assert (seen["status"], seen["household_id"]) == ("MATCHED", str(household))
    (matched,) = await desk.events("LeadMatched")
    assert (matched["by"], matched["discovered_on"]) == ("DOCUMENT_NUMBER", "2023-08-01")


async def test_a_number_in_two_households_is_for_an_officer_to_decide(desk: Desk) -> None:
    first = await desk.household(document_number())
    second = await desk.household(document_number(), village=f"{OTHER_TOWN}001")
    path = await lead_of(desk)
    seen = (await desk.get(path, COUNTY_OFFICER)).json()
    assert seen["status"] == "WAITING"
    assert {item["household_id"] for item in seen["suggestions"]} == {str(first), str(second)}
    await desk.done(f"{path}/match", {"household_id": str(second)}, COUNTY_OFFICER)
    (matched,) = await desk.events("LeadMatched")
    assert (matched["by"], matched["household_id"]) == ("OFFICER", str(second))
    await desk.refused(
        f"{path}/match", {"household_id": str(first)}, COUNTY_OFFICER, "lead-matched-already"
    )


async def test_a_misheard_number_is_suggested_and_never_matched_by_itself(desk: Desk) -> None:
    number = document_number()
    misheard = number[:6] + "1977" + number[10:]
    household = await desk.household(number)
    path = await lead_of(desk, person={"name": "赵六", "document_number": misheard})
    seen = (await desk.get(path, COUNTY_OFFICER)).json()
    assert seen["status"] == "WAITING"
    assert seen["suggestions"] == []  # more than one slip
    slipped = number[:9] + str((int(number[9]) + 1) % 10) + number[10:]
    path = await lead_of(desk, person={"name": "赵六", "document_number": slipped})
    (found,) = (await desk.get(path, COUNTY_OFFICER)).json()["suggestions"]
    assert (found["household_id"], found["why"]) == (str(household), "SIMILAR_NUMBER")


async def test_the_same_paper_entered_twice_is_one_lead(desk: Desk) -> None:
    first = await lead_of(desk, reference="SB-2023-017")
    assert await lead_of(desk, reference="SB-2023-017") == first
    assert len(await desk.events("RiskReported")) == 1


async def test_an_unknown_household_and_nobody_at_all_are_refused(desk: Desk) -> None:
    path = await lead_of(desk)
    unknown = {"household_id": str(new_id())}
    await desk.refused(f"{path}/match", unknown, COUNTY_OFFICER, "not-found")
    await desk.refused("/leads", declaration(person=None), TOWN_OFFICER, "nobody-named")


@rule("R42")
async def test_what_identification_says_becomes_the_disposition(desk: Desk) -> None:
    household, case = await desk.household(document_number()), new_id()
    leads = [(await lead_of(desk)).removeprefix("/leads/") for _ in range(3)]
    told = {"case_id": case, "household_id": household, "risks": (Risk.ACCIDENT,)}
    dated = {"source": LeadSource.SELF_DECLARATION, "discovered_on": day("2023-08-01")}
    opened = CaseOpened(**told, **dated, lead_id=leads[0], division=VILLAGE, deadlines=())
    for event in (
        opened,
        opened,
        LeadJoined(**told, **dated, lead_id=leads[1]),
        RiskAdded(**told, lead_id=leads[2]),
    ):
        await desk.hear(event)
    found = await desk.events("LeadDisposed")
    assert [item["disposition"] for item in found] == [
        "CASE_OPENED",
        "JOINED_TO_CASE",
        "ALREADY_MONITORED",
    ]


@rule("R33")
async def test_a_case_that_ends_unidentified_tells_its_leads(desk: Desk) -> None:
    household, case = await desk.household(document_number()), new_id()
    path = await lead_of(desk)
    await desk.hear(
        CaseOpened(
            case_id=case,
            household_id=household,
            division=VILLAGE,
            lead_id=path.removeprefix("/leads/"),
            source=LeadSource.SELF_DECLARATION,
            discovered_on=day("2023-08-01"),
            deadlines=(),
        )
    )
    ended = NotIdentified.model_construct(
        case_id=case, household_id=household, reason="CAN_COPE", tracked=True
    )
    await desk.hear(ended)
    seen = (await desk.get(path, COUNTY_OFFICER)).json()
    assert (seen["disposition"], seen["reason"]) == ("TRACKED", "CAN_COPE")


@rule("R42")
async def test_an_open_lead_is_raised_to_county_and_city_after_a_month(desk: Desk) -> None:
    household = await desk.household(document_number(5))
    path = await lead_of(desk)
    await desk.done(f"{path}/match", {"household_id": str(household)}, COUNTY_OFFICER)
    await desk.today("2023-09-01")
    assert await desk.tick() == 0
    await desk.today("2023-09-02")
    assert await desk.tick() == 1
    (missed,) = await desk.events("DeadlineMissed")
    assert missed["escalated_to"] == [COUNTY, "3701"]
    raised = (await desk.get("/leads?raised=true", "officer:3701")).json()["items"]
    assert [item["id"] for item in raised] == [path.removeprefix("/leads/")]


@rule("R54", "R55")
async def test_a_lead_whose_household_nobody_knows_has_the_procedure_s_clocks_all_the_same(
    desk: Desk,
) -> None:
    """From 1 August: verified by the 4th, identified by the 16th, disposed of by 1 September."""
    path = await lead_of(desk)
    for day_, spoken in (("04", 0), ("05", 1), ("11", 1), ("14", 1), ("16", 1), ("17", 1)):
        await desk.today(f"2023-08-{day_}")
        assert await desk.tick() == spoken, day_
    said = await desk.events("DeadlineWarned", "DeadlineMissed")
    assert [(item["kind"], item["event"], item["due_on"]) for item in said] == [
        ("lead-verify", "DeadlineMissed", "2023-08-04"),
        *[("lead-identify", "DeadlineWarned", "2023-08-16")] * 3,
        ("lead-identify", "DeadlineMissed", "2023-08-16"),
    ]
    assert said[-1]["escalated_to"] == [COUNTY, "3701"]
    shown = (await desk.get(path, COUNTY_OFFICER)).json()
    assert (shown["due_on"], shown["raised"]) == ("2023-09-01", False)


@rule("R43", "R20", "R30", "R42")
async def test_reasons_that_are_none(desk: Desk) -> None:
    path = f"{await lead_of(desk)}/disposition"
    dibao = disposal(disposition="OUT_OF_SCOPE", reason="HAS_DIBAO")
    moved = disposal(disposition="OUT_OF_SCOPE", reason="URBAN_HUKOU", relocated=True)
    for body, code in (
        (dibao, "dibao-is-no-reason"),
        (moved, "relocated-stay-in-scope"),
        (disposal(below_line=True), "below-line-needs-deliberation"),
        (disposal(disposition="CASE_OPENED"), "disposition-by-procedure"),
        (disposal(reason="NOT_RURAL"), "reason-does-not-fit"),
    ):
        await desk.refused(path, body, COUNTY_OFFICER, code)
    await desk.refused(path, disposal(), TOWN_OFFICER, "forbidden")
    await desk.done(path, disposal(), COUNTY_OFFICER)
    await desk.refused(path, disposal(), COUNTY_OFFICER, "lead-not-open-here")


@rule("R33")
async def test_a_tracked_lead_is_looked_at_every_month_until_its_gap_closes(desk: Desk) -> None:
    path = await lead_of(desk)
    tracked = disposal(disposition="TRACKED", reason="CAN_COPE")
    await desk.done(f"{path}/disposition", tracked, COUNTY_OFFICER)
    seen = (await desk.get(path, COUNTY_OFFICER)).json()
    assert (seen["status"], seen["due_on"]) == ("TRACKED", "2023-09-01")
    await desk.today("2023-08-31")
    await desk.done(f"{path}/follow-up", {"gap_closed": False, "note": "仍漏雨"}, TOWN_OFFICER)
    assert (await desk.get(path, COUNTY_OFFICER)).json()["due_on"] == "2023-09-30"
    await desk.done(f"{path}/follow-up", {"gap_closed": True, "note": "已修缮"}, TOWN_OFFICER)
    assert (await desk.get(path, COUNTY_OFFICER)).json()["status"] == "DISPOSED"


@rule("R42")
async def test_there_is_no_door_to_end_many_leads(desk: Desk) -> None:
    """One path ends a lead, the one in the path; no body anywhere takes several leads."""
    document = (await desk.client.get("/openapi.json")).json()
    ending = [path for path in document["paths"] if "disposition" in path]
    assert ending == ["/leads/{lead_id}/disposition"]
    assert [door.path for door in DOORS if "disposition" in door.path] == ending
    bodies = document["components"]["schemas"]
    fields = {name for body in bodies.values() for name in body.get("properties", {})}
    assert {"lead_id", "leads", "lead_ids", "ids", "all"} & fields <= {"lead_id"}
    taking = [name for name, body in bodies.items() if "disposition" in body.get("properties", {})]
    assert taking == ["DisposeLead"]


@rule("R54")
async def test_a_declaration_says_how_it_came_and_who_brought_it(desk: Desk) -> None:
    agent = {"name": "孙干", "phone": "13900000000"}
    for changes, field in (
        ({"channel": None}, "channel"),
        ({"channel": "ONLINE"}, "channel"),
        ({"channel": "AGENT"}, "agent"),
        ({"agent": agent}, "agent"),
        ({"source": "CADRE_SCREENING"}, "channel"),
    ):
        problem = await desk.refused(
            "/leads", declaration(**changes), TOWN_OFFICER, "channel-unsaid"
        )
        assert (problem["rule"], problem["field"]) == ("R54", field)
    path = await lead_of(desk, channel="AGENT", agent=agent)
    seen = (await desk.get(path, COUNTY_OFFICER)).json()
    assert (seen["source"], seen["channel"]) == ("SELF_DECLARATION", "AGENT")
    assert seen["evidence"] == ["a" * 64]
    look = {"purpose": "VERIFICATION", "parts": ["AGENT", "TEXT"]}
    shown = await desk.done(f"{path}/reveal", look, TOWN_OFFICER)
    assert shown == {"AGENT": agent, "TEXT": {"text": "车祸,主要劳动力受伤"}}
    path = await lead_of(desk, source="CADRE_SCREENING", channel=None)
    assert (await desk.get(path, COUNTY_OFFICER)).json()["source"] == "CADRE_SCREENING"


def online(**changes: Any) -> dict[str, Any]:
    return {
        "reference": "SD-APP-0001",
        "declared_on": "2023-08-01",
        "division": TOWN,
        "person": {"name": "赵六", "document_number": document_number(), "phone": "13900000001"},
        "risks": ["ACCIDENT"],
        "text": "车祸,主要劳动力受伤",
        "evidence": ["b" * 64],
    } | changes


@rule("R54")
async def test_a_household_declares_its_risk_itself_on_a_portal(desk: Desk) -> None:
    household = await desk.household(document_number())
    await desk.today("2023-08-03")
    first = await desk.post("/declarations", online(), "portal:37")
    again = await desk.post("/declarations", online(), "portal:37")
    assert (first.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert first.json() == again.json()
    assert set(first.json()) == {"id"}, "a portal hears nothing of whom it found"
    (lead,) = await desk.events("RiskReported")
    assert (lead["household_id"], lead["discovered_on"]) == (str(household), "2023-08-01")
    assert (lead["source"], lead["channel"]) == ("SELF_DECLARATION", "ONLINE")
    assert lead["evidence"] == ["b" * 64]
    path = f"/leads/{first.json()['id']}"
    look = {"purpose": "VERIFICATION", "parts": ["TEXT"]}
    shown = await desk.done(f"{path}/reveal", look, TOWN_OFFICER)
    assert shown == {"TEXT": {"text": "车祸,主要劳动力受伤"}}
    other = await desk.post("/declarations", online(), "portal:3701")
    assert other.json() != first.json(), "another portal's number is another declaration"


async def test_bad_declarations_are_refused_each_with_its_code(desk: Desk) -> None:
    await desk.done("/declarations", online(), "portal:37")
    wrong = {"name": "赵六", "document_number": document_number()[:-1] + "0"}
    nobody = {"document_number": document_number()}
    for body, code in (
        (online(text="另一件事"), "reference-reused"),
        (online(reference="SD-2", declared_on="2023-08-02"), "occurs-in-the-future"),
        (online(reference="SD-2", division="3701"), "division-too-wide"),
        (online(reference="SD-2", division="370199"), "unknown-division"),
        (online(reference="SD-2", person=wrong), "document-number-checksum"),
        (online(reference="SD-2", person=nobody), "missing-field"),
        (online(reference="SD-2", colour="red"), "unknown-field"),
    ):
        await desk.refused("/declarations", body, "portal:37", code)
    await desk.refused("/declarations", online(reference="SD-2"), "portal:3717", "forbidden")
    await desk.refused("/declarations", online(), TOWN_OFFICER, "forbidden")
    await desk.refused("/leads", declaration(), "portal:37", "forbidden")
    assert len(await desk.events("RiskReported")) == 1


async def test_a_lead_shows_its_person_masked_and_in_full_for_a_purpose(desk: Desk) -> None:
    path = await lead_of(desk)
    assert (await desk.get(path, TOWN_OFFICER)).json()["person"]["name"] == "赵**"
    shown = await desk.done(f"{path}/reveal", {"purpose": "VERIFICATION"}, TOWN_OFFICER)
    assert shown == {"PERSON": {"name": "赵六", "document_number": document_number()}}
    (look,) = await desk.events("PersonalDataRevealed")
    assert look["purpose"] == "VERIFICATION"


async def test_leads_are_paged_by_key_and_by_area(desk: Desk) -> None:
    for number in range(5):
        await lead_of(desk, person={"name": f"人{number}"})
    first = (await desk.get("/leads?limit=3", COUNTY_OFFICER)).json()
    rest = (await desk.get(f"/leads?limit=3&cursor={first['next']}", COUNTY_OFFICER)).json()
    assert len({item["id"] for item in first["items"] + rest["items"]}) == 5
    assert rest["next"] is None
    assert (await desk.get("/leads", f"officer:{OTHER_TOWN}")).json()["items"] == []


async def test_an_order_and_a_declaration_are_two_leads_of_one_household(desk: Desk) -> None:
    household = await desk.household(document_number())
    await desk.done("/orders", order(), "hotline:37")
    await lead_of(desk)
    found = await desk.events("RiskReported")
    assert [item["household_id"] for item in found] == [str(household)] * 2
    assert len({item["lead_id"] for item in found}) == 2


@rule("R107", "R108")
async def test_the_gates_withdraw_a_lead_and_take_a_disposition_back(desk: Desk) -> None:
    path = await lead_of(desk)
    lead_id = UUID(path.removeprefix("/leads/"))
    await desk.done(f"{path}/disposition", disposal(), COUNTY_OFFICER)

    async def authorized(version: int, to_version: int | None) -> str:
        kind = CorrectionKind.ROLLBACK if to_version else CorrectionKind.PURGE
        target = Target(service="alerts", stream_id=lead_id, version=version, to_version=to_version)
        event = CorrectionAuthorized(
            correction_id=new_id(),
            city="3701",
            kind=kind,
            targets=(target,),
            reason=CorrectionReason.WRONG_ENTRY,
            filing="国备〔2023〕1号",
            content_sha256="0" * 64,
        )
        await desk.hear(event)
        await desk.hear(event)
        shown = (await desk.get(path, COUNTY_OFFICER)).json()
        return str(shown["status"])

    assert await authorized(1, None) == "DISPOSED"
    assert await authorized(2, 1) == "WAITING"
    assert await authorized(3, None) == "PURGED"
    found = await desk.events("RiskReported", "LeadDisposed", "RolledBack", "Purged")
    assert len(found) == 4
    await desk.refused(f"{path}/disposition", disposal(), COUNTY_OFFICER, "lead-not-open-here")


@rule("R101", "R105")
async def test_a_new_risk_seen_at_the_yearly_refresh_is_a_lead(desk: Desk) -> None:
    """The eliminated stay in sight: what the refresh sees begins anew, as any other lead."""
    household = await desk.household(document_number())
    seen = RefreshRecorded(
        case_id=new_id(),
        household_id=household,
        year=2023,
        per_capita_net=900_000,
        members=4,
        new_risk=True,
        deadlines=(),
    )
    await desk.hear(seen.model_copy(update={"new_risk": False}))
    assert await desk.events("RiskReported") == []
    for _ in range(2):
        await desk.hear(seen)
    (lead,) = await desk.events("RiskReported")
    assert (lead["household_id"], lead["source"]) == (str(household), "CADRE_SCREENING")
    assert lead["division"] == VILLAGE
