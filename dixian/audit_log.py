"""``dixian export`` and ``dixian verify``: the audit log as files, and whether they hold."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from dixian.errors import CannotStart
from services.audit.domain.note import NoteError
from services.audit.log.export import export
from services.audit.log.keys import KeyVerifier
from services.audit.log.verify import Report, trusted_key, verify
from shared.kernel.clock import SystemClock
from shared.kernel.refusal import Refusal
from shared.store.database import Database

_SHOWN = 50


def export_log(url: str, log: str | None, directory: Path, console: Console) -> None:
    """Write a log (the newest by default) into ``directory``; an earlier export is continued."""

    async def write() -> None:
        database = Database(url, clock=SystemClock())
        try:
            with _bar(console) as bar:
                task = bar.add_task("entries", total=None)
                signed = await export(
                    database,
                    log,
                    directory,
                    lambda done, every: bar.update(task, completed=done, total=every),
                )
        finally:
            await database.close()
        console.print(f"{directory}: {signed.size:,} entries, signed {signed.signed_at:%F %T %Z}")
        console.print(f"key: {signed.vkey}", soft_wrap=True)

    try:
        asyncio.run(write())
    except Refusal as refusal:
        raise CannotStart(f"{refusal.zh} ({refusal.en})") from refusal


def verify_export(
    directory: Path,
    keys: Sequence[str],
    earlier: Sequence[Path],
    console: Console,
    *,
    continues: bool,
) -> bool:
    """Verify an export and say what was found; whether all of it holds.

    Raises ``CannotStart`` for a key or a file that cannot be read.
    """
    try:
        known = [KeyVerifier.parse(key) for key in keys] or [trusted_key(directory)]
        seen = [path.read_bytes() for path in earlier]
    except (OSError, NoteError) as error:
        raise CannotStart(f"{error}") from error
    if not keys:
        console.print("[yellow]No --key given: trusting the export's own, which proves nothing.[/]")
    with _bar(console) as bar:
        task = bar.add_task("entries", total=None)
        report = verify(
            directory,
            known,
            earlier=seen,
            first_log=not continues,
            progress=lambda done, every: bar.update(task, completed=done, total=every),
        )
    _say(report, console)
    return report.ok


def _say(report: Report, console: Console) -> None:
    console.print(f"log      {report.origin}")
    console.print(f"entries  {report.size:,} of {report.streams:,} streams")
    console.print(f"root     {report.root.hex()}")
    console.print(f"signed   {', '.join(report.signed_by) or 'by no known key'}")
    if report.continued:
        console.print(f"{report.continued:,} streams go on from an earlier log; verify that too")
    for problem in report.problems[:_SHOWN]:
        console.print(f"[red]wrong[/]    {escape(str(problem))}", soft_wrap=True)
    if len(report.problems) > _SHOWN:
        console.print(f"[red]and {len(report.problems) - _SHOWN:,} more[/]")
    if report.ok:
        console.print("[green]every byte holds[/]")


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
    )
