"""Log records: one chain for everybody, no personal data by any road."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from shared.telemetry.faults import describe
from shared.telemetry.logs import LogSettings, configure, formatter
from shared.telemetry.redaction import redact, redact_text

ID, PHONE, CARD = "370114199001011234", "13812345678", "6222021234567890128"


@pytest.fixture
def written() -> Any:
    """What the chain writes, as a list of records."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter("json"))
    root = logging.getLogger("dixian-test")
    root.handlers, root.propagate = [handler], False
    root.setLevel(logging.DEBUG)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers = []


def test_a_library_s_record_is_one_json_line_without_personal_data(written: Any) -> None:
    logging.getLogger("dixian-test").warning("query for %s from %s", ID, "10.0.0.1")
    [record] = written()
    assert record == {
        "event": "query for [id] from 10.0.0.1",
        "logger": "dixian-test",
        "level": "warning",
        "time": record["time"],
    }


def test_a_fault_is_told_without_its_message(written: Any) -> None:
    try:
        raise ValueError("张三")
    except ValueError:
        logging.getLogger("dixian-test").exception("it failed")
    [record] = written()
    assert record["fault"]["type"] == "builtins.ValueError"
    assert record["fault"]["at"][0].endswith("test_a_fault_is_told_without_its_message")
    assert "张三" not in json.dumps(record, ensure_ascii=False)


def test_context_travels_into_every_record(written: Any) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1", service="alerts"):
        logging.getLogger("dixian-test").info("hello")
    [record] = written()
    assert (record["request_id"], record["service"]) == ("r-1", "alerts")


def test_configure_routes_uvicorn_through_the_chain(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        configure(LogSettings(level="INFO", format="json"))
        logging.getLogger("uvicorn.error").info("Started server %s", PHONE)
        logging.getLogger("uvicorn.access").info("GET /secret")
        structlog.get_logger("dixian").info("ours", name="张三", count=3)
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    finally:
        root.handlers = before
        root.setLevel(level)
        structlog.reset_defaults()
    assert [(line["event"], line.get("name"), line.get("count")) for line in lines] == [
        ("Started server [phone]", None, None),
        ("ours", "[personal]", 3),
    ]


@pytest.fixture
def ours() -> Iterator[Any]:
    """A logger of our own, as a process has it."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    configure(LogSettings(level="INFO", format="json"))
    yield structlog.get_logger("dixian")
    root.handlers = before
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_full_disk_takes_lines_and_nothing_else(
    ours: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch, open("/dev/full", "wb", buffering=0) as device:  # noqa: PTH123
        patch.setattr(sys, "stderr", io.TextIOWrapper(device, write_through=True))
        ours.info("the first")
        ours.error("the second")
    ours.info("there is room again")
    ours.info("all is well")
    half, *whole = capsys.readouterr().err.splitlines()
    assert half == ""
    lines = [json.loads(line) for line in whole]
    assert [(line["event"], line.get("lines")) for line in lines] == [
        ("log.gap", 2),
        ("there is room again", None),
        ("all is well", None),
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"户主{ID}。", "户主[id]。"),
        (f"{ID}12", "[id]"),
        (f"tel:+86{PHONE}", "tel:+[phone]"),
        (f"card {CARD}", "card [card]"),
        ("0199c2f0-5a7e-7000-8000-138123456789", "0199c2f0-5a7e-7000-8000-138123456789"),
        ("4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("2023-08-01T00:00:00.000000Z", "2023-08-01T00:00:00.000000Z"),
        ("370114101200", "370114101200"),
    ],
)
def test_patterns_are_masked_and_ids_are_not(text: str, shown: str) -> None:
    assert redact_text(text) == shown


def test_values_are_redacted_however_deep() -> None:
    assert redact({"rows": [{"phone": "1", "note": PHONE, "n": int(PHONE), "at": 5}]}) == {
        "rows": [{"phone": "[personal]", "note": "[phone]", "n": "[phone]", "at": 5}]
    }


def test_a_nest_too_deep_is_not_shown() -> None:
    deep: Any = ID
    for _ in range(20):
        deep = [deep]
    assert ID not in json.dumps(redact(deep))


def test_causes_and_groups_are_described() -> None:
    try:
        try:
            raise KeyError("张三")
        except KeyError as error:
            raise ExceptionGroup("two", [OSError(111, "refused")]) from error
    except ExceptionGroup as group:
        told = describe(group)
    assert told["cause"]["type"] == "builtins.KeyError"
    assert told["errors"][0]["message"] == "[Errno 111] refused"
    assert "张三" not in json.dumps(told, ensure_ascii=False)
