"""``dixian import``: take data in, with progress."""

from pathlib import Path
from typing import Annotated

import typer

from dixian.terminal import console, plainly

imports = typer.Typer(help="Take data in, with progress.", no_args_is_help=True)


@imports.command()
def divisions(
    file: Annotated[Path | None, typer.Argument(help="A table with code and name.")] = None,
) -> None:
    """Load the list of divisions; Shandong's without FILE."""
    import asyncio

    from dixian.divisions import import_divisions
    from dixian.embedded import join_running
    from dixian.settings import DatabaseSettings

    with plainly():
        join_running()
        url = DatabaseSettings().owner("identification")
        asyncio.run(import_divisions(url, file, console))


@imports.command()
def households(
    file: Annotated[Path, typer.Argument(help="XLSX, CSV or NDJSON with the form's columns.")],
    preview: Annotated[bool, typer.Option(help="Try it; nothing is kept.")] = False,
    token: Annotated[
        str, typer.Option(envvar="DIXIAN_TOKEN", help="The token; the demo signs in without.")
    ] = "",
    user: Annotated[str, typer.Option(help="Whom the demo signs in.")] = "county-officer",
    identification: Annotated[
        str, typer.Option(envvar="DIXIAN_IDENTIFICATION_URL", help="Where the service is.")
    ] = "",
) -> None:
    """Send a county's file of households; again, it goes on where it was."""
    from dixian.households import Sender

    with plainly():
        whole = Sender(console, identification, token, user).send(file, preview=preview)
    if not whole:
        raise typer.Exit(1)


@imports.command()
def feed(
    name: Annotated[str, typer.Argument(help="The feed: medical-insurance, education …")],
    file: Annotated[Path, typer.Argument(help="XLSX, CSV or NDJSON, gzipped if you like.")],
    token: Annotated[str, typer.Option(envvar="DIXIAN_TOKEN", help="The key or token.")],
    alerts: Annotated[
        str, typer.Option(envvar="DIXIAN_ALERTS_URL", help="Where the service is.")
    ] = "http://127.0.0.1:8101",
    results: Annotated[
        Path | None, typer.Option(help="Save every row's fate: .csv, .xlsx or .jsonl.")
    ] = None,
) -> None:
    """Send a department's file and follow it to its end; again changes nothing twice."""
    import httpx

    from dixian.feed import FeedClient

    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
    with plainly(), httpx.Client(base_url=alerts, headers=headers, timeout=300) as client:
        sender = FeedClient(client, console)
        sent = sender.send(name, file)
        if results is not None:
            sender.results(sent, results)


ASSISTANCE = typer.Option(envvar="DIXIAN_ASSISTANCE_URL", help="Where the service is.")
TOKEN = typer.Option(envvar="DIXIAN_TOKEN", help="A county officer's token.")
TABLE = typer.Argument(help="XLSX, CSV or NDJSON, gzipped if you like.")


@imports.command()
def quarter(
    name: Annotated[str, typer.Argument(help="2023Q3")],
    file: Annotated[Path, TABLE],
    token: Annotated[str, TOKEN],
    assistance: Annotated[str, ASSISTANCE] = "http://127.0.0.1:8103",
) -> None:
    """Compare flagged households with a quarter's dibao and support: household_id, benefit."""
    _county_file(assistance, token, f"/comparisons/{name}", file)


@imports.command()
def population(
    year: Annotated[int, typer.Argument(help="2023")],
    file: Annotated[Path, TABLE],
    token: Annotated[str, TOKEN],
    assistance: Annotated[str, ASSISTANCE] = "http://127.0.0.1:8103",
) -> None:
    """Take a year's rural registered population of villages in: division, people."""
    _county_file(assistance, token, f"/populations/{year}", file)


def _county_file(url: str, token: str, door: str, file: Path) -> None:
    import httpx

    from dixian.county_file import send

    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
    with plainly(), httpx.Client(base_url=url, headers=headers, timeout=1800) as client:
        send(client, console, door, file)
