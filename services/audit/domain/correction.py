"""A correction's way through the gates (R100, R107, R108): the only way anything is ever undone.

City officer files → the city's principal signs → the province approves → the nation's filing is
recorded → authorized → the owning service appends its compensating event. Each decision is over
the hash of the request's exact content, names the leaf of the decision before it, and is signed
with the decider's own key; nobody decides twice, nor what they requested or worked on; every gate
has its time; a request executes once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import TypeVar
from uuid import UUID

from services.audit.domain import canonical, content, policies, statement
from services.audit.domain.commands import (
    ApproveAtProvince,
    FileNationally,
    NoteExecution,
    NoteMovedTarget,
    RefuseCorrection,
    RequestCorrection,
    ReviewAtCity,
)
from services.audit.domain.gates import CLOCKS, GATES, GateRule, clock_of
from services.audit.domain.known import DecidersKey, KnownStream, Logged, Seal, Verify
from shared.contracts.audit import (
    CityReviewed,
    CorrectionAuthorized,
    CorrectionExecuted,
    CorrectionKind,
    CorrectionReason,
    CorrectionRefused,
    CorrectionRequested,
    FlagChange,
    Gate,
    NationallyFiled,
    ProvinceApproved,
    RefusedBecause,
    SignedDecision,
    Target,
)
from shared.kernel.deadline import Clocks, Deadline, start, stop
from shared.kernel.decider import Aggregate, Context, Tick
from shared.kernel.event import Command, Event
from shared.kernel.principal import Principal
from shared.kernel.refusal import NotFound, OutOfOrder

NOBODY = UUID(int=0)
_PASSED = {gate.event: gate.name for gate in GATES}
_Signed = TypeVar("_Signed", CityReviewed, ProvinceApproved, NationallyFiled, CorrectionRefused)
Passed = CityReviewed | ProvinceApproved | NationallyFiled
"""A gate's yes."""


class Status(StrEnum):
    """Where a correction stands."""

    NONE = "NONE"
    OPEN = "OPEN"
    AUTHORIZED = "AUTHORIZED"
    EXECUTED = "EXECUTED"
    REFUSED = "REFUSED"


@dataclass(frozen=True)
class CorrectionContext(Context):
    """What the log knows that a decision needs."""

    streams: Mapping[UUID, KnownStream] = field(default_factory=dict)
    """The targets, as the log has them now."""
    open_elsewhere: frozenset[UUID] = frozenset()
    """Targets that another open correction is about."""
    previous: Logged | None = None
    """The event of the gate before, once it stands in the log."""
    key: DecidersKey | None = None
    """The decider's active key."""
    verify: Verify = lambda _public, _message, _signature: False
    public_keys: Mapping[UUID, str] = field(default_factory=dict)
    """Of the gates' deciders, by the keys' ids."""
    seal: Seal | None = None


@dataclass(frozen=True)
class Correction:
    """The state."""

    correction_id: UUID = NOBODY
    status: Status = Status.NONE
    city: str = ""
    kind: CorrectionKind = CorrectionKind.PURGE
    targets: tuple[Target, ...] = ()
    change: FlagChange | None = None
    reason: CorrectionReason = CorrectionReason.WRONG_ENTRY
    requested_on: date = date.min
    content_sha256: str = ""
    people: frozenset[str] = frozenset()
    """Who has had a hand in it: the requester, the contributors, those who decided."""
    content: str = ""
    decisions: tuple[Passed, ...] = ()
    """Of the gates that are passed."""
    clocks: Clocks = field(default_factory=dict)
    executed: frozenset[UUID] = frozenset()

    @property
    def passed(self) -> tuple[Gate, ...]:
        """The gates that have said yes, in order."""
        return tuple(_PASSED[type(decision)] for decision in self.decisions)

    @property
    def gate(self) -> GateRule | None:
        """The gate whose turn it is."""
        return GATES[len(self.passed)] if self.status is Status.OPEN else None


def decide(state: Correction, command: Command, context: Context) -> list[Event]:
    """The decision on one command. Raises ``Refusal``."""
    if isinstance(command, RequestCorrection):
        assert isinstance(context, CorrectionContext)
        return _request(state, command, context)
    if state.status is Status.NONE:
        raise NotFound(*CORRECTION.label)
    match command:
        case ReviewAtCity() | ApproveAtProvince() | FileNationally():
            assert isinstance(context, CorrectionContext)
            return _pass(state, command, context)
        case RefuseCorrection():
            assert isinstance(context, CorrectionContext)
            return _refuse(state, command, context)
        case NoteExecution():
            return _executed(state, command)
        case NoteMovedTarget():
            return _moved(state, command, context)
        case Tick():
            return _expire(state, context)
    raise TypeError(f"not a command on corrections: {type(command).__name__}")


