"""What every detector works with: where and when it looks, by which policy, and what it raises."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from services.identification.domain.internal import RaiseFinding
from services.identification.read_models.tables import household_case as case
from shared.contracts.findings import FindingKind
from shared.kernel.division import NATION
from shared.kernel.ids import named_id
from shared.policy.parameters import NoPolicy, Parameters, PolicyVersion, in_force
from shared.store.database import Transaction
from shared.vault.vault import Vault


@dataclass(frozen=True)
class Watched:
    """Where and when a detector looks."""

    division: str
    """Everything inside it; ``CN`` is everything."""
    today: date
    tx: Transaction
    vault: Vault
    book: Sequence[PolicyVersion] = field(default=(), repr=False)

    def policy(self, division: str) -> PolicyVersion | None:
        """The version in force there today, if one is."""
        if division not in self._policies:
            try:
                self._policies[division] = in_force(self.book, division, self.today)
            except NoPolicy:
                self._policies[division] = None
        return self._policies[division]

    def numbers(self, division: str) -> Parameters:
        """The parameters in force there; the Guide's own while nothing was published (K7)."""
        version = self.policy(division)
        return version.parameters if version else Parameters()

    def inside(self, column: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
        """The column's division lies where one looks."""
        return sa.true() if self.division == NATION else column.like(f"{self.division}%")

    def cases(self) -> sa.Select[Any]:
        """The cases there."""
        return sa.select(case).where(self.inside(case.c.division)).order_by(case.c.stream_id)

    @cached_property
    def _policies(self) -> dict[str, PolicyVersion | None]:
        return {}


def of_case(kind: FindingKind, rule_id: str, row: Any, **figures: int | str) -> RaiseFinding:
    """A finding about one case, for its county to answer."""
    return RaiseFinding(
        finding_id=named_id("finding", kind, str(row.stream_id)),
        kind=kind,
        rule=rule_id,
        division=row.county,
        case_id=row.stream_id,
        household_id=row.household_id,
        figures={"status": row.status, **figures},
    )


def of_county(
    kind: FindingKind, rule_id: str, county: str, when: str, **figures: int | str
) -> RaiseFinding:
    """A finding about a county's numbers."""
    return RaiseFinding(
        finding_id=named_id("finding", kind, county, when),
        kind=kind,
        rule=rule_id,
        division=county,
        figures={"when": when, **figures},
    )
