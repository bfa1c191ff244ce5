"""``dixian import divisions``: the list of places into the database that joins it."""

from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from dixian.errors import CannotStart
from shared.policy.divisions import PACKAGED, BadDivisionFile, Divisions
from shared.store.reference.divisions import load_divisions, loaded_digest


def read(path: Path | None) -> Divisions:
    """The list in ``path``, or the packaged one. Raises ``CannotStart`` naming what is wrong."""
    source = path or PACKAGED
    try:
        return Divisions.load(source)
    except BadDivisionFile as error:
        raise CannotStart(f"{source}: {error}") from error
    except OSError as error:
        raise CannotStart(f"{source}: {error.strerror}") from error


async def import_divisions(owner_url: str, path: Path | None, console: Console) -> None:
    """Load the list with a progress bar; say so when it is there already."""
    divisions = read(path)
    connection = await asyncpg.connect(owner_url)
    try:
        if await loaded_digest(connection) == divisions.digest:
            console.print(f"divisions: all {len(divisions):,} are there")
            return
        with _progress(console) as progress:
            task = progress.add_task("divisions", total=len(divisions))
            await load_divisions(
                connection,
                divisions,
                now=datetime.now(UTC),
                progress=lambda rows: progress.advance(task, rows),
            )
        console.print(f"divisions: {len(divisions):,} loaded")
    finally:
        await connection.close()


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    # Nothing is drawn where nobody watches: a log keeps the sentence before and after.
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
