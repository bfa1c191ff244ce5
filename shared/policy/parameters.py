"""The numbers of the Guide as effective-dated parameters (K7): published, never overwritten.

A parameter that could act as a cap on identification (R27), a target for elimination (R92) or a
way round the sensitive-data rules (R65) or the gates (R107) has no field here. Whoever tries one by
its usual name is told the rule; any other is refused as an unknown field.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from shared.kernel.division import DivisionCode, within
from shared.kernel.money import FenAmount
from shared.kernel.refusal import Invalid, Refusal
from shared.policy.rules import rule
from shared.policy.working_days import Calendar, WorkingYear

NEVER: Mapping[str, str] = {
    "quota": "R27",
    "household_limit": "R27",
    "identification_cap": "R27",
    "identification_ranking": "R27",
    "notice_fields": "R65",
    "sensitive_scan": "R65",
    "elimination_target": "R92",
    "elimination_ratio": "R92",
    "eliminate_no_labour": "R96",
    "local_purge": "R107",
    "local_rollback": "R107",
    "year_end_target": "R112",
}
"""The usual names of what may never be configured, and the rule that says so."""

OrganisationName = Annotated[str, StringConstraints(min_length=2, max_length=60)]
Length = Annotated[str, StringConstraints(pattern=r"^\d{1,3}(d|wd|m)$")]
"""A period: natural days (``15d``), working days (``5wd``) or months (``1m``)."""
Share = Annotated[str, StringConstraints(pattern=r"^[1-9]\d?/[1-9]\d?$")]
"""A part of a whole: ``2/3``."""
Number = Annotated[int, Field(ge=1, le=100_000)]
Percent = Annotated[int, Field(ge=1, le=100)]


class Parameters(BaseModel):
    """Every parameter of the procedure; the defaults are the Guide's own numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    monitoring_line: Mapping[int, FenAmount] = {}
    """防止返贫监测线 per head and year, 分, by calendar year (R28)."""
    former_poverty_standard: FenAmount = 400_000
    """脱贫攻坚期扶贫标准 per head and year, 分 (R113; PROPOSED 4,000 元)."""
    county_rural_mean: Mapping[str, FenAmount] = {}
    """农村居民人均可支配收入 per head and year, 分, by county code (R32; advisory)."""
    well_above_mean_percent: int = 150
    """What "明显高于" means, % of the county mean (A3 row 7; PROPOSED)."""

    verify: Length = "3d"
    """Household verification, from the lead (R55)."""
    identify: Length = "15d"
    """Identification, from the earliest lead (R54)."""
    identify_warnings: tuple[Length, ...] = ("10d", "13d", "15d")
    publicity: Length = "5d"
    """Publicity in the village, posting day not counted (R56, K2)."""
    national_entry: Length = "10d"
    """Entry into the national system, from approval (R63)."""
    tell_applicant: Length = "5d"
    """Telling the applicant a refusal and its reason (R67; PROPOSED)."""
    comparison_valid: Length = "12m"
    """How long an earlier comparison may be reused (R58; PROPOSED)."""
    green_channel: Length = "1m"
    """Verification after entry into the green channel (R71)."""
    green_channel_warnings: tuple[Length, ...] = ("20d", "27d")
    follow_up: Length = "1m"
    """How often a household not identified but followed is looked at (R33; PROPOSED)."""
    escalate: Length = "5d"
    """How long a missed act may wait until the next level above hears of it (R54; PROPOSED)."""
    quorum: Share = "2/3"
    """Who must be present at a deliberation, of those due; a shortfall warns (R61; PROPOSED)."""
    majority: Share = "1/2"
    """What a conclusion needs more of than that, of those present; it warns (R61; PROPOSED)."""
    screens_applicants: tuple[DivisionCode, ...] = ()
    """The counties that look into whoever applies for 低保 or 特困 at once (R46)."""
    first_help: Length = "1d"
    """First help after entry into the green channel (R70; PROPOSED)."""
    plan: Length = "10d"
    """Plan and measures, from approval (R89)."""
    plan_warnings: tuple[Length, ...] = ("7d", "10d")
    department_measure: Length = "30d"
    """A filed measure started by its department (R90; PROPOSED)."""
    department_warnings: tuple[Length, ...] = ("20d",)
    ledger_review: Length = "1m"
    """A town in the 2% ledger is gone through, from the last time (R111; PROPOSED)."""
    comparison: Length = "30d"
    """The quarter's comparison, from the quarter's last day (R99; PROPOSED)."""
    stable_income: Length = "6m"
    """Stable income before an assisted elimination (R93)."""
    lead_disposition: Length = "1m"
    """Every lead disposed of (R42)."""
    hotline_handle: Length = "5wd"
    """Handling a work order (R117; PROPOSED)."""
    hotline_return: Length = "2wd"
    """Returning a misrouted order (R117; PROPOSED)."""
    hotline_extension: Length = "10wd"
    """One extension of a work order (R117; PROPOSED)."""
    organisations: Mapping[str, OrganisationName] = {
        "executive": "农业农村部门",
        "lead": "党委农业农村委员会",
    }
    """What the executive department and the lead organisation are called (K8)."""
    working_years: Mapping[int, WorkingYear] = {}
    """The State Council's notices of years that are not known otherwise, for the hotline's clocks;
    the province's alone (R117)."""
    ledger_percent: int = 2
    """The share of the rural registered population strictly above which a ledger is due (R110)."""

    rush_month_times: Number = 3
    """突击识别: above so many times the median of the twelve months before … (R114; PROPOSED)"""
    rush_month_at_least: Number = 10
    """… and of so many households or more."""
    rush_elimination_percent: Percent = 40
    """突击消除: more than so many % of a year's eliminations … (R114; PROPOSED)"""
    rush_elimination_days: Number = 30
    """… within so many days …"""
    rush_elimination_at_least: Number = 10
    """… and so many or more."""
    bulk_approvals: Number = 20
    """So many approvals or more of one county … (R114; PROPOSED)"""
    bulk_minutes: Number = 10
    """… within so many minutes."""
    channel_share_percent: Percent = 20
    """The green channel's share of a year's identifications that warns when passed … (R75)"""
    channel_at_least: Number = 10
    """… of so many or more by the channel (PROPOSED)."""
    unhelped: Length = "1m"
    """How long after identification a household may be without a measure (R76)."""

    @model_validator(mode="before")
    @classmethod
    @rule("R27", "R65", "R92", "R96", "R107", "R112", "R120")
    def _never(cls, given: Any) -> Any:
        """Some things nobody can configure, the province included."""
        for name in given if isinstance(given, dict) else ():
            if name in NEVER:
                raise Invalid(
                    NEVER[name],
                    code="never-a-parameter",
                    zh="该事项任何一级均不得设置",
                    en="nobody can configure this",
                    field=f"policy.parameters.{name}",
                )
        return given


