"""The demo's clock: moved openly, by an endpoint that a production service does not have."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.kernel.clock import ShiftedClock
from shared.kernel.principal import Role, may
from shared.kernel.refusal import OutOfOrder
from shared.store.database import Database
from shared.web.routing import Router, require

FIRST_DAY = date(2023, 8, 1)
"""The day after the Guide came out: where a demo's story begins."""
_BEGIN = """
update es.demo_clock set shift = $1
 where shift = interval '0' and not exists (select from es.event)
"""
_MOVE = "update es.demo_clock set shift = shift + $1"


class MoveClock(BaseModel):
    """The day that the service's clock is to show."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    today: date


class NotBackwards(OutOfOrder):
    """What has been recorded happened before today; the clock cannot make it the future."""

    def __init__(self, today: date, wanted: date) -> None:
        super().__init__(
            code="clock-moves-forward-only",
            zh=f"演示时钟只能向前拨:现为{today},不能拨回{wanted}",
            en=f"the demo's clock moves forward only: it is {today}, not to go back to {wanted}",
            field="today",
        )


async def begin(database: Database) -> None:
    """Let a demo that has recorded nothing yet begin on ``FIRST_DAY``."""
    clock = await database.clock()
    async with database.reading() as tx:
        await tx.raw.execute(_BEGIN, FIRST_DAY - clock.today())


async def move(database: Database, to: date) -> None:
    """Make it ``to`` for this service, at the same time of day. Raises ``NotBackwards``."""
    async with database.transaction() as tx:
        shift: timedelta = await tx.raw.fetchval("select shift from es.demo_clock for update")
        today = ShiftedClock(shift).today()
        if to < today:
            raise NotBackwards(today, to)
        await tx.raw.execute(_MOVE, to - today)


def demo_router(database: Database, *, moved: Callable[[], None]) -> Router:
    """``GET`` and ``POST /demo/clock``; ``moved`` is called after each move."""
    router = Router(tags=["demo"])

    async def shown() -> dict[str, Any]:
        clock = await database.clock()
        return {"today": clock.today().isoformat(), "now": clock.now().isoformat()}

    @router.get("/demo/clock", dependencies=[require(may(*Role))], summary="The demo's day")
    async def show() -> dict[str, Any]:
        return await shown()

    @router.post(
        "/demo/clock",
        dependencies=[require(may(Role.OPERATOR))],
        summary="Move the demo's clock forward",
        description="Moves this service's business clock. Tokens, TLS and the audit log's "
        "signatures go by the real time. There is no such endpoint in production mode.",
    )
    async def post(body: MoveClock) -> dict[str, Any]:
        await move(database, body.today)
        moved()
        return await shown()

    return router
