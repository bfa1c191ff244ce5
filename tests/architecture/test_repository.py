"""What stands in the repository: no machine's own paths, no registry's address, true README."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Put together here, so that this file is not its own first finding.
FOREIGN = [
    "pypi." + "org",
    "pythonhosted." + "org",
    "registry.npmjs" + ".org",
    "repo.maven." + "apache",
    "repo1." + "maven",
    "proxy.golang" + ".org",
    "deb." + "debian.org",
    "/opt/" + "wheels",
    "/work" + "/",
    "/root" + "/",
    "/home" + "/",
]
GENERATED = {"requirements.lock", "requirements-dev.lock"}
SIZE_LIMIT = 500
"""Lines of a source file. 400 read well; past 500 somebody has to split it."""


def tracked() -> list[Path]:
    """What git has or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for line in listed.stdout.splitlines() if (path := ROOT / line).is_file()]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_no_file_names_a_registry_or_a_place_on_somebodys_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in tracked()
        for word in FOREIGN
        if word in text_of(path)
    ]
    assert found == []


def test_source_files_stay_readable() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in tracked()
        if path.suffix == ".py"
        and "tests" not in path.parts
        and (count := len(text_of(path).splitlines())) > SIZE_LIMIT
    }
    assert long == {}


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md", "docs/architecture.md"])
def test_every_make_command_in_the_documents_is_a_target(readme: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", (ROOT / readme).read_text(encoding="utf-8")))
    assert named - targets == set()


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md", "docs/architecture.md"])
def test_every_link_inside_the_repository_leads_somewhere(readme: str) -> None:
    path = ROOT / readme
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_target_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    described = set(re.findall(r"^([a-z]+):.*## .+$", makefile, re.MULTILINE))
    assert set(phony[1].split()) - described == {"runtime", "dev"}


def test_the_locks_hold_every_dependency_with_its_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {name_of(line) for line in project["project"]["dependencies"]}
    wanted_dev = {name_of(line) for line in project["dependency-groups"]["dev"]}
    build = {name_of(line) for line in project["dependency-groups"]["build"]}
    runtime, dev = (locked(ROOT / name) for name in ("requirements.lock", "requirements-dev.lock"))
    assert (wanted | build) - set(runtime) == set(), "make lock"
    assert wanted_dev - set(dev) == set(), "make lock"
    assert runtime.items() <= dev.items(), "both locks agree"


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9_.-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def locked(path: Path) -> dict[str, str]:
    """Every name in a lock with its version; each must have a hash."""
    entries = re.split(r"\n(?=[a-z0-9])", path.read_text())
    for entry in entries:
        assert "--hash=sha256:" in entry, entry
    pairs = [re.match(r"([a-z0-9-]+)==(\S+)", entry) for entry in entries]
    return {pair[1]: pair[2] for pair in pairs if pair}
