"""Who is in scope, and who counts as a head (R19–R22). Pure."""

from collections.abc import Sequence

from shared.contracts.identification import Member
from shared.contracts.values import Benefit, Hukou, Labour
from shared.policy.rules import rule

URBAN_BENEFITS = frozenset({Benefit.URBAN_DIBAO, Benefit.EMPLOYEE_PENSION})
"""城镇相关保障政策 (R21)."""


def has_urban_benefits(member: Member) -> bool:
    """Whether the member draws an urban benefit."""
    return not URBAN_BENEFITS.isdisjoint(member.benefits)


@rule("R19", "R20", "R21")
def in_scope(members: Sequence[Member], *, relocated: bool) -> bool:
    """Every rural-hukou resident; the relocated too; rural-to-urban without urban benefits.

    Nobody is left out for not being formerly poor, or for the county they live in (R19).
    """
    if relocated:
        return True
    return any(
        member.hukou is Hukou.RURAL
        or (member.hukou is Hukou.RURAL_TO_URBAN and not has_urban_benefits(member))
        for member in members
        if member.co_living
    )


@rule("R22", "R23")
def counted(members: Sequence[Member], *, relocated: bool) -> list[Member]:
    """The co-living members who make up the household's heads.

    An urban or collective-hukou member counts only without urban benefits (R22); one of a
    relocated household counts as a rural one does (R20).
    """
    return [
        member
        for member in members
        if member.co_living
        and (member.hukou is Hukou.RURAL or relocated or not has_urban_benefits(member))
    ]


def labour_capable(members: Sequence[Member]) -> bool:
    """Whether any of them can work fully: a skilled or an ordinary labourer (R78)."""
    return any(member.labour in {Labour.SKILLED, Labour.ORDINARY} for member in members)


_LOW_INCOME_BENEFITS = frozenset(
    {Benefit.RURAL_DIBAO, Benefit.RURAL_DIBAO_FULL, Benefit.SCATTERED_SUPPORT}
)


@rule("R11", "R12")
def is_rural_low_income(members: Sequence[Member], *, monitored: bool) -> bool:
    """Monitored households are rural low-income ones, and so are 低保 and 特困 households (R12)."""
    return monitored or any(
        not _LOW_INCOME_BENEFITS.isdisjoint(member.benefits) for member in members
    )


@rule("R97")
def whole_household_no_labour(members: Sequence[Member]) -> bool:
    """Whether none of them can work at all, not even weakly (R97)."""
    return all(member.labour in {Labour.LOST, Labour.NONE} for member in members)
