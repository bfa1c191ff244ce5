"""What departments do together: joint meetings, and the merging of policies (R45, R47). Pure."""

from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from services.identification.domain.collection import Evidence, FreeText, Reference
from services.identification.domain.delegation import GovernanceContext
from shared.contracts.governance import (
    JointMeetingHeld,
    Organisation,
    PolicyMergingRecorded,
    Subject,
)
from shared.contracts.values import Benefit
from shared.kernel.decider import Act, Aggregate
from shared.kernel.division import Level
from shared.kernel.event import Command, Event
from shared.kernel.ids import new_id
from shared.kernel.principal import Permission, Role, may
from shared.kernel.refusal import Invalid
from shared.policy.rules import rule

_OFFICES = may(Role.OFFICER, Role.COMMITTEE, at=(Level.COUNTY, Level.CITY, Level.PROVINCE))

Coordinated = JointMeetingHeld | PolicyMergingRecorded
State = Coordinated | None


class HoldMeeting(Act):
    """Record a joint meeting of departments, with its minutes (R45)."""

    permission: ClassVar[Permission] = _OFFICES

    organisations: Annotated[tuple[Organisation, ...], Field(min_length=2, max_length=20)]
    subjects: Annotated[tuple[Subject, ...], Field(min_length=1, max_length=10)]
    cases: Annotated[tuple[UUID, ...], Field(max_length=200)] = ()
    minutes: FreeText
    evidence: Evidence = ()


class RecordMerging(Act):
    """Record that a place merged policies for monitored and low-income households (R47)."""

    permission: ClassVar[Permission] = _OFFICES

    document: Reference
    benefits: Annotated[tuple[Benefit, ...], Field(min_length=1, max_length=10)]
    effective_from: date
    note: FreeText


def decide(state: State, command: Command, context: GovernanceContext) -> list[Event]:
    """Each is recorded once, and stays as it is."""
    assert state is None
    if isinstance(command, HoldMeeting):
        return hold(command, context)
    assert isinstance(command, RecordMerging)
    return merge(command, context)


@rule("R6", "R45")
def hold(command: HoldMeeting, context: GovernanceContext) -> list[Event]:
    """Two different organisations at least: else nobody met anybody (R45)."""
    if len(set(command.organisations)) != len(command.organisations):
        raise Invalid(
            "R45",
            code="organisation-twice",
            zh="参会单位重复",
            en="an organisation is named twice",
            field="organisations",
        )
    return [
        JointMeetingHeld(
            meeting_id=context.fresh_id,
            division=context.principal.division,
            on=context.occurred_on,
            organisations=command.organisations,
            subjects=command.subjects,
            cases=command.cases,
            minutes_id=context.note_id,
            evidence=command.evidence,
        )
    ]


@rule("R47")
def merge(command: RecordMerging, context: GovernanceContext) -> list[Event]:
    """By its document; nothing here identifies or refuses anybody by a benefit (R13, R47)."""
    return [
        PolicyMergingRecorded(
            merging_id=context.fresh_id,
            division=context.principal.division,
            on=context.occurred_on,
            document=command.document,
            benefits=command.benefits,
            effective_from=command.effective_from,
            note_id=context.note_id,
        )
    ]


def evolve(state: State, event: Event) -> State:
    """What was recorded."""
    return event if isinstance(event, Coordinated) else state


def _key(state: State) -> UUID:
    if isinstance(state, JointMeetingHeld):
        return state.meeting_id
    return new_id() if state is None else state.merging_id


COORDINATION: Aggregate[State] = Aggregate(
    name="coordination",
    label=("会商记录", "record of coordination"),
    initial=None,
    evolve=evolve,
    decide=decide,
    divisions=lambda state: () if state is None else (state.division,),
    key=_key,
)
"""A joint meeting or a merging as a stream: category ``coordination``, keyed by itself."""
