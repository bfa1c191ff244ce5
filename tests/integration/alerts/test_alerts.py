"""Department alerts over HTTP: matched, measured, kept with their one fate."""

from datetime import date
from typing import Any

from shared.contracts.identification import PolicyPublished
from shared.contracts.values import History
from shared.policy.parameters import Parameters, PolicyVersion
from shared.testing.decider import rule
from tests.integration.alerts.conftest import COUNTY, TOWN, VILLAGE, Desk, document_number

FEED = "feed:37:medical-insurance,education"
COUNTY_OFFICER = f"officer:{COUNTY}"


def alert(**changes: Any) -> dict[str, Any]:
    given = {
        "feed": "medical-insurance",
        "external_id": "YB-2023-07-000001",
        "type": "MEDICAL_STAY",
        "happened_on": "2023-07-31",
        "period": "2023-07",
        "amount": 1_000_001,
        "division": TOWN,
        "person": {"name": "王秀英", "document_number": document_number()},
    }
    return given | changes


def row(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in alert(**changes).items() if name != "feed"}


async def test_a_matched_alert_over_the_threshold_is_a_lead(desk: Desk) -> None:
    household = await desk.household(document_number())
    answer = await desk.done("/alerts", alert(), FEED)
    (received,) = await desk.events("AlertReceived")
    (lead,) = await desk.events("RiskReported")
    assert received["fate"] == "LEAD"
    assert received["person_id"] is None
    assert (lead["household_id"], lead["alert_id"]) == (str(household), answer["id"])
    assert (lead["source"], lead["risks"]) == ("DEPARTMENT_ALERT", ["ILLNESS"])
    assert lead["discovered_on"] == "2023-07-31"


@rule("R42", "K4")
async def test_an_alert_under_the_threshold_is_kept_and_marked(desk: Desk) -> None:
    """超过10,000: ten thousand exactly is not over it."""
    await desk.household(document_number())
    answer = await desk.done("/alerts", alert(amount=1_000_000), FEED)
    assert await desk.events("RiskReported") == []
    kept = (await desk.get(f"/alerts/{answer['id']}", COUNTY_OFFICER)).json()
    assert (kept["fate"], kept["threshold"]) == ("BELOW_THRESHOLD", 1_000_000)
    marked = (await desk.get("/alerts?fate=BELOW_THRESHOLD", FEED)).json()["items"]
    assert [item["id"] for item in marked] == [answer["id"]]


async def test_the_formerly_poor_have_their_own_threshold(desk: Desk) -> None:
    """年度累计: formerly poor from 5,000 on, others from 20,000 on."""
    await desk.household(document_number(1), history=History.FORMERLY_POOR)
    await desk.household(document_number(2))
    for serial, fate in ((1, "LEAD"), (2, "BELOW_THRESHOLD")):
        given = alert(
            type="MEDICAL_YEAR",
            period="2023",
            amount=500_000,
            external_id=f"Y{serial}",
            person={"name": "某", "document_number": document_number(serial)},
        )
        answer = await desk.done("/alerts", given, FEED)
        assert answer["events"][0]["data"]["fate"] == fate


async def test_an_unmatched_alert_waits_as_a_lead_and_is_matched_later(desk: Desk) -> None:
    await desk.done("/alerts", alert(), FEED)
    (received,) = await desk.events("AlertReceived")
    assert received["fate"] == "UNMATCHED"
    household = await desk.household(document_number())
    (matched,) = await desk.events("LeadMatched")
    assert matched["household_id"] == str(household)


@rule("R42")
async def test_an_alert_sent_twice_is_one_alert(desk: Desk) -> None:
    first = await desk.post("/alerts", alert(), FEED)
    again = await desk.post("/alerts", alert(), FEED)
    assert (again.status_code, again.json()) == (201, first.json())
    assert len(await desk.events("AlertReceived")) == 1
    await desk.refused("/alerts", alert(amount=2_000_000), FEED, "alert-id-reused")


async def test_without_an_id_the_content_is_the_id(desk: Desk) -> None:
    given = alert(external_id=None)
    first = await desk.done("/alerts", given, FEED)
    assert (await desk.done("/alerts", given, FEED))["id"] == first["id"]
    other = await desk.done("/alerts", given | {"amount": 1_500_000}, FEED)
    assert other["id"] != first["id"]


