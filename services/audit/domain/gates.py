"""The gates as data: who decides at each, within what time, and what comes after (R108)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from services.audit.domain.commands import ApproveAtProvince, FileNationally, ReviewAtCity
from shared.contracts.audit import CityReviewed, Gate, NationallyFiled, ProvinceApproved
from shared.kernel.deadline import Deadline
from shared.kernel.event import Command, Event
from shared.kernel.principal import Permission
from shared.policy.legal_time import after

LENGTH = "30d"
"""Each gate's time. The Guide sets none; a request that nobody decides must not stay open."""

CLOCKS: Mapping[Gate, str] = MappingProxyType(
    {gate: f"correction-{gate.value.lower()}" for gate in Gate}
)
"""The kind of clock that runs while a gate's decision is due."""


@dataclass(frozen=True)
class GateRule:
    """One gate."""

    name: Gate
    label: tuple[str, str]
    command: type[Command]
    event: type[Event]
    """What records that it is passed."""
    then: Gate
    """What follows it."""

    @property
    def permission(self) -> Permission:
        """Who decides: the command's own permission."""
        return self.command.permission

    def snapshot(self) -> dict[str, object]:
        """The gate as it stands in a request's content: a later change of rules changes no vote."""
        return {
            "gate": self.name,
            "roles": sorted(self.permission.roles),
            "levels": sorted(level.name for level in self.permission.levels),
            "within": LENGTH,
        }


GATES: tuple[GateRule, ...] = (
    GateRule(
        Gate.CITY,
        ("市级主要负责同志审核", "the city's review"),
        ReviewAtCity,
        CityReviewed,
        Gate.PROVINCE,
    ),
    GateRule(
        Gate.PROVINCE,
        ("省级审定", "the province's approval"),
        ApproveAtProvince,
        ProvinceApproved,
        Gate.NATION,
    ),
    GateRule(
        Gate.NATION,
        ("国家备案", "the national filing"),
        FileNationally,
        NationallyFiled,
        Gate.EXECUTION,
    ),
)


def clock_of(gate: Gate, today: date) -> Deadline:
    """The clock of a gate whose turn begins today."""
    return Deadline(
        kind=CLOCKS[gate],
        rule="R108",
        starts_on=today,
        length=LENGTH,
        due_on=after(today, LENGTH),
    )
