"""Every rule of the Guide has its enforcing line and its test, or stands here as still open."""

from dixian.rules import ROOT, marked, trace
from shared.policy.rules import rules

OPEN: dict[str, str] = {}
"""What a rule still lacks. The list only shrinks: a rule that is covered cannot lose its cover."""


def test_every_rule_is_enforced_and_proven_or_named_as_open() -> None:
    incomplete = {item.entry.rule.id for item in trace() if not item.complete}
    assert incomplete == set(OPEN), (
        f"newly open: {sorted(incomplete - set(OPEN))}; no longer open: "
        f"{sorted(set(OPEN) - incomplete)}"
    )


def test_every_mark_names_a_rule() -> None:
    assert set(marked(ROOT / "tests")) <= set(rules())
