"""What a person sees when the system is up: where it listens, who is who, what to try next."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from dixian.hosting import Hosted
from dixian.layout import ISSUER, url_of
from dixian.people import MACHINES, PASSWORD, PEOPLE, Person
from shared.kernel.division import level_of

_WHAT = {
    "issuer": "demo sign-in: who you are",
    "alerts": "leads, department feeds, 12317 orders",
    "identification": "households, cases, green channel",
    "assistance": "plans, measures, risk elimination",
    "audit": "the append-only trail, proofs, corrections",
    "console": "the pages: open this in a browser and sign in",
}


def show_banner(console: Console, hosted: Sequence[Hosted]) -> None:
    """Print it."""
    console.print("\n[bold]Dixian 底线[/] is up.\n")
    console.print(_places(hosted))
    if any(item.service.name == ISSUER for item in hosted):
        console.print()
        console.print(_people())
        console.print(f"\nEverybody's password is [bold]{PASSWORD}[/]. A token for one of them:\n")
        console.print(token_command("county-officer"), style="green", soft_wrap=True)
        _show_machines(console)
    console.print("\nNext, in another terminal: [bold]make demo[/]   Ctrl-C here stops it all.\n")


def token_command(username: str) -> str:
    """The line that fetches a token."""
    return (
        f"  TOKEN=$(curl -s {url_of(ISSUER)}/token -d grant_type=password "
        f"-d client_id=console -d username={username} -d password={PASSWORD}"
        " | python3 -c \"import json,sys; print(json.load(sys.stdin)['access_token'])\")"
    )


def _places(hosted: Sequence[Hosted]) -> Table:
    table = Table(box=None, pad_edge=True, show_header=False)
    for item in hosted:
        name = item.service.name
        table.add_row(name, f"http://{item.host}:{item.port}", _WHAT.get(name, ""))
    return table


def _people() -> Table:
    table = Table(box=None, pad_edge=True, header_style="dim")
    # Nothing that has to be typed is ever cut short, however narrow the terminal.
    for column in ("sign in as", "role", "division"):
        table.add_column(column, no_wrap=True, min_width=_widest(column))
    table.add_column("post", overflow="fold")
    for person in sorted(PEOPLE, key=lambda person: level_of(person.division), reverse=True):
        table.add_row(*_row(person))
    return table


def _widest(column: str) -> int:
    index = ("sign in as", "role", "division").index(column)
    return max(len(_row(person)[index]) for person in PEOPLE)


def _row(person: Person) -> tuple[str, ...]:
    return (person.username, person.role.value, person.division, person.post)


def _show_machines(console: Console) -> None:
    console.print("\nMachines post with a key of theirs (Authorization: Bearer KEY):")
    for machine in MACHINES:
        console.print(f"  {machine.label}  {machine.credential}", soft_wrap=True, highlight=False)
