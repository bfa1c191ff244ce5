"""Who acts: a person, a machine or the system, in which roles, for which division (R1, R6)."""

from dataclasses import dataclass
from enum import StrEnum

from shared.kernel.division import NATION, Level, level_of, within
from shared.kernel.refusal import Forbidden


class Role(StrEnum):
    """What a principal is, apart from where. The level follows from the division."""

    OFFICER = "officer"
    """Executive department (乡村振兴/农业农村部门) staff, village and town cadres (R6: 专责)."""
    COMMITTEE = "committee"
    """The party's rural committee or its delegate (R6: 牵头抓总; approves, R53)."""
    PRINCIPAL = "principal"
    """The principal responsible leader (主要负责同志) who signs at the city's gate (R108)."""
    DEPARTMENT = "department"
    """A line department's staff (R6: 行业部门)."""
    INSPECTOR = "inspector"
    """Reads the audit trail; changes nothing."""
    OPERATOR = "operator"
    """Keeps the machinery running: parked messages, rebuilds; sees no household."""
    ADMINISTRATOR = "administrator"
    """Grants keys and access; sees no household."""
    HOTLINE = "hotline"
    """The 12317 platform (a machine)."""
    FEED = "feed"
    """A department's system posting alerts (a machine)."""
    PORTAL = "portal"
    """The portal on which households declare their risks themselves (a machine)."""
    SYSTEM = "system"
    """Dixian itself: reactions to neighbours' events and clocks. Never granted by a token."""

    @property
    def label(self) -> str:
        """What the post is called."""
        return _LABELS[self]


_LABELS = {
    Role.OFFICER: "经办人",
    Role.COMMITTEE: "党委农业农村委员会",
    Role.PRINCIPAL: "主要负责同志",
    Role.DEPARTMENT: "行业部门经办人",
    Role.INSPECTOR: "监督检查人员",
    Role.OPERATOR: "系统运维人员",
    Role.ADMINISTRATOR: "系统管理人员",
    Role.HOTLINE: "热线平台",
    Role.FEED: "部门系统",
    Role.PORTAL: "申报平台",
    Role.SYSTEM: "本系统",
}

MACHINE_ROLES = frozenset({Role.HOTLINE, Role.FEED, Role.PORTAL})
"""The roles of machines, which only a machine key carries."""


@dataclass(frozen=True)
class Principal:
    """An authenticated caller. ``subject`` is a pseudonym: it goes into events and the log."""

    subject: str
    roles: frozenset[Role]
    division: str
    feeds: frozenset[str] = frozenset()
    """The feeds a machine may post to; people have none."""
    on_behalf_of: str = ""
    """Whom ``subject`` stands in for, whose roles these are; nobody, mostly."""

    @property
    def level(self) -> Level:
        """The level of the principal's division."""
        return level_of(self.division)

    def covers(self, division: str) -> bool:
        """Whether ``division`` lies in the principal's subtree."""
        return within(division, self.division)


@dataclass(frozen=True)
class Permission:
    """Which roles, at which levels, may do or see something. Declared beside the thing itself."""

    roles: frozenset[Role]
    levels: frozenset[Level] = frozenset(Level)
    rule: str = "R1"
    """The rule that says so, named to whoever is refused."""

    def allows(self, principal: Principal) -> bool:
        """Whether the principal holds one of the roles at one of the levels."""
        return principal.level in self.levels and not self.roles.isdisjoint(principal.roles)

    def require(self, principal: Principal) -> None:
        """Refuse a caller whose role or level does not allow it, saying whose it is (R1, R6)."""
        if self.allows(principal):
            return
        roles = [role for role in Role if role in self.roles]
        levels = [] if self.levels == frozenset(Level) else sorted(self.levels)
        raise Forbidden(
            f"该事项由{'、'.join(level.label for level in levels)}"
            f"{'、'.join(role.label for role in roles)}办理,您的岗位无权办理",
            f"this act is for: {', '.join(roles)}"
            + (f" ({', '.join(level.name.lower() for level in levels)})" if levels else "")
            + "; your role or level does not allow it",
            rule=self.rule,
        )


def may(*roles: Role, at: Level | tuple[Level, ...] = tuple(Level), rule: str = "R1") -> Permission:
    """``may(Role.OFFICER, at=Level.COUNTY)``: the readable way to write a permission."""
    levels = (at,) if isinstance(at, Level) else at
    return Permission(frozenset(roles), frozenset(levels), rule)


def system(service: str) -> Principal:
    """The service's own identity, for reactions and clocks; it covers every division."""
    return Principal(subject=f"system:{service}", roles=frozenset({Role.SYSTEM}), division=NATION)
