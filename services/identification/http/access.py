"""Who may look."""

from shared.kernel.principal import Permission, Role, may

LOOK: Permission = may(Role.OFFICER, Role.COMMITTEE, Role.PRINCIPAL, Role.INSPECTOR)
"""Who may look at cases and masked households, each in their own division."""
