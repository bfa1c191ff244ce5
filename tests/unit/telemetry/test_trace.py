"""Trace context is carried on when it is one, and replaced when it is not."""

import pytest

from shared.telemetry import trace

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_caller_s_trace_goes_on_in_a_new_span() -> None:
    mine = trace.continue_from(CALLER)
    assert mine.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert mine.span_id != "b7ad6b7169203331"
    assert trace.parse(mine.traceparent) == mine


def test_an_unsampled_trace_stays_unsampled() -> None:
    assert trace.continue_from(CALLER[:-2] + "00").traceparent.endswith("-00")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        CALLER.upper(),
        CALLER.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
        CALLER.replace("b7ad6b7169203331", "0" * 16),
        "ff" + CALLER[2:],
        CALLER + "-more",
    ],
)
def test_anything_else_starts_a_new_trace(header: str | None) -> None:
    assert trace.parse(header or "") is None
    assert trace.continue_from(header).trace_id != "0af7651916cd43dd8448eb211c80319c"


def test_a_later_version_may_say_more() -> None:
    assert trace.parse("01" + CALLER[2:] + "-more") is not None
