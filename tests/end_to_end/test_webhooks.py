"""What hotlines are told survives ``kill -9`` of everything, the database too."""

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from dixian.demo.client import Client
from dixian.home import Home
from shared.testing.ports import free_base
from tests.end_to_end.installation import ROOT
from tests.end_to_end.system import running

RECEIVER = ROOT / "docs" / "integration" / "receiver.py"
ORDERS = [f"GD-KILL-{number}" for number in range(8)]


def order(number: str, today: date) -> dict[str, Any]:
    return {
        "order_no": number,
        "kind": "CONSULT",
        "called_on": today.isoformat(),
        "division": "370114101200",
        "caller": {"name": "张某"},
        "text": "咨询",
    }


def deliveries(client: Client) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get("operator", "alerts", "/webhook-deliveries")["items"]
    return items


def all_delivered(client: Client) -> bool | None:
    """Whether each of them was."""
    states = [item["status"] for item in deliveries(client)]
    return states == ["DELIVERED"] * len(ORDERS) or None


def test_nothing_a_hotline_is_to_hear_is_lost(home: Home, tmp_path: Path) -> None:
    """Half of it is tried while nobody answers, the rest is not even queued when all is killed."""
    inbox, port = tmp_path / "inbox.jsonl", free_base((0,), spread=1)
    with running(home) as system:
        with system.client() as client:
            hook = client.act(
                "machine:hotline", "alerts", "/webhooks", {"url": f"http://127.0.0.1:{port}/"}
            )
            for number in ORDERS[:4]:
                client.act("machine:hotline", "alerts", "/orders", order(number, client.today()))
            client.eventually(
                "a delivery tried in vain",
                lambda: any(item["tries"] for item in deliveries(client)) or None,
            )
            for number in ORDERS[4:]:
                client.act("machine:hotline", "alerts", "/orders", order(number, client.today()))
        system.kill(with_postgres=True)
        receiver = subprocess.Popen(
            [sys.executable, RECEIVER, "--port", str(port), "--inbox", inbox],
            env={**os.environ, "WEBHOOK_SECRET": hook["secret"]},
            stdout=subprocess.DEVNULL,
        )
        try:
            system.start()
            with system.client() as client:
                client.eventually("every delivery", partial(all_delivered, client))
        finally:
            receiver.terminate()
            receiver.wait()
    taken = [json.loads(line) for line in inbox.read_text(encoding="utf-8").splitlines()]
    heard = Counter(item["data"]["order_no"] for item in taken)
    assert heard == Counter(ORDERS)
