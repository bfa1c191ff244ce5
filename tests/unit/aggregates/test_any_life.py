"""Every aggregate of every service has a state machine: here, or one of its own."""

import os
import pkgutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from importlib import import_module
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from services.alerts.domain import commands as leads
from services.alerts.domain import feed_commands as feeds
from services.alerts.domain import machine as machines
from services.alerts.domain import webhook as webhooks
from services.alerts.domain.alert import ALERT
from services.alerts.domain.context import AlertsContext
from services.alerts.domain.feed import FEED
from services.alerts.domain.feed_file import FEED_FILE
from services.alerts.domain.lead import LEAD
from services.alerts.domain.order import ORDER
from services.alerts.domain.register import Known
from services.assistance.domain import commands as help_
from services.assistance.domain import delegation as known_delegation
from services.assistance.domain.context import Surroundings
from services.assistance.domain.elimination import ELIMINATION
from services.assistance.domain.help_outside import HELP
from services.assistance.domain.known_case import KNOWN_CASE
from services.assistance.domain.ledger import LEDGER
from services.assistance.domain.no_labour import NO_LABOUR
from services.assistance.domain.plan import PLAN
from services.assistance.domain.policy_book import POLICY
from services.assistance.domain.population import POPULATION
from services.audit.domain import commands as audit
from services.audit.domain.correction import CORRECTION, CorrectionContext
from services.audit.domain.signing_key import SIGNING_KEY, KeyContext
from services.identification.domain import commands as cases
from services.identification.domain import coordination, delegation, internal
from services.identification.domain.case import CASE
from services.identification.domain.finding import FINDING, FindingContext
from services.identification.domain.household import HOUSEHOLD
from services.identification.domain.officer import OFFICER, ComeIn, OfficerContext
from services.identification.domain.policy_book import POLICY_BOOK, Publication
from shared.contracts.alerts import Rating, SupervisionGround
from shared.contracts.help import LedgerEntry
from shared.kernel.decider import Aggregate
from shared.kernel.event import Command
from shared.kernel.principal import Principal, Role
from shared.policy.parameters import Parameters, PolicyVersion
from tests.unit.aggregates.drawing import DIVISIONS, IDS
from tests.unit.aggregates.machine import SYSTEM, Subject, lives
from tests.unit.alerts import test_lead as a_lead
from tests.unit.alerts import test_order as an_order
from tests.unit.audit import test_correction as a_correction
from tests.unit.identification import test_register_and_policies as a_policy

VILLAGE, TOWN = DIVISIONS[0], DIVISIONS[2]
COUNTY = Principal("person:county", frozenset({Role.OFFICER}), "370114")
PROVINCE = Principal("person:province", frozenset({Role.OFFICER}), "37")
HOTLINE = Principal("machine:hotline", frozenset({Role.HOTLINE}), "37")
NOW = datetime(2023, 8, 1, tzinfo=UTC)
PUBLISHED = PolicyVersion(
    version="37/2023-1",
    document="37/2023-1",
    division="37",
    effective_from=date(2022, 1, 1),
    parameters=Parameters(),
)
_ENTRIES = st.builds(
    LedgerEntry,
    division=st.sampled_from([TOWN, VILLAGE]),
    people=st.integers(0, 9),
    population=st.just(200),
    households=st.integers(0, 9),
    without_measure=st.integers(0, 2),
)
OWN = {
    "identification case": CASE,
    "identification household": HOUSEHOLD,
    "assistance plan": PLAN,
    "assistance elimination": ELIMINATION,
    "assistance no-labour": NO_LABOUR,
}
"""Have a machine that knows more of them: ``test_invariants.py``, ``test_register_machine.py``,
``test_any_story.py``."""


def _notes(command: Command) -> dict[str, UUID]:
    names = (*type(command).model_fields, "caller", "matter", "note")
    return dict.fromkeys(names, IDS[0])


def _alerts(data: st.DataObject, command: Command, *when: Any) -> AlertsContext:
    known = data.draw(st.none() | st.just(Known(IDS[0], VILLAGE)))
    return AlertsContext(*when, notes=_notes(command), household=known)


def _surroundings(data: st.DataObject, command: Command, *when: Any) -> Surroundings:
    found = st.lists(_ENTRIES, max_size=2, unique_by=lambda each: each.division)
    # Only of a town are figures kept.
    figures = data.draw(found) if getattr(command, "town", "") == TOWN else ()
    return Surroundings(
        *when, book=(PUBLISHED,), note_id=IDS[0], new_id=IDS[1], figures=tuple(figures)
    )


def _correction(_data: st.DataObject, _command: Command, *when: Any) -> CorrectionContext:
    return CorrectionContext(
        *when,
        streams=a_correction.STREAMS,
        previous=a_correction.PREVIOUS,
        key=a_correction.KEY,
        verify=lambda *_: True,
        seal=lambda _message: "5e" * 64,
    )


def _governance(
    _data: st.DataObject, _command: Command, *when: Any
) -> delegation.GovernanceContext:
    return delegation.GovernanceContext(*when, fresh_id=IDS[0], note_id=IDS[1])


def _webhook(
    _data: st.DataObject, _command: Command, today: date, on: date, who: Principal
) -> webhooks.WebhookContext:
    return webhooks.WebhookContext(
        today, on, who, now=NOW, owner="machine:hotline", division=DIVISIONS[3]
    )


