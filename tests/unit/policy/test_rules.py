"""The rule catalogue: complete, cited rightly, and traced to the code."""

import re
from pathlib import Path

import pytest

from shared.policy import rules as catalogue
from shared.policy.rules import UnknownRule, cite, question_of, rule, rules


def test_every_rule_and_convention_is_there_in_order() -> None:
    expected = [f"K{n}" for n in range(1, 9)] + [f"R{n}" for n in range(1, 121)]
    assert list(rules()) == expected


def test_every_rule_has_a_kind_and_both_titles() -> None:
    for item in rules().values():
        assert re.fullmatch(r"K|[EWNR]+", item.kind), item
        assert item.title_zh, item
        assert item.title_en, item
        assert not re.search("[一-鿿]", item.title_en), item


@pytest.mark.parametrize(
    ("rule_id", "question", "zh", "en"),
    [
        ("R56", 34, "R56 · 指南第34问", "R56 · Guide question 34"),
        ("R1", 1, "R1 · 指南第1问", "R1 · Guide question 1"),
        ("R17", 7, "R17 · 指南第7问", "R17 · Guide question 7"),
        ("R68", 24, "R68 · 指南第24问", "R68 · Guide question 24"),
        ("R66", None, "R66", "R66"),
        ("R119", None, "R119 · 指南末条", "R119 · the Guide's closing"),
        ("K6", None, "K6", "K6"),
        ("R999", None, "R999", "R999"),
    ],
)
def test_a_rule_is_cited_with_its_question(
    rule_id: str, question: int | None, zh: str, en: str
) -> None:
    assert (question_of(rule_id), cite(rule_id, "zh"), cite(rule_id, "en")) == (question, zh, en)


def test_a_marked_function_is_found_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_ENFORCEMENTS", {})

    @rule("R56", "R66")
    def publicity_is_complete() -> str:
        return "unchanged"

    [found] = [
        item for entry in catalogue.catalogue() for item in entry.enforced_by if item.rule == "R66"
    ]
    assert publicity_is_complete() == "unchanged"
    assert found.function.endswith(".publicity_is_complete")
    assert found.file == "tests/unit/policy/test_rules.py"
    source = Path(__file__).read_text(encoding="utf-8").splitlines()
    assert source[found.line - 1].strip() == '@rule("R56", "R66")'


def test_a_rule_nobody_knows_is_refused_at_import() -> None:
    with pytest.raises(UnknownRule):
        rule("R121")
