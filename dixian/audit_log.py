"""``dixian export`` and ``dixian verify``: the audit log as files, and whether they hold."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from dixian.errors import CannotStart
from services.audit.domain.note import NoteError
from services.audit.domain.tlogproof import ProofError, TlogProof
from services.audit.exports.check import Checked, check, is_trail_export, own_keys
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

    ``directory`` is the log as ``dixian export`` wrote it, the ZIP of an export of the trail, or
    the proof of one entry (``entry.tlog-proof``, its text ``leaf.json`` beside it).
    Raises ``CannotStart`` for a key or a file that cannot be read.
    """
    known = _known(directory, keys)
    if not keys:
        console.print("[yellow]No --key given: trusting the export's own, which proves nothing.[/]")
    if is_trail_export(directory):
        return _say_checked(check(directory, known), console)
    if directory.is_file():
        return _prove(directory, known, console)
    try:
        seen = [path.read_bytes() for path in earlier]
    except OSError as error:
        raise CannotStart(f"{error.filename}: {error.strerror}") from error
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


def _known(export: Path, keys: Sequence[str]) -> Sequence[KeyVerifier]:
    """The keys given, each a line or a file that holds one; else those the export names."""
    if not export.exists():
        raise CannotStart(f"there is no {export}")
    try:
        if keys:
            return [KeyVerifier.parse(_key_of(key)) for key in keys]
        if is_trail_export(export):
            return own_keys(export)
        return [trusted_key(export) if export.is_dir() else _beside(export)]
    except FileNotFoundError as error:
        raise CannotStart(
            f"there is no {error.filename}, which would name the log's key: give a key you trust"
            " (--key NAME+ID+BASE64, or a file that holds it, such as log.vkey)"
        ) from error
    except (OSError, NoteError, KeyError, ValueError) as error:
        raise CannotStart(f"not a key: {error}") from error


def _key_of(given: str) -> str:
    if "+" in given:
        return given
    if not Path(given).is_file():
        raise CannotStart(
            f"--key {given}: neither a key (NAME+ID+BASE64) nor a file that holds one;"
            " on the page of an entry the key can be downloaded as log.vkey"
        )
    return Path(given).read_text(encoding="utf-8").strip()


def _beside(proof: Path) -> KeyVerifier:
    return KeyVerifier.parse((proof.parent / "log.vkey").read_text(encoding="utf-8").strip())


def _prove(path: Path, known: Sequence[KeyVerifier], console: Console) -> bool:
    """One entry: its text stands in the log whose head is signed."""
    leaf = path.parent / "leaf.json"
    if not leaf.is_file():
        raise CannotStart(f"there is no {leaf}: download the entry's text beside its proof")
    try:
        proof = TlogProof.parse(path.read_bytes())
        head = proof.verify(leaf.read_bytes(), known, known[0].name)
    except (ProofError, NoteError) as error:
        console.print(f"[red]wrong[/]    {escape(f'{path}: {error}')}", soft_wrap=True)
        return False
    console.print(f"log      {head.origin}")
    console.print(f"entry    {proof.index} of {head.size:,}")
    console.print("[green]the text stands in the signed log[/]")
    return True


def _say_checked(found: Checked, console: Console) -> bool:
    console.print(f"logs     {', '.join(found.logs) or 'none that is signed by a known key'}")
    console.print(f"rows     {found.rows:,}")
    for problem in found.problems[:_SHOWN]:
        console.print(f"[red]wrong[/]    {escape(problem)}", soft_wrap=True)
    if found.ok:
        console.print("[green]every row is what was logged, and every proof holds[/]")
    return found.ok


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
