"""The numbers of the Guide as effective-dated parameters (K7): published, never overwritten.

A parameter that could act as a cap on identification (R27), a target for elimination (R92) or a
way round the sensitive-data rules (R65) or the gates (R107) has no field here. Whoever tries one by
its usual name is told the rule; any other is refused as an unknown field.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from shared.kernel.division import DivisionCode, within
from shared.kernel.money import FenAmount
from shared.kernel.refusal import Invalid, Refusal
from shared.policy.rules import rule

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
    ledger_percent: int = 2
    """The share of the rural registered population strictly above which a ledger is due (R110)."""

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
    parameters: Parameters


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


@rule("K8", "R119")
def in_force(book: Sequence[PolicyVersion], division: str, on: date) -> PolicyVersion:
    """The version in force for ``division`` on a day: the nearest division's, then the latest.

    Raises ``NoPolicy`` when none is.
    """
    candidates = [
        version
        for version in book
        if within(division, version.division) and version.effective_from <= on
    ]
    if not candidates:
        raise NoPolicy(division, on)
    return max(candidates, key=lambda item: (len(item.division), item.effective_from, item.version))


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
