"""Trying parameters on past cases before publishing them: what would have been advised (A3)."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.identification.domain.assessment import Assessed, assess
from shared.contracts.identification import Verified
from shared.contracts.registry import decode_json
from shared.contracts.values import History
from shared.policy.parameters import NoPolicy, PolicyVersion
from shared.store.database import Transaction

_BATCH = 500
_SHOWN = 200
"""Changed cases that are listed; all are counted."""
# The last verification of each case, with what the register and the case add to it.
_VERIFIED = """
select distinct on (e.stream_id) e.stream_id, e.schema_version, e.data::text as data,
       c.division, c.opened_on,
       h.history, h.relocated
  from es.event e
  join rm.household_case c on c.stream_id = e.stream_id
  join rm.household h on h.stream_id = c.household_id
 where e.type = 'Verified' and e.category = 'case' and c.division like $1 and c.opened_on >= $2
 order by e.stream_id, e.version desc
"""


@dataclass
class Trial:
    """What would have changed."""

    assessed: int = 0
    changed: int = 0
    without_line: int = 0
    """Cases of a year for which the tried policy knows no line."""
    more_urgent: int = 0
    less_urgent: int = 0
    """Cases that would come first in every queue, or would no longer (R113)."""
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    cases: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The answer."""
        return {
            "assessed": self.assessed,
            "changed": self.changed,
            "without_line": self.without_line,
            "more_urgent": self.more_urgent,
            "less_urgent": self.less_urgent,
            "moves": [
                {"from": before, "to": now, "count": count}
                for (before, now), count in self.moves.most_common()
            ],
            "cases": self.cases,
            "not_listed": self.changed - len(self.cases),
        }


async def try_policy(tx: Transaction, policy: PolicyVersion, since: Any) -> Trial:
    """Assess every past verification of the policy's division again, under ``policy``.

    ``tx`` is a transaction: the verifications are read in batches, never all at once.
    """
    trial = Trial()
    async for case_id, seen, verified in _verifications(tx, policy.division, since):
        trial.assessed += 1
        try:
            now = assess(policy, seen)
        except NoPolicy:
            trial.without_line += 1
            continue
        before = verified.advice
        trial.more_urgent += now.urgent and not before.urgent
        trial.less_urgent += before.urgent and not now.urgent
        if now.suggestion is before.suggestion:
            continue
        trial.changed += 1
        trial.moves[before.suggestion, now.suggestion] += 1
        if len(trial.cases) < _SHOWN:
            trial.cases.append(
                {"case_id": case_id, "from": before.suggestion, "to": now.suggestion}
            )
    return trial


async def _verifications(
    tx: Transaction, division: str, since: Any
) -> AsyncIterator[tuple[UUID, Assessed, Verified]]:
    inside = "%" if division == "CN" else f"{division}%"
    async for row in tx.raw.cursor(_VERIFIED, inside, since, prefetch=_BATCH):
        verified = decode_json("identification", "Verified", row["schema_version"], row["data"])
        assert isinstance(verified, Verified)
        yield (
            row["stream_id"],
            Assessed(
                division=row["division"],
                year=row["opened_on"].year,
                history=History(row["history"]),
                relocated=row["relocated"],
                members=verified.members,
                accounts=verified.accounts,
                findings=verified.findings,
            ),
            verified,
        )