class PolicyVersion(BaseModel):
    """One published set of parameters, in force from a date for a division and all below it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    """``37/2023-1``: division, year, number within the year."""
    document: str
    """The document number that publishes it (文号)."""
    division: DivisionCode
    effective_from: date
    valid_until: date | None = None
    """The last day of a rule set that was published for a time, a transition period's (K8)."""
    parameters: Parameters

    def holds_on(self, day: date) -> bool:
        """Whether it has begun and not ended."""
        ended = self.valid_until is not None and day > self.valid_until
        return self.effective_from <= day and not ended


class NoPolicy(Refusal):
    """Nothing has been published for that division and day (R28)."""

    status = 409

    def __init__(self, division: str, on: date) -> None:
        super().__init__(
            "R28",
            code="no-policy-in-force",
            zh=f"{on}在{division}没有生效的政策参数,请省级先行发布",
            en=f"no policy is in force for {division} on {on}; the province publishes one first",
        )


@rule("K8", "R119", "R120")
def in_force(book: Sequence[PolicyVersion], division: str, on: date) -> PolicyVersion:
    """The version in force for ``division`` on a day: the nearest division's latest.

    A city's is passed over as soon as what stands above it is tighter anywhere: the province has
    published since, and the city publishes anew (R29, R120). Raises ``NoPolicy`` when none is.
    """
    holding = [item for item in book if within(division, item.division) and item.holds_on(on)]
    chosen: PolicyVersion | None = None
    for owner in sorted({item.division for item in holding}, key=len):
        own = [item for item in holding if item.division == owner]
        latest = max(own, key=lambda item: item.effective_from)
        if chosen is None or not loosened(latest.parameters, chosen.parameters):
            chosen = latest
    if chosen is None:
        raise NoPolicy(division, on)
    return chosen


@rule("K7", "R117")
def working_years(book: Sequence[PolicyVersion], on: date) -> Calendar:
    """The years published and in force on a day, whichever version brought them: the latest holds.

    A city that has a version of its own works on the province's days all the same.
    """
    begun = sorted(
        (version for version in book if version.effective_from <= on),
        key=lambda version: version.effective_from,
    )
    return {
        year: notice
        for version in begun
        for year, notice in version.parameters.working_years.items()
    }


