"""``dixian demo`` and ``dixian tour``, as the command line calls them."""

import os

from rich.console import Console

from dixian.demo.client import Addresses, Answered, GaveUp
from dixian.demo.screen import Screen
from dixian.demo.tell import tell
from dixian.demo.tour import prepare
from dixian.errors import CannotStart
from dixian.layout import ISSUER, url_of
from dixian.provision import SERVICES


def run(console: Console, *, patience: float, touring: bool = False) -> None:
    """Tell the story, or prepare the tour. Raises ``CannotStart`` when that cannot be done."""
    try:
        if touring:
            prepare(addresses(), console, patience=patience)
        else:
            tell(addresses(), Screen(console), patience=patience)
    except GaveUp as error:
        raise CannotStart(f"{error}. Is the system running (make run)?") from error
    except Answered as answer:
        detail = answer.problem.get("detail") or answer.problem
        raise CannotStart(f"The system answered {answer.status}: {detail}") from answer


def addresses() -> Addresses:
    """Where the system listens: on this machine, or ``DIXIAN_<SERVICE>_URL`` where set."""
    names = (ISSUER, *SERVICES)
    return Addresses(**{n: os.environ.get(f"DIXIAN_{n.upper()}_URL") or url_of(n) for n in names})
