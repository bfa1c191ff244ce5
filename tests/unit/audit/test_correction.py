"""The gates: every way through that is allowed, and every other one refused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.audit.domain.commands import (
    ApproveAtProvince,
    FileNationally,
    Note,
    NoteExecution,
    NoteMovedTarget,
    RefuseCorrection,
    RequestCorrection,
    ReviewAtCity,
)
from services.audit.domain.correction import (
    CORRECTION,
    Correction,
    CorrectionContext,
    Status,
)
from services.audit.domain.gates import GATES
from services.audit.domain.known import DecidersKey, KnownStream, Logged
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
    Target,
)
from shared.kernel.decider import Context, Tick
from shared.kernel.event import Event
from shared.kernel.principal import Principal, Role, system
from shared.testing.decider import Given, rule
from shared.testing.decider import given as given_events

NOTE = Note(text="录入时选错了户", salt="0a" * 16)
ID, CASE, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
TARGET = Target(service="identification", stream_id=CASE, version=7, to_version=4)
STREAMS = {
    CASE: KnownStream("identification", "case", 7, "370102001001"),
    OTHER: KnownStream("identification", "case", 2, "370103001001"),
    UUID(int=4): KnownStream("assistance", "no_labour", 2, "370102001001"),
    UUID(int=5): KnownStream("identification", "policy", 7, "370102001001"),
}
PREVIOUS = Logged(UUID(int=9), "ab" * 32)
KEY = DecidersKey(UUID(int=6), "5e" * 32)
SIGNATURE = "51" * 64
CLERK = Principal("clerk", frozenset({Role.OFFICER}), "3701")
LEADER = Principal("leader", frozenset({Role.PRINCIPAL}), "3701")
PROVINCE = Principal("province", frozenset({Role.COMMITTEE}), "37")
NATION = Principal("nation", frozenset({Role.OFFICER}), "CN")
SYSTEM = system("audit")
OMNIPOTENT = frozenset(Role)


def request(**changes: Any) -> RequestCorrection:
    made: dict[str, Any] = {
        "correction_id": ID,
        "kind": CorrectionKind.ROLLBACK,
        "targets": (TARGET,),
        "reason": CorrectionReason.WRONG_ENTRY,
        "note_id": UUID(int=8),
        "note_sha256": NOTE.sha256(),
        "note": NOTE,
        "evidence": ("cd" * 32,),
        "contributors": ("helper",),
    }
    return RequestCorrection(**{**made, **changes})


def context(**changes: Any) -> Callable[[date, date, Principal], Context]:
    made: dict[str, Any] = {
        "streams": STREAMS,
        "previous": PREVIOUS,
        "key": KEY,
        "verify": lambda *_: True,
        "seal": lambda _: "5e" * 64,
        **changes,
    }
    return lambda today, occurred, who: CorrectionContext(today, occurred, who, **made)


def given(*events: Event, **changes: Any) -> Given[Correction]:
    return given_events(CORRECTION, *events, context=context(**changes))


REQUESTED = given().when(request(), by=CLERK).then_types(CorrectionRequested)[0]
assert isinstance(REQUESTED, CorrectionRequested)
HASH = REQUESTED.content_sha256
SEEN = {"correction_id": ID, "content_sha256": HASH, "signature": SIGNATURE}
REVIEW = ReviewAtCity(**SEEN, document="市〔2026〕1号")
APPROVE = ApproveAtProvince(**SEEN, document="省〔2026〕2号")
FILE = FileNationally(
    **SEEN, document="国备〔2026〕3号", letter="省函〔2026〕9号", filed_on=date(2023, 8, 1)
)
[REVIEWED] = given(REQUESTED).when(REVIEW, by=LEADER).then_types(CityReviewed)
[APPROVED] = given(REQUESTED, REVIEWED).when(APPROVE, by=PROVINCE).then_types(ProvinceApproved)
AT_NATION = (REQUESTED, REVIEWED, APPROVED)
FILED, AUTHORIZED = (
    given(*AT_NATION).when(FILE, by=NATION).then_types(NationallyFiled, CorrectionAuthorized)
)
THROUGH = (*AT_NATION, FILED, AUTHORIZED)
EXECUTED = NoteExecution(correction_id=ID, stream_id=CASE, version=8, event_id=UUID(int=5))
GATE_ACTS = (REVIEW, APPROVE, FILE)
DECIDERS = (LEADER, PROVINCE, NATION)
AT_GATE = ((REQUESTED,), (REQUESTED, REVIEWED), AT_NATION)


@rule("R107", "R108")
def test_all_the_way_through() -> None:
    assert isinstance(AUTHORIZED, CorrectionAuthorized)
    assert isinstance(FILED, NationallyFiled)
    assert isinstance(REVIEWED, CityReviewed)
    assert (AUTHORIZED.filing, AUTHORIZED.targets) == ("国备〔2026〕3号", (TARGET,))
    assert (FILED.letter, FILED.filed_on) == ("省函〔2026〕9号", date(2023, 8, 1))
    assert (REVIEWED.previous_event_id, REVIEWED.previous_leaf_sha256) == (UUID(int=9), "ab" * 32)
    [executed] = given(*THROUGH).when(EXECUTED, by=SYSTEM).then_types(CorrectionExecuted)
    state = CORRECTION.fold([*THROUGH, executed])
    assert (state.status, state.clocks) == (Status.EXECUTED, {})
    assert state.people == {"clerk", "helper", "leader", "province", "nation"}


def test_the_hash_covers_the_whole_request() -> None:
    changes: list[dict[str, Any]] = [
        {"reason": CorrectionReason.DUPLICATE},
        {"note_id": UUID(int=88)},
        {"note_sha256": "12" * 32},
        {"evidence": ("ef" * 32,)},
        {"contributors": ()},
        {"targets": (TARGET.model_copy(update={"to_version": 3}),)},
        {"correction_id": UUID(int=11)},
    ]
    hashes = {HASH}
    for change in changes:
        [made] = given().when(request(**change), by=CLERK).then_types(CorrectionRequested)
        assert isinstance(made, CorrectionRequested)
        hashes.add(made.content_sha256)
    colleague = replace(CLERK, subject="colleague")
    [made] = given().when(request(), by=colleague).then_types(CorrectionRequested)
    assert isinstance(made, CorrectionRequested)
    assert len({*hashes, made.content_sha256}) == len(changes) + 2


@rule("R107")
@pytest.mark.parametrize(
    ("division", "role"),
    [
        ("370102001001", Role.OFFICER),
        ("370102001", Role.OFFICER),
        ("370102", Role.OFFICER),
        ("37", Role.OFFICER),
        ("CN", Role.OFFICER),
        ("3701", Role.INSPECTOR),
        ("3701", Role.ADMINISTRATOR),
        ("3701", Role.SYSTEM),
    ],
)
def test_only_a_city_officer_files(division: str, role: Role) -> None:
    who = Principal("x", frozenset({role}), division)
    given().when(request(), by=who).refused("R107", code="forbidden")


NO_VERSION = (TARGET.model_copy(update={"to_version": None}),)
SAME_VERSION = (TARGET.model_copy(update={"to_version": 7}),)
PURGE = {"kind": CorrectionKind.PURGE}
FLAGGED = UUID(int=4)
FLAG = {
    "kind": CorrectionKind.FLAG_CHANGE,
    "reason": CorrectionReason.IDENTITY_CHANGED,
    "targets": (Target(service="assistance", stream_id=FLAGGED, version=2),),
}
ERASURE = {"kind": CorrectionKind.ERASURE, "targets": NO_VERSION}
CHANGE = FlagChange(flag="no_labour_safety_net", value=False)
OTHER_FLAG = FlagChange(flag="poor", value=False)
WRONG_REASON = {"change": CHANGE, "reason": CorrectionReason.DUPLICATE}


@rule("R100", "R107", "R108", "R109")
@pytest.mark.parametrize(
    ("changes", "refused_by", "code"),
    [
        ({"evidence": ()}, "R108", "evidence-missing"),
        ({"evidence": ("cd" * 32,) * 21}, "R108", "evidence-missing"),
        ({"targets": ()}, "R108", "targets-malformed"),
        ({"targets": (TARGET, TARGET)}, "R108", "targets-malformed"),
        (
            {"targets": (TARGET, TARGET.model_copy(update={"service": "x", "stream_id": OTHER}))},
            "R108",
            "targets-of-several-services",
        ),
        (PURGE, "R108", "to-version-not-asked"),
        ({"targets": NO_VERSION}, "R108", "to-version-missing"),
        ({"targets": SAME_VERSION}, "R108", "to-version-not-earlier"),
        (FLAG, "R100", "change-missing"),
        ({"change": CHANGE}, "R100", "change-not-asked"),
        ({**FLAG, **WRONG_REASON}, "R100", "reason-does-not-fit"),
        ({"reason": CorrectionReason.IDENTITY_CHANGED}, "R100", "reason-does-not-fit"),
        ({**FLAG, "change": OTHER_FLAG}, "R100", "flag-unknown"),
        (
            {**FLAG, "change": CHANGE, "targets": NO_VERSION},
            "R107",
            "target-not-correctable",
        ),
        (
            {"targets": (TARGET.model_copy(update={"stream_id": UUID(int=5)}),)},
            "R107",
            "target-not-correctable",
        ),
        ({"reason": CorrectionReason.SUBJECT_ASKED}, "R108", "reason-does-not-fit"),
        ({**ERASURE, "reason": CorrectionReason.DUPLICATE}, "R108", "reason-does-not-fit"),
        ({"targets": (TARGET.model_copy(update={"version": 8}),)}, "R109", "target-moved"),
        ({"targets": (TARGET.model_copy(update={"stream_id": UUID(int=77)}),)}, "", "not-found"),
        ({"targets": (TARGET.model_copy(update={"service": "alerts"}),)}, "", "not-found"),
    ],
)
def test_a_request_that_is_not_whole(changes: dict[str, Any], refused_by: str, code: str) -> None:
    given().when(request(**changes), by=CLERK).refused(refused_by, code=code)


@rule("R1", "R109")
def test_targets_of_another_city_or_under_correction() -> None:
    elsewhere = replace(CLERK, division="3702")
    given().when(request(), by=elsewhere).refused("", code="not-found")
    asked = given(open_elsewhere=frozenset({CASE})).when(request(), by=CLERK)
    asked.refused("R109", code="another-correction-is-open")
    given(REQUESTED).when(request(), by=CLERK).refused("R108", code="already-requested")


@rule("R100")
def test_a_flag_change_goes_the_same_way() -> None:
    flagged = request(**{**FLAG, "change": CHANGE})
    [made] = given().when(flagged, by=CLERK).then_types(CorrectionRequested)
    assert isinstance(made, CorrectionRequested)
    assert made.change == CHANGE


@rule("R108")
@pytest.mark.parametrize("act", range(3))
@pytest.mark.parametrize("at", range(3))
def test_no_gate_is_skipped_or_passed_twice(act: int, at: int) -> None:
    tried = given(*AT_GATE[at]).when(GATE_ACTS[act], by=replace(DECIDERS[act], subject="fresh"))
    if act == at:
        assert tried.result
    else:
        tried.refused("R108", code="gate-passed-already" if act < at else "gate-out-of-order")


@rule("R108")
@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize(
    "subject", ["clerk", "helper", "leader", "province"], ids=lambda name: f"by-{name}"
)
def test_nobody_decides_what_they_had_a_hand_in(at: int, subject: str) -> None:
    who = replace(DECIDERS[at], subject=subject)
    involved = CORRECTION.fold(AT_GATE[at]).people
    tried = given(*AT_GATE[at]).when(GATE_ACTS[at], by=who)
    if subject in involved:
        tried.refused("R108", code="own-request")
        no = RefuseCorrection(**SEEN, because=RefusedBecause.NOT_JUSTIFIED)
        given(*AT_GATE[at]).when(no, by=who).refused("R108", code="own-request")
    else:
        assert tried.result


@rule("R107", "R108")
@pytest.mark.parametrize("at", range(3))
def test_only_the_gates_own_people_decide(at: int) -> None:
    strangers = [
        SYSTEM,
        Principal("x", OMNIPOTENT, "370102"),
        Principal("x", OMNIPOTENT, "3702"),
        Principal("x", OMNIPOTENT, DECIDERS[at].division),
        Principal("x", frozenset({Role.ADMINISTRATOR}), DECIDERS[at].division),
        Principal("x", frozenset({Role.INSPECTOR, Role.OPERATOR}), DECIDERS[at].division),
        *(item for item in DECIDERS if item is not DECIDERS[at] and item is not PROVINCE),
    ]
    for who in strangers:
        for act in (GATE_ACTS[at], RefuseCorrection(**SEEN, because=RefusedBecause.WRONG_TARGET)):
            given(*AT_GATE[at]).when(act, by=who).refused("R108", code="forbidden")


@rule("R109")
@pytest.mark.parametrize("at", range(3))
def test_each_decision_is_on_what_is_there_and_seen(at: int) -> None:
    act, who = GATE_ACTS[at], DECIDERS[at]
    other = act.model_copy(update={"content_sha256": "00" * 32})
    given(*AT_GATE[at]).when(other, by=who).refused("R109", code="content-differs")
    moved = {CASE: replace(STREAMS[CASE], version=8)}
    given(*AT_GATE[at], streams=moved).when(act, by=who).refused("R109", code="target-moved")
    given(*AT_GATE[at], streams={}).when(act, by=who).refused("R109", code="target-moved")
    tried = given(*AT_GATE[at], previous=None).when(act, by=who)
    tried.refused("R108", code="previous-not-logged")


@rule("R108")
@pytest.mark.parametrize("at", range(3))
def test_a_gate_has_thirty_days(at: int) -> None:
    act, who = GATE_ACTS[at], DECIDERS[at]
    assert given(*AT_GATE[at]).when(act, on="2023-08-31", by=who).result
    late = given(*AT_GATE[at]).when(act, on="2023-08-01", entered_on="2023-09-01", by=who)
    late.refused("R108", code="gate-expired")
    tick = Tick(category="correction", stream_id=ID)
    given(*AT_GATE[at]).when(tick, on="2023-08-31", by=SYSTEM).then()
    expired = CorrectionRefused(
        correction_id=ID,
        gate=GATES[at].name,
        because=RefusedBecause.EXPIRED,
        decided_by="system:audit",
        content_sha256=HASH,
    )
    state = given(*AT_GATE[at]).when(tick, on="2023-09-01", by=SYSTEM).then(expired)
    assert (state.status, state.clocks) == (Status.REFUSED, {})


@rule("R108")
def test_a_filing_expected_for_tomorrow_is_none() -> None:
    early = FILE.model_copy(update={"filed_on": date(2023, 8, 2)})
    given(*AT_NATION).when(early, by=NATION).refused("R108", code="filed-in-the-future")


@rule("R108")
@pytest.mark.parametrize("at", range(3))
def test_a_refusal_is_final(at: int) -> None:
    no = RefuseCorrection(**SEEN, because=RefusedBecause.NOT_JUSTIFIED)
    [refused] = given(*AT_GATE[at]).when(no, by=DECIDERS[at]).then_types(CorrectionRefused)
    closed = (*AT_GATE[at], refused)
    for act, who in zip((*GATE_ACTS, no), (*DECIDERS, LEADER), strict=True):
        given(*closed).when(act, by=who).refused("R108", code="correction-is-closed")
    given(*closed).when(EXECUTED, by=SYSTEM).refused("R107", code="not-authorized")
    for because in (RefusedBecause.EXPIRED, RefusedBecause.TARGET_MOVED):
        pretended = RefuseCorrection(**SEEN, because=because)
        tried = given(*AT_GATE[at]).when(pretended, by=DECIDERS[at])
        tried.refused("R108", code="reason-is-the-systems")


@rule("R107")
@pytest.mark.parametrize("history", [(), *AT_GATE], ids=["none", "city", "province", "nation"])
def test_nothing_is_executed_before_it_is_authorized(history: tuple[Event, ...]) -> None:
    tried = given(*history).when(EXECUTED, by=SYSTEM)
    tried.refused("R107" if history else "", code="not-authorized" if history else "not-found")


@rule("R107")
def test_it_executes_once_and_only_as_authorized() -> None:
    for change in ({"version": 9}, {"stream_id": OTHER}):
        wrong = EXECUTED.model_copy(update=change)
        given(*THROUGH).when(wrong, by=SYSTEM).refused("R107", code="not-authorized")
    [executed] = given(*THROUGH).when(EXECUTED, by=SYSTEM).then_types(CorrectionExecuted)
    given(*THROUGH, executed).when(EXECUTED, by=SYSTEM).then()
    for act, who in zip(GATE_ACTS, DECIDERS, strict=True):
        given(*THROUGH, executed).when(act, by=who).refused("R108", code="correction-is-closed")


@rule("R109")
@pytest.mark.parametrize(
    ("history", "gate"),
    [
        ((REQUESTED,), Gate.CITY),
        ((REQUESTED, REVIEWED), Gate.PROVINCE),
        (AT_NATION, Gate.NATION),
        (THROUGH, Gate.EXECUTION),
    ],
)
def test_a_target_that_moves_ends_it(history: tuple[Event, ...], gate: Gate) -> None:
    moved = NoteMovedTarget(correction_id=ID, stream_id=CASE, version=8)
    [refused] = given(*history).when(moved, by=SYSTEM).then_types(CorrectionRefused)
    assert isinstance(refused, CorrectionRefused)
    assert (refused.gate, refused.because) == (gate, RefusedBecause.TARGET_MOVED)
    given(*history, refused).when(moved, by=SYSTEM).then()
    old = NoteMovedTarget(correction_id=ID, stream_id=CASE, version=7)
    given(*history).when(old, by=SYSTEM).then()
    stranger = NoteMovedTarget(correction_id=ID, stream_id=OTHER, version=8)
    given(*history).when(stranger, by=SYSTEM).then()


@rule("R108")
def test_several_targets_are_counted_down() -> None:
    second = Target(service="identification", stream_id=OTHER, version=2, to_version=1)
    asked = request(targets=(TARGET, second))
    history = given().when(asked, by=CLERK).then_types(CorrectionRequested)
    for act, who in zip(GATE_ACTS, DECIDERS, strict=True):
        assert isinstance(history[0], CorrectionRequested)
        same = act.model_copy(update={"content_sha256": history[0].content_sha256})
        history += given(*history).when(same, by=who).result or []
    remaining = []
    for note in (EXECUTED, EXECUTED.model_copy(update={"stream_id": OTHER, "version": 3})):
        [done] = given(*history).when(note, by=SYSTEM).then_types(CorrectionExecuted)
        assert isinstance(done, CorrectionExecuted)
        remaining.append(done.remaining)
        history.append(done)
        if remaining == [1]:
            again = NoteMovedTarget(correction_id=ID, stream_id=CASE, version=9)
            given(*history).when(again, by=SYSTEM).then()
            other = NoteMovedTarget(correction_id=ID, stream_id=OTHER, version=3)
            given(*history).when(other, by=SYSTEM).then_types(CorrectionRefused)
    assert remaining == [1, 0]
    assert CORRECTION.fold(history).status is Status.EXECUTED
    moved = NoteMovedTarget(correction_id=ID, stream_id=CASE, version=9)
    given(*history).when(moved, by=SYSTEM).then()


@rule("R108")
def test_what_was_authorized_has_its_time_too() -> None:
    tick = Tick(category="correction", stream_id=ID)
    given(*THROUGH).when(tick, on="2023-08-31", by=SYSTEM).then()
    [late] = given(*THROUGH).when(tick, on="2023-09-01", by=SYSTEM).then_types(CorrectionRefused)
    assert isinstance(late, CorrectionRefused)
    assert (late.gate, late.because) == (Gate.EXECUTION, RefusedBecause.EXPIRED)
    given(*THROUGH, late).when(EXECUTED, by=SYSTEM).refused("R107", code="not-authorized")


def test_what_does_not_exist_is_not_found() -> None:
    for act in (*GATE_ACTS, RefuseCorrection(**SEEN, because=RefusedBecause.NOT_FILED)):
        given().when(act, by=LEADER).refused("", code="not-found")


def test_the_words_stay_out_of_whatever_is_written_down() -> None:
    asked = request()
    assert "选错" not in repr(asked)
    assert "note" not in asked.model_dump()
    assert "选错" not in REQUESTED.model_dump_json()
    with pytest.raises(ValueError, match="note"):
        request(note={"text": "  ", "salt": "00"})


@pytest.mark.parametrize("number", ["", "张 三", "a" * 61, "x\n"])
def test_a_document_number_is_no_place_for_words(number: str) -> None:
    with pytest.raises(ValueError, match="document"):
        ReviewAtCity(**SEEN, document=number)
