"""How households and places are named in lists and offered in forms."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.console.pages.acting import Option
from services.console.visit import Visit
from shared.kernel.division import NATION, Level
from shared.kernel.principal import Role
from shared.policy.divisions import Division

_MOST = 200
_TAIL = 4
"""Characters that a masked document number ends with."""


async def heads(visit: Visit, households: Iterable[str]) -> Mapping[str, str]:
    """``张**(1234)等4人`` by household: masked, as lists show it."""
    wanted = list(dict.fromkeys(item for item in households if item))[:_MOST]
    if not wanted:
        return {}
    found = await visit.api.maybe("identification", "/household-heads", id=wanted) or {}
    return {key: named(visit, item) for key, item in found.items()}


def named(visit: Visit, head: Mapping[str, Any]) -> str:
    """A household by its head's masked name, the end of their number, and how many they are."""
    name, tail = head.get("name") or "***", str(head.get("number") or "")[-_TAIL:]
    if not tail.strip("*"):
        return visit.words("{name}等{members}人", name=name, members=head["members"])
    return visit.words("{name}({tail})等{members}人", name=name, tail=tail, members=head["members"])


def villages(visit: Visit) -> Sequence[Option]:
    """The villages of the person's own division, by name."""
    return _inside(visit, Level.VILLAGE)


def towns(visit: Visit) -> Sequence[Option]:
    """The towns of the person's own division."""
    return _inside(visit, Level.TOWN)


def below(visit: Visit) -> Sequence[Option]:
    """What lies directly below, and what lies below that while it is not too much."""
    if visit.level is Level.VILLAGE:
        return ()
    divisions = visit.look.divisions
    children = divisions.children(visit.who.division)
    if visit.level is not Level.COUNTY:
        return [_option(visit, child) for child in children]
    deeper = [item for child in children for item in (child, *divisions.children(child.code))]
    return [_option(visit, item) for item in deeper]


def _inside(visit: Visit, level: Level) -> Sequence[Option]:
    own = visit.who.division
    if own == NATION or visit.level > Level.COUNTY:
        return ()
    divisions = visit.look.divisions
    found = [Division(own, divisions.name(own))]
    while found and found[0].level > level:
        found = [child for item in found for child in divisions.children(item.code)]
    return [_option(visit, item) for item in found if item.level is level]


def _option(visit: Visit, division: Division) -> Option:
    return division.code, visit.place(division.code)


def members_of(visit: Visit, household: Mapping[str, Any]) -> Sequence[Option]:
    """The household's members, masked, as they can be picked."""
    return [(item["member_id"], member_name(visit, item)) for item in household["members"]]


def member_name(visit: Visit, member: Mapping[str, Any]) -> str:
    """A member by masked name and what is known of them."""
    person = member.get("person") or {}
    name = person.get("name") or "***"
    role = visit.words("户主") if member["is_head"] else ""
    labour = visit.words.label("Labour", member["labour"])
    return " · ".join(part for part in (name, role, labour) if part)


async def approves(visit: Visit) -> bool:
    """Whether they approve for the county: of its committee, or with a delegation that holds."""
    if visit.has(Role.COMMITTEE):
        return True
    page = await visit.api.maybe("identification", "/delegations", limit=_MOST)
    day = visit.today.isoformat()
    return any(
        item["holder"] == visit.who.subject
        and item["valid_from"] <= day <= item["valid_until"]
        and not item["revoked_on"]
        for item in (page or {"items": ()})["items"]
    )
