"""The policy book: parameters published with a document, effective-dated, never overwritten. Pure.

The province publishes (R2, R28). A city may only tighten (R29, R120). What could act as a cap, a
target or a way round the sensitive-data rules has no field at all (R27, R65, R92, R96, R107).
"""

import re
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from services.identification.domain import commands
from shared.contracts.identification import PolicyPublished
from shared.kernel.decider import Aggregate, Context
from shared.kernel.division import Level, level_of
from shared.kernel.event import Command, Event
from shared.kernel.ids import named_id
from shared.kernel.refusal import Forbidden, Invalid
from shared.policy.legal_time import after
from shared.policy.parameters import Parameters, PolicyVersion, loosened
from shared.policy.rules import rule
from shared.policy.working_days import notices_are_whole


@dataclass(frozen=True)
class PolicyBook:
    """One division's published versions, in their order."""

    division: str = ""
    versions: tuple[PolicyVersion, ...] = ()


@dataclass(frozen=True)
class Publication(Context):
    """What a publication is measured against."""

    above: PolicyVersion | None
    """The version of the division above that is in force on the effective day, for a city."""


def book_id(division: str) -> UUID:
    """The stream of a division's policy book."""
    return named_id("policy-book", division)


def publish(book: PolicyBook, command: commands.PublishPolicy, context: Publication) -> list[Event]:
    """Publish a version, or refuse by R2, R28, R29, R120, K7."""
    policy = command.policy
    publishes_for_itself(policy, context)
    numbered_once(policy, book)
    never_overwrites(policy, book, context.today)
    ends_after_it_begins(policy)
    line_takes_somebody_in(policy.parameters)
    publicity_is_whole(policy.parameters)
    notices_are_whole(policy.parameters.working_years, "policy.parameters.working_years")
    if level_of(policy.division) is Level.CITY:
        only_tightens(policy, context)
    return [PolicyPublished(policy=policy)]


@rule("R2", "R28")
def publishes_for_itself(policy: PolicyVersion, context: Context) -> None:
    """Each level publishes for its own division; the province's book is the province's (R2)."""
    if policy.division != context.principal.division:
        raise Forbidden(
            "政策参数由本级发布,不能代其他地区发布",
            "a division publishes for itself alone",
            rule="R2",
        )


@rule("K7")
def numbered_once(policy: PolicyVersion, book: PolicyBook) -> None:
    """A version's number begins with its division and is used once (K7)."""
    known = {version.version for version in book.versions}
    if not policy.version.startswith(f"{policy.division}/") or policy.version in known:
        raise Invalid(
            "K7",
            code="version-number",
            zh="版本号须以行政区划代码加“/”开头且不得重复",
            en="a version's number begins with its division and a slash, and is new",
            field="policy.version",
        )


@rule("K7", "R119")
def never_overwrites(policy: PolicyVersion, book: PolicyBook, today: date) -> None:
    """A later version begins after the former, and not in the past: history stays (K7)."""
    if not book.versions:
        return
    earliest = max(today, after(book.versions[-1].effective_from, "1d"))
    if policy.effective_from < earliest:
        raise Invalid(
            "K7",
            code="history-is-not-overwritten",
            zh=f"新版本最早自{earliest}起施行,不得追溯",
            en=f"a new version is in force from {earliest} at the earliest",
            field="policy.effective_from",
        )


@rule("K8")
def ends_after_it_begins(policy: PolicyVersion) -> None:
    """A rule set published for a time ends no earlier than it begins (K8)."""
    if policy.valid_until is not None and policy.valid_until < policy.effective_from:
        raise Invalid(
            "K8",
            code="ends-before-it-begins",
            zh=f"有效期止{policy.valid_until}早于施行日期{policy.effective_from}",
            en="the version would end before it begins",
            field="policy.valid_until",
        )


@rule("R27", "R28")
def line_takes_somebody_in(parameters: Parameters) -> None:
    """A line of nothing would leave everybody above it: a cap by another name (R27)."""
    if any(line == 0 for line in parameters.monitoring_line.values()):
        raise Invalid(
            "R27",
            code="line-of-nothing",
            zh="监测线不得为0",
            en="a monitoring line of nothing takes nobody in",
            field="policy.parameters.monitoring_line",
        )


@rule("R56")
def publicity_is_whole(parameters: Parameters) -> None:
    """Five natural days are the Guide's own; nobody publishes fewer (R56)."""
    if not re.fullmatch(r"([5-9]|\d{2,})d", parameters.publicity):
        raise Invalid(
            "R56",
            code="publicity-too-short",
            zh="村内公示不得少于5天",
            en="the publicity is five natural days at least",
            field="policy.parameters.publicity",
        )


@rule("R29", "R120")
def only_tightens(policy: PolicyVersion, context: Publication) -> None:
    """A city's line is only upward, its clocks only shorter, its publicity only longer (R29)."""
    if context.above is None:
        raise Invalid(
            "R2",
            code="province-publishes-first",
            zh="省级尚未发布政策参数",
            en="the province has published nothing that is in force then",
            field="policy.effective_from",
        )
    own, province = policy.parameters, context.above.parameters
    for name in loosened(own, province):
        raise Invalid(
            "R29" if name == "monitoring_line" else "R120",
            code="city-only-tightens",
            zh=f"市级只能细化从严,参数{name}不得放宽",
            en=f"a city only tightens; {name} would be looser than the province's",
            field=f"policy.parameters.{name}",
        )


def evolve(book: PolicyBook, event: Event) -> PolicyBook:
    """The book after ``event``."""
    if isinstance(event, PolicyPublished):
        return replace(
            book, division=event.policy.division, versions=(*book.versions, event.policy)
        )
    return book


def _decide(book: PolicyBook, command: Command, context: Any) -> list[Event]:
    assert isinstance(command, commands.PublishPolicy)
    return publish(book, command, context)


POLICY_BOOK: Aggregate[PolicyBook] = Aggregate(
    name="policy",
    label=("政策参数", "policy book"),
    initial=PolicyBook(),
    evolve=evolve,
    decide=_decide,
    divisions=lambda book: (book.division,),
    key=lambda book: book_id(book.division),
)
"""A division's book as a stream: category ``policy``, keyed by itself."""
