"""The compose file, as far as it can be checked without an engine.

It fits its specification; its processes, commands, ports and variables are those of
``make cluster``; every variable is known to a settings class.
"""

import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import AliasChoices
from pydantic_settings import BaseSettings

import dixian
import services
import shared
from dixian.broker import KAFKA_VERSION
from dixian.layout import Layout, Places, Process

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy" / "docker-compose.yml"
PLACES = Places(
    postgres="postgres:5432",
    kafka="kafka:9092",
    issuer="http://issuer:8100",
    services="http://{name}:{port}",
    keys="/keys",
    host="0.0.0.0",
    evidence="file:///evidence",
)
OURS = {process.name: process for process in Layout(PLACES).processes()}
NOT_OURS = {"PGPASSFILE"}
"""Variables that a library reads by itself."""


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", FILE.read_text(encoding="utf-8"))
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def test_it_fits_the_specification() -> None:
    program = Path(sys.executable).with_name("check-jsonschema")
    command = [program, "--builtin-schema", "vendor.compose-spec", FILE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_has_the_processes_of_the_cluster(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == set(OURS) | {"keys", "postgres", "kafka"}


@pytest.mark.parametrize("process", OURS.values(), ids=lambda process: process.name)
def test_a_process_is_the_same_in_both(compose: dict[str, Any], process: Process) -> None:
    there = compose["services"][process.name]
    assert tuple(there["command"]) == process.command
    assert there["environment"] == process.variables
    assert there["restart"] == ("no" if process.once else "unless-stopped")
    waits = set(there["depends_on"])
    assert waits >= set(process.after)
    if process.port is not None:
        probe = ["CMD", "python", "-m", "dixian.probe", str(process.port)]
        path = [] if process.health == "/health/ready" else [process.health]
        assert there["healthcheck"]["test"] == probe + path
    published = process.port is not None and "worker" not in process.name
    expected = [f"127.0.0.1:{process.port}:{process.port}"] if published else []
    assert there.get("ports", []) == expected


@pytest.mark.parametrize("process", OURS.values(), ids=lambda process: process.name)
def test_a_container_can_do_little(compose: dict[str, Any], process: Process) -> None:
    there = compose["services"][process.name]
    assert there["read_only"] is True
    assert there["cap_drop"] == ["ALL"]
    assert there["security_opt"] == ["no-new-privileges:true"]
    keys, *others = there["volumes"]
    assert others == (
        ["evidence:/evidence"] if "DIXIAN_EVIDENCE_STORE" in process.variables else []
    )
    owner = "admin" if process.name == "migrate" else process.name.split("-")[0]
    assert keys == {
        "type": "volume",
        "source": "keys",
        "target": "/keys",
        "read_only": True,
        "volume": {"subpath": owner},
    }


def test_what_is_waited_for_can_become_what_is_waited_for(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for waited, how in service.get("depends_on", {}).items():
            target = compose["services"][waited]
            if how["condition"] == "service_healthy":
                assert "healthcheck" in target, (name, waited)
            else:
                assert (how["condition"], target["restart"]) == (
                    "service_completed_successfully",
                    "no",
                )


def test_the_broker_and_the_database_are_those_of_the_cluster(compose: dict[str, Any]) -> None:
    assert compose["services"]["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"
    assert compose["services"]["postgres"]["image"] == "postgres:18"
    assert "postgres:/var/lib/postgresql" in compose["services"]["postgres"]["volumes"]


def test_no_variable_holds_a_secret(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            assert "PASSWORD" not in name or name.endswith("_FILE"), name
            assert not re.search(r"://[^/@]*:[^/@]+@", str(value)), name


def settings_classes(cls: type[BaseSettings] = BaseSettings) -> set[type[BaseSettings]]:
    below = set(cls.__subclasses__())
    return below.union(*(settings_classes(sub) for sub in below))


def known_variables() -> set[str]:
    """Every variable that some settings class reads."""
    for package in (dixian, services, shared):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not re.search(r"migrations|alembic|shared\.testing|__main__", module.name):
                importlib.import_module(module.name)
    return {
        variable
        for cls in settings_classes()
        for name, field in cls.model_fields.items()
        for variable in _variables(cls, name, field.validation_alias)
    }


def _variables(cls: type[BaseSettings], name: str, alias: object) -> list[str]:
    if isinstance(alias, AliasChoices):
        return [str(choice).upper() for choice in alias.choices]
    if alias is not None:
        return [str(alias).upper()]
    return [f"{cls.model_config.get('env_prefix', '')}{name}".upper()]


def test_every_variable_is_known_to_a_settings_class() -> None:
    set_here = {name for process in OURS.values() for name in process.variables} - NOT_OURS
    assert set_here - known_variables() == set()
