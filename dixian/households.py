"""``dixian import households``: a county's file over HTTP, with progress."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn

from dixian.errors import CannotStart
from dixian.layout import ISSUER, url_of
from dixian.people import PASSWORD

_BLOCK = 1 << 16
_SHOWN = 20


@dataclass
class Told:
    """What the service has answered so far."""

    done: int = 0
    wrong: int = 0
    summary: dict[str, Any] | None = None


@dataclass(frozen=True)
class Sender:
    """Who sends, and where to."""

    console: Console
    url: str
    """Where the service answers; this machine when empty."""
    token: str
    """A bearer token; without one the demo's issuer is asked for ``user``'s."""
    user: str

    def send(self, path: Path, *, preview: bool) -> bool:
        """Send a file; whether every household was taken. Raises ``CannotStart``.

        A broken connection loses nothing: sent again, the file goes on where it was.
        """
        # A large file is answered line by line while it is worked through.
        timeout = httpx.Timeout(30, read=300)
        try:
            with path.open("rb") as file, httpx.Client(timeout=timeout) as client:
                token = self.token or _demo_token(client, self.user)
                sent = client.stream(
                    "POST",
                    f"{self.url or url_of('identification')}/households/import",
                    params={"preview": preview},
                    content=_blocks(file),
                    headers={"Authorization": f"Bearer {token}"},
                )
                with sent as answer:
                    told = _follow(answer, self.console)
        except OSError as error:
            raise CannotStart(f"{path}: {error.strerror or error}") from error
        except httpx.HTTPError as error:
            raise CannotStart(
                f"The service cannot be reached ({type(error).__name__}). Send the file again: "
                "what was taken in is not taken in twice."
            ) from error
        return _closing(told, self.console, preview=preview)


def _follow(answer: httpx.Response, console: Console) -> Told:
    if answer.status_code != httpx.codes.OK:
        answer.read()
        raise CannotStart(str(answer.json().get("detail", answer.status_code)))
    told = Told()
    columns = (TextColumn("{task.description}"), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("households", total=None)
        for line in answer.iter_lines():
            item = json.loads(line)
            if "summary" in item:
                told.summary = item["summary"]
            elif "stopped" in item:
                console.print(f"[red]stopped[/]: {item['stopped']['detail']}", soft_wrap=True)
                told.wrong += 1
            else:
                told.done += 1
                _show_errors(item, told, console)
                bar.advance(task)
    return told


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), MofNCompleteColumn())
    # Nothing is drawn where nobody watches: a log keeps the sentence at the end.
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _show_errors(item: dict[str, Any], told: Told, console: Console) -> None:
    for error in item.get("errors", ()):
        told.wrong += 1
        if told.wrong <= _SHOWN:
            where = f"row {error['row']} {error['field']}"
            console.print(f"[red]{where}[/]: {error['detail']}", soft_wrap=True)


def _closing(told: Told, console: Console, *, preview: bool) -> bool:
    if told.summary is None:
        raise CannotStart("The answer broke off. Send the file again: it goes on where it was.")
    if told.wrong > _SHOWN:
        console.print(f"... and {told.wrong - _SHOWN:,} more errors")
    found = told.summary
    would = "would be registered" if preview else "registered"
    console.print(
        f"households: {found['registered']:,} {would}, {found['already']:,} were there, "
        f"{found['refused']:,} refused; {found['rows']:,} rows"
    )
    return found["refused"] == 0 and told.wrong == 0


def _demo_token(client: httpx.Client, user: str) -> str:
    asked = {"grant_type": "password", "username": user, "password": PASSWORD}
    answer = client.post(f"{url_of(ISSUER)}/token", data=asked)
    if answer.status_code != httpx.codes.OK:
        raise CannotStart(f"The demo's issuer lets no {user} in; set DIXIAN_TOKEN.")
    return str(answer.json()["access_token"])


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(_BLOCK):
        yield block
