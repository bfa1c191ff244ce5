"""Who may look, and the order of plain lists."""

from typing import NamedTuple
from uuid import UUID

from shared.kernel.division import Level
from shared.kernel.principal import Permission, Role, may

_LOOKERS = (Role.OFFICER, Role.COMMITTEE, Role.PRINCIPAL, Role.INSPECTOR)

LOOK: Permission = may(*_LOOKERS)
"""Who may look at cases and masked households, each in their own division."""

REVEALING: Permission = may(Role.OFFICER, Role.COMMITTEE, Role.DEPARTMENT, Role.INSPECTOR)
"""Who may see personal data in full, for a purpose of theirs."""

OVERSEE: Permission = may(*_LOOKERS, at=(Level.COUNTY, Level.CITY, Level.PROVINCE, Level.NATION))
"""Who looks at a county's work as a whole."""


class RowKey(NamedTuple):
    """The order of a plain list."""

    id: UUID
