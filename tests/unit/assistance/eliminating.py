"""An elimination in events and commands, for the tests of the pure domain."""

from typing import Any

from services.assistance.domain import commands as c
from services.assistance.domain.elimination import ELIMINATION
from shared.contracts.assistance import (
    AfterCareStarted,
    PlanRiskAdded,
)
from shared.contracts.values import MeetingForm, Risk
from shared.kernel.event import Event
from shared.testing.decider import Given, given
from tests.unit.assistance import story as s

IDS = {"elimination_id": s.ELIMINATION_ID}


VERIFY = c.VerifyElimination(**IDS, officers=("person:v1",), confirmed=True, evidence=(s.SHA,))


DELIBERATE = c.DeliberateElimination(
    **IDS,
    form=MeetingForm.REPRESENTATIVES,
    due=30,
    present=24,
    in_favour=23,
    against=1,
    minutes="会议记录",
)


REVIEW = c.ReviewElimination(**IDS, officers=("person:t1",), passed=True, feedback="同意")


POST = c.PostEliminationNotice(**IDS, notice_no="2023-15", text="公示", photo=s.SHA)


OBJECT = c.RaiseEliminationObjection(**IDS, statement="不同意")


CLOSE = c.CloseEliminationNotice(**IDS)


APPROVE = c.ApproveElimination(**IDS, authority="鲁农组〔2023〕5号")


ANNOUNCE = c.AnnounceElimination(**IDS, notice_no="2023-16", text="公告")


MARK = c.MarkElimination(**IDS, receipt="系统回执1")


STEPS = (
    (VERIFY, "2023-09-12"),
    (DELIBERATE, "2023-09-13"),
    (REVIEW, "2023-09-14"),
    (POST, "2023-09-15"),
    (CLOSE, "2023-09-21"),
    (APPROVE, "2023-09-21"),
    (ANNOUNCE, "2023-09-22"),
    (MARK, "2023-09-25"),
)


def elimination(*events: Event, **changes: Any) -> Given[Any]:
    facts: dict[str, Any] = {"plan": s.helped(), "plan_id": s.PLAN_ID}
    return given(ELIMINATION, *events, context=s.around(**(facts | changes)))


def history(upto: int, **changes: Any) -> list[Event]:
    """The events of the proposal on 2023-09-11 and of the first ``upto`` steps after it."""
    events = events_of(elimination(**changes).when(s.proposing(), on="2023-09-11"))
    for command, on in STEPS[:upto]:
        by = s.COMMITTEE if command is APPROVE else s.SOMEBODY
        events += events_of(elimination(*events, **changes).when(command, on=on, by=by))
    return events


def events_of(when: Given[Any]) -> list[Event]:
    assert when.refusal is None, when.refusal
    assert when.result is not None
    return when.result


def proposal(**changes: Any) -> Given[Any]:
    """A proposal on 2023-09-11, half a year after the identification."""
    return elimination().when(s.proposing(**changes), on="2023-09-11")


def added() -> PlanRiskAdded:
    return PlanRiskAdded(
        case_id=s.CASE,
        household_id=s.HOUSEHOLD,
        lead_id=s.LEAD,
        risks=(Risk.SCHOOLING,),
        deadlines=(),
    )


def after_care() -> AfterCareStarted:
    return AfterCareStarted(
        case_id=s.CASE,
        household_id=s.HOUSEHOLD,
        elimination_id=s.ELIMINATION_ID,
        eliminated_on=s.day("2023-09-21"),
        continuing=(),
        deadlines=(),
    )
