"""``dixian rebuild``: a service's read models made anew, with progress, in one run or several."""

from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from dixian.composition import module, settings_of
from dixian.errors import CannotStart
from dixian.settings import DatabaseSettings
from shared.bus.brokers import open_broker
from shared.bus.settings import BusSettings
from shared.store.application import Application
from shared.store.beside import CannotBeReplaced
from shared.store.rebuild import AlreadyRunning, Progress
from shared.store.rebuild import rebuild as run


async def rebuild(name: str, console: Console) -> None:
    """Rebuild and say how fast it went. Raises ``CannotStart``."""
    application = await _application(name)
    with Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[told]}"),
        console=console,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(name, told="")

        def show(progress: Progress) -> None:
            told = f"{progress.phase} {progress.events:,} events, {progress.rate:,.0f}/s"
            bar.update(task, total=progress.expected or 1, completed=progress.events, told=told)

        done = await _run(name, application, show)
    console.print(
        f"{name}: {done.events:,} events into {len(application.views)} read models and the clocks "
        f"in {done.seconds:.1f} s ({done.rate:,.0f} events/s)"
    )


async def _application(name: str) -> Application:
    """What the service is made of; nothing of it is started."""
    broker = open_broker(BusSettings())
    try:
        application = module(name).create(settings_of(name), broker=broker).application
    finally:
        await broker.close()
    assert application is not None
    return application


async def _run(name: str, application: Application, show: Callable[[Progress], None]) -> Progress:
    url = DatabaseSettings().owner(name)
    if not url:
        raise CannotStart(f"Set DIXIAN_{name.upper()}_OWNER_URL: only the owner may make tables.")
    try:
        return await run(url, name, application.aggregates, application.views, progress=show)
    except AlreadyRunning as error:
        raise CannotStart(f"A rebuild of {name} is under way already.") from error
    except CannotBeReplaced as error:
        raise CannotStart(str(error)) from error
