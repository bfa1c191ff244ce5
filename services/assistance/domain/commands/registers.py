"""After-care, the no-labour flag, the ledger."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from services.assistance.domain.commands.common import (
    ANY_OFFICER,
    COUNTY,
    TOWN,
    VILLAGE,
    VILLAGE_OR_TOWN,
    Evidence,
    Income,
    Quarter,
    VillagePopulation,
)
from shared.contracts.help import ComparedBenefit, NoLabourBasis
from shared.kernel.decider import Act
from shared.kernel.division import DivisionCode
from shared.kernel.principal import Permission


class RecordRefresh(Act):
    """The yearly refresh of an eliminated household (R106)."""

    permission: ClassVar[Permission] = VILLAGE_OR_TOWN

    plan_id: UUID
    year: Annotated[int, Field(ge=2021, le=2100)]
    income: Income
    new_risk: bool


class ProposeNoLabour(Act):
    """The village holds that nobody in the household can work (R97)."""

    permission: ClassVar[Permission] = VILLAGE

    plan_id: UUID
    basis: NoLabourBasis
    nobody_can_work: bool
    evidence: Evidence


class FlagNoLabour(Act):
    """The town confirms it (R98)."""

    permission: ClassVar[Permission] = TOWN

    plan_id: UUID
    confirmed: bool = True
    """Or sends it back: the village may put it forward anew."""


class UnflagNoLabour(Act):
    """Lift the flag locally: always refused (R100)."""

    permission: ClassVar[Permission] = ANY_OFFICER

    plan_id: UUID


class CompareFlag(Act):
    """One row of the quarter's file: what the household receives now (R99)."""

    permission: ClassVar[Permission] = COUNTY

    household_id: UUID
    quarter: Quarter
    benefit: ComparedBenefit


class RecordPopulation(Act):
    """The rural registered population of a town's villages (R110)."""

    permission: ClassVar[Permission] = COUNTY

    town: DivisionCode
    year: Annotated[int, Field(ge=2020, le=2100)]
    villages: Annotated[tuple[VillagePopulation, ...], Field(min_length=1, max_length=500)]


class UpdateLedger(Act):
    """Look at a town and its villages: who is over the share, who is not any more (R110)."""

    permission: ClassVar[Permission] = COUNTY

    town: DivisionCode


class ReviewLedger(Act):
    """Go through a town's ledger: everybody is helped, and does a mass relapse threaten (R111)."""

    permission: ClassVar[Permission] = COUNTY

    town: DivisionCode
    mass_relapse_risk: bool
    evidence: Evidence
    """The report."""
