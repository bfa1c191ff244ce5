"""The catalogue of measures, as data: what each kind counts as, who may pay it, what it needs.

R82 says what development is, R83 what never is, R86 and R87 what the linkage fund pays, R88 which
linkages are allowed, R102 which kinds run to an end date of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.help import FundSource, MeasureKind, MeasureTerms
from shared.policy.rules import rule


class Group(StrEnum):
    """What a kind is for."""

    DEVELOPMENT = "DEVELOPMENT"
    """开发式帮扶"""
    LINKAGE = "LINKAGE"
    """利益联结 (R88)"""
    SAFETY_NET = "SAFETY_NET"
    """兜底保障 (R80)"""
    GUARANTEE = "GUARANTEE"
    """三保障和饮水安全"""
    RELIEF = "RELIEF"
    """Money, goods, social help."""


class Counts(StrEnum):
    """When a kind counts as a development measure (R82, R83)."""

    ALWAYS = "ALWAYS"
    NEVER = "NEVER"
    IF_IT_LEADS_TO_WORK = "IF_IT_LEADS_TO_WORK"
    """Training with a job or production at its end."""
    IF_THE_HOUSEHOLD_TAKES_PART = "IF_THE_HOUSEHOLD_TAKES_PART"
    """The household works, produces, manages or decides in it."""


_FUND, _POLICY = FundSource.LINKAGE_FUND, FundSource.INDUSTRY_POLICY
_SOCIAL, _VILLAGE = FundSource.SOCIAL_FORCES, FundSource.VILLAGE_COLLECTIVE
_ANY = frozenset(FundSource)
_NOT_THE_FUND = _ANY - {_FUND}


@dataclass(frozen=True)
class Entry:
    """One kind of measure."""

    zh: str
    en: str
    group: Group
    counts: Counts
    funds: frozenset[FundSource] = _ANY
    by_output: bool = False
    """A subsidy that pays for output and for nothing else (R86)."""
    to_an_end: bool = False
    """Has a contract, agreement or school stage whose end date must be known (R102)."""
    cross_province: bool = False
    """Only for work in another province (R87)."""


CATALOGUE: Mapping[MeasureKind, Entry] = {
    MeasureKind.PRODUCTION_SUBSIDY: Entry(
        "发展类补贴",
        "production subsidy",
        Group.DEVELOPMENT,
        Counts.ALWAYS,
        frozenset({_FUND, _POLICY}),
        by_output=True,
    ),
    MeasureKind.MICROLOAN: Entry(
        "小额信贷贴息",
        "microloan with interest subsidy",
        Group.DEVELOPMENT,
        Counts.ALWAYS,
        frozenset({_FUND, _POLICY}),
        to_an_end=True,
    ),
    MeasureKind.WORKSHOP_JOB: Entry(
        "帮扶车间就业", "job in an assistance workshop", Group.DEVELOPMENT, Counts.ALWAYS
    ),
    MeasureKind.WELFARE_POST: Entry(
        "公益性岗位", "public-welfare post", Group.DEVELOPMENT, Counts.ALWAYS, to_an_end=True
    ),
    MeasureKind.JOB_PLACEMENT: Entry("就业务工", "job placement", Group.DEVELOPMENT, Counts.ALWAYS),
    MeasureKind.TRANSPORT_AID: Entry(
        "跨省就业一次性交通补助",
        "one-off transport aid for work in another province",
        Group.RELIEF,
        Counts.NEVER,
        frozenset({_FUND, _POLICY}),
        cross_province=True,
    ),
    MeasureKind.WORK_RELIEF: Entry("以工代赈", "work relief", Group.DEVELOPMENT, Counts.ALWAYS),
    MeasureKind.SKILL_TRAINING: Entry(
        "技能培训", "skill training", Group.DEVELOPMENT, Counts.IF_IT_LEADS_TO_WORK
    ),
    MeasureKind.PRODUCTION_DRIVE: Entry(
        "带动生产",
        "production with a leading enterprise",
        Group.LINKAGE,
        Counts.IF_THE_HOUSEHOLD_TAKES_PART,
    ),
    MeasureKind.MARKETING: Entry(
        "帮助产销对接", "help with sales", Group.LINKAGE, Counts.IF_THE_HOUSEHOLD_TAKES_PART
    ),
    MeasureKind.LAND_TRANSFER: Entry(
        "土地流转", "land transfer", Group.LINKAGE, Counts.IF_THE_HOUSEHOLD_TAKES_PART
    ),
    MeasureKind.ASSET_SHARE: Entry("资产入股", "asset share", Group.LINKAGE, Counts.NEVER),
    MeasureKind.DIVIDEND: Entry("收益分红", "dividend", Group.LINKAGE, Counts.NEVER),
    MeasureKind.CASH: Entry("直接发钱", "cash", Group.RELIEF, Counts.NEVER, _NOT_THE_FUND),
    MeasureKind.GOODS: Entry("直接发物", "goods", Group.RELIEF, Counts.NEVER, _NOT_THE_FUND),
    MeasureKind.YULU_GRANT: Entry(
        "雨露计划补助",
        "Yulu plan grant",
        Group.GUARANTEE,
        Counts.NEVER,
        frozenset({_FUND, _POLICY}),
        to_an_end=True,
    ),
    MeasureKind.EDUCATION_AID: Entry(
        "教育帮扶", "education aid", Group.GUARANTEE, Counts.NEVER, _NOT_THE_FUND, to_an_end=True
    ),
    MeasureKind.MEDICAL_AID: Entry(
        "健康帮扶", "medical aid", Group.GUARANTEE, Counts.NEVER, _NOT_THE_FUND
    ),
    MeasureKind.MEDICAL_INSURANCE_AID: Entry(
        "参保资助", "insurance premium aid", Group.GUARANTEE, Counts.NEVER, _NOT_THE_FUND
    ),
    MeasureKind.HOUSING_REPAIR: Entry(
        "住房安全改造", "housing repair", Group.GUARANTEE, Counts.NEVER, _NOT_THE_FUND
    ),
    MeasureKind.WATER_SUPPLY: Entry(
        "饮水安全", "safe water", Group.GUARANTEE, Counts.NEVER, _NOT_THE_FUND
    ),
    MeasureKind.DIBAO: Entry(
        "农村低保", "rural dibao", Group.SAFETY_NET, Counts.NEVER, frozenset({_POLICY})
    ),
    MeasureKind.SCATTERED_SUPPORT: Entry(
        "分散供养特困", "scattered support", Group.SAFETY_NET, Counts.NEVER, frozenset({_POLICY})
    ),
    MeasureKind.TEMPORARY_RELIEF: Entry(
        "临时救助", "temporary relief", Group.SAFETY_NET, Counts.NEVER, frozenset({_POLICY})
    ),
    MeasureKind.CARE_SERVICE: Entry(
        "照料服务", "care service", Group.SAFETY_NET, Counts.NEVER, _NOT_THE_FUND
    ),
    MeasureKind.SOCIAL_HELP: Entry(
        "社会帮扶", "social help", Group.RELIEF, Counts.NEVER, frozenset({_SOCIAL, _VILLAGE})
    ),
}


@rule("R82", "R83", "R88")
def counts_as_development(terms: MeasureTerms) -> bool:
    """Whether a measure counts as 开发式帮扶; cash, goods and dividends never do (R83).

    A linkage counts when the household takes part in it (R82, R88), training when it leads to a job
    or to production (R83).
    """
    match CATALOGUE[terms.kind].counts:
        case Counts.ALWAYS:
            return True
        case Counts.NEVER:
            return False
        case Counts.IF_IT_LEADS_TO_WORK:
            return terms.leads_to_work
        case Counts.IF_THE_HOUSEHOLD_TAKES_PART:
            return terms.takes_part
