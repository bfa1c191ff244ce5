"""Says what went wrong without saying about whom.

An exception's message often quotes the value it choked on, and that value may be a name or a
document number. So a fault is described by its class, where it happened, and the database's own
codes; the message is shown only for exceptions that never quote input.
"""

import traceback
from typing import Any

_FRAMES = 12
# Messages of the operating system and the network: an errno, a host and a port.
_SAFE: tuple[type[BaseException], ...] = (OSError, TimeoutError, ImportError, MemoryError)
# PostgreSQL's error fields that name parts of the schema, never a row's content.
_DATABASE_FIELDS = ("sqlstate", "constraint_name", "table_name", "column_name", "schema_name")


def describe(error: BaseException) -> dict[str, Any]:
    """The fault as a log record holds it: ``type``, ``at`` (innermost frames last), ``cause``."""
    described: dict[str, Any] = {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "at": [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        ],
    }
    for name in _DATABASE_FIELDS:
        if isinstance(value := getattr(error, name, None), str):
            described[name] = value
    if isinstance(error, _SAFE):
        described["message"] = str(error)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        described["cause"] = describe(cause)
    if isinstance(error, BaseExceptionGroup):
        described["errors"] = [describe(inner) for inner in error.exceptions]
    return described
