"""The floor plan holds: who imports whom, and that every package the rules name is there."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
PURE = {
    "shared/kernel": {"pydantic", "pydantic_core", "uuid_utils", "shared.kernel"},
    "shared/policy": {"pydantic", "chinese_calendar", "shared.kernel", "shared.policy"},
    "shared/contracts": {
        "orjson",
        "pydantic",
        "shared.kernel",
        "shared.policy",
        "shared.contracts",
    },
}
"""Packages without a framework, and all they may import besides the standard library."""
# RFC 8785 is a pure function from JSON to bytes: what a digest in an event is taken of.
OF_A_DOMAIN = {"pydantic", "rfc8785", "shared.kernel", "shared.contracts", "shared.policy"}


def test_import_linter_finds_nothing() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def named_packages() -> Iterator[str]:
    """Every package and room that a contract speaks of."""
    yield from CONTRACTS["root_packages"]
    for contract in CONTRACTS["contracts"]:
        containers = contract.get("containers", [])
        yield from containers
        yield from contract.get("modules", [])
        yield from contract.get("source_modules", [])
        rooms = [room for layer in contract.get("layers", []) for room in re.findall(r"\w+", layer)]
        for room in rooms:
            # A room that one service does without must be there in another: no rule for nothing.
            yield "|".join(f"{container}.{room}" for container in containers) or room


@pytest.mark.parametrize("name", sorted(set(named_packages())))
def test_every_package_a_contract_names_exists(name: str) -> None:
    paths = [ROOT / alternative.replace(".", "/") for alternative in name.split("|")]
    assert any(path.is_dir() or path.with_suffix(".py").exists() for path in paths), name


def pure_files() -> Iterator[tuple[Path, set[str]]]:
    for package, allowed in PURE.items():
        for file in (ROOT / package).rglob("*.py"):
            yield file, allowed
    for domain in sorted((ROOT / "services").glob("*/domain")):
        own = f"services.{domain.parent.name}.domain"
        for file in domain.rglob("*.py"):
            yield file, OF_A_DOMAIN | {own}


@pytest.mark.parametrize(
    ("file", "allowed"),
    [pytest.param(file, allowed, id=str(file.relative_to(ROOT))) for file, allowed in pure_files()],
)
def test_the_domain_is_free_of_frameworks(file: Path, allowed: set[str]) -> None:
    for module in imported(file):
        standard = module.partition(".")[0] in sys.stdlib_module_names
        assert standard or any(
            module == name or module.startswith(f"{name}.") for name in allowed
        ), f"{file.relative_to(ROOT)} imports {module}"


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide where one is"
            yield node.module or ""
