"""The decision table A3: each row, its order, its edges, and its words (K4)."""

from dataclasses import replace

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.identification.domain import advice
from services.identification.domain.advice import Facts
from shared.contracts.assessment import Accounts, Findings, Shock, Suggestion
from shared.contracts.values import Gap, History, Risk
from shared.testing.decider import rule

LINE = 800_000


def accounts(per_head: int) -> Accounts:
    return Accounts(
        period_from="2022-08-01",
        period_to="2023-07-31",
        incomes=(),
        claims=(),
        expenses=(),
        members=1,
        net=per_head,
        per_capita_net=per_head,
        claimed=0,
        spent=0,
        reference=per_head,
        reference_per_capita=per_head,
    )


CALM = Findings(
    gaps=(), watch=(), risks=(), hardship=False, shock=None, income_stable=True, can_cope=True
)


def facts(per_head: int = LINE, **found: object) -> Facts:
    outside = {name: found.pop(name) for name in ("history", "in_scope") if name in found}
    plain = Facts(
        accounts=accounts(per_head),
        findings=CALM.model_copy(update=found),
        history=History.ORDINARY,
        in_scope=True,
        line=LINE,
        line_year=2023,
        line_is_years_own=True,
        former_standard=400_000,
        rural_mean=2_200_000,
        well_above_percent=150,
    )
    return replace(plain, **outside)  # type: ignore[arg-type]  # fields of the dataclass


HARD = {"hardship": True, "can_cope": False, "risks": (Risk.ILLNESS,)}
GAP = {"gaps": (Gap.HOUSING,), "can_cope": False}
ROWS = [
    (facts(in_scope=False, **HARD), 1, Suggestion.OUT_OF_SCOPE),
    (facts(history=History.FORMERLY_POOR, **HARD), 3, Suggestion.UNSTABLE_EXIT),
    (facts(**HARD), 3, Suggestion.MARGINAL_AT_RISK),
    (facts(**GAP), 3, Suggestion.MARGINAL_AT_RISK),
    (facts(), 4, Suggestion.NOT_IDENTIFY),
    (facts(income_stable=False), 5, Suggestion.DELIBERATE),
    (facts(**(HARD | {"can_cope": True})), 5, Suggestion.DELIBERATE),
    (facts(LINE + 1, shock=Shock.ACCIDENT, **HARD), 6, Suggestion.SEVERE_HARDSHIP),
    (facts(LINE + 1, **GAP), 6, Suggestion.SEVERE_HARDSHIP),
    (facts(LINE + 1, gaps=(Gap.HOUSING,)), 7, Suggestion.TRACK),
    (facts(LINE + 1, **HARD), 8, Suggestion.NOT_IDENTIFY),
    (facts(LINE + 1), 8, Suggestion.NOT_IDENTIFY),
]


@rule("R7", "R8", "R9", "R10", "R15", "R17", "R18", "R30", "R32", "R33", "K4")
@pytest.mark.parametrize(("given", "row", "suggestion"), ROWS)
def test_each_row(given: Facts, row: int, suggestion: Suggestion) -> None:
    advised = advice.advise(given)
    assert (advised.row, advised.suggestion) == (row, suggestion)
    assert advised.grounds
    assert all(ground.rule and ground.zh and ground.en for ground in advised.grounds)


@rule("K4")
def test_equal_to_the_line_is_below_it() -> None:
    assert advice.advise(facts(LINE, **HARD)).category is not None
    assert advice.advise(facts(LINE + 1, **HARD)).category is None


@rule("R13")
@examples(st.integers(0, 10**7), st.booleans(), st.booleans(), st.booleans())
def test_benefits_are_not_among_the_facts(
    per_head: int, hardship: bool, can_cope: bool, stable: bool
) -> None:
    """Nothing in the table knows of 低保: it can neither identify nor exclude anybody (R13)."""
    given = facts(per_head, hardship=hardship, can_cope=can_cope, income_stable=stable)
    assert advice.advise(given).row in {3, 4, 5, 6, 7, 8}
    assert not any("benefit" in name for name in vars(given))


@rule("R68")
def test_a_disaster_offers_the_green_channel_beside_the_advice() -> None:
    burnt = facts(shock=Shock.DISASTER, **HARD)
    assert advice.advise(burnt).offer_green_channel
    assert advice.advise(burnt).row == 3
    assert not advice.advise(facts(shock=Shock.JOB_LOSS, **HARD)).offer_green_channel


@rule("R113", "K4")
def test_what_is_urgent() -> None:
    assert advice.advise(facts(400_000)).urgent
    assert not advice.advise(facts(400_001)).urgent
    assert advice.advise(facts(LINE + 1, **GAP)).urgent


@rule("R32")
def test_following_says_how_the_household_stands_to_the_countys_mean() -> None:
    [*_, ground] = advice.advise(facts(3_300_000, gaps=(Gap.HOUSING,))).grounds
    assert "150%(明显高于)" in ground.zh
    without = replace(facts(3_300_000, gaps=(Gap.HOUSING,)), rural_mean=None)
    assert "%" not in advice.advise(without).grounds[-1].zh
