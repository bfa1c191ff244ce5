"""The rules of the gates, each by name with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from shared.contracts.audit import CorrectionKind, CorrectionReason, Gate, RefusedBecause, Target
from shared.kernel.deadline import Deadline
from shared.kernel.division import Level, within
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Forbidden, Invalid, NotFound, OutOfOrder, Refusal
from shared.policy.rules import rule

if TYPE_CHECKING:
    from services.audit.domain.commands import RequestCorrection
    from services.audit.domain.gates import GateRule
    from services.audit.domain.known import DecidersKey, KnownStream, Logged

_UNDONE = frozenset(
    {
        ("alerts", "lead"),
        ("identification", "case"),
        ("identification", "household"),
        ("assistance", "plan"),
        ("assistance", "elimination"),
        ("assistance", "no_labour"),
    }
)
CORRECTABLE: Mapping[CorrectionKind, frozenset[tuple[str, str]]] = {
    CorrectionKind.PURGE: _UNDONE,
    CorrectionKind.ROLLBACK: _UNDONE,
    CorrectionKind.FLAG_CHANGE: frozenset({("assistance", "no_labour")}),
}
"""What each kind can be about: streams whose service carries the correction out."""
FLAGS = frozenset({"no_labour_safety_net"})
"""The flags there are (R96)."""
MAX_TARGETS = 50
MAX_EVIDENCE = 20


@rule("R107")
def only_a_city_files(who: Principal) -> None:
    """R107: the right to withdraw and roll back is not open to the levels below the city."""
    if who.level is not Level.CITY or Role.OFFICER not in who.roles:
        raise Forbidden(
            "清退、回退权限不对下开放,由市级汇总提出",
            "only a city files corrections",
            rule="R107",
        )


@rule("R100", "R108")
def request_is_whole(command: RequestCorrection) -> None:
    """R108, R100: every kind with what it needs and nothing else; evidence is never missing."""
    _targets_are_whole(command)
    if not 1 <= len(command.evidence) <= MAX_EVIDENCE:
        raise Invalid(
            "R108",
            code="evidence-missing",
            zh=f"须附1至{MAX_EVIDENCE}份佐证材料",
            en=f"1 to {MAX_EVIDENCE} documents must support it",
            field="evidence",
        )
    is_flag = command.kind is CorrectionKind.FLAG_CHANGE
    if is_flag != (command.change is not None):
        raise Invalid(
            "R100",
            code="change-missing" if is_flag else "change-not-asked",
            zh="标识调整须写明标识及其取值,其他申请不得填写",
            en="a flag change names the flag and its value, nothing else does",
            field="change",
        )
    if is_flag != (command.reason is CorrectionReason.IDENTITY_CHANGED):
        raise Invalid(
            "R100",
            code="reason-does-not-fit",
            zh="身份变化仅适用于标识调整",
            en="a changed identity is the reason of flag changes alone",
            field="reason",
        )


def _targets_are_whole(command: RequestCorrection) -> None:
    targets = command.targets
    twice = Counter(target.stream_id for target in targets).most_common(1)
    if not 1 <= len(targets) <= MAX_TARGETS or twice[0][1] > 1:
        raise Invalid(
            "R108",
            code="targets-malformed",
            zh=f"须列明1至{MAX_TARGETS}个对象,且不得重复",
            en=f"1 to {MAX_TARGETS} targets, each once",
            field="targets",
        )
    if len({target.service for target in targets}) > 1:
        raise Invalid(
            "R108",
            code="targets-of-several-services",
            zh="一份申请的对象须属同一业务系统,以便一次办结",
            en="the targets of one request belong to one service, which executes it in one go",
            field="targets",
        )
    rollback = command.kind is CorrectionKind.ROLLBACK
    for target in targets:
        if rollback != (target.to_version is not None):
            raise Invalid(
                "R108",
                code="to-version-missing" if rollback else "to-version-not-asked",
                zh="回退须写明回退到的版本,其他申请不得填写",
                en="a rollback names the version to go back to, nothing else does",
                field="targets",
            )
        if target.to_version is not None and target.to_version >= target.version:
            raise Invalid(
                "R108",
                code="to-version-not-earlier",
                zh="只能回退到更早的版本",
                en="a rollback goes to an earlier version",
                field="targets",
            )


@rule("R108", "R109")
def targets_are_known(
    targets: Collection[Target], streams: Mapping[UUID, KnownStream], division: str
) -> None:
    """R1, R108: every target stands in the log, and in the division."""
    for target in targets:
        known = streams.get(target.stream_id)
        if known is None or known.service != target.service or not within(known.region, division):
            raise NotFound("申请对象", "target", field="targets")


@rule("R100", "R107")
def targets_can_be_corrected(
    command: RequestCorrection, streams: Mapping[UUID, KnownStream]
) -> None:
    """R100, R107: what no service would carry out is not sent through the gates."""
    correctable = CORRECTABLE[command.kind]
    kinds = {(target.service, streams[target.stream_id].category) for target in command.targets}
    if not kinds <= correctable:
        named = "、".join(sorted(f"{service}/{category}" for service, category in correctable))
        raise Invalid(
            "R107",
            code="target-not-correctable",
            zh=f"该类申请的对象只能是:{named}",
            en=f"such a request is about {named} alone",
            field="targets",
        )
    if command.change is not None and command.change.flag not in FLAGS:
        raise Invalid(
            "R100",
            code="flag-unknown",
            zh="没有该标识",
            en="there is no such flag",
            field="change",
        )


@rule("R109")
def targets_have_not_moved(
    targets: Collection[Target], streams: Mapping[UUID, KnownStream]
) -> None:
    """R109: what is decided on is what is there now; otherwise a new request is needed."""
    for target in targets:
        known = streams.get(target.stream_id)
        actual = known.version if known else 0
        if actual != target.version:
            raise OutOfOrder(
                "R109",
                code="target-moved",
                zh=f"对象已由第{target.version}版变为第{actual}版,须重新申请",
                en=f"a target is at version {actual}, not {target.version}; file a new request",
                field="targets",
            )


@rule("R109")
def nothing_else_is_open(targets: Collection[Target], open_elsewhere: Collection[UUID]) -> None:
    """R109: two requests about one thing at once cannot both be decided on what they saw."""
    if any(target.stream_id in open_elsewhere for target in targets):
        raise another_is_open()


def another_is_open() -> Refusal:
    """The refusal itself, also raised when two requests race for a target."""
    return OutOfOrder(
        "R109",
        code="another-correction-is-open",
        zh="该对象已有在办的更正申请",
        en="another correction of this target is open",
        field="targets",
    )


@rule("R108")
def is_still_open(is_open: bool) -> None:
    """What is decided stays decided; there is no reopening."""
    if not is_open:
        raise OutOfOrder(
            "R108",
            code="correction-is-closed",
            zh="该申请已办结,不能再作决定",
            en="the correction is decided; file a new one",
        )


@rule("R108")
def gates_in_order(gate: GateRule, passed: Collection[Gate]) -> None:
    """R108: city, province, nation; none is skipped and none decides twice."""
    if gate.name in passed:
        raise OutOfOrder(
            "R108",
            code="gate-passed-already",
            zh=f"“{gate.label[0]}”已经完成",
            en=f"{gate.label[1]} is done already",
        )
    before = list(Gate)[: list(Gate).index(gate.name)]
    if any(name not in passed for name in before):
        raise OutOfOrder(
            "R108",
            code="gate-out-of-order",
            zh=f"“{gate.label[0]}”之前的环节尚未完成",
            en=f"a gate before {gate.label[1]} is still open",
        )


@rule("R107", "R108")
def decider_is_of_the_gate(gate: GateRule, who: Principal, city: str) -> None:
    """R108: the gate's own people decide, whatever else they may do; the system never does."""
    if not gate.permission.allows(who) or Role.SYSTEM in who.roles or not who.covers(city):
        raise Forbidden(
            f"“{gate.label[0]}”须由该环节的有权人员办理",
            f"{gate.label[1]} is decided by the people of that gate",
            rule="R108",
        )