def evolve(state: Correction, event: Event) -> Correction:
    """Fold one recorded event into the state."""
    match event:
        case CorrectionRequested():
            return Correction(
                correction_id=event.correction_id,
                status=Status.OPEN,
                city=event.city,
                kind=event.kind,
                targets=event.targets,
                change=event.change,
                reason=event.reason,
                requested_on=event.requested_on,
                content_sha256=event.content_sha256,
                content=event.content or "",
                people=_people(event.requested_by, event.requested_for, *event.contributors),
                clocks=start({}, *event.deadlines),
            )
        case CityReviewed() | ProvinceApproved() | NationallyFiled():
            return replace(
                state,
                decisions=(*state.decisions, event),
                people=state.people | _people(event.decided_by, event.decided_for),
                clocks=start(stop(state.clocks, *state.clocks), *event.deadlines),
            )
        case CorrectionAuthorized():
            clocks = start(state.clocks, *event.deadlines)
            return replace(state, status=Status.AUTHORIZED, clocks=clocks)
        case CorrectionExecuted():
            status = state.status if event.remaining else Status.EXECUTED
            clocks = state.clocks if event.remaining else {}
            executed = state.executed | {event.stream_id}
            return replace(state, status=status, executed=executed, clocks=clocks)
        case CorrectionRefused():
            return replace(state, status=Status.REFUSED, clocks={})
    return state


def _request(
    state: Correction, command: RequestCorrection, context: CorrectionContext
) -> list[Event]:
    if state.status is not Status.NONE:
        raise OutOfOrder("R108", code="already-requested", zh="该申请已经提交", en="filed already")
    who = context.principal
    policies.only_a_city_files(who)
    policies.request_is_whole(command)
    policies.targets_are_known(command.targets, context.streams, who.division)
    policies.targets_have_not_moved(command.targets, context.streams)
    policies.targets_can_be_corrected(command, context.streams)
    policies.nothing_else_is_open(command.targets, context.open_elsewhere)
    said = canonical.encode(content.of(command, who.subject, who.division))
    return [
        CorrectionRequested(
            correction_id=command.correction_id,
            city=who.division,
            kind=command.kind,
            targets=command.targets,
            change=command.change,
            reason=command.reason,
            note_id=command.note_id,
            note_sha256=command.note_sha256,
            evidence=command.evidence,
            requested_by=who.subject,
            requested_on=context.today,
            contributors=tuple(sorted(command.contributors)),
            content_sha256=sha256(said).hexdigest(),
            deadlines=(clock_of(Gate.CITY, context.today),),
            content=said.decode(),
            requested_for=who.on_behalf_of or None,
        )
    ]


def _pass(
    state: Correction,
    command: ReviewAtCity | ApproveAtProvince | FileNationally,
    context: CorrectionContext,
) -> list[Event]:
    gate = _gate_of(state, command)
    _may_decide(state, gate, command.content_sha256, context)
    policies.targets_have_not_moved(state.targets, context.streams)
    common = {
        **_decided(state, command.signature, context),
        "document": command.document,
        "deadlines": () if gate.then is Gate.EXECUTION else (clock_of(gate.then, context.today),),
    }
    match command:
        case ReviewAtCity():
            return [_signed(CityReviewed(**common), context)]
        case ApproveAtProvince():
            return [_signed(ProvinceApproved(**common), context)]
        case FileNationally():
            policies.filing_is_not_in_the_future(command.filed_on, context.today)
            filed = NationallyFiled(**common, letter=command.letter, filed_on=command.filed_on)
            signed = _signed(filed, context)
            return [signed, _authorized(state, (*state.decisions, signed), context)]


def _decided(state: Correction, signature: str, context: CorrectionContext) -> dict[str, object]:
    """What every decision says besides its own: who, with which key, standing on what."""
    previous = policies.decision_before_is_logged(context.previous)
    return {
        "correction_id": state.correction_id,
        "content_sha256": state.content_sha256,
        "decided_by": context.principal.subject,
        "decided_for": context.principal.on_behalf_of or None,
        "key_id": policies.decider_has_a_key(context.key).key_id,
        "signature": signature,
        "previous_event_id": previous.event_id,
        "previous_leaf_sha256": previous.leaf_sha256,
    }


def _signed(event: _Signed, context: CorrectionContext) -> _Signed:
    """The decision, if its signature is the decider's over exactly what it says."""
    key = policies.decider_has_a_key(context.key)
    said = statement.decision(type(event).__name__, event.model_dump(mode="json"))
    verified = context.verify(key.public_key, said, event.signature or "")
    policies.decision_is_signed(verified)
    return event


