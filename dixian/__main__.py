"""``python -m dixian``: the command line, for processes that start one another."""

from dixian.cli import app

app(prog_name="dixian")
