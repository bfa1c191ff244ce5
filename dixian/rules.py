"""``dixian rules``: every rule of the Guide, the lines that enforce it, the tests that prove it."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from dixian.composition import module
from dixian.provision import SERVICES
from shared.policy.rules import Entry, catalogue

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Traced:
    """A rule with where it is enforced and which tests are marked with it."""

    entry: Entry
    tests: tuple[str, ...]
    """``tests/unit/identification/test_case.py::test_approval_waits``."""

    @property
    def complete(self) -> bool:
        """Whether it is both enforced and proven."""
        return bool(self.entry.enforced_by and self.tests)


def trace(tests: Path = ROOT / "tests") -> list[Traced]:
    """The whole catalogue; every service is imported, so that nothing that enforces is missed."""
    for name in SERVICES:
        module(name)
    proven = marked(tests)
    return [Traced(entry, tuple(proven.get(entry.rule.id, ()))) for entry in catalogue()]


def marked(tests: Path) -> Mapping[str, Sequence[str]]:
    """The tests below a folder by the rules they are marked with; read, not run."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(tests.rglob("test_*.py")):
        for name, rules in _marks(ast.parse(path.read_text(encoding="utf-8"))):
            for rule in rules:
                found[rule].append(f"{path.relative_to(tests.parent).as_posix()}::{name}")
    return found


def _marks(tree: ast.AST) -> Iterator[tuple[str, list[str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and _is_rule(decorator.func):
                    given = [arg.value for arg in decorator.args if isinstance(arg, ast.Constant)]
                    yield node.name, [value for value in given if isinstance(value, str)]


def _is_rule(function: ast.expr) -> bool:
    """``@rule(…)``, and ``@pytest.mark.rule(…)``."""
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name == "rule"


def show(console: Console, *, missing: bool) -> None:
    """Print the catalogue, or only what is not yet both enforced and proven."""
    everything = trace()
    traced = [item for item in everything if not (missing and item.complete)]
    table = Table("rule", "Guide", "kind", "what", "enforced at", "proven by")
    for item in traced:
        rule, lines = item.entry.rule, item.entry.enforced_by
        table.add_row(
            rule.id,
            rule.question,
            rule.kind,
            rule.title_zh,
            "\n".join(f"{line.file}:{line.line}" for line in lines[:3]),
            "\n".join(item.tests[:2]) + (f"\n(+{len(item.tests) - 2})" if item.tests[2:] else ""),
        )
    console.print(table)
    complete = sum(item.complete for item in everything)
    console.print(f"{complete} of {len(everything)} rules are both enforced and proven.")