@rule("R65")
async def test_an_id_that_is_a_persons_number_is_refused(desk: Desk) -> None:
    answer = await desk.post("/alerts", alert(external_id=document_number()), FEED)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["rule"]) == (422, "personal-number", "R65")
    assert problem["field"] == "external_id"
    assert document_number() not in answer.text
    assert await desk.events("AlertReceived") == []


async def test_a_key_posts_to_its_own_feeds_only(desk: Desk) -> None:
    await desk.refused("/alerts", alert(), "feed:37:education", "forbidden")
    dropout = alert(type="DROPOUT", amount=None)
    await desk.refused("/alerts", dropout, FEED, "type-not-of-this-feed")
    await desk.refused("/alerts", alert(amount=None), FEED, "amount-required")
    wrong = alert(person={"name": "王", "document_number": document_number()[:-1] + "0"})
    problem = await desk.refused("/alerts", wrong, FEED, "document-number-checksum")
    assert problem["field"] == "person.document_number"


async def test_a_batch_has_one_result_a_row_and_keeps_the_good_ones(desk: Desk) -> None:
    household = await desk.household(document_number())
    rows = [
        row(),
        row(external_id="YB-2", division="370199"),
        row(external_id="YB-3", colour="red"),
        row(external_id="YB-4", amount=1),
        row(),
    ]
    answer = await desk.done("/alerts/batch", {"feed": "medical-insurance", "rows": rows}, FEED)
    assert [item["status"] for item in answer["results"]] == [
        "accepted",
        "refused",
        "refused",
        "accepted",
        "repeated",
    ]
    assert (answer["accepted"], answer["repeated"], answer["refused"]) == (2, 1, 2)
    assert answer["results"][1]["problem"]["code"] == "unknown-division"
    assert answer["results"][2]["problem"]["field"] == "colour"
    assert answer["results"][3]["fate"] == "BELOW_THRESHOLD"
    (lead,) = await desk.events("RiskReported")
    assert (lead["household_id"], lead["division"]) == (str(household), VILLAGE)


async def test_no_personal_data_leaves_the_vault(desk: Desk) -> None:
    await desk.done("/alerts", alert(details="尿毒症透析"), FEED)
    async with desk.app.database.reading() as tx:
        stored = await tx.raw.fetchval("select string_agg(data::text, '') from es.event")
        kept = await tx.raw.fetchval("select count(*) from vault.record")
    for secret in ("王秀英", document_number(), "透析"):
        assert secret not in stored
    assert kept == 2


CIVIL_AFFAIRS = "feed:37:civil-affairs"


@rule("R46")
async def test_an_applicant_is_looked_into_at_once_where_the_county_is_switched_on(
    desk: Desk,
) -> None:
    await desk.household(document_number())
    applied = {"feed": "civil-affairs", "type": "DIBAO_APPLIED", "amount": None}
    first = await desk.done("/alerts", alert(**applied, external_id="M1"), CIVIL_AFFAIRS)
    assert first["events"][0]["data"]["fate"] == "NOT_SCREENED"
    assert await desk.events("RiskReported") == []
    policy = PolicyVersion(
        version="37/2023-1",
        document="鲁农发〔2023〕1号",
        division="37",
        effective_from=date(2023, 1, 1),
        parameters=Parameters(screens_applicants=(COUNTY,)),
    )
    await desk.hear(PolicyPublished(policy=policy))
    second = await desk.done("/alerts", alert(**applied, external_id="M2"), CIVIL_AFFAIRS)
    assert second["events"][0]["data"]["fate"] == "LEAD"
    (lead,) = await desk.events("RiskReported")
    assert (lead["source"], lead["discovered_on"]) == ("DEPARTMENT_ALERT", "2023-07-31")
    granted = {"feed": "civil-affairs", "type": "NEW_DIBAO", "amount": None}
    third = await desk.done("/alerts", alert(**granted, external_id="M3"), CIVIL_AFFAIRS)
    assert third["events"][0]["data"]["fate"] == "LEAD", "the granted are leads everywhere (R42)"