def monitoring_line(version: PolicyVersion, year: int) -> tuple[int, bool]:
    """The line of ``year`` in 分, and whether it is the year's own.

    Until the province publishes the year's line in its first quarter the former one applies, and
    the answer says so (R28; PROPOSED). Raises ``NoPolicy`` when no line is known at all.
    """
    lines = version.parameters.monitoring_line
    known = [item for item in lines if item <= year]
    if not known:
        raise NoPolicy(version.division, date(year, 1, 1))
    latest = max(known)
    return lines[latest], latest == year


_SHORTER = (
    "verify",
    "identify",
    "national_entry",
    "tell_applicant",
    "comparison_valid",
    "green_channel",
    "follow_up",
    "escalate",
    "first_help",
    "plan",
    "department_measure",
    "ledger_review",
    "comparison",
    "lead_disposition",
    "hotline_handle",
    "hotline_return",
    "hotline_extension",
    "unhelped",
)
_LONGER = ("publicity", "stable_income")
_HIGHER = ("former_poverty_standard", "rush_elimination_days", "bulk_minutes", "quorum", "majority")
_LOWER = (
    "ledger_percent",
    "well_above_mean_percent",
    "rush_month_times",
    "rush_month_at_least",
    "rush_elimination_percent",
    "rush_elimination_at_least",
    "bulk_approvals",
    "channel_share_percent",
    "channel_at_least",
)
_WARNINGS = (
    "identify_warnings",
    "green_channel_warnings",
    "plan_warnings",
    "department_warnings",
)
TIGHTER: Mapping[str, tuple[str, ...]] = {
    "shorter": _SHORTER,
    "longer": _LONGER,
    "higher": _HIGHER,
    "lower": _LOWER,
    "earlier": _WARNINGS,
}
"""Which way each parameter is tighter; a city goes no other way (R29, R120)."""


def loosened(own: Parameters, above: Parameters) -> list[str]:
    """The names of the parameters that are looser than those of the division above (R29, R120)."""
    names = []
    if any(
        _line(own, year) < _line(above, year)
        for year in {*own.monitoring_line, *above.monitoring_line}
    ):
        names.append("monitoring_line")
    if not set(above.screens_applicants) <= set(own.screens_applicants):
        names.append("screens_applicants")
    names += [name for name in _WARNINGS if _fewer_warnings(own, above, name)]
    if own.working_years.items() - above.working_years.items():
        names.append("working_years")
    names += [name for name in _SHORTER if _days(own, name) > _days(above, name)]
    names += [name for name in _LONGER if _days(own, name) < _days(above, name)]
    names += [name for name in _HIGHER if _size(own, name) < _size(above, name)]
    names += [name for name in _LOWER if _size(own, name) > _size(above, name)]
    return names


def _fewer_warnings(own: Parameters, above: Parameters, name: str) -> bool:
    """Whether somebody would be warned less often, or later."""
    mine, theirs = (
        sorted(_length(item) for item in getattr(numbers, name)) for numbers in (own, above)
    )
    later = any(day > other for day, other in zip(mine, theirs, strict=False))
    return len(mine) < len(theirs) or later


def changed(before: Parameters, given: Parameters) -> Parameters:
    """``before`` with what ``given`` was made of; a table by its own entries."""
    named = {name: getattr(given, name) for name in given.model_fields_set}
    for name, value in named.items():
        if isinstance(value, Mapping):
            named[name] = {**getattr(before, name), **value}
    return before.model_copy(update=named)


def differences(before: Parameters, after: Parameters) -> dict[str, dict[str, Any]]:
    """What differs, by name: ``{"identify": {"from": "15d", "to": "12d"}}``."""
    was, now = before.model_dump(mode="json"), after.model_dump(mode="json")
    return {name: {"from": was[name], "to": now[name]} for name in was if was[name] != now[name]}


def _line(parameters: Parameters, year: int) -> int:
    """The line that a year is held against: its own, or the latest before it (R28); 0 for none."""
    known = [item for item in parameters.monitoring_line if item <= year]
    return parameters.monitoring_line[max(known)] if known else 0


def _size(parameters: Parameters, name: str) -> Fraction:
    return Fraction(getattr(parameters, name))


def _days(parameters: Parameters, name: str) -> int:
    return _length(getattr(parameters, name))


def _length(length: str) -> int:
    """A length in comparable days: a month as 30, a working day as 1.4."""
    number = int(length.rstrip("dwm"))
    factor = 1000 if length.endswith("d") and not length.endswith("wd") else 1400
    return number * (30_000 if length.endswith("m") else factor)