SUBJECTS = [
    Subject(ALERT, [leads.RecordAlert], _alerts),
    Subject(FEED, [feeds.MapFeed, feeds.SetThreshold], _alerts),
    Subject(FEED_FILE, [feeds.ReceiveFeed, feeds.CompareBlock, feeds.FinishFeed], _alerts),
    Subject(
        LEAD,
        [
            *(leads.ReportRisk, leads.MatchLead, leads.DisposeLead, leads.SettleLead),
            *(leads.FollowLead, leads.CorrectLead),
        ],
        _alerts,
        story=[
            (a_lead.report(household_id=None), SYSTEM),
            (leads.MatchLead(lead_id=a_lead.LEAD_ID, household_id=a_lead.HOUSEHOLD), COUNTY),
            (a_lead.dispose(), COUNTY),
            (leads.FollowLead(lead_id=a_lead.LEAD_ID, gap_closed=True, note="已解决"), COUNTY),
        ],
    ),
    Subject(
        ORDER,
        [
            *(leads.AcceptOrder, leads.AssignOrder, leads.ReturnOrder, leads.HandleOrder),
            *(leads.ExtendOrder, leads.SuperviseOrder, leads.CloseOrder, leads.RateOrder),
        ],
        _alerts,
        story=[
            (an_order.call(), HOTLINE),
            (an_order.assign(), COUNTY),
            (leads.ReturnOrder(order_id=an_order.ORDER_ID, reason="NOT_OUR_DUTY"), an_order.TOWN),
            (an_order.assign(), COUNTY),
            (leads.ExtendOrder(order_id=an_order.ORDER_ID, reason="EVIDENCE_PENDING"), COUNTY),
            (an_order.handle(), an_order.TOWN),
            (leads.CloseOrder(order_id=an_order.ORDER_ID), COUNTY),
            (an_order.rate(Rating.UNSATISFIED), HOTLINE),
            (
                leads.SuperviseOrder(
                    order_id=an_order.ORDER_ID, ground=SupervisionGround.UNSATISFIED, note="重办"
                ),
                COUNTY,
            ),
        ],
    ),
    Subject(
        machines.MACHINE,
        [machines.RegisterMachine, machines.IssueMachineKey, machines.RevokeMachineKeys],
        lambda _data, _command, *when: machines.MachineContext(*when, now=NOW),
    ),
    Subject(
        webhooks.WEBHOOK,
        [
            *(webhooks.RegisterWebhook, webhooks.MoveWebhook, webhooks.RotateWebhookSecret),
            *(webhooks.ReplayWebhook, webhooks.RemoveWebhook),
        ],
        _webhook,
    ),
    Subject(
        coordination.COORDINATION,
        [coordination.HoldMeeting, coordination.RecordMerging],
        _governance,
        once=True,
    ),
    Subject(
        delegation.DELEGATION,
        [delegation.GrantDelegation, delegation.RevokeDelegation],
        _governance,
    ),
    Subject(
        FINDING,
        [internal.RaiseFinding, cases.AnswerFinding],
        lambda _data, _command, *when: FindingContext(*when, note_id=IDS[0]),
    ),
    Subject(
        OFFICER,
        [ComeIn],
        lambda data, _command, *when: OfficerContext(
            *when, latest=data.draw(st.sampled_from([None, *DIVISIONS]))
        ),
    ),
    Subject(
        POLICY_BOOK,
        [cases.PublishPolicy],
        lambda _data, _command, *when: Publication(*when, above=None),
        story=[
            (cases.PublishPolicy(policy=a_policy.version(str(n), f"2023-0{8 + n}-01")), PROVINCE)
            for n in range(2)
        ],
    ),
    Subject(
        known_delegation.DELEGATION, [help_.KnowDelegation, help_.LoseDelegation], _surroundings
    ),
    Subject(HELP, [help_.RecordHelp], _surroundings),
    Subject(KNOWN_CASE, [help_.KnowCase, help_.ConcludeCase], _surroundings),
    Subject(LEDGER, [help_.UpdateLedger, help_.ReviewLedger], _surroundings),
    Subject(POLICY, [help_.AdoptPolicy], _surroundings),
    Subject(
        POPULATION,
        [help_.RecordPopulation],
        _surroundings,
        story=[
            (
                help_.RecordPopulation(
                    town=TOWN,
                    year=2023,
                    villages=(help_.VillagePopulation(division=village, people=900 + n),),
                ),
                COUNTY,
            )
            for n, village in enumerate(DIVISIONS[:2])
        ],
    ),
    Subject(
        CORRECTION,
        [
            *(audit.RequestCorrection, audit.ReviewAtCity, audit.ApproveAtProvince),
            *(audit.FileNationally, audit.RefuseCorrection, audit.NoteExecution),
            audit.NoteMovedTarget,
        ],
        _correction,
        story=[
            (a_correction.request(), a_correction.CLERK),
            *zip(a_correction.GATE_ACTS, a_correction.DECIDERS, strict=True),
            (a_correction.EXECUTED, SYSTEM),
        ],
    ),
    Subject(
        SIGNING_KEY,
        [audit.EnrolKey, audit.ConfirmKey, audit.RevokeKey],
        lambda _data, _command, *when: KeyContext(*when, verify=lambda *_: True),
    ),
]
CASES = int(os.environ.get("DIXIAN_FUZZ_CASES", "0"))
SOME = settings(
    max_examples=3 * CASES or 12,
    stateful_step_count=30,
    derandomize=not CASES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_a_decision_refuses_or_records_and_nothing_else(subject: Subject) -> None:
    run_state_machine_as_test(lives(subject), settings=SOME)


def test_no_aggregate_is_without_a_machine() -> None:
    assert {id(each) for each in _aggregates()} == {
        *(id(subject.aggregate) for subject in SUBJECTS),
        *map(id, OWN.values()),
    }


def _aggregates() -> Iterator[Aggregate[Any]]:
    for service in ("alerts", "identification", "assistance", "audit"):
        package = import_module(f"services.{service}.domain")
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for value in vars(import_module(found.name)).values():
                if isinstance(value, Aggregate):
                    yield value
