"""The command line. Each command is thin: what it does is in the module it names.

Modules are imported by the command that needs them, so that ``dixian --help`` answers at once.
"""

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.console import Console

from dixian.cli_imports import imports
from dixian.provision import SERVICES
from dixian.terminal import console, plainly

if TYPE_CHECKING:
    from dixian.keys import Keys

app = typer.Typer(
    name="dixian",
    help="Dixian 底线: keeps households from falling back into poverty.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
cluster = typer.Typer(help="The production shape on this machine.", no_args_is_help=True)
parked = typer.Typer(help="What could not be handled: list, show, replay.", no_args_is_help=True)
rotate = typer.Typer(help="New keys, without stopping anything.", no_args_is_help=True)
app.add_typer(imports, name="import")
app.add_typer(cluster, name="cluster")
app.add_typer(parked, name="parked")
sign = typer.Typer(help="Sign at the gates with one's own key.", no_args_is_help=True)
app.add_typer(sign, name="sign")
app.add_typer(rotate, name="rotate")


@app.command()
def up() -> None:
    """Start the whole system in one process (what `make run` calls)."""
    from dixian.up import up as run

    with plainly():
        run(console)


@app.command()
def serve(
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.")],
    role: Annotated[str, typer.Option(help="http or worker.")],
    replica: Annotated[int, typer.Option(min=0, max=15, help="Its number among its like.")] = 0,
) -> None:
    """Run one half of one service: its API, or its workers."""
    from dixian.serve import Part
    from dixian.serve import serve as run

    if service not in SERVICES:
        raise typer.BadParameter(f"{service} is none of {', '.join(SERVICES)}")
    if role not in list(Part):
        raise typer.BadParameter(f"{role} is neither http nor worker")
    with plainly():
        run(service, Part(role), replica)


@app.command()
def demo(
    patience: Annotated[
        float, typer.Option(min=1, help="Seconds to wait for a system that is away.")
    ] = 120.0,
) -> None:
    """Walk one household through the running system, step by step, over HTTP."""
    from dixian.demo.run import run

    with plainly():
        run(console, patience=patience)


@app.command()
def tour(
    patience: Annotated[
        float, typer.Option(min=1, help="Seconds to wait for a system that is away.")
    ] = 120.0,
) -> None:
    """Fill the running demo so that everybody has something to do on the pages."""
    from dixian.demo.run import run

    with plainly():
        run(console, patience=patience, touring=True)


@app.command()
def issuer() -> None:
    """Run the demo's own sign-in; refuses in production mode."""
    from dixian.serve import issuer as run

    with plainly():
        run()


@app.command(name="console")
def pages() -> None:
    """Run the pages for people; they speak to the services over HTTP."""
    from dixian.serve import console as run

    with plainly():
        run()


@app.command()
def migrate() -> None:
    """Bring databases, reference data and topics up to date."""
    import asyncio

    from dixian.keys import passwords_in
    from dixian.migrations import migrate as run

    with plainly():
        asyncio.run(run(console, passwords_in(Path(os.environ.get("PGPASSFILE", "~/.pgpass")))))


@app.command()
def keys(directory: Annotated[Path, typer.Argument(help="Where to keep them.")]) -> None:
    """Make the keys and passwords that are missing."""
    from dixian.keys import Keys

    with plainly():
        Keys(directory).make()


@app.command()
def doctor() -> None:
    """Say what is wrong with this installation."""
    from dixian.doctor import doctor as run

    if not run(console):
        raise typer.Exit(1)


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(help="Where to; an earlier export goes on.")],
    log: Annotated[str | None, typer.Option(help="The newest unless given.")] = None,
) -> None:
    """Write the audit log as static files, for anybody to verify."""
    from dixian.audit_log import export_log
    from dixian.embedded import join_running
    from dixian.settings import DatabaseSettings

    with plainly():
        join_running()
        export_log(DatabaseSettings().writer("audit"), log, directory, console)


@app.command()
def verify(
    directory: Annotated[
        Path,
        typer.Argument(help="An exported log, an export of the trail (ZIP), or entry.tlog-proof."),
    ],
    key: Annotated[
        list[str] | None,
        typer.Option(help="A key you trust: NAME+ID+BASE64, or a file that holds it."),
    ] = None,
    earlier: Annotated[list[Path] | None, typer.Option(help="A checkpoint seen before.")] = None,
    continues: Annotated[bool, typer.Option(help="Streams go on from an earlier log.")] = False,
) -> None:
    """Check an export of the audit log offline, every byte of it."""
    from dixian.audit_log import verify_export

    with plainly():
        holds = verify_export(directory, key or [], earlier or [], console, continues=continues)
    if not holds:
        raise typer.Exit(1)


@app.command()
def rebuild(
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.")],
) -> None:
    """Make a service's read models anew from its events, while it goes on."""
    import asyncio

    from dixian.embedded import join_running
    from dixian.rebuild import rebuild as run

    if service not in SERVICES:
        raise typer.BadParameter(f"{service} is none of {', '.join(SERVICES)}")
    with plainly():
        join_running()
        asyncio.run(run(service, console))


@app.command()
def contracts(
    directory: Annotated[Path, typer.Argument(help="Where to.")] = Path("docs/contracts"),
) -> None:
    """Write the events' AsyncAPI 3 document and JSON Schemas."""
    from shared.contracts.publish import write

    console.print(f"{len(write(directory))} files in {directory}")


