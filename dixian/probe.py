"""Asks a process of this machine whether it is ready: ``python -m dixian.probe 8101``.

Apart from the command line because a health check runs every few seconds, and must cost little.
"""

import json
import sys
import urllib.request
from typing import Any
from urllib.error import URLError

_PATIENCE = 4.0


def is_ready(port: int, path: str = "/health/ready") -> bool:
    """Whether the process on ``port`` answers ``path`` with 200."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=_PATIENCE) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def health_of(port: int) -> dict[str, Any]:
    """What the process on ``port`` says of itself; nothing where it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=_PATIENCE) as answer:
            said: dict[str, Any] = json.load(answer)
            return said
    except (URLError, OSError, ValueError):
        return {}


if __name__ == "__main__":
    sys.exit(0 if is_ready(int(sys.argv[1]), *sys.argv[2:3]) else 1)
