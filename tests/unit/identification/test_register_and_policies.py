"""The register's owner (R24–R26) and the policy book (R2, R27–R29, R65, R92, R120, K7)."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from services.identification.domain import commands as c
from services.identification.domain import register_commands as r
from services.identification.domain.household import HOUSEHOLD
from services.identification.domain.household_state import Registration
from services.identification.domain.policy_book import POLICY_BOOK, Publication
from shared.contracts import identification as e
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Refusal
from shared.policy.parameters import (
    NEVER,
    TIGHTER,
    NoPolicy,
    Parameters,
    PolicyVersion,
    in_force,
    loosened,
    monitoring_line,
)
from shared.testing.decider import Given, given, rule

VILLAGE, ELSEWHERE = "370114101200", "371721100200"
HOME = UUID(int=1)
COUNTY = Principal("person:county", frozenset({Role.OFFICER}), "370114")
PROVINCE = Principal("person:province", frozenset({Role.OFFICER}), "37")
CITY = Principal("person:city", frozenset({Role.OFFICER}), "3701")


# --- the register ---------------------------------------------------------------------------------


def registration(today: date, on: date, by: Principal) -> Registration:
    return Registration(
        today=today,
        occurred_on=on,
        principal=by,
        household_id=HOME,
        member_ids=(UUID(int=2),),
        key_id="1",
        tokens=(),
    )


def register(**changed: Any) -> Given[Any]:
    person = {
        "name": "某某人",
        "document_number": "370181198001010011",
        "relation": "HEAD",
        "labour": "ORDINARY",
    }
    fields = {
        "division": VILLAGE,
        "hukou_place": VILLAGE,
        "residence": VILLAGE,
        "history": "ORDINARY",
        "address": "某地",
        "members": (person,),
    }
    command = r.RegisterHousehold(**{**fields, **changed})
    return given(HOUSEHOLD, context=registration).when(command, by=COUNTY)


@rule("R24")
def test_the_hukou_place_owns() -> None:
    [registered, _] = register().then_types(e.HouseholdRegistered, e.HouseholdIndexed)
    assert isinstance(registered, e.HouseholdRegistered)
    assert (registered.division, registered.hukou_place) == (VILLAGE, VILLAGE)


@rule("R25")
def test_the_residence_place_leads_with_a_reason_only() -> None:
    away: dict[str, Any] = {"hukou_place": ELSEWHERE}
    register(**away).refused("R25", code="hukou-place-first")
    [registered, _] = register(**away, residence_leads="SETTLED_AWAY").then_types(
        e.HouseholdRegistered, e.HouseholdIndexed
    )
    assert isinstance(registered, e.HouseholdRegistered)
    assert registered.residence_leads == "SETTLED_AWAY"
    register(**away, residence=ELSEWHERE, residence_leads="OTHER").refused("R25")


@rule("R26")
def test_the_relocated_belong_where_they_moved_to() -> None:
    register(relocated=True).refused("R26", code="owner-is-move-in-place")
    register(moved_from=ELSEWHERE).refused("R26", code="not-relocated")
    moved = register(relocated=True, moved_from=ELSEWHERE, hukou_place=ELSEWHERE)
    events = moved.then_types(e.HouseholdRegistered, e.HouseholdIndexed)
    assert HOUSEHOLD.divisions(HOUSEHOLD.fold(events)) == (VILLAGE, ELSEWHERE)


@rule("R1")
def test_nobody_registers_outside_their_division() -> None:
    elsewhere = register(division=ELSEWHERE, hukou_place=ELSEWHERE, residence=ELSEWHERE)
    elsewhere.refused("R1", code="forbidden")


@rule("R11")
def test_a_household_is_registered_once() -> None:
    events = register().result or []
    again = given(HOUSEHOLD, *events, context=registration)
    command = r.RegisterHousehold(
        division=VILLAGE,
        hukou_place=VILLAGE,
        residence=VILLAGE,
        history="ORDINARY",
        address="某地",
        members=(
            {
                "name": "某某人",
                "document_number": "370181198001010011",
                "relation": "HEAD",
                "labour": "NONE",
            },
        ),
    )
    again.when(command, by=COUNTY).refused("R11", code="already-registered")


# --- the policy book ------------------------------------------------------------------------------


def version(
    number: str = "1", on: str = "2023-01-01", division: str = "37", **parameters: Any
) -> PolicyVersion:
    return PolicyVersion(
        version=f"{division}/2023-{number}",
        document="鲁农发〔2023〕1号",
        division=division,
        effective_from=date.fromisoformat(on),
        parameters=Parameters(**{"monitoring_line": {2023: 800_000}, **parameters}),
    )


def publish(
    policy: PolicyVersion,
    *before: PolicyVersion,
    by: Principal = PROVINCE,
    above: PolicyVersion | None = None,
    on: str = "2023-03-01",
) -> Given[Any]:
    def publication(today: date, occurred: date, principal: Principal) -> Publication:
        return Publication(today, occurred, principal, above)

    events = [e.PolicyPublished(policy=item) for item in before]
    book = given(POLICY_BOOK, *events, context=publication)
    return book.when(c.PublishPolicy(policy=policy), on=on, by=by)


@rule("R2", "R28")
def test_the_province_publishes() -> None:
    publish(version()).then(e.PolicyPublished(policy=version()))
    publish(version(), by=CITY).refused("R2")


@rule("R28")
def test_the_former_line_holds_until_the_years_own_is_published() -> None:
    assert monitoring_line(version(), 2023) == (800_000, True)
    assert monitoring_line(version(), 2024) == (800_000, False)


@rule("K7")
def test_history_is_not_overwritten() -> None:
    publish(version("1"), version("1")).refused("K7", code="version-number")
    publish(version("2", on="2023-01-01"), version("1")).refused(
        "K7", code="history-is-not-overwritten"
    )
    publish(version("2", on="2023-02-28"), version("1"), on="2023-03-01").refused("K7")
    publish(version("2", on="2023-03-01"), version("1"), on="2023-03-01").then_types(
        e.PolicyPublished
    )


def city(**parameters: Any) -> Given[Any]:
    return publish(version(division="3701", **parameters), by=CITY, above=version())


@rule("R29", "R120")
@pytest.mark.parametrize(
    ("parameters", "rule_id"),
    [
        ({"monitoring_line": {2023: 799_999}}, "R29"),
        ({"monitoring_line": {}}, "R29"),
        ({"verify": "4d"}, "R120"),
        ({"identify": "1m"}, "R120"),
        ({"stable_income": "5m"}, "R120"),
        ({"former_poverty_standard": 1}, "R120"),
        ({"ledger_percent": 3}, "R120"),
        ({"monitoring_line": {2023: 800_000, 2024: 500_000}}, "R29"),
        ({"quorum": "1/2"}, "R120"),
        ({"identify_warnings": ("10d", "13d")}, "R120"),
        ({"green_channel_warnings": ("20d", "28d")}, "R120"),
        ({"bulk_approvals": 21}, "R120"),
        ({"rush_elimination_days": 29}, "R120"),
    ],
)
def test_a_city_does_not_loosen(parameters: dict[str, Any], rule_id: str) -> None:
    city(**parameters).refused(rule_id, code="city-only-tightens")


@rule("R29", "R120")
@pytest.mark.parametrize(
    "parameters",
    [
        {"monitoring_line": {2023: 900_000}},
        {"verify": "2d"},
        {"publicity": "7d"},
        {"hotline_handle": "4wd"},
        {"identify": "12d", "identify_warnings": ("8d", "10d", "12d")},
    ],
)
def test_a_city_may_tighten(parameters: dict[str, Any]) -> None:
    city(**parameters).then_types(e.PolicyPublished)


@rule("R27", "R28")
def test_a_line_of_nothing_is_a_cap_by_another_name() -> None:
    publish(version(monitoring_line={2023: 0})).refused("R27", code="line-of-nothing")


def notice(*more: str) -> dict[str, Any]:
    fixed = [
        "01-01",
        *(f"05-0{day}" for day in range(1, 6)),
        *(f"10-0{day}" for day in range(1, 8)),
    ]
    holidays = [f"2031-{day}" for day in (*fixed, *more)]
    return {"2031": {"document": "国办发明电〔2030〕9号", "holidays": holidays}}


@rule("R117", "R120")
def test_a_year_s_working_days_are_the_province_s_and_whole() -> None:
    publish(version(working_years=notice())).then_types(e.PolicyPublished)
    empty = notice()
    empty["2031"]["holidays"] = [f"2031-08-{day}" for day in range(10, 24)]
    publish(version(working_years=empty)).refused("R117", code="calendar-not-whole")
    above = version(working_years=notice())
    own = version(division="3701", working_years=notice("08-01"))
    publish(own, by=CITY, above=above).refused("R120", code="city-only-tightens")
    publish(version(division="3701"), by=CITY, above=above).then_types(e.PolicyPublished)


@rule("R56")
@pytest.mark.parametrize("length", ["4d", "0d", "5wd", "1m"])
def test_five_days_of_publicity_are_nobodys_to_shorten(length: str) -> None:
    publish(version(publicity=length)).refused("R56", code="publicity-too-short")


@rule("R119", "K8")
def test_the_version_in_force_is_the_latest_that_has_begun() -> None:
    book = [version("1"), version("2", on="2023-06-01")]
    assert in_force(book, VILLAGE, date(2023, 5, 31)).version == "37/2023-1"
    assert in_force(book, VILLAGE, date(2023, 6, 1)).version == "37/2023-2"


@rule("R28", "R119")
def test_a_version_published_for_later_holds_from_its_day_and_no_earlier() -> None:
    later = version("2", on="2023-04-01", monitoring_line={2023: 850_000})
    publish(later, version("1"), on="2023-03-01").happens()
    book = [version("1"), later]
    assert in_force(book, VILLAGE, date(2023, 3, 31)).version == "37/2023-1"
    assert in_force(book, VILLAGE, date(2023, 4, 1)).version == "37/2023-2"
    between = version("3", on="2023-03-15")
    publish(between, *book, on="2023-03-02").refused("K7", code="history-is-not-overwritten")


@rule("R29", "R120")
def test_a_citys_version_that_the_province_has_overtaken_is_passed_over() -> None:
    own = version(division="3701", monitoring_line={2023: 820_000}, publicity="7d")
    book = [version("1"), own]
    assert in_force(book, VILLAGE, date(2023, 12, 31)).version == "3701/2023-1"
    higher = version("2", on="2024-01-01", monitoring_line={2023: 800_000, 2024: 900_000})
    book = [*book, higher]
    assert in_force(book, VILLAGE, date(2023, 12, 31)).version == "3701/2023-1"
    assert in_force(book, VILLAGE, date(2024, 1, 1)).version == "37/2023-2"
    anew = version("2", on="2024-02-01", division="3701", monitoring_line={2023: 920_000})
    assert in_force([*book, anew], VILLAGE, date(2024, 2, 1)).version == "3701/2023-2"
    assert in_force([*book, anew], "371721", date(2024, 2, 1)).version == "37/2023-2"


@rule("K8")
def test_a_rule_set_published_for_a_time_ends_with_it() -> None:
    until = version("1").model_copy(update={"valid_until": date(2023, 6, 30)})
    assert in_force([until], VILLAGE, date(2023, 6, 30)) == until
    with pytest.raises(NoPolicy):
        in_force([until], VILLAGE, date(2023, 7, 1))
    never = until.model_copy(update={"valid_until": date(2022, 12, 31)})
    publish(never).refused("K8", code="ends-before-it-begins")


@rule("R2")
def test_a_city_waits_for_the_province() -> None:
    alone = publish(version(division="3701"), by=CITY)
    alone.refused("R2", code="province-publishes-first")


def test_every_length_and_number_has_a_direction() -> None:
    """A new parameter must say which way is tighter, or a city could loosen it unseen."""
    directed = {name for names in TIGHTER.values() for name in names}
    undirected = {
        "monitoring_line",
        "screens_applicants",
        "organisations",
        "working_years",
        "county_rural_mean",
    }
    assert directed | undirected == set(Parameters.model_fields)
    assert loosened(Parameters(), Parameters()) == []


@rule("R27", "R65", "R92", "R96", "R107", "R112", "R120")
@pytest.mark.parametrize(("name", "rule_id"), NEVER.items())
def test_what_may_not_be_configured_is_refused_by_its_rule(name: str, rule_id: str) -> None:
    with pytest.raises(Refusal) as refused:
        Parameters.model_validate({name: 1})
    assert (refused.value.rule, refused.value.code) == (rule_id, "never-a-parameter")


@rule("R120")
def test_any_other_unknown_parameter_is_refused_too() -> None:
    with pytest.raises(ValidationError):
        Parameters.model_validate({"households_at_most": 1})
    assert not set(NEVER) & set(Parameters.model_fields)
