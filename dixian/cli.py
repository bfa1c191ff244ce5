"""The command line. Each command is thin: what it does is in the module it names.

Modules are imported by the command that needs them, so that ``dixian --help`` answers at once.
"""

import typer

app = typer.Typer(
    name="dixian",
    help="Dixian 底线: keeps households from falling back into poverty.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
