"""``dixian import feed``: sends a department's file through the door, and follows it to its end.

Stopped and begun again it goes on following: the file is the same file, and changes nothing twice.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from dixian.errors import CannotStart

_BLOCK = 1 << 20
_OPEN = ("RECEIVED", "COMPARING")
_FATES = {
    "lead": "leads, household known",
    "unmatched": "leads, household unknown",
    "ambiguous": "leads, several households",
    "below_threshold": "below the threshold, kept",
    "not_screened": "applications not screened, kept",
    "repeated": "came before",
    "refused": "refused",
}


@dataclass(frozen=True)
class FeedClient:
    """The alerts service, as the holder of a key or token sees it."""

    client: httpx.Client
    console: Console

    def send(self, feed: str, path: Path, *, rest: float = 1.0) -> dict[str, Any]:
        """Send ``path`` and follow it; the file as it stands in the end. Raises ``CannotStart``."""
        sent = self._answered(self.client.post(f"/feed-files/{feed}", content=_blocks(path)))
        with _progress(self.console) as progress:
            task = progress.add_task(path.name, total=sent["expected"])
            while sent["status"] in _OPEN:
                time.sleep(rest)
                sent = self._answered(self.client.get(f"/feed-files/{sent['id']}"))
                progress.update(task, completed=sent["rows"], total=sent["expected"])
        self._tell(sent)
        return sent

    def results(self, sent: dict[str, Any], path: Path) -> None:
        """Save what became of each row; CSV, JSON lines or XLSX, by the name of ``path``."""
        kind = path.suffix.removeprefix(".") or "csv"
        with self.client.stream("GET", f"/feed-files/{sent['id']}/rows.{kind}") as answer:
            if answer.status_code != 200:
                answer.read()
                self._answered(answer)
            with path.open("wb") as target:
                for part in answer.iter_bytes():
                    target.write(part)
        self.console.print(f"every row's fate: {path}")

    def _answered(self, answer: httpx.Response) -> dict[str, Any]:
        if answer.status_code >= 400:
            try:
                problem = answer.json()
            except ValueError:
                problem = {}
            raise CannotStart(problem.get("detail") or f"the service answered {answer.status_code}")
        made: dict[str, Any] = answer.json()
        return made

    def _tell(self, sent: dict[str, Any]) -> None:
        self.console.print(f"{sent['feed']}: {sent['rows']:,} rows")
        for fate, words in _FATES.items():
            if count := sent["fates"].get(fate):
                self.console.print(f"  {count:>10,}  {words}")
        if sent["refusal"]:
            self.console.print(f"  the file could not be read to its end: {sent['refusal']}")


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block
    except OSError as error:
        raise CannotStart(f"{path}: {error.strerror}") from error


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    # Nothing is drawn where nobody watches: a log keeps the sentences after.
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
