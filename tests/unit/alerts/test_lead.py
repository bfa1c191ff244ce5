"""A lead's own rules, pure."""

from typing import Any
from uuid import UUID

import pytest

from services.alerts.domain import commands as c
from services.alerts.domain.commands import DisposalReason
from services.alerts.domain.context import AlertsContext, plain
from services.alerts.domain.lead import LEAD, Lead
from services.alerts.domain.register import Known
from shared.contracts.alerts import (
    DeadlineMissed,
    LeadDisposed,
    LeadFollowedUp,
    LeadMatched,
    RiskReported,
)
from shared.contracts.values import LeadDisposition
from shared.kernel.decider import Tick
from shared.kernel.event import Event
from shared.kernel.ids import new_id
from shared.testing.decider import Given, given, rule

LEAD_ID, HOUSEHOLD, CASE = new_id(), new_id(), new_id()
VILLAGE, TOWN = "370114001001", "370114001"


def report(**changes: Any) -> c.ReportRisk:
    fields: dict[str, Any] = {
        "lead_id": LEAD_ID,
        "source": "HOTLINE",
        "discovered_on": "2023-01-31",
        "division": TOWN,
        "reported_in": TOWN,
        "household_id": None,
    }
    return c.ReportRisk(**(fields | changes))


def after(*events: Event, relocated: bool = False) -> Given[Lead]:
    known = Known(HOUSEHOLD, VILLAGE, relocated=relocated)

    def context(*dates_and_principal: Any) -> AlertsContext:
        made = plain(*dates_and_principal)
        return AlertsContext(made.today, made.occurred_on, made.principal, household=known)

    return given(LEAD, *events, context=context)


def reported(**changes: Any) -> RiskReported:
    (event,) = after().when(report(**changes), on="2023-02-01").then_types(RiskReported)
    assert isinstance(event, RiskReported)
    return event


def dispose(**changes: Any) -> c.DisposeLead:
    fields: dict[str, Any] = {
        "lead_id": LEAD_ID,
        "disposition": "UNFOUNDED",
        "reason": "NO_RISK_FOUND",
        "below_line": False,
        "relocated": False,
        "note": "已入户",
    }
    return c.DisposeLead(**(fields | changes))


def settle(disposition: LeadDisposition, case: UUID = CASE) -> c.SettleLead:
    return c.SettleLead(lead_id=LEAD_ID, disposition=disposition, case_id=case)


@rule("R42", "K3")
def test_a_lead_is_disposed_of_within_the_month() -> None:
    """31 January and one month: 28 February."""
    (clock,) = reported(household_id=HOUSEHOLD).deadlines
    assert (clock.rule, clock.due_on.isoformat()) == ("R42", "2023-02-28")


@rule("R54", "R55")
def test_while_nobody_knows_the_household_the_procedure_s_clocks_run_here() -> None:
    clocks = {clock.kind: clock.due_on.isoformat() for clock in reported().deadlines}
    assert clocks == {
        "lead-disposition": "2023-02-28",
        "lead-verify": "2023-02-03",
        "lead-identify": "2023-02-15",
    }
    matching = c.MatchLead(lead_id=LEAD_ID, household_id=HOUSEHOLD)
    (matched,) = after(reported()).when(matching, on="2023-02-02").then_types(LeadMatched)
    assert set(LEAD.fold([reported(), matched]).clocks) == {"lead-disposition"}


@rule("R42")
def test_a_lead_said_twice_is_one_lead() -> None:
    after(reported()).when(report(), on="2023-02-02").then()


@rule("R42")
def test_a_lead_left_open_is_raised_to_county_and_city_once() -> None:
    tick = Tick(category="lead", stream_id=LEAD_ID)
    lead = reported(household_id=HOUSEHOLD)
    after(lead).when(tick, on="2023-02-28").then()
    (missed,) = after(lead).when(tick, on="2023-03-01").then_types(DeadlineMissed)
    assert isinstance(missed, DeadlineMissed)
    assert missed.escalated_to == ("370114", "3701")
    after(lead, missed).when(tick, on="2023-04-01").then()


def test_matched_the_lead_belongs_to_the_households_village() -> None:
    matching = c.MatchLead(lead_id=LEAD_ID, household_id=HOUSEHOLD)
    found = after(reported()).when(matching, on="2023-02-02")
    (matched,) = found.then_types(LeadMatched)
    state = LEAD.fold([reported(), matched])
    assert LEAD.divisions(state) == (VILLAGE, TOWN)
    after(reported(), matched).when(matching, on="2023-02-03").then()


@rule("R42", "R30")
def test_a_matched_lead_does_not_end_at_a_desk() -> None:
    matched = reported(household_id=HOUSEHOLD)
    after(matched).when(dispose(), on="2023-02-02").refused("R42", code="lead-not-open-here")


@rule("R43")
def test_dibao_is_no_reason() -> None:
    wish = dispose(disposition="OUT_OF_SCOPE", reason="HAS_DIBAO")
    after(reported()).when(wish, on="2023-02-02").refused("R43")


@rule("R20")
@pytest.mark.parametrize(("said", "registered"), [(True, False), (False, True)])
def test_the_relocated_are_in_scope(said: bool, registered: bool) -> None:
    wish = dispose(disposition="OUT_OF_SCOPE", reason="URBAN_HUKOU", relocated=said)
    found = after(reported(), relocated=registered).when(wish, on="2023-02-02")
    found.refused("R20")


@rule("R30")
@pytest.mark.parametrize(
    ("disposition", "reason"), [("UNFOUNDED", "NO_RISK_FOUND"), ("TRACKED", "CAN_COPE")]
)
def test_below_the_line_only_a_deliberation_says_no(disposition: str, reason: str) -> None:
    wish = dispose(disposition=disposition, reason=reason, below_line=True)
    after(reported()).when(wish, on="2023-02-02").refused("R30")


@rule("R42")
def test_every_reason_but_dibao_goes_with_exactly_one_disposition() -> None:
    for reason in DisposalReason:
        fitting = [
            disposition
            for disposition in LeadDisposition
            if after(reported())
            .when(dispose(disposition=disposition, reason=reason), on="2023-02-02")
            .refusal
            is None
        ]
        assert len(fitting) == (reason is not DisposalReason.HAS_DIBAO), reason


@rule("R33")
def test_what_is_tracked_is_looked_at_monthly_until_its_gap_closes() -> None:
    wish = dispose(disposition="TRACKED", reason="CAN_COPE")
    (disposed,) = after(reported()).when(wish, on="2023-02-28").then_types(LeadDisposed)
    assert isinstance(disposed, LeadDisposed)
    assert [item.due_on.isoformat() for item in disposed.deadlines] == ["2023-03-28"]
    look = c.FollowLead(lead_id=LEAD_ID, gap_closed=True, note="已解决")
    (followed,) = after(reported(), disposed).when(look, on="2023-03-20").then_types(LeadFollowedUp)
    assert LEAD.fold([reported(), disposed, followed]).status == "DISPOSED"
    after(reported()).when(look, on="2023-03-20").refused("R33")


@rule("R42")
def test_what_the_procedure_says_holds_and_is_said_once() -> None:
    opened = settle(LeadDisposition.CASE_OPENED)
    (disposed,) = after(reported()).when(opened, on="2023-02-02").then_types(LeadDisposed)
    after(reported(), disposed).when(opened, on="2023-02-03").then()
    state = LEAD.fold([reported(), disposed])
    assert (state.status, state.case_id, dict(state.clocks)) == ("DISPOSED", CASE, {})