def people_of(who: Principal) -> frozenset[str]:
    """The person who acts, and the one stood in for: a delegation is no second pair of eyes."""
    return frozenset(filter(None, (who.subject, who.on_behalf_of)))


@rule("R108", "R109")
def nobody_decides_twice(who: Principal, people: Collection[str]) -> None:
    """R108, R109: no one decides what they requested, worked on, or decided at another gate."""
    if not people_of(who).isdisjoint(people):
        raise Refusal(
            "R108",
            code="own-request",
            zh="申请人、经办人和前序环节的决定人不得再作决定",
            en="whoever requested it, worked on it or decided before decides no more",
        )


@rule("R108")
def decider_has_a_key(key: DecidersKey | None) -> DecidersKey:
    """R108: a decision is signed with the decider's own key, confirmed beforehand."""
    if key is None:
        raise Refusal(
            "R108",
            code="no-signing-key",
            zh="您尚无经核验的签名密钥,请先登记并由管理人员核验",
            en="you have no confirmed signing key; enrol one and have it confirmed",
            field="signature",
        )
    return key


@rule("R108", "R109")
def decision_is_signed(verified: bool) -> None:
    """R108, R109: the signature is the decider's own, over exactly this decision."""
    if not verified:
        raise Refusal(
            "R108",
            code="signature-does-not-verify",
            zh="签名与本决定内容不符",
            en="the signature is not your key's over this decision",
            field="signature",
        )


