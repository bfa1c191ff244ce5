"""Structured logs: one JSON object a line on stderr, for our own records and every library's."""

import logging
import logging.config
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import orjson
import structlog
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.telemetry.faults import describe
from shared.telemetry.redaction import redact_event


class LogSettings(BaseSettings):
    """How the process speaks."""

    model_config = SettingsConfigDict(env_prefix="DIXIAN_LOG_", extra="ignore")

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """``DIXIAN_LOG_LEVEL``: the least serious record that is written."""
    format: Literal["json", "console"] = "json"
    """``DIXIAN_LOG_FORMAT``: ``console`` for people at a terminal, ``json`` for all else."""


def configure(settings: LogSettings) -> None:
    """Set up logging for the whole process: structlog and the standard library, one chain.

    ``httpx`` is kept at WARNING because its INFO lines hold whole URLs.
    """
    structlog.configure(
        processors=[*_SHARED, redact_event, _renderer(settings.format)],
        logger_factory=_Line,
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.level)),
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"chain": {"()": lambda: formatter(settings.format)}},
            "handlers": {
                "stderr": {
                    "class": "logging.StreamHandler",
                    "stream": sys.stderr,
                    "formatter": "chain",
                }
            },
            "root": {"handlers": ["stderr"], "level": settings.level},
            "loggers": {
                # Uvicorn's own handlers are taken off, so that its records go through the chain;
                # its access log is replaced by ours, which writes no raw path.
                "uvicorn": {"handlers": [], "propagate": True},
                "uvicorn.error": {"handlers": [], "propagate": True},
                "uvicorn.access": {"handlers": [], "propagate": False, "level": "CRITICAL"},
                "httpx": {"level": "WARNING"},
                "httpcore": {"level": "WARNING"},
            },
        }
    )


def formatter(kind: Literal["json", "console"]) -> structlog.stdlib.ProcessorFormatter:
    """The same chain for the records of libraries, which come through the standard library."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            redact_event,
            _renderer(kind),
        ],
    )


class _Line:
    """Where our own records end: a line on stderr, without the standard library's detour.

    A line that cannot be written (the disk is full, nobody reads any more) is counted, as the
    standard library has it: what it tells of has happened, and must not fail for it.
    """

    unwritten = 0
    """Lines of this process that could not be written and were not told of yet."""

    def __init__(self, name: str = "dixian") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        """Write one line, and before it how many could not be written."""
        gap = _Line.unwritten
        # A line may have been written by half.
        told = f'\n{{"event":"log.gap","lines":{gap},"level":"error"}}\n' if gap else ""
        try:
            sys.stderr.write(f"{told}{line}\n")
            sys.stderr.flush()
        except (OSError, ValueError):  # no space, no reader; closed
            _Line.unwritten += 1
        else:
            _Line.unwritten -= gap

    debug = info = warning = error = critical = exception = msg


def _renderer(kind: Literal["json", "console"]) -> Any:
    return _render_json if kind == "json" else structlog.dev.ConsoleRenderer(colors=False)


def _describe_fault(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace ``exc_info`` by a description without the exception's message."""
    exc_info = event.pop("exc_info", None)
    if exc_info is True:
        exc_info = sys.exc_info()
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if isinstance(error, BaseException):
        event["fault"] = describe(error)
    return event


def _render_json(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    return orjson.dumps(dict(event), default=str).decode()


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    _describe_fault,
]
