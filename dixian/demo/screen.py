"""What the demo shows: every act as it happens, who did it, what was recorded, which clocks run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from dixian.people import machine, person

Json = dict[str, Any]


@dataclass
class Screen:
    """The terminal."""

    console: Console

    def chapter(self, title: str) -> None:
        """A new part of the story."""
        self.console.print()
        self.console.rule(f"[bold]{title}[/bold]", align="left")

    def note(self, text: str) -> None:
        """Something that explains what comes next."""
        self.console.print(f"  [dim]{text}[/dim]")

    def waiting(self, why: str) -> None:
        """The system is away; the demo goes on when it is back."""
        self.console.print(f"  [yellow]… 等待系统恢复 waiting for the system ({why})[/yellow]")

    def clock(self, to: date) -> None:
        """The business clock was moved, openly."""
        self.console.print(f"  [cyan]⏩ 时钟拨至 the clock moves to {to}[/cyan]")

    def act(self, on: date, who: str, what: str, receipt: Json) -> None:
        """One act that was taken: its events, and the clocks they started."""
        events = ", ".join(item["type"] for item in receipt["events"])
        line = f"  [bold]{on}[/bold] {_post(who)} · {what}  [green]✔ {events}[/green]"
        self.console.print(line, soft_wrap=True)
        for item in receipt["events"]:
            self.clocks(_explained(clock) for clock in item["data"].get("deadlines", []))

    def clocks(self, explained: Iterable[str]) -> None:
        """Clocks that run now, each with how its last day follows."""
        for line in explained:
            self.console.print(f"      [dim]⏱ {line}[/dim]", soft_wrap=True)

    def refused(self, on: date, who: str, what: str, problem: Json) -> None:
        """One act that was refused, as it should be, and why."""
        self.console.print(
            f"  [bold]{on}[/bold] {_post(who)} · {what}  [red]✘ {problem['detail']}[/red]",
            soft_wrap=True,
        )

    def facts(self, title: str, lines: Iterable[str]) -> None:
        """A few figures in a box."""
        self.console.print(Panel("\n".join(lines), title=title, expand=False))

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table."""
        made = Table(*columns, title=title, title_justify="left")
        for row in rows:
            made.add_row(*row)
        self.console.print(made)


def _post(who: str) -> str:
    if who.startswith("machine:"):
        return machine(who.removeprefix("machine:")).label
    known = person(who)
    return known.post if known else who


def _explained(clock: Json) -> str:
    basis = f", policy {clock['policy']}" if clock.get("policy") else ""
    return (
        f"{clock['kind']} ({clock['rule']}): {clock['length']} from {clock['starts_on']}{basis}"
        f" → {clock['due_on']}"
    )
