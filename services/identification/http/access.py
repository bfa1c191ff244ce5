"""Who may look."""

from shared.kernel.principal import Permission, Role, may

LOOK: Permission = may(Role.OFFICER, Role.COMMITTEE, Role.PRINCIPAL, Role.INSPECTOR)
"""Who may look at cases and masked households, each in their own division."""

REVEALING: Permission = may(Role.OFFICER, Role.COMMITTEE, Role.DEPARTMENT, Role.INSPECTOR)
"""Who may see personal data in full, for a purpose of theirs."""
