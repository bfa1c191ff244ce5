"""Asks a process of this machine whether it is ready: ``python -m dixian.probe 8101``.

Apart from the command line because a health check runs every few seconds, and must cost little.
"""

import sys
import urllib.request
from urllib.error import URLError

_PATIENCE = 4.0


def is_ready(port: int, path: str = "/health/ready") -> bool:
    """Whether the process on ``port`` answers ``path`` with 200."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=_PATIENCE) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(0 if is_ready(int(sys.argv[1]), *sys.argv[2:3]) else 1)
