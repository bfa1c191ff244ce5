"""The rule catalogue: what each rule says, and which function enforces it where.

The facts stand in ``rules.csv`` (rule, the Guide's question, kind, Chinese and English title).
``kind`` holds the letters of ``E`` enforce, ``W`` warn, ``N`` never, ``R`` record, or ``K`` for a
counting convention.
"""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

_TABLE = Path(__file__).with_name("rules.csv")
_ROOT = Path(__file__).resolve().parents[2]
_CLOSING = "末"

F = TypeVar("F", bound=Callable[..., Any])


class UnknownRule(LookupError):
    """A rule id that the catalogue does not have: a slip of the pen, found at import."""


@dataclass(frozen=True)
class Rule:
    """One rule or convention."""

    id: str
    question: str
    """The Guide's question number, ``末`` for its closing words, empty where it is silent."""
    kind: str
    title_zh: str
    title_en: str


@dataclass(frozen=True)
class Enforcement:
    """One function that enforces a rule."""

    rule: str
    function: str
    """``module.function``."""
    file: str
    """From the root of the repository."""
    line: int


@dataclass(frozen=True)
class Entry:
    """A rule with everything that enforces it, as far as it has been imported."""

    rule: Rule
    enforced_by: tuple[Enforcement, ...]


_ENFORCEMENTS: dict[str, list[Enforcement]] = {}


@cache
def rules() -> Mapping[str, Rule]:
    """Every rule by its id, in the order of the table."""
    with _TABLE.open(encoding="utf-8", newline="") as table:
        return {
            row["rule"]: Rule(
                row["rule"], row["question"], row["kind"], row["title_zh"], row["title_en"]
            )
            for row in csv.DictReader(table)
        }


def rule(*ids: str) -> Callable[[F], F]:
    """Mark a function as the one that enforces ``ids``: ``@rule("R56")``. It is not wrapped.

    Raises ``UnknownRule`` for an id that the catalogue does not have.
    """
    for rule_id in ids:
        if rule_id not in rules():
            raise UnknownRule(rule_id)

    def mark(function: F) -> F:
        for rule_id in ids:
            _ENFORCEMENTS.setdefault(rule_id, []).append(_enforcement(rule_id, function))
        return function

    return mark


def catalogue() -> list[Entry]:
    """All rules with what enforces them. Only modules already imported are seen."""
    return [Entry(item, tuple(_ENFORCEMENTS.get(item.id, ()))) for item in rules().values()]


def question_of(rule_id: str) -> int | None:
    """The Guide's question number of a rule; ``None`` where it has no numbered question."""
    known = rules().get(rule_id)
    return int(known.question) if known and known.question.isdigit() else None


def cite(rule_id: str, language: str) -> str:
    """``R56 · 指南第34问`` (``zh``) or ``R56 · Guide question 34`` (``en``)."""
    known = rules().get(rule_id)
    if known is None or not known.question:
        return rule_id
    if known.question == _CLOSING:
        return f"{rule_id} · 指南末条" if language == "zh" else f"{rule_id} · the Guide's closing"
    if language == "zh":
        return f"{rule_id} · 指南第{known.question}问"
    return f"{rule_id} · Guide question {known.question}"


def _enforcement(rule_id: str, function: Callable[..., Any]) -> Enforcement:
    code = function.__code__
    file = Path(code.co_filename)
    shown = file.relative_to(_ROOT) if file.is_relative_to(_ROOT) else file
    name = f"{function.__module__}.{function.__qualname__}"
    return Enforcement(rule_id, name, shown.as_posix(), code.co_firstlineno)
