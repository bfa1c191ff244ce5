"""What personal data may be revealed for, and to whom. Every reveal names one of these."""

from collections.abc import Mapping
from enum import StrEnum

from shared.kernel.division import Level
from shared.kernel.principal import Permission, Role, may


class Purpose(StrEnum):
    """Why somebody needs the full value."""

    VERIFICATION = "VERIFICATION"
    """入户核实: going to the household, checking its papers."""
    COMPARISON = "COMPARISON"
    """信息比对: querying other departments about an authorised household (R52)."""
    DELIBERATION = "DELIBERATION"
    """民主评议与审批: deciding about a household by name."""
    NOTICE = "NOTICE"
    """公示公告: the head's name on a notice (R65)."""
    CONTACT = "CONTACT"
    """联系农户: calling or visiting, telling the result (R67, R74)."""
    ORDER_HANDLING = "ORDER_HANDLING"
    """办理工单: answering a caller of 12317."""
    ASSISTANCE = "ASSISTANCE"
    """落实帮扶: paying a subsidy, placing in a job."""
    NATIONAL_ENTRY = "NATIONAL_ENTRY"
    """录入全国系统 (R63)."""
    CORRECTION = "CORRECTION"
    """更正审核: reading why a withdrawal or rollback is asked for (R108)."""
    INSPECTION = "INSPECTION"
    """监督检查: an inspector's spot check."""
    SUBJECT_REQUEST = "SUBJECT_REQUEST"
    """本人查询: the person asks what is held about them (PIPL art. 45)."""


_LOCAL = (Level.VILLAGE, Level.TOWN, Level.COUNTY)
_TOWN_UP_TO_COUNTY = (Level.TOWN, Level.COUNTY)

PRINT_NOTICE = may(Role.OFFICER, at=_LOCAL)
"""Who prints and hangs notices: the village, its town, and the county that announces."""

ALLOWED: Mapping[Purpose, Permission] = {
    Purpose.VERIFICATION: may(Role.OFFICER, at=_LOCAL),
    Purpose.COMPARISON: may(Role.OFFICER, Role.DEPARTMENT, at=Level.COUNTY),
    Purpose.DELIBERATION: may(Role.OFFICER, Role.COMMITTEE, at=_LOCAL),
    Purpose.NOTICE: Permission(
        PRINT_NOTICE.roles | {Role.SYSTEM}, PRINT_NOTICE.levels | {Level.NATION}
    ),
    Purpose.CONTACT: may(Role.OFFICER, at=_LOCAL),
    Purpose.ORDER_HANDLING: may(Role.OFFICER, Role.HOTLINE),
    Purpose.ASSISTANCE: may(Role.OFFICER, Role.DEPARTMENT, at=_LOCAL),
    Purpose.NATIONAL_ENTRY: may(Role.OFFICER, at=_TOWN_UP_TO_COUNTY),
    Purpose.CORRECTION: may(
        Role.OFFICER,
        Role.COMMITTEE,
        Role.PRINCIPAL,
        at=(Level.CITY, Level.PROVINCE, Level.NATION),
    ),
    Purpose.INSPECTION: may(Role.INSPECTOR),
    Purpose.SUBJECT_REQUEST: may(Role.OFFICER, at=_TOWN_UP_TO_COUNTY),
}
"""Who may reveal for which purpose. Operators and administrators see no household, for none."""