def _authorized(
    state: Correction, decisions: tuple[Passed, ...], context: CorrectionContext
) -> CorrectionAuthorized:
    """What the owning services execute, with all that proves it."""
    assert context.seal is not None
    authorized = CorrectionAuthorized(
        correction_id=state.correction_id,
        city=state.city,
        kind=state.kind,
        targets=state.targets,
        change=state.change,
        reason=state.reason,
        filing=decisions[-1].document,
        content_sha256=state.content_sha256,
        deadlines=(clock_of(Gate.EXECUTION, context.today),),
        content=state.content,
        decisions=tuple(_as_signed(decision, context) for decision in decisions),
    )
    return authorized.model_copy(update={"seal": context.seal(authorized.sealed())})


def _as_signed(decision: Passed, context: CorrectionContext) -> SignedDecision:
    key = policies.decider_has_a_key(context.key)
    known = {**context.public_keys, key.key_id: key.public_key}
    assert decision.key_id is not None
    assert decision.signature is not None
    said = statement.decision(type(decision).__name__, decision.model_dump(mode="json"))
    return SignedDecision(
        gate=_PASSED[type(decision)],
        statement=said.decode(),
        public_key=known[decision.key_id],
        signature=decision.signature,
    )


def _refuse(
    state: Correction, command: RefuseCorrection, context: CorrectionContext
) -> list[Event]:
    policies.is_still_open(state.status is Status.OPEN)
    gate = GATES[len(state.passed)]
    _may_decide(state, gate, command.content_sha256, context)
    policies.reason_is_a_persons(command.because)
    common = _decided(state, command.signature, context)
    refused = CorrectionRefused(**common, gate=gate.name, because=command.because)
    return [_signed(refused, context)]


def _executed(state: Correction, command: NoteExecution) -> list[Event]:
    """The compensating event has come: once a target, and only of one that was authorized."""
    if command.stream_id in state.executed:
        return []
    target = _target(state, command.stream_id)
    policies.was_authorized(state.status is Status.AUTHORIZED, target, command.version)
    return [
        CorrectionExecuted(
            correction_id=state.correction_id,
            stream_id=command.stream_id,
            version=command.version,
            event_id=command.event_id,
            remaining=len(state.targets) - len(state.executed) - 1,
        )
    ]


def _moved(state: Correction, command: NoteMovedTarget, context: Context) -> list[Event]:
    """A target got another event than the compensating one: it can be executed no more.

    Targets that were executed before stay so, each with its own ``CorrectionExecuted``.
    """
    target = _target(state, command.stream_id)
    pending = state.status in {Status.OPEN, Status.AUTHORIZED}
    done = command.stream_id in state.executed
    if target is None or not pending or done or command.version <= target.version:
        return []
    gate = state.gate.name if state.gate else Gate.EXECUTION
    return [_refusal(state, gate, RefusedBecause.TARGET_MOVED, context.principal)]


def _expire(state: Correction, context: Context) -> list[Event]:
    """A gate let its time pass, or what was authorized was not carried out in its time."""
    gate = state.gate.name if state.gate else Gate.EXECUTION
    running = state.clocks.get(CLOCKS[gate])
    if running is None or context.today <= running.deadline.due_on:
        return []
    return [_refusal(state, gate, RefusedBecause.EXPIRED, context.principal)]


def _refusal(
    state: Correction, gate: Gate, because: RefusedBecause, who: Principal
) -> CorrectionRefused:
    return CorrectionRefused(
        correction_id=state.correction_id,
        gate=gate,
        because=because,
        decided_by=who.subject,
        content_sha256=state.content_sha256,
    )


def _gate_of(
    state: Correction, command: ReviewAtCity | ApproveAtProvince | FileNationally
) -> GateRule:
    policies.is_still_open(state.status is Status.OPEN)
    gate = next(item for item in GATES if item.command is type(command))
    policies.gates_in_order(gate, state.passed)
    return gate


def _may_decide(state: Correction, gate: GateRule, seen_sha256: str, context: Context) -> None:
    policies.decider_is_of_the_gate(gate, context.principal, state.city)
    policies.nobody_decides_twice(context.principal, state.people)
    policies.content_is_what_was_seen(seen_sha256, state.content_sha256)
    due: Deadline = state.clocks[CLOCKS[gate.name]].deadline
    policies.gate_is_in_time(context.today, due)


def _people(*names: str | None) -> frozenset[str]:
    return frozenset(name for name in names if name)


def _target(state: Correction, stream_id: UUID) -> Target | None:
    return next((item for item in state.targets if item.stream_id == stream_id), None)


CORRECTION: Aggregate[Correction] = Aggregate(
    name="correction",
    label=("更正申请", "correction"),
    initial=Correction(),
    evolve=evolve,
    decide=decide,
    divisions=lambda state: (state.city,),
    key=lambda state: state.correction_id,
    clocks=lambda state: state.clocks,
)