@app.command()
def access(
    file: Annotated[Path, typer.Argument(help="Where to.")] = Path("docs/access.md"),
) -> None:
    """Write the table of every route with the roles and levels that may call it."""
    from dixian.access import write

    write(file)
    console.print(f"{file}")


@app.command()
def rules(
    missing: Annotated[bool, typer.Option(help="Only what is not enforced and proven.")] = False,
) -> None:
    """Show every rule of the Guide with the lines that enforce it and the tests that prove it."""
    from dixian.rules import show

    show(console, missing=missing)


@sign.command("new-key")
def sign_new_key(
    key: Annotated[Path, typer.Argument(help="A file that is made, for its owner's eyes only.")],
    owner: Annotated[str, typer.Option(help="Whose it is: person:<sign-in name>.")],
) -> None:
    """Make a signing key; print what `POST /signing-keys` takes."""
    from dixian.signing import new_key

    with plainly():
        typer.echo(new_key(key, owner))


@sign.command("decision")
def sign_decision(
    key: Annotated[Path, typer.Argument(help="One's own key's file.")],
    statement: Annotated[
        Path, typer.Argument(help="The answer of `GET /corrections/{id}/statement`; - for stdin.")
    ],
) -> None:
    """Check a statement against its content, show it, and print the signature."""
    from dixian.signing import sign_statement

    with plainly():
        typer.echo(sign_statement(key, statement, Console(stderr=True, highlight=False)))


@app.command()
def republish() -> None:
    """Publish every event again, after the bus was lost; the workers must be stopped."""
    import asyncio

    from dixian.embedded import join_running
    from dixian.republish import republish as run

    with plainly():
        join_running()
        asyncio.run(run(console))


@parked.command("list")
def parked_list(
    service: Annotated[str | None, typer.Argument(help="All unless given.")] = None,
) -> None:
    """List what waits, the oldest first, with its reason."""
    import asyncio

    from dixian.embedded import join_running
    from dixian.parked import list_parked

    with plainly():
        join_running()
        asyncio.run(list_parked([service] if service else SERVICES, console))


@parked.command("show")
def parked_show(
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.")],
    parked_id: Annotated[UUID, typer.Argument(help="As the list has it.")],
) -> None:
    """Show one message whole."""
    import asyncio

    from dixian.embedded import join_running
    from dixian.parked import show_parked

    with plainly():
        join_running()
        asyncio.run(show_parked(service, parked_id, console))


@parked.command("replay")
def parked_replay(
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.")],
    parked_id: Annotated[UUID, typer.Argument(help="As the list has it.")],
) -> None:
    """Handle it again once its cause is gone, and what waits behind it."""
    import asyncio

    from dixian.embedded import join_running
    from dixian.parked import replay_parked

    with plainly():
        join_running()
        done = asyncio.run(replay_parked(service, parked_id, console))
    if not done:
        raise typer.Exit(1)


@cluster.command("up")
def cluster_up() -> None:
    """Start Kafka, PostgreSQL and every service as processes of their own."""
    from dixian.cluster import here, up
    from dixian.settings import ClusterSettings

    with plainly():
        up(here(), ClusterSettings(), console)


@cluster.command("status")
def cluster_status() -> None:
    """Show every process: its state, its pid, how often it was started again."""
    from dixian.cluster import here, show_status

    with plainly():
        show_status(here(), console)


@cluster.command("kill")
def cluster_kill(
    name: Annotated[str, typer.Argument(help="A process, as `status` names it.")],
    sig: Annotated[str, typer.Option("--signal", help="KILL, TERM, STOP, CONT...")] = "KILL",
) -> None:
    """Send a signal to one process, to see the others go on."""
    from dixian.cluster import here, kill

    with plainly():
        pid = kill(here(), name, signal.Signals[f"SIG{sig.upper()}"])
        console.print(f"sent SIG{sig.upper()} to {name} (pid {pid})")


KeysAt = Annotated[
    Path | None,
    typer.Option("--keys", help="The directory of keys; that of DIXIAN_HOME unless given."),
]


def _keys(directory: Path | None) -> "Keys":
    from dixian.home import Home
    from dixian.keys import Keys
    from dixian.settings import ProcessSettings

    return Home(ProcessSettings().home).keys if directory is None else Keys(directory)


@rotate.command("master")
def rotate_master(keys: KeysAt = None) -> None:
    """Make a new master key; everything is wrapped anew while the services run."""
    from dixian import rotate as rotation

    with plainly():
        rotation.rotate_master(_keys(keys), rotation.vault_settings(), console)


@rotate.command("index")
def rotate_index(keys: KeysAt = None) -> None:
    """Make a new key of the blind index; everybody is indexed anew while the feeds run."""
    from dixian import rotate as rotation

    with plainly():
        rotation.rotate_index(_keys(keys), console)


@rotate.command("status")
def rotate_status() -> None:
    """Show what stands under which key."""
    from dixian import rotate as rotation
    from dixian.embedded import join_running

    with plainly():
        join_running()
        rotation.run_status(console)


@rotate.command("retire")
def rotate_retire(
    name: Annotated[str, typer.Argument(help="master or index.")], keys: KeysAt = None
) -> None:
    """Remove the former keys, once nothing needs them any more."""
    from dixian import rotate as rotation
    from dixian.embedded import join_running

    if name not in {"master", "index"}:
        raise typer.BadParameter(f"{name} is neither master nor index")
    with plainly():
        join_running()
        at = _keys(keys)
        rotation.run_retire(name, at, rotation.vault_settings(), console)
