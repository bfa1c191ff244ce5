"""What operators and orchestrators ask: alive, ready, in balance, and the numbers behind it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from shared.kernel.refusal import Refusal
from shared.telemetry.faults import describe
from shared.web.openapi import Text
from shared.web.routing import Router, public

_PATIENCE = 2.0
_DOWN = 503

Numbers = Callable[[], Awaitable[Mapping[str, Any]]]
"""Gives the reconciliation: recorded, sent, received, audited, and what is missing."""

log = structlog.get_logger("dixian.health")


@dataclass(frozen=True)
class Check:
    """One part that a service cannot work without."""

    name: str
    probe: Callable[[], Awaitable[object]]
    """Returns when the part is up; raises when it is down."""
    patience: float = _PATIENCE
    """Seconds after which a part that has not answered counts as down."""


async def probe(check: Check) -> dict[str, Any]:
    """``{"up": true}`` or ``{"up": false, "reason": …}``; it names no host and no secret."""
    try:
        async with asyncio.timeout(check.patience):
            await check.probe()
    except TimeoutError:
        return {"up": False, "reason": f"no answer within {check.patience:g} s"}
    except Refusal as refusal:
        return {"up": False, "reason": refusal.code}
    except Exception as error:
        log.warning("part is down", part=check.name, fault=describe(error))
        return {"up": False, "reason": type(error).__name__}
    return {"up": True}


async def readiness(checks: Sequence[Check]) -> tuple[bool, dict[str, Any]]:
    """Whether every part is up, and each part's answer. All are asked at once."""
    answers = await asyncio.gather(*(probe(check) for check in checks))
    parts = {check.name: answer for check, answer in zip(checks, answers, strict=True)}
    return all(part["up"] for part in answers), parts


def health_router(
    *,
    service: str,
    checks: Sequence[Check],
    registry: CollectorRegistry,
    numbers: Numbers | None = None,
) -> Router:
    """``/health/live``, ``/health/ready``, ``/health`` and ``/metrics``: counts, never content."""
    router = Router(tags=["health"], dependencies=[])

    @router.get("/health/live", dependencies=[public()], summary="The process runs")
    async def live() -> Response:
        return _json({"service": service, "status": "up"})

    @router.get("/health/ready", dependencies=[public()], summary="Every part it needs is up")
    async def ready() -> Response:
        up, parts = await readiness(checks)
        return _json({"service": service, "status": _word(up), "parts": parts}, up)

    @router.get("/health", dependencies=[public()], summary="Readiness and reconciliation")
    async def health() -> Response:
        up, parts = await readiness(checks)
        answer: dict[str, Any] = {"service": service, "status": _word(up), "parts": parts}
        if numbers is not None and up:
            answer["reconciliation"] = await numbers()
        return _json(answer, up)

    @router.get(
        "/metrics", dependencies=[public()], summary="Prometheus metrics", response_class=Text
    )
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router


def _word(up: bool) -> str:
    return "up" if up else "down"


def _json(content: Mapping[str, Any], up: bool = True) -> Response:
    return Response(
        orjson.dumps(content, default=str),
        status_code=200 if up else _DOWN,
        media_type="application/json",
    )
