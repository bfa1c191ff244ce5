"""``dixian import quarter`` and ``population``: a county's own file, answered row by row."""

from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from dixian.feed import answered, blocks


def send(client: httpx.Client, console: Console, door: str, path: Path) -> dict[str, Any]:
    """Send ``path`` to a door of the assistance service and say what became of its rows.

    Sent again it changes nothing twice. Raises ``CannotStart`` when the file is refused.
    """
    with console.status(f"{path.name} …"):
        sent = answered(client.post(door, content=blocks(path)))
    console.print(
        f"{path.name}: {sent['rows']:,} rows, {sent['changed']:,} changed,"
        f" {sent['unchanged']:,} as they were, {sent['wrong']:,} wrong"
    )
    for wrong in sent["errors"]:
        console.print(f"  row {wrong['row']}: {wrong['field']} {wrong['detail']}")
    return sent
