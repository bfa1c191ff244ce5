"""What passes by itself is waited for; what does not is parked."""

import errno
from datetime import date
from uuid import UUID

import asyncpg
import pytest
import sqlalchemy.exc

from shared.bus.faults import Fault, back_off, classify
from shared.bus.port import BrokerUnavailable
from shared.kernel.refusal import Refusal
from shared.policy.parameters import NoPolicy
from shared.store.event_store import ConcurrentAppend


def _from(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (asyncpg.ConnectionDoesNotExistError("gone"), Fault.OUTAGE),
        (asyncpg.CannotConnectNowError("starting up"), Fault.OUTAGE),
        (asyncpg.AdminShutdownError("restart"), Fault.OUTAGE),
        (asyncpg.DiskFullError("full"), Fault.OUTAGE),
        (asyncpg.TooManyConnectionsError("many"), Fault.OUTAGE),
        (asyncpg.QueryCanceledError("timeout"), Fault.OUTAGE),
        (asyncpg.InterfaceError("connection is closed"), Fault.OUTAGE),
        (asyncpg.InternalClientError("another operation is in progress"), Fault.OUTAGE),
        (ConnectionRefusedError(), Fault.OUTAGE),
        (TimeoutError(), Fault.OUTAGE),
        (OSError(errno.ENOSPC, "No space left on device"), Fault.OUTAGE),
        (BrokerUnavailable("away"), Fault.OUTAGE),
        (asyncpg.SerializationError("again"), Fault.CONTENTION),
        (asyncpg.DeadlockDetectedError("again"), Fault.CONTENTION),
        (asyncpg.LockNotAvailableError("again"), Fault.CONTENTION),
        (ConcurrentAppend(UUID(int=3)), Fault.CONTENTION),
        (NoPolicy("37", date(2023, 8, 1)), Fault.CONTENTION),
        (asyncpg.UniqueViolationError("twice"), Fault.LASTING),
        (asyncpg.InterfaceError("cannot use in a wrong way"), Fault.LASTING),
        (asyncpg.UndefinedTableError("no such"), Fault.LASTING),
        (Refusal("R56", code="c", zh="否", en="no"), Fault.LASTING),
        (KeyError("bug"), Fault.LASTING),
        (_from(RuntimeError("wrapped"), asyncpg.DeadlockDetectedError("x")), Fault.CONTENTION),
        (
            sqlalchemy.exc.DBAPIError("s", {}, _from(Exception("x"), ConnectionResetError())),
            Fault.OUTAGE,
        ),
    ],
)
def test_errors_are_told_apart(error: BaseException, kind: Fault) -> None:
    assert classify(error) is kind


def test_waiting_grows_to_a_limit() -> None:
    waits = [back_off(attempt) for attempt in range(10)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1], back_off(10_000)) == (0.05, 5.0, 5.0)
