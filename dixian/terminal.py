"""How the command line speaks: one console, one way to say what went wrong."""

import contextlib
from collections.abc import Iterator

import typer
from rich.console import Console

from dixian.errors import CannotStart
from shared.vault.keyring import KeyFileFault

console = Console(highlight=False)
INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended."""
_CANNOT = 78
"""EX_CONFIG of sysexits.h: something outside the program must be put right."""


@contextlib.contextmanager
def plainly() -> Iterator[None]:
    """Say what a person can put right in a sentence, and Ctrl-C in none."""
    try:
        yield
    except (CannotStart, KeyFileFault) as error:
        Console(stderr=True, highlight=False).print(f"[red]{error}[/]", soft_wrap=True)
        raise typer.Exit(_CANNOT) from error
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
