"""The rules that several acts on the register share, each by its name. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.identification.domain.household_state import Household
from shared.kernel.decider import Context
from shared.kernel.division import within
from shared.kernel.refusal import Forbidden, Invalid, OutOfOrder
from shared.policy.rules import rule


class Placed(Protocol):
    """Where a household is and where it comes from."""

    @property
    def division(self) -> str:
        """The village that is to own it."""

    @property
    def residence(self) -> str:
        """Where it lives."""

    @property
    def hukou_place(self) -> str:
        """Where it is registered."""

    @property
    def residence_leads(self) -> str | None:
        """Why the residence place leads, as a code."""

    @property
    def relocated(self) -> bool:
        """易地扶贫搬迁."""

    @property
    def moved_from(self) -> str | None:
        """The place that a relocated household left."""


@dataclass(frozen=True)
class Place:
    """Where a household is, after a move."""

    division: str
    residence: str
    hukou_place: str
    residence_leads: str | None
    relocated: bool
    moved_from: str | None


@rule("R1")
def within_reach(division: str, context: Context) -> None:
    """An officer acts in their own division."""
    if not context.principal.covers(division):
        raise Forbidden("该村不在您的辖区内", "the village is outside your division")


def one_head(heads: Sequence[bool], field: str = "members") -> None:
    """A household has one head."""
    if sum(heads) != 1:
        raise Invalid(
            code="one-head",
            zh="一户应有且仅有一名户主",
            en="a household has exactly one head",
            field=field,
        )


def must_be_members(household: Household, named: Collection[UUID], field: str = "members") -> None:
    """Everybody named belongs to the household."""
    if set(named) - {member.member_id for member in household.members}:
        raise Invalid(
            code="unknown-member",
            zh="所填成员不属于该户",
            en="somebody named is no member of the household",
            field=field,
        )


@rule("R11")
def must_stand_for_somebody(household: Household) -> None:
    """A household that is part of another one, or was undone, is acted on no more (R11)."""
    if household.dissolved:
        raise OutOfOrder(
            "R11",
            code="household-dissolved",
            zh="该户已并入其他户或已撤销登记,不能再办理",
            en="the household is part of another one, or its registration was undone",
        )


@rule("R24", "R25", "R26")
def owner_is_right(place: Placed) -> None:
    """Hukou place first; the residence place with a reason; the relocated belong where they live.

    The place a relocated household moved from collaborates (R26).
    """
    if place.relocated:
        if place.division != place.residence or place.moved_from is None:
            raise Invalid(
                "R26",
                code="owner-is-move-in-place",
                zh="易地搬迁群众由迁入地负主体责任,并应填写迁出地",
                en="the place it moved to owns a relocated household; name the place it left",
                field="division",
            )
        return
    if place.moved_from is not None:
        raise Invalid(
            "R26",
            code="not-relocated",
            zh="非易地搬迁户不填迁出地",
            en="only a relocated household has a place it moved from",
            field="moved_from",
        )
    if within(place.hukou_place, place.division):
        return
    if place.division != place.residence or place.residence_leads is None:
        raise Invalid(
            "R25",
            code="hukou-place-first",
            zh="一般由户籍所在地识别;由常住地牵头的须说明特殊情况",
            en="the hukou place comes first; the residence place leads only with a reason",
            field="residence_leads",
        )
