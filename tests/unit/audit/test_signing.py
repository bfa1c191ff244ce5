"""``dixian sign``: a key of one's own, and what is looked at before it signs."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dixian.cli import app
from services.audit.domain import statement
from services.audit.log.keys import verifies
from shared.testing.decider import rule

CONTENT = '{"format":"dixian-correction/2"}'
HASH = sha256(CONTENT.encode()).hexdigest()
SAID = statement.decision(
    "CityReviewed", {"content_sha256": HASH, "document": "济农函〔2026〕12号"}
)
ANSWER = {"content": CONTENT, "content_sha256": HASH, "statement": SAID.decode()}


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["sign", *arguments])


@rule("R108")
def test_a_key_is_made_and_signs_what_is_shown(tmp_path: Path) -> None:
    key, answer = tmp_path / "my.key", tmp_path / "statement.json"
    made = json.loads(run("new-key", str(key), "--owner", "person:leader").stdout)
    enrolled = statement.enrolment("person:leader", made["public_key"])
    assert verifies(made["public_key"], enrolled, made["proof"])
    assert key.stat().st_mode & 0o777 == 0o600
    answer.write_text(json.dumps(ANSWER))
    done = run("decision", str(key), str(answer))
    signed = json.loads(done.stdout)
    assert signed["content_sha256"] == HASH
    assert verifies(made["public_key"], SAID, signed["signature"])
    assert CONTENT in done.stderr
    assert "济农函〔2026〕12号" in done.stderr
    again = run("new-key", str(key), "--owner", "person:leader")
    assert (again.exit_code, "never overwritten" in again.stderr) == (78, True)


@rule("R108", "R109")
@pytest.mark.parametrize(
    "changes",
    [
        {"content": CONTENT.replace("2", "3")},
        {"content_sha256": "0" * 64},
        {"statement": SAID.decode().replace(HASH, "0" * 64)},
        {"statement": SAID.decode().replace("dixian-gate-decision", "dixian-key-enrolment", 1)},
        {"statement": "dixian-gate-decision/1\n[]"},
        {"content": None},
    ],
    ids=["content", "hash", "another-content", "another-purpose", "no-object", "nothing"],
)
def test_a_statement_about_something_else_is_not_signed(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    key, answer = tmp_path / "my.key", tmp_path / "statement.json"
    run("new-key", str(key), "--owner", "person:leader")
    answer.write_text(json.dumps({**ANSWER, **changes}))
    done = run("decision", str(key), str(answer))
    assert (done.exit_code, done.stdout) == (78, "")
    assert "not a statement to sign" in done.stderr


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    key, answer = tmp_path / "my.key", tmp_path / "statement.json"
    run("new-key", str(key), "--owner", "person:leader")
    key.chmod(0o644)
    answer.write_text(json.dumps(ANSWER))
    assert "can be read by others" in run("decision", str(key), str(answer)).stderr
