"""Who may ask what, and the shapes that several commands share."""

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from shared.contracts import help as values
from shared.contracts.values import Sha256
from shared.kernel.division import Level
from shared.kernel.document_number import NoDocumentNumber
from shared.kernel.principal import Permission, Role, may

VILLAGE_OR_TOWN = may(Role.OFFICER, at=(Level.VILLAGE, Level.TOWN))
VILLAGE = may(Role.OFFICER, at=Level.VILLAGE)
TOWN = may(Role.OFFICER, at=Level.TOWN)
COUNTY = may(Role.OFFICER, at=Level.COUNTY)
COMMITTEE = may(Role.COMMITTEE, at=Level.COUNTY)
APPROVER = may(Role.COMMITTEE, Role.OFFICER, at=Level.COUNTY)
"""The committee, or who holds its delegation (R53)."""
FIELD = may(Role.OFFICER, Role.DEPARTMENT, at=(Level.VILLAGE, Level.TOWN, Level.COUNTY))
"""Village, town and the county's line departments: who carries measures out."""
ANY_OFFICER = may(Role.OFFICER)
SYSTEM = Permission(frozenset({Role.SYSTEM}))

Note = Annotated[str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True)]
"""Free text; it goes to the vault, and the event carries its id."""
Officers = Annotated[
    tuple[Annotated[values.Officer, NoDocumentNumber], ...], Field(min_length=1, max_length=10)
]
"""The officers responsible, by pseudonym (R5)."""
QUARTER = r"^20\d{2}Q[1-4]$"
Quarter = Annotated[str, StringConstraints(pattern=QUARTER)]
"""``2023Q3``."""
Evidence = Annotated[tuple[Sha256, ...], Field(min_length=1, max_length=20)]

# Events ignore a field they do not know, commands refuse it, wherever it stands.
_STRICT = ConfigDict(frozen=True, extra="forbid")


class MeasureTerms(values.MeasureTerms):
    """As asked for."""

    model_config = _STRICT


class RiskResponse(values.RiskResponse):
    """As asked for."""

    model_config = _STRICT


class Income(values.Income):
    """As declared."""

    model_config = _STRICT


class GuaranteeEvidence(values.GuaranteeEvidence):
    """As declared."""

    model_config = _STRICT


class RiskEvidence(values.RiskEvidence):
    """As declared."""

    model_config = _STRICT


class VillagePopulation(values.VillagePopulation):
    """As declared."""

    model_config = _STRICT
