"""From a request's command to its answer: carried out once, however often it is sent."""

from fastapi import Response

from services.audit.http.service import Audit
from shared.kernel.event import Command
from shared.web.context import RequestContext
from shared.web.doors import answer, execute


async def carry(audit: Audit, ctx: RequestContext, command: Command, status: int = 200) -> Response:
    """Carry a command out for the caller and answer with its receipt."""
    return answer(await execute(audit.application, command, ctx), status)
