"""``dixian import feed``: sent, followed to its end, every row's fate saved."""

import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from dixian.errors import CannotStart
from dixian.feed import FeedClient

FATES = {"lead": 1, "unmatched": 0, "ambiguous": 0, "below_threshold": 7, "not_screened": 0}
FATES |= {"repeated": 0, "refused": 2}


class Door:
    """The service's door: a file is received, then half compared, then finished."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.content = b""
        self.left = ["COMPARING", "FINISHED"]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, request.url.path))
        if request.method == "POST":
            self.content = request.read()
            if not self.content:
                problem = {"code": "empty-file", "detail": "it is empty"}
                return httpx.Response(422, json=problem)
            return httpx.Response(202, json=self.file("RECEIVED", 0))
        if "rows." in request.url.path:
            return httpx.Response(200, content=b"n,fate\n2,LEAD\n")
        return httpx.Response(200, json=self.file(self.left.pop(0), 10))

    def file(self, status: str, rows: int) -> dict[str, Any]:
        return {
            "id": "f1",
            "feed": "medical-insurance",
            "status": status,
            "rows": rows,
            "expected": 10,
            "fates": FATES,
            "refusal": "",
        }


@pytest.fixture
def said() -> Console:
    return Console(file=io.StringIO(), width=120)


def client(door: Door, said: Console) -> FeedClient:
    made = httpx.Client(transport=httpx.MockTransport(door), base_url="http://alerts")
    return FeedClient(made, said)


def test_a_file_is_followed_to_its_end(tmp_path: Path, said: Console) -> None:
    path = tmp_path / "七月.csv"
    path.write_bytes(b"x" * 3_000_000)
    door = Door()
    sender = client(door, said)
    sent = sender.send("medical-insurance", path, rest=0)
    sender.results(sent, tmp_path / "fates.csv")
    assert len(door.content) == 3_000_000
    assert door.asked == [
        ("POST", "/feed-files/medical-insurance"),
        ("GET", "/feed-files/f1"),
        ("GET", "/feed-files/f1"),
        ("GET", "/feed-files/f1/rows.csv"),
    ]
    assert (tmp_path / "fates.csv").read_bytes() == b"n,fate\n2,LEAD\n"
    shown = said.file.getvalue()  # type: ignore[attr-defined]
    assert "7  below the threshold, kept" in shown
    assert "repeated" not in shown


def test_what_the_service_says_against_it_is_said(tmp_path: Path, said: Console) -> None:
    empty = tmp_path / "empty.csv"
    empty.touch()
    with pytest.raises(CannotStart, match="it is empty"):
        client(Door(), said).send("medical-insurance", empty, rest=0)
    with pytest.raises(CannotStart, match="No such file"):
        client(Door(), said).send("medical-insurance", tmp_path / "none.csv", rest=0)
