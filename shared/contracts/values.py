"""The coded values that events carry, named after the glossary. Codes only: no personal data."""

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 in hex: of an evidence file, of a secret."""


class Category(StrEnum):
    """The three kinds of monitored household (R7)."""

    UNSTABLE_EXIT = "UNSTABLE_EXIT"
    """脱贫不稳定户"""
    MARGINAL_AT_RISK = "MARGINAL_AT_RISK"
    """边缘易致贫户"""
    SEVERE_HARDSHIP = "SEVERE_HARDSHIP"
    """(突发)严重困难户"""


class History(StrEnum):
    """Whether a household was once lifted out of poverty (R8, R9)."""

    FORMERLY_POOR = "FORMERLY_POOR"
    """脱贫户"""
    ORDINARY = "ORDINARY"
    """一般农户"""


class LeadSource(StrEnum):
    """The channels a risk lead comes by (R42, R54, R116)."""

    SELF_DECLARATION = "SELF_DECLARATION"
    """自主申报"""
    CADRE_SCREENING = "CADRE_SCREENING"
    """干部排查"""
    DEPARTMENT_ALERT = "DEPARTMENT_ALERT"
    """部门预警"""
    HOTLINE = "HOTLINE"
    """12317/12345"""


class LeadDisposition(StrEnum):
    """What became of a lead (R42); there is no other way to close one."""

    CASE_OPENED = "CASE_OPENED"
    JOINED_TO_CASE = "JOINED_TO_CASE"
    ALREADY_MONITORED = "ALREADY_MONITORED"
    """Monitored already: taken as a new risk of that household."""
    TRACKED = "TRACKED"
    """Followed until its gap closes (R33)."""
    OUT_OF_SCOPE = "OUT_OF_SCOPE"
    UNFOUNDED = "UNFOUNDED"


class Risk(StrEnum):
    """The risks of the collection form."""

    ILLNESS = "ILLNESS"
    """因病"""
    DISASTER = "DISASTER"
    """因自然灾害"""
    DISABILITY = "DISABILITY"
    """因残"""
    LABOUR_SHORTAGE = "LABOUR_SHORTAGE"
    """缺劳动力"""
    ACCIDENT = "ACCIDENT"
    """意外事故"""
    INDUSTRY_FAILURE = "INDUSTRY_FAILURE"
    """产业失败"""
    UNSTABLE_EMPLOYMENT = "UNSTABLE_EMPLOYMENT"
    """务工就业不稳"""
    SCHOOLING = "SCHOOLING"
    """因学"""
    OTHER = "OTHER"


class Gap(StrEnum):
    """The three guarantees and safe water: what may be missing (R16)."""

    COMPULSORY_EDUCATION = "COMPULSORY_EDUCATION"
    BASIC_MEDICAL = "BASIC_MEDICAL"
    HOUSING = "HOUSING"
    SAFE_WATER = "SAFE_WATER"


class Labour(StrEnum):
    """A member's labour ability, as the collection form has it."""

    SKILLED = "SKILLED"
    """技能劳动力"""
    ORDINARY = "ORDINARY"
    """普通劳动力"""
    WEAK = "WEAK"
    """弱劳动力或半劳动力"""
    LOST = "LOST"
    """丧失劳动力"""
    NONE = "NONE"
    """无劳动力"""


class Hukou(StrEnum):
    """A member's registration (R19–R22)."""

    RURAL = "RURAL"
    URBAN = "URBAN"
    RURAL_TO_URBAN = "RURAL_TO_URBAN"
    """农转非"""
    COLLECTIVE = "COLLECTIVE"
    """集体户籍"""


class Benefit(StrEnum):
    """What a member receives already (R13, R21, R97)."""

    RURAL_DIBAO = "RURAL_DIBAO"
    RURAL_DIBAO_FULL = "RURAL_DIBAO_FULL"
    """全额或最高档低保"""
    SCATTERED_SUPPORT = "SCATTERED_SUPPORT"
    """分散供养特困"""
    URBAN_DIBAO = "URBAN_DIBAO"
    EMPLOYEE_PENSION = "EMPLOYEE_PENSION"
    """职工基本养老保险"""


class EliminationMode(StrEnum):
    """How a risk went away (R93, R94)."""

    ASSISTED = "ASSISTED"
    """帮扶消除"""
    NATURAL = "NATURAL"
    """自然消除"""


class MeetingForm(StrEnum):
    """How a village deliberates (R61; the list is open)."""

    VILLAGERS = "VILLAGERS"
    """村民会议"""
    REPRESENTATIVES = "REPRESENTATIVES"
    """村民代表会议"""
    ENLARGED_COMMITTEE = "ENLARGED_COMMITTEE"
    """村“两委”扩大会议"""
    OTHER = "OTHER"


class AuthorityKind(StrEnum):
    """Who approves for the county (R53)."""

    COMMITTEE = "COMMITTEE"
    """县级党委农业农村委员会"""
    DELEGATION = "DELEGATION"
    """授权批准"""
