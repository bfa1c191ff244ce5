"""How the tables follow from the streams' state."""

from collections.abc import Sequence
from typing import Any

from services.identification.domain.case_state import Case
from services.identification.domain.clocks import told_to
from services.identification.domain.coordination import Coordinated
from services.identification.domain.delegation import Delegation
from services.identification.domain.finding import Finding
from services.identification.domain.household_state import Household
from services.identification.domain.officer import Officer
from services.identification.domain.policy_book import PolicyBook
from services.identification.domain.scope import labour_capable, whole_household_no_labour
from services.identification.domain.work import priority, to_do
from services.identification.read_models import tables
from shared.contracts.identification import Member
from shared.kernel.division import Level, ancestor
from shared.kernel.event import Event, Recorded
from shared.kernel.refusal import OutOfOrder
from shared.policy.rules import rule
from shared.store.views import Row, View


def _household(state: Household, last: Recorded[Event]) -> Sequence[Row]:
    return [
        {
            "stream_id": last.stream_id,
            "division": state.division,
            "residence": state.residence,
            "hukou_place": state.hukou_place,
            "history": state.history,
            "relocated": state.relocated,
            "moved_from": state.moved_from,
            "members": [member.model_dump(mode="json") for member in state.members],
            "home_id": state.home_id,
            "absorbed_into": state.absorbed_into,
            "version": last.version,
        }
    ]


def _tokens(state: Household, last: Recorded[Event]) -> Sequence[Row]:
    return [
        {"stream_id": last.stream_id, "token": item.token, "member_id": item.member_id}
        for item in state.tokens
    ]


@rule("R11", "R25")
def registered_elsewhere() -> OutOfOrder:
    """One person stands in one household of the one register (R11, R25)."""
    return OutOfOrder(
        "R25",
        code="document-registered",
        zh="该证件号码已登记在其他户",
        en="a document number is registered in another household",
        field="members",
    )


def _policies(state: PolicyBook, last: Recorded[Event]) -> Sequence[Row]:
    return [
        {
            "stream_id": last.stream_id,
            "version": item.version,
            "division": item.division,
            "effective_from": item.effective_from,
            "data": item.model_dump(mode="json"),
        }
        for item in state.versions
    ]


def _case(state: Case, last: Recorded[Event]) -> Sequence[Row]:
    return [
        {
            "stream_id": last.stream_id,
            "household_id": state.household_id,
            "division": state.division,
            "moved_from": state.moved_from,
            "policy": state.policy,
            "status": state.status,
            "source": state.source,
            "opened_on": state.opened_on,
            "priority": priority(state),
            "category": state.category,
            "identified_on": state.identified_on,
            "refusal": state.refusal,
            "departed": state.departed,
            "tracked": state.tracked,
            "green_channel": state.channel.inside,
            "leads": sorted(state.leads),
            "county": ancestor(state.division, Level.COUNTY),
            "advice_row": state.verified and state.verified.advice.row,
            "risks": list(state.risks),
            "labour_capable": _labour_capable(state),
            "measures": len(state.measures),
            "late": state.late,
            "concluded_on": state.concluded_on,
            "eliminated_on": state.eliminated_on,
            "can_work": _can_work(state),
            "begun": sorted(item.kind for item in state.helps.values() if item.begun),
            "development": sum(item.begun and item.development for item in state.helps.values()),
            "elimination_mode": state.elimination and state.elimination.mode,
            "elimination_income": state.elimination and state.elimination.per_capita_net,
            "version": last.version,
        }
    ]


def _labour_capable(state: Case) -> bool | None:
    """Whether any counted member can work at all; unknown before the verification."""
    return None if state.verified is None else not whole_household_no_labour(_counted(state))


def _can_work(state: Case) -> bool | None:
    """Whether any counted member can work fully (R78); unknown before the verification."""
    return None if state.verified is None else labour_capable(_counted(state))


def _counted(state: Case) -> list[Member]:
    assert state.verified is not None
    return [item for item in state.verified.members if item.member_id in state.verified.counted]