@rule("R109")
def content_is_what_was_seen(seen: str, actual: str) -> None:
    """A decision is over exact content: what was shown is what is decided."""
    if seen != actual:
        raise Refusal(
            "R109",
            code="content-differs",
            zh="您所见的申请内容与本申请不一致,请重新核对",
            en="the hash is not the one of this request's content",
            field="content_sha256",
        )


@rule("R108")
def gate_is_in_time(today: date, due: Deadline) -> None:
    """A gate that let its time pass decides no more; the clock closes the request."""
    if today > due.due_on:
        raise OutOfOrder(
            "R108",
            code="gate-expired",
            zh=f"该环节已于{due.due_on}到期,须重新申请",
            en=f"the gate's time ended on {due.due_on}; file a new request",
        )


@rule("R108")
def decision_before_is_logged(previous: Logged | None) -> Logged:
    """Each decision stands on the one before being in the log, and names its leaf."""
    if previous is None:
        raise OutOfOrder(
            "R108",
            code="previous-not-logged",
            zh="前一环节尚未记入审计日志,请稍后再办",
            en="the step before is not in the log yet; try again in a moment",
        )
    return previous


@rule("R108")
def filing_is_not_in_the_future(filed_on: date, today: date) -> None:
    """R108: the nation's agreement is there before the operation, not expected."""
    if filed_on > today:
        raise Invalid(
            "R108",
            code="filed-in-the-future",
            zh="备案日期不能晚于今天",
            en="the filing date lies in the future",
            field="filed_on",
        )


@rule("R108")
def reason_is_a_persons(because: RefusedBecause) -> None:
    """Two of the reasons are facts that the system establishes, not opinions."""
    if because in {RefusedBecause.EXPIRED, RefusedBecause.TARGET_MOVED}:
        raise Invalid(
            "R108",
            code="reason-is-the-systems",
            zh="该理由由系统认定",
            en="only the system establishes that reason",
            field="because",
        )


@rule("R107")
def was_authorized(authorized: bool, target: Target | None, version: int) -> None:
    """R107: a compensating event without an authorized correction is no correction."""
    if not authorized or target is None or version != target.version + 1:
        raise OutOfOrder(
            "R107",
            code="not-authorized",
            zh="该更正未经授权",
            en="no authorized correction calls for this event",
        )
