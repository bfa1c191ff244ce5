"""What the bus needs of a service's database."""

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar


class Transaction(Protocol):
    """An open transaction; ``raw`` is the driver's (asyncpg) connection it runs on."""

    @property
    def raw(self) -> Any:
        """The asyncpg connection."""
        ...


Tx = TypeVar("Tx", bound=Transaction)
Tx_co = TypeVar("Tx_co", bound=Transaction, covariant=True)


class Database(Protocol[Tx_co]):
    """Where transactions come from: committed on leaving, rolled back on an exception."""

    def transaction(self) -> AbstractAsyncContextManager[Tx_co]:
        """A new transaction."""
        ...


def driver_dsn(url: str) -> str:
    """A SQLAlchemy URL as asyncpg reads it: ``postgresql+asyncpg://…`` → ``postgresql://…``."""
    scheme, separator, rest = url.partition("://")
    return scheme.partition("+")[0] + separator + rest