def _finding(state: Finding, last: Recorded[Event]) -> Sequence[Row]:
    if state.raised is None:
        return []
    answered = state.answered
    return [
        {
            "stream_id": last.stream_id,
            "kind": state.raised.kind,
            "rule": state.raised.rule,
            "division": state.raised.division,
            "case_id": state.raised.case_id,
            "household_id": state.raised.household_id,
            "raised_on": state.raised.on,
            "figures": dict(state.raised.figures),
            "answer": answered and answered.answer,
            "answered_on": answered and answered.on,
            "version": last.version,
        }
    ]


@rule("R7", "R25")
def _one_active() -> OutOfOrder:
    """One open case and one active category a household, province-wide (R7, R25)."""
    return OutOfOrder(
        "R25",
        code="case-already-open",
        zh="该户已有在办或在册个案,不能重复立案",
        en="the household has an open or active case already",
    )


def _work(state: Case, last: Recorded[Event]) -> Sequence[Row]:
    return [
        {
            "stream_id": last.stream_id,
            "step": item.step,
            "level": int(level),
            "household_id": state.household_id,
            "division": state.division,
            "county": ancestor(state.division, Level.COUNTY),
            "priority": priority(state),
            "ready_on": item.ready_on,
            "due_on": item.due_on,
            "clock": item.clock,
            "source": state.source,
            "green_channel": state.channel.inside,
            "officers": sorted(set(state.officers or ())),
        }
        for item in to_do(state)
        for level in item.levels
    ]


def _officer(state: Officer, last: Recorded[Event]) -> Sequence[Row]:
    return [
        {
            "stream_id": last.stream_id,
            "subject": state.subject,
            "division": state.division,
            "known_at": last.recorded_at,
            "version": last.version,
        }
    ]


def _delegation(state: Delegation, last: Recorded[Event]) -> Sequence[Row]:
    if state.granted is None:
        return []
    return [
        {
            "stream_id": last.stream_id,
            "division": state.granted.county,
            "holder": state.granted.holder,
            "document": state.granted.document,
            "valid_from": state.granted.valid_from,
            "valid_until": state.granted.valid_until,
            "revoked_on": state.revoked and state.revoked.on,
            "version": last.version,
        }
    ]


def _coordination(state: Coordinated | None, last: Recorded[Event]) -> Sequence[Row]:
    if state is None:
        return []
    return [
        {
            "stream_id": last.stream_id,
            "kind": type(state).__name__,
            "division": state.division,
            "held_on": state.on,
            "data": state.model_dump(mode="json", exclude={"division", "on"}),
        }
    ]


@rule("R54", "K5", "K6")
def _lapses(state: Case, last: Recorded[Event]) -> Sequence[Row]:
    """What was late or entered late, and the clocks that have spoken, each with who was told."""
    city = ancestor(state.division, Level.CITY)
    acts = [
        {
            "kind": item.kind,
            "about": item.act,
            "told_to": city,
            "on": item.on,
            "entered_on": item.entered_on,
            "reason": item.reason,
        }
        for item in state.lapses
    ]
    clocks = [
        {
            "kind": "MISSED" if item.missed else "WARNED",
            "about": kind,
            "told_to": told_to(item, state.division),
            "on": item.deadline.due_on,
        }
        for kind, item in state.clocks.items()
        if item.missed or item.warned
    ]
    found: list[dict[str, Any]] = [*acts, *clocks]
    if not found:
        return []
    return [
        {
            "stream_id": last.stream_id,
            "division": state.division,
            "told_to": sorted({item["told_to"] for item in found}),
            "lapses": found,
        }
    ]


VIEWS: Sequence[View[Any]] = (
    View(tables.household, "household", _household),
    View(
        tables.household_token,
        "household",
        _tokens,
        {"household_token_once": registered_elsewhere},
    ),
    View(
        tables.policy_version,
        "policy",
        _policies,
    ),
    View(tables.household_case, "case", _case, {"household_case_one_active": _one_active}),
    View(tables.work_item, "case", _work),
    View(tables.lapse, "case", _lapses),
    View(tables.finding, "finding", _finding),
    View(tables.officer, "officer", _officer),
    View(tables.delegation, "delegation", _delegation),
    View(tables.coordination, "coordination", _coordination),
)
"""Every table with the streams that feed it."""
